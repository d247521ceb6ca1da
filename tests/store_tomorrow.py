"""Makes everything in a store look as a program of tomorrow would have written it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from redis.asyncio import Redis

# What no record of today has, in every record and every record within it.
ADDED = {"tomorrow": {"of": [1, None, {"deep": "ünder"}], "when": "2031-01-01T00:00:00Z"}}
# Mappings of texts by names that others gave: no record, so nothing is added to them.
MAPPINGS = frozenset({"facts", "personal", "additional", "inputs", "tomorrow"})


def grown(record: Any) -> Any:
    """Return *record*, as read from JSON, with what tomorrow adds at every level."""
    if isinstance(record, list):
        return [grown(each) for each in record]
    if not isinstance(record, dict):
        return record
    return {k: v if k in MAPPINGS else grown(v) for k, v in record.items()} | ADDED


def without_growth(record: Any, at: str = "") -> Iterator[str]:
    """Yield where a record within *record* has lost what `grown` added."""
    if isinstance(record, list):
        for number, each in enumerate(record):
            yield from without_growth(each, f"{at}/{number}")
    if isinstance(record, dict):
        if record.get("tomorrow") != ADDED["tomorrow"]:
            yield at or "/"
        for name, value in record.items():
            if name not in MAPPINGS:
                yield from without_growth(value, f"{at}/{name}")


async def let_grow(store_url: str) -> int:
    """Let every record in the store grow; return how many there were. Nobody may write meanwhile."""
    if store_url.startswith("sqlite:///"):
        return _in_sqlite(store_url.removeprefix("sqlite:///"))
    async with Redis.from_url(store_url, decode_responses=True) as client:
        keys = [key async for key in client.scan_iter("approvals:*")]
        return sum([await _in_redis(client, key) for key in keys])


async def records_in(store_url: str, kind: str) -> list[Any]:
    """Return all records of the *kind*, a table's name in SQLite, as they are stored."""
    if store_url.startswith("sqlite:///"):
        with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"))) as file:
            rows = file.execute(f"SELECT record FROM {kind}").fetchall()
        return [json.loads(row[0]) for row in rows]
    named = {
        "approvals": "approval:*",
        "contacts": "contact",
        "jobs": "jobs",
        "letters": "letters:*",
        "payloads": "payloads",
        "receipts": "receipts:*",
    }
    found: list[Any] = []
    async with Redis.from_url(store_url, decode_responses=True) as client:
        async for key in client.scan_iter(f"approvals:{{*}}:{named[kind]}"):
            found += [json.loads(text) for _place, _head, text in await _texts(client, key)]
    return found


def _in_sqlite(path: str) -> int:
    count = 0
    with closing(sqlite3.connect(path)) as file, file:
        tables = [row[0] for row in file.execute("SELECT name FROM sqlite_master")]
        for table in tables:
            columns = [row[1] for row in file.execute(f"PRAGMA table_info('{table}')")]
            if "record" not in columns:
                continue
            rows = file.execute(f"SELECT rowid, record FROM {table}").fetchall()
            count += len(rows)
            changed = [(json.dumps(grown(json.loads(text))), rowid) for rowid, text in rows]
            file.executemany(f"UPDATE {table} SET record = ? WHERE rowid = ?", changed)
    return count


async def _in_redis(client: Any, key: str) -> int:
    texts = await _texts(client, key)
    for place, head, text in texts:
        changed = head + json.dumps(grown(json.loads(text)))
        if isinstance(place, int):
            await client.lset(key, place, changed)
        else:
            await client.hset(key, place, changed)
    return len(texts)


async def _texts(client: Any, key: str) -> list[tuple[int | str, str, str]]:
    """Return the records of one key: where each lies, what stands before it, and itself."""
    if ":bodies:" in key or key.endswith((":notes", "about")):
        return []  # no records of ours
    match await client.type(key):
        case "hash":
            values = list((await client.hgetall(key)).items())
        case "list":
            values = list(enumerate(await client.lrange(key, 0, -1)))
        case _:
            return []
    found = [(place, *_cut(text)) for place, text in values]
    return [(place, head, text) for place, head, text in found if text]


def _cut(value: str) -> tuple[str, str]:
    head, brace, rest = value.partition("{")  # a job has its times before its record
    is_record = bool(brace) and not head.startswith("[")
    return (head, brace + rest) if is_record else ("", "")
