"""What a store that is full or away makes every part of us say: once a minute, and how often it was not said."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from approvals_core.adapters.telemetry import JsonLines, SeldomAgain


class Told(NamedTuple):
    """A log of its own, and its clock in seconds."""

    log: logging.Logger
    clock: list[float]
    stream: io.StringIO

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def told() -> Iterator[Told]:
    stream, clock = io.StringIO(), [0.0]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(SeldomAgain(lambda: clock[0]))
    log = logging.getLogger("of its own")
    log.addHandler(handler)
    yield Told(log, clock, stream)
    log.removeHandler(handler)


def refuse(told: Told, why: str = "full") -> None:
    told.log.warning("store_unavailable", extra={"why": why})


def test_the_same_for_the_same_reason_is_told_once_a_minute_and_counted(told: Told) -> None:
    for second in range(60):
        told.clock[0] = second
        refuse(told)
        refuse(told)
    told.clock[0] = 60.0
    refuse(told)

    first, second_line = told.lines()
    assert "left_out" not in first
    assert second_line["left_out"] == 119


def test_another_reason_and_another_event_are_told_at_once(told: Told) -> None:
    refuse(told)
    refuse(told, "away")
    told.log.warning("redis_refused", extra={"error": "full"})
    told.log.warning("redis_refused", extra={"error": "away"})

    assert len(told.lines()) == 4


def test_what_is_no_word_about_the_store_is_told_each_time(told: Told) -> None:
    for _ in range(3):
        told.log.warning("decision_not_recorded", extra={"why": "full"})

    assert len(told.lines()) == 3
