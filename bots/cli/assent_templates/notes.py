"""What there is to say of a template that was turned, with the lines of its source."""

import re
from bisect import bisect_right
from typing import NamedTuple

# What is taken out leaves one of these for each of its lines, so that those beneath it keep their numbers.
GONE = "\0"
LINE_END = re.compile(rf"\r\n|[\r\n{GONE}]")
_MOST_LINES = 8  # of one note


class Note(NamedTuple):
    """What was left out or changed, in a sentence, and on which lines of the source; none if that is no matter."""

    why: str
    lines: tuple[int, ...] = ()

    def at(self, row: int) -> str:
        """Return the sentence behind its place; *row* is the one of the source, 0 if it has none."""
        if not self.lines:
            return self.why
        named = ", ".join(map(str, self.lines[:_MOST_LINES]))
        further = len(self.lines) - _MOST_LINES
        more = f" and {further} more" if further > 0 else ""
        word = "line" if len(self.lines) == 1 else "lines"
        return f"{f'row {row}, ' if row else ''}{word} {named}{more}: {self.why}"


class Notes:
    """Gathers what there is to say, each sentence once, with all the lines that it is about."""

    def __init__(self, first_line: int) -> None:
        self._first_line = first_line
        self._found: dict[str, list[int]] = {}
        self._ends: list[int] = []

    def read(self, html: str) -> None:
        """Learn where the lines of *html* end: what is added from now on stands there."""
        self._ends = [end.end() for end in LINE_END.finditer(html)]

    def add(self, why: str, at: int | None = None) -> None:
        """Note *why*, about what begins *at* this character of what was read; None: about no line."""
        lines = self._found.setdefault(why, [])
        if at is None:
            return
        line = bisect_right(self._ends, at) + self._first_line
        if line not in lines[-1:]:
            lines.append(line)

    def all(self) -> tuple[Note, ...]:
        return tuple(Note(why, tuple(lines)) for why, lines in self._found.items())
