"""What a field says: an amount, a date, yes or no, a text, or several things in one line."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import cast

from approvals_core.arx.bounds import too_many_values
from cards.formats import (
    day,
    humanised,
    is_currency,
    moment,
    money,
    number_of,
    remembered,
    time_as_sent,
)
from cards.language import _
from cards.viewer import Viewer

Object = Mapping[str, object]


def words(text: str) -> frozenset[str]:
    """Return the words that a name may be made of."""
    return frozenset(text.split())


NOTHING = frozenset({"", "na", "n/a", "null", "none", "-"})
_AMOUNTS = words(
    "amount amounts total subtotal value price sum cost costs tax fee net gross paid budget balance"
)
_NO_AMOUNTS = words(
    "code type id number no count quantity percent percentage rate class group category name"
    " center centre object element"
)
_IN_ONE_LINE = 3  # parts of something nested


@dataclass(frozen=True)
class Amount:
    """Money: a number as it was sent, and its currency."""

    number: str
    unit: str


Value = str | bool | datetime | Amount


def read(text: str) -> object:
    """Return what is in a JSON text, None if it is none, too much or holds a number beyond all."""
    if too_many_values(text):
        return None
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError, ArithmeticError):
        return None


def scalar(value: object) -> str | bool | datetime | None:
    """Return *value* if it is a scalar that says something; numbers are texts, as they were sent."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal):
        return str(value)
    if not isinstance(value, str) or value.strip().casefold() in NOTHING:
        return None
    return time_as_sent(value) or value.strip()


def said(name: str, value: object, unit: str) -> Value | None:
    """Return what the field *name* says, nested things in one line; None if it is nothing."""
    found = scalar(value)
    if found is None:
        return in_one_line(value) or None
    if unit and isinstance(found, str) and is_amount(name) and number_of(found) is not None:
        return Amount(found, unit)
    return found


def in_one_line(value: object) -> str:
    """Name the first things that something nested says, and how many more there are."""
    fields, entries = as_object(value), as_list(value)
    if fields is not None:
        found = [plain for each in fields.values() if (plain := _plain(each))]
    else:
        found = [plain for each in entries or () if (plain := _plain(each) or in_one_line(each))]
    parts = found[:_IN_ONE_LINE]
    if entries and len(found) > len(parts):
        parts.append(_("and {count} more").format(count=len(found) - len(parts)))
    return ", ".join(parts)


def written(value: Value, viewer: Viewer) -> str:
    """Write a value as the reader is used to see it; still raw, never inert."""
    if isinstance(value, Amount):
        return money(value.number, value.unit, viewer.locale)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, datetime):
        has_time = (value.hour, value.minute) != (0, 0)
        return (moment if has_time else day)(value, viewer.locale, viewer.zone)
    return value


@remembered(1024)  # a tenant's fields have the same names in all its requests
def is_amount(name: str) -> bool:
    """Tell by its name whether a number is money, where there is a currency."""
    words = set(humanised(name).casefold().split())
    return bool(words & _AMOUNTS) and not words & _NO_AMOUNTS


@remembered(1024)
def is_currency_field(name: str) -> bool:
    return "".join(humanised(name).casefold().split()).endswith(("currency", "currencycode"))


def unit_of(fields: Object, default: str) -> str:
    """Return the currency that goes with *fields*: their own, else *default*, else ""."""
    own = (text for key, text in fields.items() if is_currency_field(key))
    named = (text for text in own if isinstance(text, str) and is_currency(text))
    return next(named, default if is_currency(default) else "")


def as_object(value: object) -> Object | None:
    return cast("Object", value) if isinstance(value, dict) else None


def as_list(value: object) -> Sequence[object] | None:
    return cast("list[object]", value) if isinstance(value, list) else None


def follow(value: object, path: Iterable[str]) -> object:
    """Go down a path of names, whatever their case, or of places in lists; None if it ends nowhere."""
    for step in path:
        fields, entries = as_object(value), as_list(value)
        if fields is not None:
            value = _field(fields, step)
        elif entries is not None and step.isascii() and step.isdecimal():
            value = next(islice(entries, int(step[:6]), None), None)
        else:
            return None
    return value


def _field(fields: Object, name: str) -> object:
    if name in fields:
        return fields[name]
    folded = name.casefold()
    return next((each for key, each in fields.items() if key.casefold() == folded), None)


def _plain(value: object) -> str:
    found = scalar(value)
    if isinstance(found, datetime):
        return str(value).strip()[: len("2026-01-31")]
    return found if isinstance(found, str) else ""
