"""How a process waits for the others that write to the same file."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from approvals_core.adapters.sqlite_store.waiting import begin

WITHIN = 5.0  # seconds
OTHERS_LONGEST = 0.1  # seconds between two looks of SQLite's own, for all that wait for longer


class Waiter:
    """Waits for a file on a clock of its own; *until* is looked at after each pause."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._now = 0.0
        self.pauses: list[float] = []
        self.after_pause: Callable[[], None] = lambda: None

    @property
    def waited(self) -> float:
        return self._now

    def begin(self) -> None:
        begin(self._connection, within=WITHIN, clock=lambda: self._now, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._now += seconds
        self.after_pause()


def opened(path: Path) -> "closing[sqlite3.Connection]":
    return closing(sqlite3.connect(path, timeout=0, isolation_level=None))


@pytest.fixture
def other(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with opened(tmp_path / "store.db") as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE about (name TEXT)")
        yield connection


@pytest.fixture
def waiter(tmp_path: Path, other: sqlite3.Connection) -> Iterator[Waiter]:
    other.execute("BEGIN IMMEDIATE")
    with opened(tmp_path / "store.db") as connection:
        yield Waiter(connection)


def test_whoever_waits_is_next_once_the_other_has_ended(
    waiter: Waiter, other: sqlite3.Connection
) -> None:
    def end_in_time() -> None:
        if waiter.waited >= 1 and other.in_transaction:
            other.execute("COMMIT")

    waiter.after_pause = end_in_time
    waiter.begin()

    assert waiter.waited < 1 + OTHERS_LONGEST
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")


def test_a_gap_of_a_millisecond_in_the_first_ten_is_not_missed(
    waiter: Waiter, other: sqlite3.Connection
) -> None:
    def leave_a_gap() -> None:
        wants = not 0.009 <= waiter.waited < 0.010
        if wants != other.in_transaction:
            other.execute("BEGIN IMMEDIATE" if wants else "COMMIT")

    waiter.after_pause = leave_a_gap
    waiter.begin()

    assert waiter.waited < 0.010


def test_nobody_waits_longer_than_he_may_nor_looks_all_the_time(waiter: Waiter) -> None:
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        waiter.begin()

    assert WITHIN <= waiter.waited < WITHIN * 1.1
    assert len(waiter.pauses) < 200


def test_another_mistake_is_not_waited_for(waiter: Waiter, other: sqlite3.Connection) -> None:
    other.execute("COMMIT")
    waiter.begin()

    with pytest.raises(sqlite3.OperationalError, match="within a transaction"):
        waiter.begin()

    assert waiter.pauses == []
