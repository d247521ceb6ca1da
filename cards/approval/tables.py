"""The details in sections: facts, tables and lists, within a share of the card."""

import orjson

from cards import text
from cards.approval.lists import side_by_side, width
from cards.approval.room import Room
from cards.approval.sections import Group, Lines, Section, Table
from cards.approval.values import Value, written
from cards.elements import Align, Column, Columns, Container, Piece, Spacing, TextBlock
from cards.language import _, plural
from cards.pieces import heading, more, small, two
from cards.viewer import Viewer

# Ems of ordinary text that stand side by side in a card on a phone, less a gap for each column.
_PHONE, _GAP = 18.5, 0.8
_COMFORT = 7.0  # ems: narrower than this no text is read, if it has more to say
_CELL = 120  # characters
_FACTS = 10  # of one group
_LEAST = 100  # bytes: no section is smaller
_SEPARATOR = " · "


def in_sections(
    found: tuple[Section, ...],
    viewer: Viewer,
    room: Room,
    *,
    spent: int = 0,
    beyond: int = 0,
) -> list[Piece]:
    """
    Draw as many sections as fit into the room for details, *spent* bytes of which are used.

    A table gets fewer rows before it is left out. What is left out is counted, with
    those *beyond* that are not among the sections.
    """
    pieces: list[Piece] = []
    left_out = beyond
    for section in found:
        drawn = _fitting(section, viewer, room, room.details - spent)
        spent += size_of(drawn)
        left_out += not drawn
        pieces += drawn
    return [*pieces, *_left_out(left_out)]


def size_of(pieces: list[Piece]) -> int:
    """Return about how many bytes the pieces take."""
    return sum(len(orjson.dumps(piece.render())) for piece in pieces)


def _fitting(section: Section, viewer: Viewer, room: Room, left: int) -> list[Piece]:
    rows = min(room.rows, section.most) if not isinstance(section, Group) else _FACTS
    there = _length(section)
    while rows > 0 and left >= _LEAST:
        drawn = _drawn(section, viewer, room, rows)
        if size_of(drawn) <= left:
            return drawn
        rows //= 2
        while rows >= there:  # would be drawn as it was
            rows //= 2
    return []


def _length(section: Section) -> int:
    match section:
        case Group():
            return len(section.facts)
        case Lines():
            return len(section.lines)
        case Table():
            return len(section.rows)


def _left_out(count: int) -> list[Piece]:
    if not count:
        return []
    said = plural(
        "{count} more part of the details is not shown here.",
        "{count} more parts of the details are not shown here.",
        count,
    )
    return [small(said, "Medium")]


def _drawn(section: Section, viewer: Viewer, room: Room, rows: int) -> list[Piece]:
    title = text.block(section.title, text.FACT_NAME)
    match section:
        case Group():
            facts = side_by_side(section.facts[:rows], viewer, room, spacing="Small")
            return [heading(title), *facts, *more(len(section.facts) - rows)]
        case Lines():
            said = [text.block(written(line, viewer), room.fact) for line in section.lines[:rows]]
            lines = [_line(words) for words in said if words]
            return [heading(title), *lines, *more(len(section.lines) - rows)]
        case Table():
            counted = _("{title} ({count})").format(title=title, count=len(section.rows))
            drawn = _table(section, viewer, rows)
            left = len(section.rows) - rows
            return [heading(counted), Container(*drawn, *more(left), spacing="Small")]


def _line(words: str) -> Columns:
    mark = Column(TextBlock("•", wrap=False), width="auto")
    return Columns(
        mark, Column(TextBlock(words), width="stretch", spacing="Small"), spacing="Small"
    )


def _table(table: Table, viewer: Viewer, rows: int) -> list[Piece]:
    cells = [[_cell(cell, viewer) for cell in row] for row in table.rows[:rows]]
    labels = [text.block(label, text.FACT_NAME) for label in table.labels]
    needs = [
        max(width(labels[at]), *(_need(table, at, row[at]) for row in cells))
        for at in range(len(labels))
    ]
    if sum(needs) + _GAP * (len(needs) - 1) <= _PHONE:
        return _grid(table, labels, cells, needs)
    return _stacked(table, labels, cells)


def _cell(value: Value | None, viewer: Viewer) -> str:
    return "" if value is None else text.block(written(value, viewer), _CELL)


def _need(table: Table, column: int, cell: str) -> float:
    """Return how wide the cell must be: numbers whole, texts for their longest word or in comfort."""
    whole = width(cell.replace(" ", "\u00a0").replace("\u00a0", "n"))
    return whole if table.is_numeric(column) else max(width(cell), min(whole, _COMFORT))


# -- columns side by side --------------------------------------------------------


def _grid(
    table: Table, labels: list[str], cells: list[list[str]], needs: list[float]
) -> list[Piece]:
    """Show real columns, each as wide as what is in it needs: for what fits a phone."""
    spare = (_PHONE - sum(needs)) / 2
    shares = [need + (spare if at == table.main else 0.0) for at, need in enumerate(needs)]
    weights = [str(round(100 * share / sum(shares))) for share in shares]
    head = _grid_row(
        [small(label, None, right=table.is_numeric(at)) for at, label in enumerate(labels)],
        weights,
    )
    rows = [
        _grid_row([_text(table, at, cell) for at, cell in enumerate(row)], weights, separator=True)
        for row in cells
    ]
    return [head, *rows]


def _text(table: Table, column: int, cell: str) -> TextBlock:
    align: Align | None = "Right" if table.is_numeric(column) else None
    return TextBlock(cell or " ", align=align)


def _grid_row(cells: list[TextBlock], weights: list[str], *, separator: bool = False) -> Columns:
    columns = [
        Column(cell, width=weight, spacing="Small" if at else None)
        for at, (cell, weight) in enumerate(zip(cells, weights, strict=True))
    ]
    return Columns(*columns, spacing="Small", separator=separator or None)


# -- one beneath the other -------------------------------------------------------


def _stacked(table: Table, labels: list[str], cells: list[list[str]]) -> list[Piece]:
    """Show the main column and the last number side by side, and the rest small beneath."""
    numbers = [at for at in range(len(labels)) if table.is_numeric(at)]
    right = numbers[-1] if numbers else None
    head = _head(labels[table.main], labels[right] if right is not None else "")
    return [head, *(_row(table, labels, row, right) for row in cells)]


def _head(main: str, right: str) -> Columns:
    return two([small(main, None)], small(right or " ", None, right=True))


def _row(table: Table, labels: list[str], row: list[str], right: int | None) -> Columns:
    rest = [
        f"{labels[at]} {cell}"
        for at, cell in enumerate(row)
        if cell and at not in (table.main, right)
    ]
    spacing: Spacing = "None"
    left: list[Piece] = [TextBlock(row[table.main] or "—")]
    left += [small(_SEPARATOR.join(rest), spacing)] if rest else []
    amount = row[right] if right is not None else ""
    return two(left, TextBlock(amount or " ", align="Right"), separator=True)
