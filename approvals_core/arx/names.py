"""How the tenants' names for people compare, and which of them are unsafe."""

import re
import unicodedata
from collections.abc import Collection

ALIAS = 256  # characters; an Entra UPN has at most 113, a mail address 254

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_RESERVED = re.compile(r"[\^/\\#?]")  # Assent's rule: they were keys of its tables
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Letters and marks that show as nothing (Default_Ignorable_Code_Point); the other
# invisible characters are no letters at all.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# Scripts that are written together (Unicode UTS #39, "Highly Restrictive").
_TOGETHER = (
    {"LATIN", "CJK", "HIRAGANA", "KATAKANA"},
    {"LATIN", "CJK", "BOPOMOFO"},
    {"LATIN", "CJK", "HANGUL"},
)


def fold(name: str, mail_domains: Collection[str]) -> str:
    """
    Return the form in which two names of one person are equal.

    Trimmed and case-folded (NFKC, so that composed and decomposed letters agree);
    alias@domain of one of *mail_domains* (in lower case) is the alias; an object id
    is in lower case, without braces.
    """
    folded = name.casefold() if name.isascii() else _compatible(name)
    folded = folded.strip()
    if _GUID.fullmatch(bare := folded.removeprefix("{").removesuffix("}")):
        return bare
    alias, at, domain = folded.rpartition("@")
    return alias if at and domain in mail_domains else folded


def _compatible(name: str) -> str:
    """Return NFKC and case folding together (Unicode, section 3.13: both are needed twice)."""
    once = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", name).casefold())
    return unicodedata.normalize("NFKC", once.casefold())


def invisible(alias: str) -> bool:
    """Tell whether a name holds what cannot be seen, or is no part of a name."""
    if alias.isascii():
        return _CONTROL.search(alias) is not None
    if _CONTROL.search(alias) or _BLANK.search(alias):
        return True
    return any(not c.isascii() and unicodedata.category(c)[0] not in "LMN" for c in alias)


def reserved(alias: str) -> bool:
    """Tell whether a name holds one of the characters that Assent refuses."""
    return _RESERVED.search(alias) is not None


def mixed_script(alias: str) -> bool:
    """
    Tell whether a name mixes scripts that nobody writes together.

    Looks at each side of the @ by itself: a Greek alias may stand in a Latin domain.
    A name wholly in another script passes; the directory decides whose it is.
    """
    return not alias.isascii() and any(
        _mixes(frozenset(filter(None, map(_script, part)))) for part in alias.split("@")
    )


def _mixes(scripts: frozenset[str]) -> bool:
    return len(scripts) > 1 and not any(scripts <= allowed for allowed in _TOGETHER)


def _script(character: str) -> str:
    """Return the script of a letter, "" for what belongs to none (digits, marks, signs)."""
    if unicodedata.category(character)[0] != "L":
        return ""
    plain = unicodedata.normalize("NFKC", character)[:1]
    return unicodedata.name(plain, "UNNAMED").replace("-", " ").split()[0]
