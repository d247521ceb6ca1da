"""The lines of what is asked for, where the details have an array that looks like them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from approvals_core.models import Content
from cards.approval.sections import DEEPEST
from cards.approval.values import (
    NOTHING,
    Object,
    as_list,
    as_object,
    is_currency_field,
    scalar,
    words,
)
from cards.formats import humanised, number_of

_ITEM_NAMES = ("description", "name", "title")
_ITEM_AMOUNTS = (
    *("extendedprice", "amount", "lineamount", "total"),
    *("linetotal", "netamount", "totalamount"),
)
_COUNTED = ("quantity", "unitprice")
_ITEM_WORDS = words("item items line lines position positions")
_FOOTER_TOTALS = ("totalamount", "total", "grandtotal")
_MOST_SUMS = 4  # between the items and their total


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
    sums: tuple[tuple[str, str], ...] = ()  # what the tenant wrote between them: tax, freight


class Found(NamedTuple):
    """The items, and the parts of the details that they were found in."""

    items: Items
    parts: tuple[object, ...]


def find_items(content: Content, details: Object) -> Found:
    """Return the outermost array that looks like items, or none."""
    for container, rows, part in _arrays(details, 0):
        lines = tuple(_item(row, content) for row in rows)
        footer = _footer(container)
        total = first(footer, _FOOTER_TOTALS)
        same = number_of(total) is not None and number_of(total) == number_of(content.unit_value)
        unit = first(footer, ("currencycode",)) or content.unit_of_measure
        sums = tuple(_sums(footer))[:_MOST_SUMS]
        found = Items(lines, total, unit, is_whole_total=same, sums=sums)
        return Found(found, (part, footer))
    return Found(Items(), ())


def _sums(footer: Object) -> Iterator[tuple[str, str]]:
    """Go through what leads to the total; nothing for freight is nothing to say."""
    for key, value in footer.items():
        number, told = number_of(value), scalar(value)
        is_total = key.casefold() in _FOOTER_TOTALS or is_currency_field(key)
        if number and isinstance(told, str) and not is_total and "code" not in key.casefold():
            yield humanised(key), told


def _arrays(value: object, depth: int) -> Iterator[tuple[Object, list[Object], object]]:
    """Go through the arrays that look like items, outermost first, each with what holds it."""
    fields = as_object(value)
    if fields is None or depth > DEEPEST:
        return
    for key, inner in fields.items():
        rows = _rows(key, inner)
        if rows and key.casefold() != "attachments":
            yield fields, rows, inner
    for inner in fields.values():
        yield from _arrays(inner, depth + 1)


def _rows(name: str, value: object) -> list[Object]:
    """
    Return the rows of an array that looks like items.

    One that has more to say than items do, and is not called so, is better off as a table.
    """
    rows = [row for row in map(as_object, as_list(value) or ()) if row]
    if not rows:
        return []
    named = any(first(row, _ITEM_NAMES) for row in rows)
    priced = any(first(row, _ITEM_AMOUNTS) for row in rows)
    called = bool(_ITEM_WORDS & set(humanised(name).casefold().split()))
    sure = called or any(first(row, _COUNTED) for row in rows)
    alike = named and priced and not _says_more(rows)
    looks_right = (named or priced) if sure else alike
    return rows if looks_right else []


def _says_more(rows: list[Object]) -> bool:
    shown = {*_ITEM_NAMES, *_ITEM_AMOUNTS, *_COUNTED}
    keys = {key for row in rows for key in row if not is_currency_field(key)}
    return sum(key.casefold() not in shown for key in keys) > 1


def _item(row: Object, content: Content) -> Item:
    return Item(
        name=first(row, _ITEM_NAMES),
        amount=first(row, _ITEM_AMOUNTS),
        quantity=first(row, ("quantity",)),
        unit_price=first(row, ("unitprice",)),
        unit=first(row, ("currencycode",)) or content.unit_of_measure,
    )


def _footer(container: Object) -> Object:
    nothing: Object = {}
    footers = (as_object(inner) for key, inner in container.items() if "footer" in key.casefold())
    return next(filter(None, footers), nothing)


def first(fields: Object, keys: Iterable[str]) -> str:
    """Return the value of the first of *keys* (lower case) that says something, as text, or ""."""
    by_name = {key.casefold(): value for key, value in fields.items()}
    for key in keys:
        value = by_name.get(key)
        if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
            text = str(value).strip()
            if text.casefold() not in NOTHING:
                return text
    return ""
