"""One mistake in a tenant's file: where it is, what is wrong, and before which others it is told."""

from collections.abc import Iterable
from typing import NamedTuple

from approvals_core.adapters.tenant_files.lines import Loc, line_of


class Mistake(NamedTuple):
    """
    What is wrong, at one place.

    *line* None: it is on none, as what is missing. *field* None: the whole file cannot be read.
    """

    file: str
    line: int | None
    field: Loc | None
    why: str

    def __str__(self) -> str:
        """Return it in one line, in which keys of the file stand as they were written."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        if self.field is None:
            return f"{where}: {self.why}"
        field = ".".join(map(str, self.field)) or "the whole file"
        return f"{where}: {field}: {self.why}"


def at_field(file: str, text: str, field: Loc, why: str) -> Mistake:
    """Return a mistake of *field* in the file of this name, in which *text* stands."""
    return Mistake(file, line_of(text, field), field, why)


def in_order(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Sort as somebody mends them: file by file, first what is on no line, then down the lines."""
    return sorted(mistakes, key=_place)


def _place(mistake: Mistake) -> tuple[str, int, tuple[tuple[int, str], ...]]:
    # The tenth entry of a list comes after the second.
    field = ((part, "") if isinstance(part, int) else (-1, part) for part in mistake.field or ())
    return mistake.file, mistake.line or 0, tuple(field)
