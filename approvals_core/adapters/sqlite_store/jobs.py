"""The queue of work: asking for jobs, handing them out, and what becomes of them."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from approvals_core.adapters.stored import (
    FIRST_PATIENCE,
    PATIENCE_DOUBLINGS,
    leased_job,
    micros,
)
from approvals_core.errors import LeaseLost
from approvals_core.models import Change, Lane, Lease, LeasedJob
from approvals_core.ports import Room

HANDED_ON = "the job was handed to somebody else"
SCOPES = 200  # looked at in one lease; the rest have their turn with the next ones


def _patience(failures: str) -> str:
    """Return the SQL of what is added to what is asked of a job that failed (see `stored`)."""
    return f"iif({failures} > 0, {FIRST_PATIENCE} << min({failures}, {PATIENCE_DOUBLINGS}), 0)"


_PATIENT = _patience("failures")
_ASK = f"""
INSERT INTO jobs (scope, key, lane, due, next, record) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    record = excluded.record,
    lane = excluded.lane,
    due = iif(token IS NULL, min(due, excluded.due + {_PATIENT}), due),
    next = iif(token IS NULL, min(next, excluded.next + {_PATIENT}), next),
    again = iif(token IS NULL, NULL, min(ifnull(again, excluded.due), excluded.due))
"""  # noqa: S608 (of numbers above)
_FAILURES = "iif(:failed, failures + 1, 0)"
_AFTER = f"min(:due, ifnull(again + {_patience(_FAILURES)}, :due))"
_RETRY = f"""
UPDATE jobs SET
    due = {_AFTER}, next = {_AFTER},
    again = NULL, token = NULL, failures = {_FAILURES}
WHERE scope = :scope AND key = :job AND token = :token
"""  # noqa: S608 (of numbers above)
_CLAIM = """
INSERT INTO jobs (scope, key, lane, due, next, record, token) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    record = excluded.record, lane = excluded.lane, due = excluded.due, next = excluded.next,
    token = excluded.token, failures = 0
