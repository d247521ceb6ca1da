"""Verifies the bearer tokens that Teams, Outlook, the tenants and the page send us."""

import base64
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, cast

import jwt

from approvals_core.adapters.signing_keys import Key, SigningKeys
from approvals_core.errors import InvalidToken, KeysUnavailable

LEEWAY = 300  # seconds of clock skew, as the Bot Connector's documents allow
TOKEN_LIMIT = 16 * 1024  # characters; Entra's largest are about half of that
VERDICTS = 10_000  # tokens remembered as good
_LAST_TIME = 253_402_300_000  # 9999-12-31, as far as datetime goes

Clock = Callable[[], datetime]
Required = Mapping[str, Collection[str]]


@dataclass(frozen=True)
class Issuer:
    """
    One party whose tokens are taken.

    *name* is what its tokens carry as `iss`, exactly. *directory* is the `tid`
    they must carry; "" for issuers that know no directories. *audiences* are those of
    its tokens, where they are fewer than the verifier's; empty: all of them.
    """

    name: str
    keys: SigningKeys
    directory: str = ""
    audiences: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Claims:
    """What a verified token says. Texts it does not say are ""."""

    issuer: str
    audience: str
    expires_at: datetime
    directory: str  # tid, in lower case
    object_id: str  # oid, in lower case: a person, or an application's service principal
    app_id: str  # azp of v2 tokens, appid of v1: the application that called, in lower case
    roles: frozenset[str]
    scopes: frozenset[str]
    endorsements: frozenset[str]  # channels that the signing key may speak for
    raw: Mapping[str, Any]

    @property
    def app_only(self) -> bool:
        """Tell whether an application speaks for itself, with no person behind it."""
        return not self.scopes and self.raw.get("idtyp", "app") == "app"

    def text(self, name: str) -> str:
        """Return the claim *name* if it is a string, else ""."""
        return _text(self.raw, name)


class TokenVerifier:
    """
    Checks signature, issuer, audience, lifetime and the claims a door demands.

    *required* maps a claim to values of which the token must carry one; no
    values: any will do. `scp` is split at spaces; `azp` is read as `appid` in
    tokens that have no `azp` (Entra v1).
    """

    def __init__(
        self,
        *,
        issuers: Iterable[Issuer],
        audiences: Iterable[str],
        clock: Clock,
        required: Required = MappingProxyType({}),
        remember: int = VERDICTS,
    ) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._audiences = frozenset(audiences)
        if not self._issuers or not self._audiences or "" in self._audiences:
            raise ValueError("a verifier needs at least one issuer and one audience")
        self._required = {name: frozenset(values) for name, values in required.items()}
        self._clock = clock
        self._remember_at_most = remember
        self._verdicts: OrderedDict[bytes, tuple[Claims, int]] = OrderedDict()

    def trust(self, issuers: Iterable[Issuer]) -> None:
        """Take the tokens of these issuers from now on, and of no others."""
        trusted = {issuer.name: issuer for issuer in issuers}
        if not trusted:
            raise ValueError("a verifier needs at least one issuer")
        self._issuers = trusted
        self._verdicts.clear()  # whose issuer may be gone

    async def verify(self, token: str) -> Claims:
        """
        Return what *token* says.

        Raises:
            InvalidToken: For every token that must be answered with 401.
            KeysUnavailable: It may be a good one; its issuer did not give us its keys.
        """
        if len(token) > TOKEN_LIMIT:
            raise InvalidToken("too long")
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._known(digest)
        if known is not None:
            return known
        issuer, kid = self._addressed(token)
        key = await issuer.keys.key(kid)
        if key is None:
            raise _unknown(issuer.keys.failure)
        claims = self._checked(_signed(token, key), issuer, key)
        self._remember(digest, claims, issuer.keys.withdrawals)
        return claims

    def _known(self, digest: bytes) -> Claims | None:
        """Return an earlier verdict, unless it expired, or a key was withdrawn or is old since."""
        claims, withdrawals = self._verdicts.get(digest, (None, 0))
        issuer = self._issuers.get(claims.issuer) if claims else None
        if claims is None or issuer is None:
            return None
        keys = issuer.keys
        if keys.withdrawals != withdrawals:
            self._verdicts.clear()
            return None
        if keys.fresh and self._clock() < claims.expires_at:
            return claims
        del self._verdicts[digest]
        return None

    def _remember(self, digest: bytes, claims: Claims, withdrawals: int) -> None:
        self._verdicts[digest] = (claims, withdrawals)
        if len(self._verdicts) > self._remember_at_most:
            self._verdicts.popitem(last=False)

    def _addressed(self, token: str) -> tuple[Issuer, str]:
        """Return who claims to have signed, and with which key. Nothing of it is proven yet."""
        head, body = _unpacked(token)
        if head.get("alg") != "RS256":
            raise InvalidToken("not signed with RS256")
        kid = _text(head, "kid")
        if not kid:
            raise InvalidToken("names no key")
        issuer = self._issuers.get(_text(body, "iss"))
        if issuer is None:
            raise InvalidToken("from another issuer")
        return issuer, kid

    def _checked(self, raw: dict[str, Any], issuer: Issuer, key: Key) -> Claims:
        expires_at = self._lifetime(raw)
        if raw.get("iss") != issuer.name:
            raise InvalidToken("from another issuer")
        # A list of audiences is legal (RFC 7519) and never sent by these issuers.
        audiences = issuer.audiences or self._audiences
        if not isinstance(raw.get("aud"), str) or raw["aud"] not in audiences:
            raise InvalidToken("for another audience")
        if issuer.directory and _text(raw, "tid") != issuer.directory:
            raise InvalidToken("issuer and directory do not agree")
        for name, values in self._required.items():
            given = _values(raw, name)
            if not given or (values and not given & values):
                raise InvalidToken(f"without the {name} that is needed")
        return _claims(raw, expires_at, key)

    def _lifetime(self, raw: dict[str, Any]) -> datetime:
        """Return when the token expires. PyJWT could check this, but not with our clock."""
        now = self._clock().timestamp()
        expires = _time(raw, "exp")
        if expires is None or now >= expires + LEEWAY:
            raise InvalidToken("expired, or without expiry")
        begins = _time(raw, "nbf")
        if "nbf" in raw and (begins is None or now < begins - LEEWAY):
            raise InvalidToken("not valid yet")
        return datetime.fromtimestamp(expires, UTC)


