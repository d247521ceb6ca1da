"""
One transaction per request through aiosqlite, as its documents show it.

The same file, tables, settings and rows as our store's, and as durable. Two
coroutines would share a transaction on one connection, so a lock keeps them apart.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiosqlite

from approvals_core.adapters.sqlite_store import open_sqlite
from approvals_core.adapters.sqlite_store.schema import PRAGMAS
from approvals_core.adapters.stored import key_text, micros
from approvals_core.models import Change, entries
from benchmarks.servers.changes import Changes
from benchmarks.servers.control import obey, settings
from benchmarks.servers.work import Work

Statement = tuple[str, tuple[object, ...]]


def _statements(change: Change) -> Iterator[Statement]:
    """Return what our store writes for a request that is new."""
    approval, payload = change.approval, change.payload
    assert approval is not None
    assert payload is not None
    own = (change.scope, key_text(approval.key))
    yield (
        "INSERT INTO approvals VALUES (?, ?, ?, ?, ?, ?)",
        (*own, approval.id, approval.version, change.id, approval.model_dump_json()),
    )
    yield "INSERT OR IGNORE INTO scopes VALUES (?)", (change.scope,)
    for entry in entries(approval):
        row = (*own, entry.list, micros(entry.at))
        yield "INSERT INTO entries (scope, key, list, at) VALUES (?, ?, ?, ?)", row
    for event in change.events:
        row = (*own, event.seq, event.model_dump_json())
        yield "INSERT INTO events VALUES (?, ?, ?, ?)", row
    for name, text in change.bodies.items():
        yield "INSERT OR REPLACE INTO bodies VALUES (?, ?, ?, ?)", (*own, name, text)
    yield (
        "INSERT OR REPLACE INTO payloads VALUES (?, ?, ?, ?)",
        (change.scope, payload.id, payload.digest, payload.model_dump_json()),
    )
    for job in change.jobs:
        due = micros(job.due)
        yield (
            "INSERT INTO jobs (scope, key, lane, due, next, record) VALUES (?, ?, ?, ?, ?, ?)",
            (change.scope, job.key, job.lane, due, due, job.model_dump_json()),
        )


class _Transactions:
    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._one_at_a_time = asyncio.Lock()

    async def commit(self, change: Change) -> None:
        async with self._one_at_a_time:
            await self._connection.execute("BEGIN IMMEDIATE")
            for sql, values in _statements(change):
                await self._connection.execute(sql, values)
            await self._connection.commit()


async def _run() -> None:
    told = settings()
    store = await open_sqlite(told["path"])  # makes the tables
    changes = Changes(store, told["template"], Path(told["tenants"]))
    async with aiosqlite.connect(told["path"], isolation_level=None) as connection:
        for pragma in PRAGMAS:
            await connection.execute(f"PRAGMA {pragma}")
        await connection.execute("PRAGMA wal_autocheckpoint=1000")  # SQLite's own default
        transactions = _Transactions(connection)

        await obey({}, Work(changes.next, transactions.commit).orders())
    await store.close()


if __name__ == "__main__":
    asyncio.run(_run())
