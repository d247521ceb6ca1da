"""Answers questions, on connections of its own that wait for no writer."""

import asyncio
import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from approvals_core.adapters.stored import (
    instant,
    job_page,
    key_text,
    micros,
    page_of,
    payload_page,
    queued_job,
    read_approval,
)
from approvals_core.errors import StoreUnavailable
from approvals_core.models import (
    Approval,
    ApprovalKey,
    Contact,
    DeadLetter,
    HistoryEvent,
    Job,
    Lane,
    Letter,
    Payload,
    PersonId,
    QueuedJob,
    Receipt,
)
from approvals_core.ports import (
    MOST_COUNTED,
    MOST_HELD,
    Cursor,
    Depth,
    JobCursor,
    JobPage,
    LaneDepth,
    Page,
    PayloadCursor,
    PayloadPage,
)

Row = tuple[Any, ...]

_PAGE = """
SELECT entries.at, key, approvals.record FROM entries JOIN approvals USING (scope, key)
WHERE scope = ? AND list = ? AND (entries.at, key) > (?, ?)
ORDER BY entries.at, key LIMIT ?
"""
_QUEUED = "SELECT key, lane, due, next, token IS NOT NULL, failures, record FROM jobs"
# Each of the counts reads no more than so many entries of an index.
_OLDEST_HELD = """
SELECT min(due) FROM (
    SELECT due, token FROM jobs WHERE lane = ? AND next > ? AND next <= ? ORDER BY next LIMIT ?
) WHERE token IS NOT NULL
"""
_LANE_DEPTH = """
SELECT (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE lane = :lane LIMIT :most)),
    (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE lane = :lane AND next <= :now LIMIT :most)),
    (SELECT min(next) FROM jobs WHERE lane = :lane)
"""
_TAKEN = """
SELECT payloads.record FROM payload_log JOIN payloads USING (scope, id)
WHERE scope = ? AND (payload_log.at, id) > (?, ?)
ORDER BY payload_log.at, id LIMIT ?
"""
_LATE = """
SELECT payloads.record FROM late_payloads JOIN payloads USING (scope, id)
WHERE scope = ? AND (late_payloads.at, id) > (?, ?)
ORDER BY late_payloads.at, id LIMIT ?
"""


