"""Finds the line on which a field of a TOML file is written: its reader does not tell."""

import re
from collections.abc import Iterator

Loc = tuple[int | str, ...]

_TABLE = re.compile(r"\s*+(\[\[?)([^\[\]]++)\]")
_ENTRY = re.compile(r"\s*(?:\"([^\"]+)\"|'([^']+)'|([A-Za-z0-9_.-]+))\s*=")
_INLINE = re.compile(r"[{,]\s*(?:\"([^\"]+)\"|([A-Za-z0-9_-]+))\s*=")


def line_of(text: str, loc: Loc) -> int | None:
    """Return the line where a field is written, or the nearest table around it; None if unknown."""
    best: tuple[int, int] | None = None
    for line, written in _written(text):
        shared = len(written)
        if written == loc[:shared] and (best is None or shared > best[0]):
            best = (shared, line)
    return best[1] if best else None


def _written(text: str) -> Iterator[tuple[int, Loc]]:
    """Yield each line that opens a table or writes an entry, with the path it stands for."""
    table: Loc = ()
    opened: dict[Loc, int] = {}  # lists of tables -> the number of the one that is written now
    for number, line in enumerate(text.splitlines(), 1):
        if found := _TABLE.match(line):
            table = _numbered(
                tuple(part.strip().strip("\"'") for part in found[2].split(".")), opened
            )
            if found[1] == "[[":
                opened[table] = opened.get(table, -1) + 1
                table = (*table, opened[table])
            yield number, table
        elif entry := _ENTRY.match(line):
            name = next(name for name in entry.groups() if name)
            path = (*table, *(name.split(".") if entry[3] else [name]))
            yield number, path
            for inline in _INLINE.finditer(line, entry.end()):
                yield number, (*path, inline[1] or inline[2])


def _numbered(names: tuple[str, ...], opened: dict[Loc, int]) -> Loc:
    """Put the number of each list of tables behind its name: [[actions.inputs]] is in the last action."""
    path: Loc = ()
    for name in names[:-1]:
        path = (*path, name)
        if path in opened:
            path = (*path, opened[path])
    return (*path, names[-1])
