"""Money, numbers, times, sizes and names of fields, as the reader is used to see them."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache, wraps
from typing import TypeVar
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time
from babel.numbers import format_currency, format_decimal, list_currencies

from cards.language import _, plural
from cards.text import clean

_T = TypeVar("_T")

DEFAULT_LOCALE = "en-US"

# "12,480.00" is no number: it means two things in two countries. Babel quantizes in decimal's
# default context of 28 digits, and raises beyond.
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,12})?")
_KILO = 1024
_REMEMBERED = 200  # characters of a text that somebody else chose
_NO_CURRENCY = frozenset({"XXX", "XTS"})  # ISO 4217: "no currency", and the code for testing
_ISO_TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?\s*(?:Z|[+-]\d\d:?\d\d)?"
)
_BEFORE_ZONE = re.compile(r"\s+(?=(?:Z|[+-]\d\d:?\d\d)$)")
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")


def remembered(maxsize: int) -> Callable[[Callable[[str], _T]], Callable[[str], _T]]:
    """Keep what a function returned for *maxsize* texts, but none that would fill the memory."""

    def around(ask: Callable[[str], _T]) -> Callable[[str], _T]:
        kept = lru_cache(maxsize=maxsize)(ask)

        @wraps(ask)
        def answer(text: str) -> _T:
            return kept(text) if len(text) <= _REMEMBERED else ask(text)

        return answer

    return around


@remembered(256)
def locale_of(tag: str) -> Locale:
    """Return the locale a client names ("en-GB"), or English if there is none of that name."""
    try:
        return Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale.parse(DEFAULT_LOCALE, sep="-")


@remembered(256)
def zone_of(name: str) -> tzinfo:
    """Return the time zone a client names ("Europe/Berlin"), or UTC if it is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return UTC


def number_of(value: object) -> Decimal | None:
    """Return what *value* says if it is a number, however it was sent; None if it is not."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    text = str(value).strip()
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def money(value: object, unit: str, locale: str) -> str:
    """
    Write an amount: money for ISO 4217 codes, other units after the number.

    What is no number is written as it was sent. Nothing is rounded: a unit price of
    0.0125 must not read $0.01.
    """
    # Each card of a request has the same amounts, some of them more than once.
    if isinstance(value, str) and len(value) + len(unit) + len(locale) <= _REMEMBERED:
        return _money_as_remembered(value, unit, locale)
    return _money(value, unit, locale)


def _money(value: object, unit: str, locale: str) -> str:
    number, unit = number_of(value), clean(unit)
    if number is None:
        return _as_sent(clean(str(value)), unit)
    here = locale_of(locale)
    if unit.upper() in _currencies():
        return format_currency(number, unit.upper(), locale=here, decimal_quantization=False)
    shown = format_decimal(number, locale=here, decimal_quantization=False)
    return f"{shown} {unit}".rstrip()


_money_as_remembered = lru_cache(2048)(_money)


@remembered(256)
def is_currency(unit: str) -> bool:
    """Tell whether *unit* is a currency's code (ISO 4217)."""
    return clean(unit).upper() in _currencies()


def day(at: datetime, locale: str, zone: str) -> str:
    """Write a date: Wed, Nov 18, 2026."""
    there = at if is_midnight(at) else _there(at, zone)
    return _day(there.date(), locale_of(locale))


def is_midnight(at: datetime) -> bool:
    """
    Tell whether *at* is a day, the same one in every zone.

    A tenant writes a day as its midnight; moved to another zone it would be the day before.
    """
    return (at.hour, at.minute, at.second) == (0, 0, 0)


@lru_cache(1024)
def _day(there: date, locale: Locale) -> str:
    return format_skeleton("yMMMEd", there, locale=locale)


def moment(at: datetime, locale: str, zone: str) -> str:
    """Write a date and time: Wed, Nov 18, 2026 3:40 PM; in UTC, and so named, if *zone* is ""."""
    there = _there(at, zone).replace(tzinfo=None)
    written = _moment(there, locale_of(locale))
    return f"{written} UTC" if zone_of(zone) is UTC else written


@lru_cache(2048)  # each card of a request has the same times
def _moment(there: datetime, locale: Locale) -> str:
    day = format_skeleton("yMMMEd", there, locale=locale)
    return f"{day} {format_time(there, 'short', locale=locale)}"


def time_as_sent(text: str) -> datetime | None:
    """Read an ISO 8601 date or time as tenants write it; UTC without a zone. None if it is none."""
    text = text.strip()
    if not _ISO_TIME.fullmatch(text):
        return None
    try:
        at = datetime.fromisoformat(_BEFORE_ZONE.sub("", text))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def file_size(size: int, locale: str) -> str:
    """Write a number of bytes: 184 KB; 10 bytes."""
    if size < _KILO:
        return plural("{count} byte", "{count} bytes", max(size, 0))
    kilobytes = size / _KILO
    if kilobytes >= _KILO:
        return _("{number} MB").format(number=_rounded(kilobytes / _KILO, locale, digits=1))
    return _("{number} KB").format(number=_rounded(kilobytes, locale, digits=0))


@remembered(1024)  # a tenant's fields have the same names in all its requests
def humanised(key: str) -> str:
    """Write a field's name as words: "InvoiceNumber" is Invoice number."""
    key = clean(key)
    if " " in key:  # somebody wrote words already
        return key
    words = [word for part in key.split("_") for word in _words(part)]
    if not words:
        return key
    first, *others = words
    return " ".join([first[0].upper() + first[1:], *map(_small, others)])


def _words(part: str) -> list[str]:
    if part.isascii() and part.isalnum():
        return _WORD.findall(part)
    return [part] if part else []


def _small(word: str) -> str:
    return word if word.isupper() else word.lower()


def _as_sent(text: str, unit: str) -> str:
    says_unit = not unit or unit.casefold() in text.casefold()
    return text if says_unit or not any(map(str.isdigit, text)) else f"{text} {unit}"


@lru_cache(maxsize=1)
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies()) - _NO_CURRENCY


def _there(at: datetime, zone: str) -> datetime:
    try:
        return at.astimezone(zone_of(zone))
    except OverflowError:  # the year 9999, east of Greenwich
        return at


def _rounded(number: float, locale: str, *, digits: int) -> str:
    return format_decimal(round(number, digits), locale=locale_of(locale))
