"""Money, dates, sizes and names of fields as people read them."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cards import formats
from cards.approval.values import is_amount, is_currency_field

NOON = datetime(2026, 11, 18, 14, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "unit", "locale", "shown"),
    [
        ("12480", "EUR", "en-US", "€12,480.00"),
        ("12480.5", "EUR", "de-DE", "12.480,50\u00a0€"),
        ("19515", "usd", "en-US", "$19,515.00"),
        (Decimal("0.0125"), "USD", "en-US", "$0.0125"),
        (1000, "JPY", "en-US", "¥1,000"),
        ("-3", "USD", "en-US", "-$3.00"),
        ("1250", "PCS", "en-US", "1,250 PCS"),
        ("8", "", "en-US", "8"),
        ("12,480.00", "EUR", "en-US", "12,480.00 EUR"),
        ("12,480.00 EUR", "EUR", "en-US", "12,480.00 EUR"),
        ("007", "EUR", "en-US", "007 EUR"),
        ("to be agreed", "EUR", "en-US", "to be agreed"),
        ("5", "XXX", "en-US", "5 XXX"),
        ("5", "USD", "xx-YY", "$5.00"),
        ("9" * 15 + "." + "9" * 12, "USD", "en-US", "$999,999,999,999,999.999999999999"),
        ("9" * 16, "USD", "en-US", "9" * 16 + " USD"),
        ("9" * 400, "USD", "en-US", "9" * 400 + " USD"),
    ],
)
def test_amounts(value, unit, locale, shown):
    assert formats.money(value, unit, locale) == shown


@pytest.mark.parametrize(
    ("locale", "zone", "shown"),
    [
        ("en-US", "Europe/Berlin", "Wed, Nov 18, 2026 3:40\u202fPM"),
        ("en-GB", "Europe/Berlin", "Wed, 18 Nov 2026 15:40"),
        ("en-GB", "", "Wed, 18 Nov 2026 14:40 UTC"),
        ("en-GB", "Middle/Earth", "Wed, 18 Nov 2026 14:40 UTC"),
        ("en-GB", "../../etc/passwd", "Wed, 18 Nov 2026 14:40 UTC"),
    ],
)
def test_a_moment_is_told_in_the_readers_zone(locale, zone, shown):
    assert formats.moment(NOON, locale, zone) == shown


def test_a_midnight_is_a_day_and_stays_that_day_everywhere():
    midnight = datetime(2018, 4, 13, tzinfo=UTC)

    assert formats.day(midnight, "en-US", "America/New_York") == "Fri, Apr 13, 2018"


def test_the_end_of_time_is_still_a_time():
    last = formats.time_as_sent("9999-12-31T18:29:59.9999999+00:00")

    assert last is not None
    assert formats.moment(last, "en-GB", "Asia/Tokyo").startswith("Fri, 31 Dec 9999")


@pytest.mark.parametrize(
    ("sent", "time"),
    [
        ("2018-04-13T00:00:00", datetime(2018, 4, 13, tzinfo=UTC)),
        ("2022-04-13T07:27:44.8945494Z ", datetime(2022, 4, 13, 7, 27, 44, 894549, UTC)),
        ("2022-04-13T07:27:44 Z", datetime(2022, 4, 13, 7, 27, 44, tzinfo=UTC)),
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-13-24", None),
        ("4210", None),
        ("20261124", None),
        ("2026-11-24 or so", None),
    ],
)
def test_times_are_read_as_tenants_write_them(sent, time):
    assert formats.time_as_sent(sent) == time


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("InvoiceNumber", "Invoice number"),
        ("MS_IT_Comments", "MS IT comments"),
        ("PONumber", "PO number"),
        ("SAPCostObject", "SAP cost object"),
        ("costCentre", "Cost centre"),
        ("Cost centre", "Cost centre"),
        ("Überschuss_Wert", "Überschuss wert"),
        ("DT1", "DT1"),
        ("_", "_"),
        ("", ""),
    ],
)
def test_names_of_fields_become_words(key, words):
    assert formats.humanised(key) == words


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1 KB"),
        (188_416, "184 KB"),
        (43_000, "42 KB"),
        (3_500_000, "3.3 MB"),
    ],
)
def test_sizes_of_files(size, shown):
    assert formats.file_size(size, "en-US") == shown


@pytest.mark.parametrize(
    "ask", [formats.humanised, formats.is_currency, is_amount, is_currency_field]
)
def test_only_short_names_are_remembered(ask: Callable[[str], object]):
    kept = [_held_after(ask, name * length) for name, length in (("Ab", 30), ("Ab", 300))]

    assert kept == [True, False]


def _held_after(ask: Callable[[str], object], name: str) -> bool:
    before = sys.getrefcount(name)
    ask(name)
    return sys.getrefcount(name) > before