def _unknown(failure: str) -> InvalidToken:
    """Return what to raise about an unknown key; *failure* is why the keys were not fetched, "" if they were."""
    told = "signed with an unknown key"
    if not failure:
        return InvalidToken(told)
    return KeysUnavailable(f"{told}, and the issuer's keys could not be fetched: {failure}")


def claimed_issuer(token: str) -> str:
    """Return who a token says it is from, "" if it says nothing. Unproven: for what we answer only."""
    try:
        _head, body = _unpacked(token)
    except InvalidToken:
        return ""
    return _text(body, "iss")


def entra_issuers(
    directories: Iterable[str], *, name: str, keys: Callable[[str, str], SigningKeys]
) -> list[Issuer]:
    """
    Return one issuer per directory from the template *name*, in which `{directory}` is replaced.

    Entra has two, chosen by the manifest of the application that a token is for:
    https://login.microsoftonline.com/{directory}/v2.0 and
    https://sts.windows.net/{directory}/ (access-tokens.md of MicrosoftDocs/entra-docs).
    *keys* is called with the issuer's name and the directory.
    """
    wanted = [directory.lower() for directory in directories]
    names = [name.replace("{directory}", directory) for directory in wanted]
    return [
        Issuer(name=issuer, keys=keys(issuer, directory), directory=directory)
        for issuer, directory in zip(names, wanted, strict=True)
    ]


# Who decodes checks the claims one by one, by the clock that was handed in.
ONLY_THE_SIGNATURE: Any = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def _signed(token: str, key: Key) -> dict[str, Any]:
    """Return the claims, once the signature holds. All that PyJWT decides here is the signature."""
    try:
        return jwt.decode(
            token,
            key.key,
            algorithms=["RS256"],
            options=ONLY_THE_SIGNATURE,
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as problem:
        raise InvalidToken(f"signature: {type(problem).__name__}") from problem


def _unpacked(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims, unverified. Parsed here because PyJWT lets RecursionError through."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 (header, claims, signature: RFC 7515)
        raise InvalidToken("not a signed token")
    return _part(parts[0]), _part(parts[1])


def _part(part: str) -> dict[str, Any]:
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        value: object = json.loads(raw)
    except (ValueError, RecursionError) as problem:
        raise InvalidToken("not a signed token") from problem
    if not isinstance(value, dict):
        raise InvalidToken("not a signed token")
    return cast("dict[str, Any]", value)


def _claims(raw: dict[str, Any], expires_at: datetime, key: Key) -> Claims:
    return Claims(
        issuer=raw["iss"],
        audience=raw["aud"],
        expires_at=expires_at,
        directory=_text(raw, "tid").lower(),
        object_id=_text(raw, "oid").lower(),
        app_id=_text(raw, "azp" if "azp" in raw else "appid").lower(),
        roles=_values(raw, "roles"),
        scopes=_values(raw, "scp"),
        endorsements=key.endorsements,
        raw=MappingProxyType(raw),
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _values(raw: Mapping[str, Any], name: str) -> frozenset[str]:
    if name == "azp" and "azp" not in raw:
        name = "appid"
    value: object = raw.get(name)
    if isinstance(value, str):
        return frozenset(value.split() if name == "scp" else [value] if value else [])
    if isinstance(value, list):
        items = cast("list[object]", value)
        return frozenset(item for item in items if isinstance(item, str) and item)
    return frozenset()


def _time(raw: Mapping[str, Any], name: str) -> float | None:
    value = raw.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < _LAST_TIME else None
