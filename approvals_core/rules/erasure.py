"""What one person is called, and how a text or a record reads without that."""

import json
import re
from collections.abc import Collection, Iterable
from typing import Any

from approvals_core.models import Approval, Person, PersonId

ERASED = "(erased)"  # stands where his name stood
SHORTEST = 3  # characters of a name that is looked for within texts

NESTED = 8  # texts of JSON, one in the other, in which he is looked for; cards read one

# A string of JSON, or what is left of one: never tried twice, however it is written.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)

# What names no person, whatever it says: an alias may be a word like "approve".
_MACHINES = frozenset(
    [
        "action",
        "approval",
        "channel",
        "decision",
        "details_digest",
        "digest",
        "disposition",
        "display_number",
        "facts",
        "hash",
        "head",
        "id",
        "key",
        "kind",
        "last_change",
        "notification",
        "operation",
        "previous",
        "salt",
        "state",
        "xcv",
    ]
)
# Each is what somebody is called, or a list of that.
_NAMES = frozenset(["alias", "by", "name", "names", "new_approver", "nickname", "upn"])
# Whose keys a tenant chose: none of them is a field of ours, and each may be a name.
_FREE = frozenset(["additional", "inputs"])


class Erasure:
    """All that one person is known by, and what is done about it."""

    def __init__(self, person: PersonId, names: Collection[str] = ()) -> None:
        """*names* are whatever he is called; the shortest ones are looked for as whole texts only."""
        self.person = person
        known = {name.strip() for name in (*names, person.object_id)} - {"", ERASED}
        self.names = frozenset(known)
        self._folded = frozenset(name.casefold() for name in known)
        self._within = _any_of(name for name in known if len(name) >= SHORTEST)
        self._in_names = _any_of(name for name in known if " " in name)

    def may_be_in(self, text: str) -> bool:
        """Tell quickly whether to look closer at a stored text: True decides nothing, it may be wrong."""
        # A tenant's JSON, in which each letter may be a number, or JSON that is a text within it.
        if any(mark in text for mark in ("\\u", "\\/", "\\\\")):
            return True
        folded = text.casefold()
        return any(name in folded or _in_json(name) in folded for name in self._folded)

    def is_called(self, name: str) -> bool:
        """Tell whether *name* is one of his, and nothing else."""
        return name.strip().casefold() in self._folded

    def is_in(self, text: str) -> bool:
        """Tell whether he is named in *text*, or anywhere in the JSON that it is."""
        return self._json(text) != text

    def text(self, text: str) -> str:
        """Return *text* without him."""
        return ERASED if self.is_called(text) else self._within.sub(ERASED, text)

    def _name(self, name: str) -> str:
        """Return a name without him: Anna Meier is somebody else, whose first name is all of his."""
        return ERASED if self.is_called(name) else self._in_names.sub(ERASED, name)

    def value(self, value: Any, field: str = "") -> Any:
        """Return what was read from JSON without him."""
        if field in _MACHINES:
            return value
        if field in _FREE:
            return self._free(value)
        match value:
            case str():
                return self._name(value) if field in _NAMES else self.text(value)
            case list():
                return [self.value(each, field) for each in value]  # pyright: ignore[reportUnknownVariableType]
            case dict():
                return {name: self.value(each, str(name)) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            case _:
                return value

    def _free(self, value: Any) -> Any:
        match value:
            case str():
                return self._perhaps_json(value)
            case list():
                return [self._free(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
            case dict():
                return {self.text(str(name)): self._free(each) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            case _:
                return value

    def _perhaps_json(self, text: str, depth: int = 0) -> str:
        """Return a text that a tenant chose without him: cards show what is in it, if it is JSON."""
        if depth < NESTED and text.lstrip().startswith(("{", "[")):
            return self._json(text, depth)
        return self.text(text)

    def _json(self, text: str, depth: int = 0) -> str:
        """
        Return JSON with each of its strings without him, and all else as it was sent.

        It is not read and written anew: that would round numbers, lose the first of two
        fields of one name, and fail where lists lie too deep.
        """
        freed = _STRING.sub(lambda found: self._string(found[0], depth), text)
        return freed if _is_json(text) else self.text(freed)

    def _string(self, string: str, depth: int) -> str:
        try:
            read = json.loads(string, strict=False)
        except ValueError:
            return string
        freed = self._perhaps_json(read, depth + 1)
        return string if freed == read else _written(freed)


def names_in(approval: Approval, person: PersonId) -> frozenset[str]:
    """
    Return what a request calls the person.

    An alias of a place on which he sits counts only if it is one of his own: an operator may
    have put him on somebody else's.
    """
    found = [each for each in _people(approval) if each.id == person]
    own = {name for each in found for name in _names_of(each)}
    folded = {name.casefold() for name in own}
    for place in approval.places:
        if place.alias.strip().casefold() in folded:
            own |= {place.alias, place.name}
    for taken in approval.taken:
        if taken.by.strip().casefold() in folded:
            own |= {taken.by, taken.name}
    return frozenset(own)


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    """Find each of *names* where it stands alone: "anna" in "Anna's", and not in "anna.meier" or "johanna"."""
    longest_first = sorted(names, key=len, reverse=True)
    choice = "|".join(map(re.escape, longest_first)) or r"(?!)"  # nothing at all
    return re.compile(rf"(?<!\w)(?<!\w[.@-])(?:{choice})(?!\w|[.@-]\w)", re.IGNORECASE)


def _people(approval: Approval) -> list[Person]:
    """Return everybody of a directory whom the request names."""
    found = [place.person for place in approval.places]
    for place in approval.places:
        if place.decision is not None:
            found += [place.decision.by, place.decision.new_approver]
    return [person for person in found if person is not None]


def _names_of(person: Person) -> Collection[str]:
    names = {person.name, person.upn, person.upn.partition("@")[0], person.nickname}
    return {name for name in names if name.strip()}


def _in_json(name: str) -> str:
    """Return a name as it stands within a text of JSON, whose marks and backslashes are escaped."""
    return name.replace("\\", "\\\\").replace('"', '\\"')


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True


def _written(text: str) -> str:
    """Return a string of JSON; half of a pair, which no store takes, stays a number."""
    return json.dumps(text, ensure_ascii=False).encode(errors="backslashreplace").decode()