class Reads:
    """
    The questions of `Store`.

    They run on the loop's thread, on *connection*: each takes some 20 us, a thread hop
    costs more than that. Only counting, which reads the whole list, goes to a thread.
    """

    def __init__(self, connection: sqlite3.Connection, counting: sqlite3.Connection) -> None:
        self._reading = connection
        self._counting = counting
        self._counter = ThreadPoolExecutor(1, "sqlite-count")

    async def approval(self, key: ApprovalKey) -> Approval | None:
        row = self._one(
            "SELECT record FROM approvals WHERE scope = ? AND key = ?", key.scope, key_text(key)
        )
        return read_approval(row[0]) if row else None

    async def approval_by_id(self, scope: str, public_id: str) -> Approval | None:
        row = self._one(
            "SELECT record FROM approvals WHERE scope = ? AND public_id = ?", scope, public_id
        )
        return read_approval(row[0]) if row else None

    async def bodies(self, key: ApprovalKey, prefix: str = "") -> Mapping[str, str]:
        start = prefix.encode()  # compared as bytes: SQLite's texts end at a NUL for substr()
        rows = self._all(
            "SELECT name, text FROM bodies WHERE scope = ? AND key = ?"
            " AND substr(CAST(name AS BLOB), 1, ?) = ? ORDER BY name",
            *(key.scope, key_text(key), len(start), start),
        )
        return dict(rows)

    async def body_names(self, key: ApprovalKey) -> Sequence[str]:
        rows = self._all(
            "SELECT name FROM bodies WHERE scope = ? AND key = ? ORDER BY name",
            *(key.scope, key_text(key)),
        )
        return [row[0] for row in rows]

    async def history(self, key: ApprovalKey) -> Sequence[HistoryEvent]:
        rows = self._all(
            "SELECT record FROM events WHERE scope = ? AND key = ? ORDER BY seq",
            *(key.scope, key_text(key)),
        )
        return [HistoryEvent.model_validate_json(row[0]) for row in rows]

    async def receipts(self, key: ApprovalKey) -> Sequence[Receipt]:
        rows = self._all(
            "SELECT record FROM receipts WHERE scope = ? AND key = ?"
            " ORDER BY round, person, channel",
            *(key.scope, key_text(key)),
        )
        return [Receipt.model_validate_json(row[0]) for row in rows]

    async def receipt(
        self,
        key: ApprovalKey,
        *,
        round: int,  # noqa: A002 - the port's word
        person: PersonId,
        channel: str,
    ) -> Receipt | None:
        row = self._one(
            "SELECT record FROM receipts WHERE scope = ? AND key = ?"
            " AND round = ? AND person = ? AND channel = ?",
            *(key.scope, key_text(key), round, str(person), channel),
        )
        return Receipt.model_validate_json(row[0]) if row else None

    async def letters(self, key: ApprovalKey) -> Sequence[Letter]:
        rows = self._all(
            "SELECT record FROM letters WHERE scope = ? AND key = ? ORDER BY at, id",
            *(key.scope, key_text(key)),
        )
        return [Letter.model_validate_json(row[0]) for row in rows]

    async def letter(self, key: ApprovalKey, letter_id: str) -> Letter | None:
        row = self._one(
            "SELECT record FROM letters WHERE scope = ? AND key = ? AND id = ?",
            *(key.scope, key_text(key), letter_id),
        )
        return Letter.model_validate_json(row[0]) if row else None

    async def payload(self, scope: str, payload_id: str) -> Payload | None:
        row = self._one("SELECT record FROM payloads WHERE scope = ? AND id = ?", scope, payload_id)
        return Payload.model_validate_json(row[0]) if row else None

    async def payload_by_digest(self, scope: str, digest: str) -> Payload | None:
        row = self._one(
            "SELECT record FROM payloads WHERE scope = ? AND digest = ?"
            " ORDER BY rowid DESC LIMIT 1",
            *(scope, digest),
        )
        return Payload.model_validate_json(row[0]) if row else None

    async def late_payloads(
        self, scope: str, *, after: PayloadCursor | None = None, limit: int
    ) -> PayloadPage:
        start = (micros(after.at), after.id) if after else (-1, "")
        rows = self._all(_LATE, scope, *start, limit + 1)
        return payload_page([row[0] for row in rows], limit)

    async def payloads(
        self, scope: str, *, after: PayloadCursor | None = None, limit: int
    ) -> PayloadPage:
        start = (micros(after.at), after.id) if after else (-1, "")
        rows = self._all(_TAKEN, scope, *start, limit + 1)
        return payload_page([row[0] for row in rows], limit)

    async def contact(self, person: PersonId) -> Contact | None:
        row = self._one("SELECT record FROM contacts WHERE scope = ?", person.scope)
        return Contact.model_validate_json(row[0]) if row else None

    async def notes(self, scope: str) -> Mapping[str, str]:
        return dict(self._all("SELECT name, text FROM notes WHERE scope = ?", scope))

    async def page(self, scope: str, name: str, *, after: Cursor | None = None, limit: int) -> Page:
        start = (micros(after.at), key_text(after.key)) if after else (-1, "")
        rows = self._all(_PAGE, scope, name, *start, limit + 1)
        return page_of(scope, [row[:2] for row in rows], [row[2] for row in rows], limit)

    async def count(self, scope: str, name: str) -> int:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._counter, self._count, scope, name)

    async def job(self, scope: str, key: str) -> Job | None:
        found = await self.queued(scope, key)
        return found.job if found else None

    async def queued(self, scope: str, key: str) -> QueuedJob | None:
        row = self._one(f"{_QUEUED} WHERE scope = ? AND key = ?", scope, key)
        return _queued(scope, row) if row else None

    async def jobs(self, scope: str, *, after: JobCursor | None = None, limit: int) -> JobPage:
        start = (micros(after.next), after.key) if after else (-1, "")
        rows = self._all(
            f"{_QUEUED} WHERE scope = ? AND (next, key) > (?, ?) ORDER BY next, key LIMIT ?",
            *(scope, *start, limit + 1),
        )
        places = [(row[3], row[0]) for row in rows]
        return job_page(places, [_queued(scope, row) for row in rows[:limit]], limit)

    async def next_due(
        self, lanes: Sequence[Lane], *, but_not: Collection[str] = ()
    ) -> datetime | None:
        rows = [
            self._one(
                "SELECT next FROM jobs WHERE lane = ?"
                " AND scope NOT IN (SELECT value FROM json_each(?)) ORDER BY next LIMIT 1",
                *(lane, json.dumps(list(but_not))),
            )
            for lane in lanes
        ]
        times: list[int] = [row[0] for row in rows if row and row[0] is not None]
        return instant(min(times)) if times else None

    async def oldest_held(
        self, ends: Mapping[Lane, datetime], *, now: datetime
    ) -> Mapping[Lane, datetime]:
        found: dict[Lane, datetime] = {}
        for lane, end in ends.items():
            row = self._one(_OLDEST_HELD, lane, micros(now), micros(end), MOST_HELD)
            if row and row[0] is not None:
                found[lane] = instant(row[0])
        return found

    async def depth(self, now: datetime) -> Depth:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._counter, self._depth, micros(now))

    async def dead_letters(self, scope: str) -> Sequence[DeadLetter]:
        rows = self._all("SELECT record FROM dead_letters WHERE scope = ? ORDER BY at, id", scope)
        return [DeadLetter.model_validate_json(row[0]) for row in rows]

    async def scopes(self) -> Sequence[str]:
        return [row[0] for row in self._all("SELECT scope FROM scopes ORDER BY scope")]

    async def close(self) -> None:
        """Let go of both connections."""
        self._reading.close()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._counter, self._counting.close)
        self._counter.shutdown()

    def _count(self, scope: str, name: str) -> int:
        counted = "SELECT count(*) FROM entries WHERE scope = ? AND list = ?"
        return _fetch(self._counting, counted, (scope, name))[0][0]

    def _depth(self, now: int) -> Depth:
        lanes = {lane: self._lane_depth(lane, now) for lane in Lane}
        dead = _fetch(self._counting, "SELECT scope, count(*) FROM dead_letters GROUP BY scope", ())
        return Depth(lanes=lanes, dead=dict(dead))

    def _lane_depth(self, lane: Lane, now: int) -> LaneDepth:
        (row,) = _fetch(
            self._counting, _LANE_DEPTH, {"lane": lane, "now": now, "most": MOST_COUNTED}
        )
        jobs, due, first = row
        return LaneDepth(jobs=jobs, due=due, next=None if first is None else instant(first))

    def _one(self, sql: str, *values: object) -> Row | None:
        rows = self._all(sql, *values)
        return rows[0] if rows else None

    def _all(self, sql: str, *values: object) -> list[Row]:
        return _fetch(self._reading, sql, values)


def _queued(scope: str, row: Row) -> QueuedJob:
    key, lane, due, next_, leased, failures, record = row
    return queued_job(
        record,
        due,
        scope=scope,
        key=key,
        lane=lane,
        next_=next_,
        leased=bool(leased),
        failures=failures,
    )


def _fetch(
    connection: sqlite3.Connection, sql: str, values: tuple[object, ...] | Mapping[str, object]
) -> list[Row]:
    try:
        return connection.execute(sql, values).fetchall()
    except sqlite3.Error as error:
        raise StoreUnavailable(f"SQLite: {error}") from error
