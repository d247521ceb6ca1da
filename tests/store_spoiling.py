"""Makes stored records unreadable, as a newer program or a damaged disk might leave it."""

import sqlite3
from contextlib import closing

from redis.asyncio import Redis, RedisCluster

from approvals_core.adapters.redis_store.keys import ScopeKeys
from tests.store_makers import SCOPE

NEWER = '{"key": "job", "kind": "of a newer program", "lane": 1}'


async def spoil(store_url: str, key: str, scope: str = SCOPE) -> None:
    """Replace the record of the job, whichever store it lies in."""
    if store_url.startswith("sqlite:///"):
        with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"))) as file, file:
            done = file.execute(
                "UPDATE jobs SET record = ? WHERE scope = ? AND key = ?", (NEWER, scope, key)
            )
            assert done.rowcount == 1
        return
    jobs = ScopeKeys(scope).jobs
    async with redis_client(store_url) as client:
        text = str(await client.hget(jobs, key))
        head, _, _ = text.partition("{")
        assert head.count("|") == 5
        await client.hset(jobs, key, head + NEWER)


async def spoil_approval(store_url: str, public_id: str) -> None:
    """Add to the record of the approval what only a newer program knows."""
    if store_url.startswith("sqlite:///"):
        with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"))) as file, file:
            done = file.execute(
                "UPDATE approvals SET record = ? WHERE public_id = ?", (NEWER, public_id)
            )
            assert done.rowcount == 1
        return
    keys = ScopeKeys(SCOPE)
    async with redis_client(store_url) as client:
        key = await client.hget(keys.ids, public_id)
        await client.hset(keys.approval(str(key)), "record", NEWER)


def redis_client(store_url: str) -> "Redis | RedisCluster":
    """Return a client of the server or cluster at *store_url*."""
    kind, _, servers = store_url.partition("://")
    if kind == "redis+cluster":
        return RedisCluster.from_url(f"redis://{servers.partition(',')[0]}", decode_responses=True)
    return Redis.from_url(store_url, decode_responses=True)
