"""The tickets in our mails' buttons: signed by us, each for one person, one card and one purpose."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from approvals_core.adapters.tokens import ONLY_THE_SIGNATURE
from approvals_core.models import PersonId

LONGEST_LIFE = timedelta(days=30)  # Outlook acts on no message older than a month
LONGEST = 4096  # characters of a ticket: an action's code may be long

_ALGORITHM: Final = "HS256"
_TYPE: Final = "ticket"  # explicit typing (RFC 8725, 3.11): no other token of ours has it
_LABEL: Final = b"approvals outlook ticket"  # HKDF's info: these keys serve nothing else
_KEY_ID_LABEL: Final = b"approvals outlook ticket key id"
_KEY_BYTES, _KEY_ID_BYTES = 32, 6
_SKEW = timedelta(minutes=5)  # between the clocks of two of our machines
_LATEST = 253_402_300_000  # 9999-12-31, as far as datetime goes

_WHOLE: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_PUBLIC_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_HEX: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHORT_GUID: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_LONGEST_ID = 64  # characters of what is no GUID, as a local directory's ids
_LONGEST_CODE = 160  # characters of an action's code
_HIGHEST = 999_999_999  # of any number in a ticket


class Purpose(StrEnum):
    """What a ticket is good for."""

    ACT = "act"
    REFRESH = "refresh"


class InvalidTicket(Exception):
    """A ticket that is not taken; the message is for the log and has no word of anybody's."""


class ExpiredTicket(InvalidTicket):
    """A ticket that is ours, and too old; *ticket* is what it says."""

    def __init__(self, ticket: "Ticket") -> None:
        super().__init__("expired")
        self.ticket = ticket


class Ticket(NamedTuple):
    """
    What a button in a mail is bound to.

    *action* is the tenant's code of it, "" for a refresh; *letter* the id of the
    `Letter` (32 hex digits); *person* whose card it is.
    """

    purpose: Purpose
    public_id: str
    seat: int
    round: int
    revision: int
    attempt: int
    action: str
    letter: str
    person: PersonId
    expires: datetime


class _Key(NamedTuple):
    id: str
    secret: bytes


class Tickets:
    """
    Makes and reads tickets: JWTs (RFC 7519) under keys derived from the service's secrets.

    The first of *keys* signs, all are taken: to rotate, put a new one first, and take
    the old one away a month later. *now* returns the time.

    Raises:
        ValueError: There is no key.
    """

    def __init__(self, keys: Sequence[str | bytes], now: Callable[[], datetime]) -> None:
        if not keys:
            raise ValueError("tickets need at least one secret key")
        made = [_derived(key.encode() if isinstance(key, str) else key) for key in keys]
        self._first = made[0]
        self._keys = {key.id: key.secret for key in reversed(made)}
        self._now = now

    def issue(self, ticket: Ticket) -> str:
        """Return the ticket as it stands in a URL; one that would live longer than 30 days is cut."""
        expires = min(ticket.expires, self._now() + LONGEST_LIFE)
        headers = {"kid": self._first.id, "typ": _TYPE}
        claims = _claims(ticket, expires)
        return jwt.encode(claims, self._first.secret, algorithm=_ALGORITHM, headers=headers)

    def read(self, text: str) -> Ticket:
        """
        Return what a ticket of ours says, once nothing is wrong with it.

        Raises:
            ExpiredTicket: It is ours, and too old.
            InvalidTicket: It is not ours, was changed, or is none at all.
        """
        claims = self._verified(text)
        ticket = _ticket(claims)
        if ticket.expires <= self._now():
            raise ExpiredTicket(ticket)
        if ticket.expires > self._now() + LONGEST_LIFE + _SKEW:
            raise InvalidTicket("made in the future, or for more than 30 days")
        return ticket

    def _verified(self, text: str) -> Mapping[str, Any]:
        if len(text) > LONGEST:
            raise InvalidTicket("too long")
        if not _WHOLE.fullmatch(text):
            raise InvalidTicket("no ticket")
        try:
            header = jwt.get_unverified_header(text)
            key = self._keys.get(str(header.get("kid", "")))
            if key is None:
                raise InvalidTicket("unknown key")
            if header != {"alg": _ALGORITHM, "kid": header["kid"], "typ": _TYPE}:
                raise InvalidTicket("another kind of token")
            return jwt.decode(text, key, algorithms=[_ALGORITHM], options=ONLY_THE_SIGNATURE)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as problem:
            raise InvalidTicket(type(problem).__name__) from None


