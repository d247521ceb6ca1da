"""What the file holds, as it is stored: read, written, swapped and taken away record by record."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from approvals_core.adapters.sqlite_store.guard import Guard
from approvals_core.adapters.sqlite_store.writer import Writer
from approvals_core.adapters.stored import key_text, micros_of
from approvals_core.errors import StoreUnavailable, VersionConflict
from approvals_core.models import ApprovalKey
from approvals_core.models.held import Document, Held, Kind, Names, Whole
from approvals_core.models.marks import ARRIVING, MOVED

# What may be marked on a store while such things are written: who copies writes to it then.
ARRIVES = (ARRIVING,)
MARKED = (ARRIVING, MOVED)

# Table, what is the name there, and the values in the order of `Kind`.
TABLES: Mapping[Kind, tuple[str, str, tuple[str, ...]]] = {
    Kind.PAYLOAD: ("payloads", "id", ("digest", "record")),
    Kind.JOB: (
        "jobs",
        "key",
        ("lane", "due", "next", "token", "again", "failures", "record"),
    ),
    Kind.DEAD_LETTER: ("dead_letters", "id", ("at", "record")),
    Kind.NOTE: ("notes", "name", ("text",)),
    Kind.CONTACT: ("contacts", "''", ("version", "last_change", "record")),
    Kind.TOMBSTONE: ("tombstones", "key", ("newest",)),
    Kind.ARCHIVE_FILE: ("archive_files", "name", ("text",)),
}
_BESIDE = ("entries", "bodies", "events", "receipts", "letters", "approvals")  # by scope and key
_LOGS = ("payload_log", "late_payloads")
_OF_SCOPE = (*_BESIDE, *_LOGS, *(table for table, _name, _values in TABLES.values()), "scopes")
_DOCUMENT = (
    "SELECT public_id, version, last_change, record FROM approvals WHERE scope = ? AND key = ?"
)
_TOMBSTONE = "SELECT newest FROM tombstones WHERE scope = ? AND key = ?"
_PAYLOAD = "SELECT digest, record FROM payloads WHERE scope = ? AND id = ?"
_LATE = "SELECT 1 FROM late_payloads WHERE scope = ? AND at = ? AND id = ?"
EMPTYING = 100  # tries to cut the log to nothing
EMPTIED_EVERY = 0.1  # seconds
_SECOND = 1_000_000  # microseconds

Values = tuple[object, ...]


class SqliteHoldings:
    """`Holdings` of one file, on the connections of its store."""

    def __init__(
        self,
        reading: sqlite3.Connection,
        writer: Writer,
        guard: Guard,
        open_own: Callable[[], sqlite3.Connection],
    ) -> None:
        """*open_own* opens a connection that waits long for others: to rewrite the whole file."""
        self._reading = reading
        self._writer = writer
        self._guard = guard
        self._open_own = open_own

    async def about(self) -> Mapping[str, str]:
        about = dict(self._fetch("SELECT name, value FROM about", ()))
        self._guard.check(about)
        return about

    async def mark(self, name: str, text: str | None) -> None:
        sql, values = "DELETE FROM about WHERE name = ?", (name,)
        if text is not None:
            sql, values = "INSERT OR REPLACE INTO about VALUES (?, ?)", (name, text)
        await self._writer.write(lambda connection: connection.execute(sql, values), but=MARKED)

    async def replace_mark(self, name: str, before: str | None, after: str | None) -> bool:
        def replace(connection: sqlite3.Connection) -> bool:
            row = connection.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
            if (row[0] if row else None) != before:
                return False
            connection.execute("DELETE FROM about WHERE name = ?", (name,))
            if after is not None:
                connection.execute("INSERT INTO about VALUES (?, ?)", (name, after))
            return True

        return await self._writer.write(replace, but=MARKED)

    async def time(self) -> datetime | None:
        return None

    async def counts(self, scope: str) -> Mapping[str, int]:
        tables = {"request": "approvals"} | {k.value: table[0] for k, table in TABLES.items()}
        counted = {
            kind: self._fetch(f"SELECT count(*) FROM {table} WHERE scope = ?", (scope,))[0][0]  # noqa: S608 (our names)
            for kind, table in tables.items()
        }
        return {kind: count for kind, count in counted.items() if count}

    async def documents(self, scope: str, *, after: str = "", limit: int) -> Names:
        return self._names("approvals", "key", scope, after, limit)

    async def names(self, scope: str, kind: Kind, *, after: str = "", limit: int) -> Names:
        table, name, _values = TABLES[kind]
        if kind is Kind.CONTACT:
            there = self._fetch("SELECT 1 FROM contacts WHERE scope = ?", (scope,))
            return Names(("",) if there else (), None)
        return self._names(table, name, scope, after, limit)

    async def document(self, key: ApprovalKey) -> Document | None:
        return self._document(key.scope, key_text(key))

    async def read_documents(self, scope: str, keys: Sequence[str]) -> Sequence[Document]:
        read = (self._document(scope, key) for key in keys)
        return [document for document in read if document is not None]

    async def archived_to(self, key: ApprovalKey) -> int:
        found = self._fetch(_TOMBSTONE, (key.scope, key_text(key)))
        return int(found[0][0]) if found else 0

    def tombstone(self, key: ApprovalKey, ticks: int) -> Held:
        return Held(Kind.TOMBSTONE, key_text(key), (str(ticks),))

    async def read(self, scope: str, kind: Kind, names: Sequence[str]) -> Sequence[Held]:
        read = (self._one(scope, kind, name) for name in names)
        return [held for held in read if held is not None]

    async def write(
        self, scope: str, documents: Sequence[Document] = (), held: Sequence[Held] = ()
    ) -> None:
        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO scopes VALUES (?)", (scope,))
            for document in documents:
                _drop_document(connection, scope, document.key)
                _put_document(connection, scope, document)
            for each in held:
                _drop(connection, scope, each.kind, each.name)
                _put(connection, scope, each)

        await self._writer.write(write, but=ARRIVES)

    async def swap(
        self, scope: str, before: Whole, after: Whole | None, *, leaves: Sequence[Held] = ()
    ) -> None:
        def swap(connection: sqlite3.Connection) -> None:
            row = connection.execute(_DOCUMENT, (scope, before.document.key)).fetchone()
            if row is None or row[1] != before.document.version:
                raise VersionConflict(f"{scope} was changed meanwhile")
            _drop_document(connection, scope, before.document.key)
            for payload in before.payloads:
                _drop(connection, scope, payload.kind, payload.name)
            if after is not None:
                _put_document(connection, scope, after.document)
                for payload in after.payloads:
                    _put(connection, scope, payload)
            for each in leaves:
                _drop(connection, scope, each.kind, each.name)
                _put(connection, scope, each)

        await self._writer.write(swap)

    async def remove(self, scope: str, kind: Kind, names: Sequence[str]) -> None:
        def remove(connection: sqlite3.Connection) -> None:
            for name in names:
                _drop(connection, scope, kind, name)

        await self._writer.write(remove, but=MARKED)

    async def forget(self, scope: str) -> None:
        kept = {"approvals", *_BESIDE}

        def forget(connection: sqlite3.Connection) -> None:
            for table in _OF_SCOPE:
                if table not in kept:
                    connection.execute(f"DELETE FROM {table} WHERE scope = ?", (scope,))  # noqa: S608 (our names)

        await self._writer.write(forget, but=ARRIVES)

    async def clear(self) -> None:
        def clear(connection: sqlite3.Connection) -> None:
            for table in _OF_SCOPE:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 (our names)

        await self._writer.write(clear, but=ARRIVES)

    async def scrub(self) -> None:
        """Write the whole file anew; until it is done, writers wait."""
        try:
            connection = await asyncio.to_thread(self._open_own)
            try:
                await asyncio.to_thread(_rewrite, connection)
                await _empty_log(connection)
            finally:
                await asyncio.to_thread(connection.close)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"SQLite: {error}") from error

    def _names(self, table: str, name: str, scope: str, after: str, limit: int) -> Names:
        rows = self._fetch(
            f"SELECT {name} FROM {table} WHERE scope = ? AND {name} > ? ORDER BY {name} LIMIT ?",  # noqa: S608 (our names)
            (scope, after, limit),
        )
        names = tuple(row[0] for row in rows)
        return Names(names, names[-1] if len(names) == limit else None)

    def _document(self, scope: str, key: str) -> Document | None:
        own = (scope, key)
        rows = self._fetch(_DOCUMENT, own)
        if not rows:
            return None
        public_id, version, last_change, record = rows[0]
        events = self._beside("events", "record", own, order="seq")
        return Document(
            key=key,
            id=public_id,
            version=version,
            last_change=last_change,
            record=record,
            lists=tuple(sorted(self._beside("entries", "list, at", own))),
            bodies=tuple(sorted(self._beside("bodies", "name, text", own))),
            events=tuple(row[0] for row in events),
            receipts=tuple(sorted(self._beside("receipts", "round, person, channel, record", own))),
            letters=tuple(sorted(self._beside("letters", "at, id, record", own))),
        )

    def _beside(
        self, table: str, columns: str, own: tuple[str, str], *, order: str = "1"
    ) -> Iterator[tuple[Any, ...]]:
        yield from self._fetch(
            f"SELECT {columns} FROM {table} WHERE scope = ? AND key = ? ORDER BY {order}",  # noqa: S608 (our names)
            own,
        )

    def _one(self, scope: str, kind: Kind, name: str) -> Held | None:
        if kind is Kind.PAYLOAD:
            return self._payload(scope, name)
        table, column, values = TABLES[kind]
        found = self._fetch(
            f"SELECT {', '.join(values)} FROM {table} WHERE scope = ? AND {column} = ?",  # noqa: S608 (our names)
            (scope, name),
        )
        return Held(kind, name, found[0]) if found else None

    def _payload(self, scope: str, name: str) -> Held | None:
        rows = self._fetch(_PAYLOAD, (scope, name))
        if not rows:
            return None
        digest, record = rows[0]
        at, second = _times(record)
        late = any(self._fetch(_LATE, (scope, each, name)) for each in (at, second))
        return Held(Kind.PAYLOAD, name, (digest, at, int(late), record))

    def _fetch(self, sql: str, values: Values) -> list[tuple[Any, ...]]:
        try:
            return self._reading.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"SQLite: {error}") from error


def _rewrite(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA temp_store=FILE")  # a copy of all of it
    connection.execute("VACUUM")


def _cut(connection: sqlite3.Connection) -> bool:
    busy, *_pages = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


async def _empty_log(connection: sqlite3.Connection) -> None:
    """
    Cut the log to nothing; it holds what was before.

    Where another checkpoint is just being made, this one waits for nobody: it says so.
    """
    for _ in range(EMPTYING):
        if await asyncio.to_thread(_cut, connection):
            return
        await asyncio.sleep(EMPTIED_EVERY)
    raise StoreUnavailable("SQLite: the log is used all the time; run the same in a quieter hour")


def _times(record: str) -> tuple[int | None, int | None]:
    """
    Return when a payload came: exactly, and to the second as one of an older program stands in the log.

    None and None if the record cannot be read.
    """
    try:
        at = micros_of(json.loads(record)["received_at"])
    except (ValueError, KeyError, TypeError):
        return None, None
    return at, at - at % _SECOND


def _drop_document(connection: sqlite3.Connection, scope: str, key: str) -> None:
    for table in _BESIDE:
        connection.execute(f"DELETE FROM {table} WHERE scope = ? AND key = ?", (scope, key))  # noqa: S608 (our names)


def _put_document(connection: sqlite3.Connection, scope: str, document: Document) -> None:
    own = (scope, document.key)
    connection.execute(
        "INSERT INTO approvals VALUES (?, ?, ?, ?, ?, ?)",
        (*own, document.id, document.version, document.last_change, document.record),
    )
    connection.executemany(
        "INSERT INTO entries (scope, key, list, at) VALUES (?, ?, ?, ?)",
        [(*own, *each) for each in document.lists],
    )
    connection.executemany(
        "INSERT INTO bodies VALUES (?, ?, ?, ?)", [(*own, *each) for each in document.bodies]
    )
    connection.executemany(
        "INSERT INTO events VALUES (?, ?, ?, ?)",
        [(*own, seq, record) for seq, record in enumerate(document.events)],
    )
    connection.executemany(
        "INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?)",
        [(*own, *each) for each in document.receipts],
    )
    connection.executemany(
        "INSERT INTO letters (scope, key, at, id, record) VALUES (?, ?, ?, ?, ?)",
        [(*own, *each) for each in document.letters],
    )


def _drop(connection: sqlite3.Connection, scope: str, kind: Kind, name: str) -> None:
    table, column, _values = TABLES[kind]
    if kind is Kind.PAYLOAD:
        for _digest, record in connection.execute(_PAYLOAD, (scope, name)).fetchall():
            for log in _LOGS:
                connection.execute(
                    f"DELETE FROM {log} WHERE scope = ? AND at IN (?, ?) AND id = ?",  # noqa: S608 (our names)
                    (scope, *_times(record), name),
                )
    connection.execute(f"DELETE FROM {table} WHERE scope = ? AND {column} = ?", (scope, name))  # noqa: S608 (our names)


def _put(connection: sqlite3.Connection, scope: str, held: Held) -> None:
    table, column, values = TABLES[held.kind]
    if held.kind is Kind.PAYLOAD:
        digest, at, late, record = held.values
        for log in _LOGS[: 1 + bool(late)] if at is not None else ():
            connection.execute(f"INSERT INTO {log} VALUES (?, ?, ?)", (scope, at, held.name))  # noqa: S608 (our names)
        held = held._replace(values=(digest, record))
    named = {} if held.kind is Kind.CONTACT else {column: held.name}
    row = {"scope": scope} | named | dict(zip(values, held.values, strict=True))
    marks = ", ".join("?" * len(row))
    connection.execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})",  # noqa: S608 (our names)
        tuple(row.values()),
    )
