"""Approvals in Redis: for several machines."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from redis.asyncio import Redis

from approvals_core.adapters.redis_store.commits import commit_call
from approvals_core.adapters.redis_store.keys import ABOUT, REGISTRY, ScopeKeys
from approvals_core.adapters.redis_store.queue import Queue, hint_commands
from approvals_core.adapters.redis_store.reads import Reads
from approvals_core.adapters.redis_store.scripts import FINISH, RENEW, RETRY, Script
from approvals_core.adapters.redis_store.settings import check_schema, check_settings
from approvals_core.adapters.redis_store.wire import Wire, call, connect
from approvals_core.adapters.stored import check, check_lease, micros
from approvals_core.errors import LeaseLost, StoreRefused, VersionConflict
from approvals_core.models import Change, Lane, Lease, LeasedJob
from approvals_core.ports import Depth, Room, Store


async def open_redis(url: str) -> Store:
    """
    Open the store in the Redis (6.2 or newer) or Valkey at *url*.

    Raises:
        StoreRefused: Its settings are unsafe, or a newer program made the store.

        StoreUnavailable: It does not answer.
    """
    client = connect(url)
    store = RedisStore(client)
    try:
        await store.check()
    except BaseException:
        await store.close()
        raise
    return store


async def is_made_in_redis(url: str) -> bool:
    """
    Tell whether a service has made its store there, without making one.

    Raises:
        StoreUnavailable: It does not answer.
    """
    client = connect(url)
    wire = Wire(client)
    try:
        [found] = await wire.send(("EXISTS", ABOUT))
    finally:
        await wire.close()
        await client.aclose()
    return bool(found)


class RedisStore(Reads):
    """
    `Store` in Redis.

    Writes and reads have a connection each, so that no read waits for the disk.
    """

    def __init__(self, client: "Redis") -> None:
        super().__init__(Wire(client))
        self._client = client
        self._writing = Wire(client)
        self._queue = Queue(self._reading, self._writing)

    async def check(self) -> None:
        """
        Refuse a server that may not be used.

        Raises:
            StoreRefused: The message says what to set.
        """
        await check_settings(self._reading)
        await check_schema(self._writing)

    async def commit(self, change: Change) -> None:
        check(change)
        # In this order: see the queue.
        registered = ("SADD", REGISTRY, change.scope)
        sent = (registered, commit_call(change), *hint_commands(change))
        _, answer, *_ = await self._writing.send(*sent)
        if answer[0] == "conflict":
            raise VersionConflict(f"{change.scope} was changed meanwhile")
        await self._after(change.scope, answer)

    async def lease(
        self,
        lanes: Sequence[Lane],
        *,
        limit: int,
        now: datetime,
        until: datetime,
        room: Room | None = None,
    ) -> Sequence[LeasedJob]:
        check_lease(now, until)
        return await self._queue.lease(lanes, limit, now, until, room)

    async def renew(self, lease: Lease, *, until: datetime) -> Lease:
        await self._on_job(RENEW, lease, micros(until))
        return lease._replace(until=until)

    async def finish(self, lease: Lease) -> None:
        await self._on_job(FINISH, lease)

    async def retry(self, lease: Lease, *, due: datetime, failed: bool) -> None:
        await self._on_job(RETRY, lease, micros(due), int(failed))

    async def depth(self, now: datetime) -> Depth:
        return await self._queue.depth(now)

    async def next_due(
        self, lanes: Sequence[Lane], *, but_not: Collection[str] = ()
    ) -> datetime | None:
        return await self._queue.next_due(lanes, but_not)

    async def stamp(self, issuers: Sequence[str]) -> None:
        stamp = json.dumps(sorted(set(issuers)))
        _, found = await self._writing.send(
            ("HSETNX", ABOUT, "issuers", stamp), ("HGET", ABOUT, "issuers")
        )
        if found != stamp:
            raise StoreRefused(f"This store holds the words of {found}, not of {stamp}.")

    async def close(self) -> None:
        await self._writing.close()
        await super().close()
        await self._client.aclose()

    async def _on_job(self, script: Script, lease: Lease, *more: int) -> None:
        keys = ScopeKeys(lease.scope)
        arguments = (lease.job, lease.token, *more)
        (answer,) = await self._writing.send(call(script, [keys.jobs, *keys.lanes], arguments))
        await self._after(lease.scope, answer)

    async def _after(self, scope: str, answer: Sequence[str]) -> None:
        """Read a script's answer: what happened, and the lane and time of a job given back."""
        if answer[0] == "lost":
            raise LeaseLost("the job was handed to somebody else")
        if len(answer) > 1:
            await self._queue.hint(scope, *answer[1:])
