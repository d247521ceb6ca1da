"""Dates as the tenants write them, to the 100 ns that .NET keeps."""

import re
from datetime import UTC, datetime, timedelta

SECOND = 10_000_000  # ticks
DAY = 86_400 * SECOND

_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?"
    r"\s*(Z|z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_EPOCH = datetime(1, 1, 1)  # noqa: DTZ001 - .NET's ticks count from here; UTC by their definition


def read_ticks(text: str) -> int | None:
    """
    Return a date in 100-ns ticks since 0001-01-01 UTC, or None if it is none.

    ISO 8601 as the samples have it: up to nine digits of a second, spaces around,
    year 9999. No zone means UTC.
    """
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        at = datetime(  # noqa: DTZ001 - the zone is subtracted below, where year 9999 cannot overflow
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)
        )
    except ValueError:
        return None
    part = int(fraction.ljust(7, "0")[:7]) if fraction else 0
    seconds = (at.hour * 60 + at.minute) * 60 + at.second
    return max(0, (at.toordinal() - 1) * DAY + seconds * SECOND + part - _offset(zone))


def ticks_of(at: datetime) -> int:
    """Return a time of ours in ticks."""
    naive = at.astimezone(UTC).replace(tzinfo=None)
    return (naive - _EPOCH) // timedelta(microseconds=1) * 10


def time_of(ticks: int) -> datetime:
    """Return ticks as a time, cut to microseconds and to the end of year 9999."""
    try:
        return (_EPOCH + timedelta(microseconds=ticks // 10)).replace(tzinfo=UTC)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _offset(zone: str | None) -> int:
    if zone is None or zone in "Zz":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return (minutes if zone[0] == "+" else -minutes) * 60 * SECOND
