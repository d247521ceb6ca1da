"""Which field of the request fills what on the card. Texts are still raw here."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import cast

from approvals_core.models import Approval, Attachment, Content
from approvals_core.ports import View
from cards.formats import humanised, money, number_of, time_as_sent
from cards.text import clean
from cards.viewer import Viewer

MOST_FACTS = 8

_ITEM_NAMES = ("description", "name", "title")
_ITEM_AMOUNTS = ("extendedprice", "amount", "lineamount", "total")
_FOOTER_TOTALS = ("totalamount", "total", "grandtotal")
_AMOUNT_WORDS = ("amount", "total", "value", "price", "sum")
_LONG_TEXT = 6  # characters from which two equal texts are no accident
_DEEPEST = 4  # levels of objects in which items are looked for
_NOTHING = frozenset({"", "na", "n/a", "null", "none", "-"})

Object = Mapping[str, object]
Value = str | bool | datetime


@dataclass(frozen=True)
class Fact:
    """A field by name; numbers are texts, as they were sent."""

    name: str
    value: Value


@dataclass(frozen=True)
class Item:
    """One line of what is asked for. Amounts are as sent, "" if there are none."""

    name: str
    amount: str = ""
    quantity: str = ""
    unit_price: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Items:
    """The lines, and the total that the tenant wrote beneath them, "" if none."""

    lines: tuple[Item, ...] = ()
    total: str = ""
    unit: str = ""
    is_whole_total: bool = False  # it is the request's own total


@dataclass(frozen=True)
class Shown:
    """Everything the tenant sent that the card shows."""

    content: Content
    decide_by: datetime | None
    facts: tuple[Fact, ...]
    items: Items
    attachments: tuple[Attachment, ...]


def shown(view: View) -> Shown:
    """Pick from the summary and the details what the card shows."""
    content = view.approval.content or Content()
    details = parsed(view.details)
    items = _items(content, details)
    path = view.tenant.shown.decide_by
    decide_by = _at(path, content, details) if path else None
    known = _known(view.approval, content, items, decide_by)
    facts = _facts(content, details, known)
    return Shown(content, decide_by, facts, items, content.attachments)


def submitter_of(content: Content) -> str:
    """Return the name of who asks, or his alias, or ""."""
    return clean(content.submitter.name) or clean(content.submitter.alias)


def total_of(content: Content, viewer: Viewer) -> str:
    """Return what it is all about, as money where it is money, or ""."""
    if not clean(content.unit_value):
        return ""
    return money(content.unit_value, content.unit_of_measure, viewer.locale)


def parsed(details: Mapping[str, str]) -> dict[str, object]:
    """Return the details that are JSON; the others are left out, the card comes without them."""
    found: dict[str, object] = {}
    for operation, text in details.items():
        try:
            found[operation] = json.loads(text, parse_float=Decimal)
        except (ValueError, RecursionError):
            continue
    return found


def _facts(content: Content, details: Object, known: set[object]) -> tuple[Fact, ...]:
    found: list[Fact] = []
    for key, value in _fields(content, details):
        name, said = humanised(key), _said(value)
        if said is None or not name or _is_known(name, said, known):
            continue
        found.append(Fact(name, said))
        known |= {name.casefold(), _same(said)} if _is_telling(said) else {name.casefold()}
        if len(found) == MOST_FACTS:
            break
    return tuple(found)


def _fields(content: Content, details: Object) -> Iterator[tuple[str, object]]:
    if content.custom_attribute is not None:
        yield content.custom_attribute
    yield "CompanyCode", content.company_code
    yield from content.additional.items()
    for operation in details.values():
        yield from (_object(operation) or {}).items()


def _said(value: object) -> Value | None:
    """Return *value* if it is a scalar that says something."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal):
        return str(value)
    if not isinstance(value, str) or value.strip().casefold() in _NOTHING:
        return None
    return time_as_sent(value) or value.strip()


