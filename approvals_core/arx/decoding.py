"""Decodes a payload's JSON: fields given twice, halves of characters and depth are told, numbers kept as written."""

import json
from collections.abc import Callable

from approvals_core.arx.reading import DEPTH, NAME_SHOWN, Json, Notes, Number, too_deep
from approvals_core.errors import InvalidArx, Problem

Pairs = list[tuple[str, Json]]


def read_json(body: bytes, notes: Notes) -> tuple[str, Json]:
    """
    Return a body's text and its value. A field given twice is a problem, never the last one's win.

    Raises:
        InvalidArx: It is not JSON at all, or nested too deeply to be looked at.
    """
    if not body.strip():
        raise _unreadable("An empty payload was sent.")
    try:
        text = body.decode("utf-8-sig")  # .NET likes to begin with a byte order mark
        return text, _decoded(text, notes)
    except UnicodeDecodeError:
        raise _unreadable("The body is not UTF-8.") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as problem:
        raise _unreadable(f"The body is not JSON: {problem}") from None


def _decoded(text: str, notes: Notes) -> Json:
    def an_object(pairs: Pairs) -> dict[str, Json]:
        made = dict(pairs)
        if len(made) < len(pairs):
            _note_twice(pairs, notes)
        return made

    if text.startswith("\ufeff"):  # a second byte order mark: this says so
        return json.loads(text)
    try:
        value: Json = _DECODER.decode(text)
    except _Twice:
        value = _decoder(an_object).decode(text)
    if too_deep(value):
        raise _too_deep()
    return _mended(value, notes) if "\\ud" in text.lower() else value


class _Twice(Exception):
    """A field is given twice in one object; what they are is looked for then."""


def _once(pairs: Pairs) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _Twice
    return made


def _note_twice(pairs: Pairs, notes: Notes) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            notes.problem("", f"{name[:NAME_SHOWN]} is given twice in one object.")
        seen.add(name)


def _mended(value: Json, notes: Notes) -> Json:
    """Replace halves of surrogate pairs: tenants cut texts in the middle of an emoji."""
    match value:
        case str():
            return _whole(value, notes)
        case list():
            return [_mended(item, notes) for item in value]
        case dict():
            return {_whole(name, notes): _mended(item, notes) for name, item in value.items()}
        case _:
            return value


def _whole(text: str, notes: Notes) -> str:
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if whole == text:
        return text
    notes.warn("A text holds half a character; it is replaced.")
    return whole


def _no_number(word: str) -> Json:
    raise ValueError(f"{word} is not a number")


def _decoder(an_object: Callable[[Pairs], dict[str, Json]]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=an_object, parse_float=Number, parse_constant=_no_number
    )


_DECODER = _decoder(_once)  # made once: to make it takes half as long as to use it


def _unreadable(message: str) -> InvalidArx:
    return InvalidArx([Problem("", message, ("ApprovalRequestExpression",))])


def _too_deep() -> InvalidArx:
    return _unreadable(f"The body is nested deeper than {DEPTH} levels.")
