"""Reads a payload's JSON leniently, and notes everything wrong or odd with where it stands."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias, TypeVar

from approvals_core.errors import Problem

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
Read = TypeVar("Read")
_Spelling: TypeAlias = Mapping[str, str]  # of an object's fields, by lower-case name

DEPTH = 32  # of arrays and objects within each other
PROBLEMS = 200  # reported at most
WARNINGS = 20  # reported at most
TEXT = 4000  # characters, where a field has no limit of its own
SPELLINGS = 512  # of the fields of an object that are remembered
NAME_SHOWN = 60  # characters of a field's name in a message


class Number(str):
    """A number with a fraction or exponent, kept as written: money is no binary fraction."""

    __slots__ = ()


class Notes:
    """What is wrong with a payload, and what is merely odd."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._warnings: list[str] = []
        self._more = 0

    def problem(self, pointer: str, message: str, *members: str, remedy: str = "") -> None:
        """Note why the payload cannot be taken; *members* as Assent names them; see `Problem`."""
        if len(self.problems) < PROBLEMS:
            named = members or (_dotted(pointer),)
            self.problems.append(Problem(pointer, message, named, remedy))

    def warn(self, message: str) -> None:
        """Note what is odd but harmless."""
        if len(self._warnings) < WARNINGS:
            self._warnings.append(message)
        else:
            self._more += 1

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what is odd, cut to a length worth reading."""
        more = (f"And {self._more} more.",) if self._more else ()
        return (*self._warnings, *more)


class Node:
    """
    One object of a payload. Its fields are found by name whatever their case.

    A null counts as a field that is not there.
    """

    def __init__(
        self,
        fields: dict[str, Json],
        notes: Notes,
        *,
        known: frozenset[str],
        within: "tuple[Node, str, int | None] | None" = None,
    ) -> None:
        """*within* is the node, its field and the place in that field's list; None for the root."""
        self.notes = notes
        self._within = within
        self._fields = fields
        self._sent: _Spelling = _spelling(tuple(fields), known) or self._taken(fields, known)

    def _taken(self, fields: Iterable[str], known: frozenset[str]) -> _Spelling:
        taken: dict[str, str] = {}
        for name in fields:
            lowered = name.lower()
            if lowered not in known:
                self.notes.warn(f"Not a field we know: {self._below(name)[:NAME_SHOWN]}")
            elif lowered in taken:
                self.notes.problem(self._below(name), f"{name} is given twice.")
            else:
                taken[lowered] = name
        return taken

    def pointer(self, name: str, index: int | None = None) -> str:
        """Return the JSON pointer of a field, or of an entry of its list, as the tenant spells it."""
        pointer = self._below(self._sent.get(name.lower(), name))
        return pointer if index is None else f"{pointer}/{index}"

    def value(self, name: str) -> Json:
        """Return a field's value, None if it is null or missing."""
        value = self._fields.get(name)  # most tenants spell it as the documents do
        if value is None:
            sent = self._sent.get(name.lower())
            return None if sent is None else self._fields[sent]
        return value

    def problem(self, name: str, message: str, *members: str, remedy: str = "") -> None:
        """Note what is wrong with a field."""
        self.notes.problem(self.pointer(name), message, *members, remedy=remedy)

    def text(self, name: str, limit: int = TEXT) -> str:
        """Return a text, a number or a truth value as text; "" for null."""
        value = self.value(name)
        if isinstance(value, (dict, list)):
            self.problem(name, f"{name} must be text.")
            return ""
        text = value if type(value) is str else as_text(value)
        if len(text) > limit:
            self.problem(name, f"{name} is longer than {limit} characters.")
        return text

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a truth value, also if it is written as text or number."""
        value = self.value(name)
        if value is None or value == "":
            return default
        said = {"true": True, "1": True, "false": False, "0": False}
        meant = said.get(as_text(value).strip().lower())
        if meant is None:
            self.problem(name, f"{name} must be true or false.")
        return default if meant is None else meant

    def child(self, name: str, known: frozenset[str]) -> "Node | None":
        """Return the object in a field."""
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.problem(name, f"{name} must be an object.")
            return None
        return Node(value, self.notes, known=known, within=(self, name, None))

    def children(self, name: str, known: frozenset[str], *, limit: int) -> "list[Node] | None":
        """Return the objects in a list, None if there is no list."""
        return self._list(name, limit, lambda value, i: self._object(value, name, i, known))

    def texts(self, name: str, *, limit: int) -> list[str] | None:
        """Return the texts in a list, None if there is no list; nulls and "" are left out."""
        if self.value(name) == "":
            return None  # the wiki's samples write `Delegation: ""` for a list
        return self._list(name, limit, lambda value, i: self._text(value, name, i))

    def pairs(self, name: str, *, limit: int, length: int | None = TEXT) -> dict[str, str]:
        """Return a dictionary of texts in its order, without nulls; *length* in characters each."""
        value = self.value(name)
        if value is None or value == "":
            return {}
        if not isinstance(value, dict):
            self.problem(name, f"{name} must be an object.")
            return {}
        if len(value) > limit:
            self.problem(name, f"{name} has more than {limit} entries.")
        pairs = {key: as_text(entry) for key, entry in value.items() if entry is not None}
        if length is not None:
            self._check_length(name, pairs, length)
        return pairs

    def _check_length(self, name: str, pairs: dict[str, str], length: int) -> None:
        for key, entry in pairs.items():
            if max(len(key), len(entry)) > length:
                where = f"{self.pointer(name)}/{_token(key[:NAME_SHOWN])}"
                self.notes.problem(where, f"This entry is longer than {length} characters.")

    def _list(
        self, name: str, limit: int, read: Callable[[Json, int], Read | None]
    ) -> list[Read] | None:
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, list):
            self.problem(name, f"{name} must be a list.")
            return None
        if len(value) > limit:
            self.problem(name, f"{name} has more than {limit} entries.")
        found = (read(item, i) for i, item in enumerate(value[:limit]))
        return [item for item in found if item is not None]

    def _object(self, value: Json, name: str, index: int, known: frozenset[str]) -> "Node | None":
        if isinstance(value, dict):
            return Node(value, self.notes, known=known, within=(self, name, index))
        self.notes.problem(self.pointer(name, index), "This entry must be an object.")
        return None

    def _text(self, value: Json, name: str, index: int) -> str | None:
        if isinstance(value, (dict, list)):
            self.notes.problem(self.pointer(name, index), "This entry must be text.")
            return None
        text = as_text(value).strip()
        if len(text) > TEXT:
            where = self.pointer(name, index)
            self.notes.problem(where, f"This entry is longer than {TEXT} characters.")
        return text or None

    def _below(self, name: str) -> str:
        if self._within is None:
            return f"/{_token(name)}"
        node, field, index = self._within
        return f"{node.pointer(field, index)}/{_token(name)}"


_spellings: dict[tuple[frozenset[str], tuple[str, ...]], _Spelling] = {}


def _spelling(names: tuple[str, ...], known: frozenset[str]) -> _Spelling | None:
    """
    Return how an object spells its fields; None if one is unknown or given twice.

    Remembered, as a tenant's payloads are all alike. Only of *known* names: others may be
    anything, and of any length.
    """
    spelt = _spellings.get((known, names))
    if spelt is None:
        spelt = {name.lower(): name for name in names}
        if len(spelt) < len(names) or not spelt.keys() <= known:
            return None
        if len(_spellings) >= SPELLINGS:
            _spellings.clear()
        _spellings[known, names] = spelt
    return spelt


def as_text(value: Json) -> str:
    """Return a value as text: numbers as written, objects and lists as JSON, null as ""."""
    if isinstance(value, str):
        return str(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False)


def too_deep(value: Json) -> bool:
    """Tell whether arrays and objects are nested deeper than anybody needs."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(DEPTH):
        deeper: list[list[Json] | dict[str, Json]] = []
        for each in level:
            inner = each.values() if isinstance(each, dict) else each
            deeper += [one for one in inner if isinstance(one, (dict, list))]
        if not deeper:
            return False
        level = deeper
    return True


def _token(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")  # RFC 6901


def _dotted(pointer: str) -> str:
    return "ApprovalRequestExpression" + pointer.replace("/", ".")
