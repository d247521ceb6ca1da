"""Reads lists of mail recipients: addresses and aliases, also with names before them."""

import re
from collections.abc import Iterator, Sequence
from email.utils import parseaddr
from typing import NamedTuple

ADDRESS = 254  # characters (RFC 5321, 4.5.3.1.3, without the angle brackets)
NAMED = 512  # characters of an address with a name before it
COMMENTS = 8  # in it: the parser goes into each that stands in another

# What parts recipients, and what may be in quotes with such a sign in it (RFC 5322, 3.2.4).
# The documents' samples have both signs in one list.
_PIECE = re.compile(r'((?:"(?:[^"\\]|\\.){0,512}+"|[^;,])*+)([;,]|\Z)', re.DOTALL)
# A dot-atom (RFC 5322, 3.2.3) of at most 64 characters, and a domain of DNS labels. Quoted
# names, comments, brackets and letters beyond ASCII are not taken: no line, header or second
# address can hide in what passes.
_LOCAL = (
    r"(?=[^@]{1,64}(?:@|$))[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ALIAS = re.compile(_LOCAL, re.ASCII)
_ADDRESS = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL})+", re.ASCII)
_NO_ADDRESS = "it is no mail address: something before one @, and a domain with a dot behind it"
_BLANK = " \t\r\n"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Piece(NamedTuple):
    """What stands between two signs that part recipients; *is_half_a_name*: it may belong to the next."""

    text: str
    is_half_a_name: bool = False


class BadRecipient(Exception):
    """What is no recipient; the message says why, without its text."""


def pieces(text: str) -> Sequence[Piece]:
    """Return what a list names, in its order: parted by ; or , outside of quotes."""
    if '"' not in text and "<" not in text:  # so it mostly is: neither quotes nor names
        plain = (each.strip(_BLANK) for each in text.replace(",", ";").split(";"))
        return [Piece(each) for each in plain if each]
    parted = [(found[1].strip(_BLANK), found[2]) for found in _PIECE.finditer(text)]
    return list(_told(parted))


def _told(parted: Sequence[tuple[str, str]]) -> Iterator[Piece]:
    behind = [*(text for text, _sign in parted[1:]), ""]
    for (text, sign), after in zip(parted, behind, strict=True):
        # “Berg, Jonas <a@b.c>” is how people write names: no mail goes to an alias “Berg”.
        named = sign == "," and "@" not in text and "<" in after and not after.startswith("<")
        if text:
            yield Piece(text, is_half_a_name=named)


def address_of(piece: Piece) -> str:
    """
    Return the mail address or alias of one recipient, without a name before it.

    Raises:
        BadRecipient: It is none.
    """
    text = piece.text
    if _CONTROL.search(text):
        raise BadRecipient("it holds a line break or a control character")
    if piece.is_half_a_name:
        raise BadRecipient("it looks like half of a name; put a name with a comma in quotes")
    recipient = _in_brackets(text) if "<" in text or ">" in text else text
    pattern = _ADDRESS if "@" in recipient else _ALIAS
    if len(recipient) <= ADDRESS and pattern.fullmatch(recipient):
        return recipient
    raise BadRecipient(_trouble(recipient))


def _in_brackets(text: str) -> str:
    """Return the one address of “Name <address>”; nothing stands behind it."""
    if len(text) > NAMED:
        raise BadRecipient(f"it is longer than {NAMED} characters")
    if text.count("(") > COMMENTS:
        raise BadRecipient(f"it has more than {COMMENTS} brackets")
    _name, address = parseaddr(text)
    # The parser takes the first of several, and forgives much: so this one must end it all.
    if not address or not text.endswith(f"<{address}>"):
        raise BadRecipient("write it as Name <address>, one address each, parted by ;")
    return address


def _trouble(recipient: str) -> str:
    """Say what is wrong with what is neither address nor alias."""
    whys = {
        f"it is longer than {ADDRESS} characters": len(recipient) > ADDRESS,
        "a quote in it has no end, or no <address> behind it": '"' in recipient,
        "it has letters beyond ASCII; write such a domain as xn--…": not recipient.isascii(),
        "it has more than one @; part recipients by ;": recipient.count("@") > 1,
        "there is a space in it; part recipients by ;": " " in recipient,
        "it is no alias": "@" not in recipient,
    }
    return next((why for why, is_so in whys.items() if is_so), _NO_ADDRESS)
