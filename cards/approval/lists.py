"""The lower parts of the approval card: facts, items, attachments and the route."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby

from approvals_core.ports import View
from cards import text
from cards.approval.content import Shown
from cards.approval.items import Item, Items
from cards.approval.room import Room
from cards.approval.route import Row, Step, route
from cards.approval.sections import Fact
from cards.approval.standing import GOOD, past_of
from cards.approval.values import written
from cards.elements import Color, Column, Columns, Container, Facts, Piece, Spacing, TextBlock
from cards.formats import moment, money
from cards.language import _, plural
from cards.pieces import heading, more, small, two
from cards.viewer import Viewer

# A FactSet does not break inside a word: the longest of the names and of the values must stand
# side by side on a phone. In ems of ordinary text.
_MOST_BESIDE = 18.0
_WIDTHS = {"i": 0.3, "l": 0.3, "j": 0.3, "m": 0.95, "w": 0.8, "M": 0.95, "W": 0.95, "@": 0.95}
_TIMES = "\u00d7"  # the multiplication sign
_MOST_NAMES = 5  # of one row of the route


def facts(shown: Shown, viewer: Viewer, room: Room) -> list[Piece]:
    """Show what is most telling of the summary and the details."""
    return side_by_side(shown.facts[: room.facts], viewer, room, spacing="Medium")


def side_by_side(
    found: Sequence[Fact], viewer: Viewer, room: Room, *, spacing: Spacing
) -> list[Piece]:
    """Show facts in one table, but values with long words beneath their name."""
    pieces: list[Piece] = []
    rows = [row for fact in found if all(row := _fact(fact, viewer, room))]
    fit = _fitting(rows)
    for is_beside, group in groupby(rows, key=lambda row: row in fit):
        if is_beside:
            pieces.append(Facts(list(group), spacing=spacing))
            continue
        for name, value in group:
            pieces.append(TextBlock(name, weight="Bolder", spacing="Small"))
            pieces.append(TextBlock(value, spacing="None"))
    return pieces


def _fitting(rows: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return those that can stand side by side in one table, whose columns they share."""
    widths = [(width(name), width(value), (name, value)) for name, value in rows]
    alone = [each for each in widths if each[0] + each[1] <= _MOST_BESIDE]
    names = max((name for name, _value, _row in alone), default=0.0)
    return [row for _name, value, row in alone if names + value <= _MOST_BESIDE]


def width(words: str) -> float:
    """Return about how wide the longest word is."""
    return max((sum(map(_width_of, word)) for word in words.split()), default=0.0)


@lru_cache(maxsize=1024)
def _width_of(character: str) -> float:
    return _WIDTHS.get(character, 0.7 if character.isupper() else 0.57)


def _fact(fact: Fact, viewer: Viewer, room: Room) -> tuple[str, str]:
    return text.block(fact.name, text.FACT_NAME), text.block(written(fact.value, viewer), room.fact)


def items(found: Items, viewer: Viewer, room: Room) -> list[Piece]:
    if not found.lines:
        return []
    rows: list[Piece] = [_item(i, line, viewer) for i, line in enumerate(found.lines[: room.rows])]
    if any(line.amount for line in found.lines):
        rows.insert(0, two([small(_("Item"), None)], small(_("Amount"), None, right=True)))
    rows += more(len(found.lines) - room.rows)
    rows += [_sum(name, amount, found.unit, viewer) for name, amount in found.sums if room.rows]
    if found.total:
        rows.append(_total(found, viewer))
    title = heading(_("Items ({count})").format(count=len(found.lines)))
    return [title, Container(*rows, spacing="Small")]


def _item(index: int, line: Item, viewer: Viewer) -> Columns:
    name = text.block(line.name, text.TITLE) or _("Item {number}").format(number=index + 1)
    left: list[Piece] = [TextBlock(name)]
    if line.quantity and line.unit_price:
        price = money(line.unit_price, line.unit, viewer.locale)
        left.append(small(text.block(f"{line.quantity} {_TIMES} {price}", text.FACT_NAME)))
    amount = money(line.amount, line.unit, viewer.locale) if line.amount else ""
    right = TextBlock(text.block(amount, text.FACT_NAME), align="Right")
    return two(left, right, separator=True)