def _derived(secret: bytes) -> _Key:
    named = _hkdf(secret, _KEY_ID_LABEL, _KEY_ID_BYTES)
    return _Key(_base64(named), _hkdf(secret, _LABEL, _KEY_BYTES))


def _hkdf(secret: bytes, label: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=label).derive(secret)


# -- claims: short names, for every button of a card has a ticket -------------------

_NAMES: Final = frozenset({"p", "i", "s", "r", "v", "t", "a", "l", "d", "o", "exp"})
_PURPOSES: Final = {"a": Purpose.ACT, "r": Purpose.REFRESH}


def _claims(ticket: Ticket, expires: datetime) -> dict[str, object]:
    return {
        "p": next(short for short, purpose in _PURPOSES.items() if purpose is ticket.purpose),
        "i": ticket.public_id,
        "s": ticket.seat,
        "r": ticket.round,
        "v": ticket.revision,
        "t": ticket.attempt,
        "a": ticket.action,
        "l": _base64(bytes.fromhex(ticket.letter)),
        "d": _short(ticket.person.directory),
        "o": _short(ticket.person.object_id),
        "exp": int(expires.timestamp()),
    }


def _ticket(claims: Mapping[str, Any]) -> Ticket:
    if claims.keys() != _NAMES:
        raise InvalidTicket("claims are missing, or too many")
    purpose = _PURPOSES.get(_text(claims, "p", 1))
    if purpose is None:
        raise InvalidTicket("p is no purpose")
    action = _text(claims, "a", _LONGEST_CODE)
    if bool(action) != (purpose is Purpose.ACT):
        raise InvalidTicket("a does not go with p")
    return Ticket(
        purpose=purpose,
        public_id=_matching(_PUBLIC_ID, claims, "i"),
        seat=_number(claims, "s"),
        round=_number(claims, "r"),
        revision=_number(claims, "v"),
        attempt=_number(claims, "t"),
        action=action,
        letter=_letter(claims),
        person=PersonId(_id(claims, "d"), _id(claims, "o")),
        expires=datetime.fromtimestamp(_number(claims, "exp", _LATEST), UTC),
    )


def _text(claims: Mapping[str, Any], name: str, longest: int) -> str:
    value = claims[name]
    if not isinstance(value, str) or len(value) > longest:
        raise InvalidTicket(f"{name} is no text, or too long")
    return value


def _matching(pattern: re.Pattern[str], claims: Mapping[str, Any], name: str) -> str:
    value = _text(claims, name, _LONGEST_ID)
    if not pattern.fullmatch(value):
        raise InvalidTicket(f"{name} does not look as it should")
    return value


def _number(claims: Mapping[str, Any], name: str, highest: int = _HIGHEST) -> int:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= highest:
        raise InvalidTicket(f"{name} is no number, or too high")
    return value


def _letter(claims: Mapping[str, Any]) -> str:
    return _bytes_of(_matching(_SHORT_GUID, claims, "l")).hex()


def _id(claims: Mapping[str, Any], name: str) -> str:
    value = _text(claims, name, _LONGEST_ID)
    if not value:
        raise InvalidTicket(f"{name} is empty")
    if not _SHORT_GUID.fullmatch(value):
        return value
    return str(UUID(bytes=_bytes_of(value)))


def _short(id_: str) -> str:
    """Return a GUID in 22 characters instead of 36; what is none as it is."""
    try:
        guid = UUID(id_)
    except ValueError:
        return id_
    return _base64(guid.bytes) if str(guid) == id_ else id_


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")
