"""Facts, items and sections of a request as parts: more of them than a card has room for."""

from collections.abc import Iterator

from cards import text
from cards.approval.content import Shown
from cards.approval.items import Item, Items
from cards.approval.sections import Fact, Group, Lines, Section, Table
from cards.approval.values import Value, written
from cards.formats import money
from cards.html.parts import Bullets, Facts, Grid, Pair, Part
from cards.language import _, plural
from cards.viewer import Viewer

_ROWS = 50  # of one table or list
_PAIRS = 60  # of one group
_CELL = 300  # characters
_ROOM = 160_000  # characters of all parts together: mail programs cut long mails off
_MARKUP = 300  # characters around each text, with its styles
_TIMES = "\u00d7"  # the multiplication sign
_NO_BREAK = "\u00a0"


def details(found: Shown, viewer: Viewer) -> tuple[Part, ...]:
    """Return the parts in the card's order; what finds no room is counted in the last one."""
    parts: list[Part] = []
    room, left_out = _ROOM, found.beyond
    for part in _all(found, viewer):
        length = _length(part)
        if length > room:
            left_out += 1
        else:
            room -= length
            parts.append(part)
    return (*parts, *_left_out(left_out))


def _all(found: Shown, viewer: Viewer) -> Iterator[Part]:
    if found.facts:
        yield Facts("", tuple(_pair(fact, viewer) for fact in found.facts))
    yield from (_part(section, viewer) for section in found.mapped)
    if found.items.lines:
        yield _items(found.items, viewer)
    yield from (_part(section, viewer) for section in found.sections)


def _left_out(count: int) -> Iterator[Part]:
    if count:
        said = plural(
            "{count} more part of the details is not shown here.",
            "{count} more parts of the details are not shown here.",
            count,
        )
        yield Facts("", (), said)


def _length(part: Part) -> int:
    return sum(len(text) + _MARKUP for text in _texts(part))


def _texts(part: Part) -> Iterator[str]:
    match part:
        case Facts():
            yield from (f"{pair.name}{pair.value}" for pair in part.pairs)
        case Bullets():
            yield from part.lines
        case Grid():
            yield from (cell for row in part.rows for cell in row)


def _part(section: Section, viewer: Viewer) -> Part:
    title = text.one_line(section.title, text.FACT_NAME)
    match section:
        case Group():
            pairs = tuple(_pair(fact, viewer) for fact in section.facts[:_PAIRS])
            return Facts(title, pairs, _more(len(section.facts), _PAIRS))
        case Lines():
            lines = tuple(_cell(line, viewer) for line in section.lines[:_ROWS])
            more = _more(len(section.lines), _ROWS)
            return Bullets(title, tuple(line for line in lines if line), more)
        case Table():
            return _grid(section, title, viewer)


def _grid(table: Table, title: str, viewer: Viewer) -> Grid:
    most = max(_ROWS, table.most)
    rows = tuple(tuple(_cell(cell, viewer) for cell in row) for row in table.rows[:most])
    return Grid(
        _("{title} ({count})").format(title=title, count=len(table.rows)),
        tuple(text.one_line(label, text.FACT_NAME) for label in table.labels),
        tuple(table.is_numeric(at) for at in range(len(table.labels))),
        rows,
        main=table.main,
        more=_more(len(table.rows), most),
    )


def _items(found: Items, viewer: Viewer) -> Grid:
    lines = found.lines[:_ROWS]
    with_amounts = bool(found.total) or any(line.amount for line in found.lines)
    rows = [
        (_item(at, line, viewer), _amount(line.amount, line.unit, viewer))
        for at, line in enumerate(lines)
    ]
    sums = tuple(Pair(_name(n), _amount(a, found.unit, viewer)) for n, a in found.sums)
    label = _("Total") if found.is_whole_total else _("Items total")
    total = Pair(label, _amount(found.total, found.unit, viewer)) if found.total else None
    return Grid(
        _("Items ({count})").format(count=len(found.lines)),
        (_("Item"), _("Amount")) if with_amounts else (_("Item"),),
        (False, True) if with_amounts else (False,),
        tuple(rows) if with_amounts else tuple((name,) for name, _amount_ in rows),
        more=_more(len(found.lines), _ROWS),
        sums=sums if with_amounts else (),
        total=total,
    )


def _item(at: int, line: Item, viewer: Viewer) -> str:
    name = text.one_line(line.name, text.TITLE) or _("Item {number}").format(number=at + 1)
    if not (line.quantity and line.unit_price):
        return name
    price = money(line.unit_price, line.unit, viewer.locale)
    count = text.one_line(f"{line.quantity} {_TIMES} {price}", text.FACT_NAME)
    return f"{name}, {count.replace(f' {_TIMES} ', f'{_NO_BREAK}{_TIMES}{_NO_BREAK}')}"


def _amount(amount: str, unit: str, viewer: Viewer) -> str:
    return text.one_line(money(amount, unit, viewer.locale), text.FACT_NAME) if amount else ""


def _pair(fact: Fact, viewer: Viewer) -> Pair:
    return Pair(_name(fact.name), text.one_line(written(fact.value, viewer), _CELL))


def _name(words: str) -> str:
    return text.one_line(words, text.FACT_NAME)


def _cell(value: Value | None, viewer: Viewer) -> str:
    return "" if value is None else text.one_line(written(value, viewer), _CELL)


def _more(count: int, seen: int) -> str:
    left = count - seen
    return plural("and {count} more", "and {count} more", left) if left > 0 else ""