def _known(
    approval: Approval, content: Content, items: Items, decide_by: datetime | None
) -> set[object]:
    """Return what the card already shows elsewhere, in the form of `_same`."""
    people = [
        content.submitter,
        *(named for level in content.hierarchy for named in level.approvers),
    ]
    texts = [
        *(approval.display_number, approval.key.number),
        *(content.title, content.notes, content.unit_of_measure, content.detail_page_url),
        *(text for named in people for text in (named.alias, named.name)),
        *(text for place in approval.places for text in (place.alias, place.name)),
    ]
    said = [_said(text) for text in (*texts, content.unit_value, content.submitted, items.total)]
    return {_same(value) for value in [*said, decide_by] if value is not None}


def _same(value: Value) -> object:
    """Return what two ways of writing the same value have in common."""
    if isinstance(value, bool):
        return ("truth", value)  # never what a number is
    if not isinstance(value, str):
        return value
    number = number_of(value)
    return value.casefold() if number is None else number


def _is_known(name: str, value: Value, known: set[object]) -> bool:
    folded, same = name.casefold(), _same(value)
    # A number of seats may happen to be the total; an amount that is the total is shown already.
    is_count = isinstance(same, Decimal) and not any(word in folded for word in _AMOUNT_WORDS)
    return folded in known or (same in known and not is_count)


def _is_telling(value: Value) -> bool:
    # Two facts may both be "Yes" or 10; the same long text twice says nothing new.
    return isinstance(value, str) and number_of(value) is None and len(value) >= _LONG_TEXT


def _items(content: Content, details: Object) -> Items:
    for container, rows in _arrays(details, 0):
        lines = tuple(_item(row, content) for row in rows)
        footer = _footer(container)
        total = _first(footer, _FOOTER_TOTALS)
        same = number_of(total) is not None and number_of(total) == number_of(content.unit_value)
        unit = _first(footer, ("currencycode",)) or content.unit_of_measure
        return Items(lines, total, unit, is_whole_total=same)
    return Items()


def _arrays(value: object, depth: int) -> Iterator[tuple[Object, list[Object]]]:
    """Go through the arrays that look like items, outermost first, each with what holds it."""
    fields = _object(value)
    if fields is None or depth > _DEEPEST:
        return
    for key, inner in fields.items():
        rows = _rows(inner)
        if rows and key.casefold() != "attachments":
            yield fields, rows
    for inner in fields.values():
        yield from _arrays(inner, depth + 1)


def _rows(value: object) -> list[Object]:
    if not isinstance(value, list):
        return []
    rows = [row for row in map(_object, cast("list[object]", value)) if row]
    looks_right = any(_first(row, (*_ITEM_NAMES, *_ITEM_AMOUNTS)) for row in rows)
    return rows if looks_right else []


def _item(row: Object, content: Content) -> Item:
    return Item(
        name=_first(row, _ITEM_NAMES),
        amount=_first(row, _ITEM_AMOUNTS),
        quantity=_first(row, ("quantity",)),
        unit_price=_first(row, ("unitprice",)),
        unit=_first(row, ("currencycode",)) or content.unit_of_measure,
    )


def _footer(container: Object) -> Object:
    nothing: Object = {}
    footers = (_object(inner) for key, inner in container.items() if "footer" in key.casefold())
    return next(filter(None, footers), nothing)


def _first(fields: Object, keys: Iterable[str]) -> str:
    """Return the value of the first of *keys* (lower case) that says something, as text, or ""."""
    by_name = {key.casefold(): value for key, value in fields.items()}
    for key in keys:
        value = by_name.get(key)
        if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
            text = str(value).strip()
            if text.casefold() not in _NOTHING:
                return text
    return ""


def _at(path: str, content: Content, details: Object) -> datetime | None:
    """Follow a dotted path into AdditionalData or a details operation, to a date."""
    value: object = {**details, "AdditionalData": content.additional}
    for step in path.split("."):
        value = (_object(value) or {}).get(step)
    return time_as_sent(value) if isinstance(value, str) else None


def _object(value: object) -> Object | None:
    return cast("Object", value) if isinstance(value, dict) else None