"""
_HAND_OUT = """
UPDATE jobs SET token = ?, next = ?, again = iif(again <= ?, NULL, again)
WHERE scope = ? AND key = ?
"""
_OLDEST = """
SELECT scope, key, due, failures, record FROM jobs
WHERE lane = ? AND next <= ? ORDER BY next LIMIT ?
"""
_OLDEST_OF_SCOPE = """
SELECT scope, key, due, failures, record FROM jobs
WHERE lane = ? AND scope = ? AND next <= ? ORDER BY next LIMIT ?
"""
# Steps from scope to scope in the index, however many jobs each has.
_SCOPES_FROM = """
WITH RECURSIVE found (scope, steps) AS (
    SELECT min(scope), 1 FROM jobs WHERE lane = :lane AND scope > :last
    UNION ALL
    SELECT (SELECT min(scope) FROM jobs WHERE lane = :lane AND scope > found.scope), steps + 1
    FROM found WHERE scope IS NOT NULL AND steps < :most
)
SELECT scope FROM found WHERE scope IS NOT NULL
"""

Due = tuple[str, str, int, int, str]  # scope, key, due, failures, record


def ask(connection: sqlite3.Connection, change: Change) -> None:
    """Write the jobs of *change*: new, earlier, or once more; one may be claimed."""
    asked: list[tuple[object, ...]] = []
    for job in change.jobs:
        due, record = micros(job.due), job.model_dump_json()
        row = (change.scope, job.key, job.lane, due)
        if change.claim and change.claim.job == job.key:
            until, token = micros(change.claim.until), change.claim.token
            connection.execute(_CLAIM, (*row, until, record, token))
        else:
            asked.append((*row, due, record))
    if asked:
        connection.executemany(_ASK, asked)


def finish(connection: sqlite3.Connection, lease: Lease) -> None:
    """Forget the job, or make it due again if it was asked for once more."""
    mine = (lease.scope, lease.job, lease.token)
    done = connection.execute(
        "DELETE FROM jobs WHERE scope = ? AND key = ? AND token = ? AND again IS NULL", mine
    )
    if done.rowcount == 0:  # asked for once more, or handed on
        _must_hit(
            connection.execute(
                "UPDATE jobs SET due = again, next = again, again = NULL, token = NULL,"
                " failures = 0 WHERE scope = ? AND key = ? AND token = ?",
                mine,
            )
        )


def check_held(connection: sqlite3.Connection, lease: Lease) -> None:
    """Raise LeaseLost unless the job is still held by *lease*."""
    held = connection.execute(
        "SELECT 1 FROM jobs WHERE scope = ? AND key = ? AND token = ?",
        (lease.scope, lease.job, lease.token),
    )
    if held.fetchone() is None:
        raise LeaseLost(HANDED_ON)


def renew(connection: sqlite3.Connection, lease: Lease, until: datetime) -> Lease:
    """Let the lease end at *until*."""
    _must_hit(
        connection.execute(
            "UPDATE jobs SET next = ? WHERE scope = ? AND key = ? AND token = ?",
            (micros(until), lease.scope, lease.job, lease.token),
        )
    )
    return lease._replace(until=until)


def retry(connection: sqlite3.Connection, lease: Lease, due: datetime, *, failed: bool) -> None:
    """Give the job back until *due*, or until it was asked for once more."""
    held = {"due": micros(due), "failed": failed}
    held |= {"scope": lease.scope, "job": lease.job, "token": lease.token}
    _must_hit(connection.execute(_RETRY, held))


def _must_hit(cursor: sqlite3.Cursor) -> None:
    if cursor.rowcount != 1:
        raise LeaseLost(HANDED_ON)


class Wanted(NamedTuple):
    """How many jobs at most, and *room* for how many of a scope; None: for all."""

    limit: int
    room: Room | None = None

    def of(self, scope: str) -> int:
        """Return how many jobs of *scope* are wanted at most."""
        return self.limit if self.room is None else min(self.limit, self.room(scope))


class Turns:
    """
    Hands out due jobs so that no scope waits for another one's flood.

    As long as all that is due fits, it is handed out oldest first. Else each scope with
    something due gets an equal share, and the rest goes to the oldest. The scopes have
    their turn in the order of their names, at most `SCOPES` of them at one time.
    """

    def __init__(self) -> None:
        self._last: dict[Lane, str] = {}

    def hand_out(
        self,
        connection: sqlite3.Connection,
        lane: Lane,
        wanted: Wanted,
        lease: Lease,
        now: datetime,
    ) -> list[LeasedJob]:
        """Lease the jobs *wanted* of *lane*, with the token and end of *lease*."""
        if wanted.limit <= 0:
            return []
        chosen = self._choose(connection, lane, wanted, micros(now))
        for scope, key, *_ in chosen:
            connection.execute(
                _HAND_OUT, (lease.token, micros(lease.until), micros(now), scope, key)
            )
        read = (_leased(row, lease) for row in sorted(chosen, key=lambda row: row[2]))
        return [leased for leased in read if leased is not None]

    def _choose(
        self, connection: sqlite3.Connection, lane: Lane, wanted: Wanted, now: int
    ) -> Iterable[Due]:
        limit = wanted.limit
        oldest: list[Due] = connection.execute(_OLDEST, (lane, now, limit + 1)).fetchall()
        if len(oldest) <= limit:
            return _fitting(oldest, wanted, Counter())
        chosen = self._shares(connection, lane, wanted, now)
        had = Counter(scope for scope, _key in chosen)
        rest = _fitting([row for row in oldest if row[:2] not in chosen], wanted, had)
        for row in rest[: limit - len(chosen)]:
            chosen[row[:2]] = row
        return chosen.values()

    def _shares(
        self, connection: sqlite3.Connection, lane: Lane, wanted: Wanted, now: int
    ) -> dict[tuple[str, str], Due]:
        due = self._scopes_in_turn(connection, lane, wanted, now)
        share = wanted.limit // max(1, len(due))
        rows: Iterable[Due] = (
            row
            for scope in due
            for row in connection.execute(
                _OLDEST_OF_SCOPE, (lane, scope, now, min(share, wanted.of(scope)))
            )
        )
        return {row[:2]: row for row in rows}

    def _scopes_in_turn(
        self, connection: sqlite3.Connection, lane: Lane, wanted: Wanted, now: int
    ) -> list[str]:
        """Return as many scopes with something due as jobs are wanted, after those of last time."""
        due: list[str] = []
        for scope in _round(connection, lane, self._last.get(lane, "")):
            self._last[lane] = scope
            if wanted.of(scope) <= 0:
                continue
            if connection.execute(_OLDEST_OF_SCOPE, (lane, scope, now, 1)).fetchone():
                due.append(scope)
            if len(due) == wanted.limit:
                break
        return due


def _fitting(rows: Iterable[Due], wanted: Wanted, had: Counter[str]) -> list[Due]:
    """Return the rows for which their scopes have room, beside what they *had*."""
    fitting: list[Due] = []
    for row in rows:
        had[row[0]] += 1
        if had[row[0]] <= wanted.of(row[0]):
            fitting.append(row)
    return fitting


def _round(connection: sqlite3.Connection, lane: Lane, last: str) -> list[str]:
    """Return the scopes with jobs in *lane*, those after *last* first, then the others."""

    def scopes_from(name: str) -> list[str]:
        bounds: Mapping[str, object] = {"lane": lane, "last": name, "most": SCOPES}
        return [row[0] for row in connection.execute(_SCOPES_FROM, bounds)]

    after = scopes_from(last)
    before = scopes_from("") if last and len(after) < SCOPES else []
    return (after + [scope for scope in before if scope <= last])[:SCOPES]


def _leased(row: Due, lease: Lease) -> LeasedJob | None:
    scope, key, due, failures, record = row
    return leased_job(record, due, lease._replace(scope=scope, job=key), failures)