def _sum(name: str, amount: str, unit: str, viewer: Viewer) -> Columns:
    shown = text.block(money(amount, unit, viewer.locale), text.FACT_NAME)
    label = small(text.block(name, text.FACT_NAME), None)
    return two([label], small(shown, None, right=True), separator=True)


def _total(found: Items, viewer: Viewer) -> Columns:
    label = _("Total") if found.is_whole_total else _("Items total")
    amount = text.block(money(found.total, found.unit, viewer.locale), text.FACT_NAME)
    return two(
        [TextBlock(label, weight="Bolder")],
        TextBlock(amount, weight="Bolder", align="Right"),
        separator=True,
    )


def route_list(
    view: View,
    viewer: Viewer,
    room: Room,
    *,
    told: Collection[tuple[datetime, str]] = (),
    whole: bool = False,
) -> list[Piece]:
    """
    Show who decided and what he wrote, who is asked now and who comes next.

    *told* is what the card says elsewhere of what was done: when, and the comment. *whole*:
    it is folded away, where comments may be as long as any text.
    """
    rows = route(view)
    if not rows:
        return []
    title = heading(_("Approval route"))
    first = _first_shown(rows, room.route)
    seen = rows[first : first + room.route]
    most = room.prose if whole else room.comment
    said = [_comment(row, told, most) for row in seen]
    shown = [
        _route_row(view, row, viewer, comment) for row, comment in zip(seen, said, strict=True)
    ]
    later = len(rows) - first - len(seen)
    return [Container(title, *_earlier(first), *shown, *_later(later), spacing="Large")]


def _first_shown(rows: Sequence[Row], most: int) -> int:
    """Return where to begin, so that who is asked now is seen however much was done before."""
    now = next((i for i, row in enumerate(rows) if row.step is not Step.DONE), len(rows))
    return max(0, min(now - most // 2, len(rows) - most)) if most else 0


def _earlier(count: int) -> list[Piece]:
    said = plural("{count} earlier step", "{count} earlier steps", count)
    return [small(said, "Small")] if count else []


def _later(count: int) -> list[Piece]:
    said = plural("{count} later step", "{count} later steps", count)
    return [small(said, "Small")] if count else []


def _comment(row: Row, told: Collection[tuple[datetime, str]], most: int) -> str:
    """Return what was written with a step, in quotation marks: nobody shall take it for our words."""
    taken = row.taken
    if taken is None or (taken.at, taken.comment) in told:
        return ""
    said = text.block(taken.comment, most)
    return _("“{comment}”").format(comment=said) if said else ""


def _route_row(view: View, row: Row, viewer: Viewer, comment: str) -> Columns:
    sign, color = _route_sign(view, row)
    return _marked(sign, color, _route_words(view, row, viewer), comment, row.step is Step.NEXT)


@lru_cache(1024)  # the cards of a request have the same rows; finished, so nobody may change them
def _marked(sign: str, color: Color, said: str, comment: str, subtle: bool) -> Columns:  # noqa: FBT001 (private)
    mark = TextBlock(sign, wrap=False, color=color, weight="Bolder", align="Center")
    words = [TextBlock(said, subtle=subtle), *([small(comment)] if comment else [])]
    return Columns(
        Column(mark, width="20px"),
        Column(*words, width="stretch", spacing="Small"),
        spacing="Small",
    )


def _route_sign(view: View, row: Row) -> tuple[str, Color]:
    if row.step is Step.DONE:
        _past, look = past_of(view, row.action)
        return look.sign, look.color
    return ("●", "Accent") if row.step is Step.NOW else ("○", "Default")


def _route_words(view: View, row: Row, viewer: Viewer) -> str:
    kind = text.block(row.kind, text.FACT_NAME)
    who = _names(row)
    if row.step is Step.DONE and row.at is not None:
        past, look = past_of(view, row.action)
        did = [] if look is GOOD else [text.block(past, text.FACT_NAME)]
        who = ", ".join([who, *did, text.block(moment(row.at, viewer.locale, viewer.zone))])
    if not kind:
        return who
    return f"**{kind}** — {who}" if row.step is Step.NOW else f"{kind} — {who}"


def _names(row: Row) -> str:
    names = [text.block(name, text.PERSON) for name in row.names[:_MOST_NAMES]]
    left_out = len(row.names) - len(names)
    return ", ".join(
        [
            *([_("you")] if row.viewer else []),
            *(name for name in names if name),
            *([_("and {count} more").format(count=left_out)] if left_out else []),
        ]
    )
