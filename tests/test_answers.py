"""What a far side's answer may do to us, and what of a record reaches the log."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from approvals_core.adapters.answers import retry_after
from approvals_core.models import Named

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ("120", 120.0),
        ("Thu, 01 Jan 2026 12:01:00 GMT", 60.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),  # beyond the last year in UTC
        ("soon", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_nothing(sent: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": sent}, now=NOON) == seconds


def test_an_unreadable_record_does_not_tell_the_log_what_it_holds() -> None:
    with pytest.raises(ValidationError) as raised:
        Named.model_validate({"alias": ["somebody's secret"]})

    assert "secret" not in str(raised.value)
