"""Approvals in Redis: for several machines."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from approvals_core.adapters.redis_store.address import Address, read_address
from approvals_core.adapters.redis_store.budgets import RedisBudgets
from approvals_core.adapters.redis_store.cluster import Cluster
from approvals_core.adapters.redis_store.commits import commit_call
from approvals_core.adapters.redis_store.holdings import RedisHoldings
from approvals_core.adapters.redis_store.keys import ABOUT, REGISTRY, ScopeKeys
from approvals_core.adapters.redis_store.queue import Queue, hint_commands
from approvals_core.adapters.redis_store.reads import Reads
from approvals_core.adapters.redis_store.scripts import FINISH, RENEW, RETRY, Script
from approvals_core.adapters.redis_store.servers import One, Sentinels, Servers
from approvals_core.adapters.redis_store.settings import check_schema, check_settings
from approvals_core.adapters.redis_store.wire import Wire, call
from approvals_core.adapters.stored import check, check_lease, micros
from approvals_core.errors import LeaseLost, StoreRefused, VersionConflict
from approvals_core.models import Change, Lane, Lease, LeasedJob
from approvals_core.ports import Budgets, Depth, Holdings, Room, Store


async def open_redis(url: str) -> Store:
    """
    Open the store in the Redis (6.2 or newer) or Valkey at *url*, as `address` describes it.

    Raises:
        StoreRefused: Its address or settings are unsafe, or a newer program made the store.

        StoreUnavailable: It does not answer.
    """
    address = _read(url)
    store = RedisStore(_servers(address))
    try:
        await store.check(address)
    except BaseException:
        await store.close()
        raise
    return store


async def is_made_in_redis(url: str) -> bool:
    """
    Tell whether a service has made its store there, without making one.

    Raises:
        StoreRefused: There is no such address.

        StoreUnavailable: It does not answer.
    """
    servers = _servers(_read(url))
    try:
        [found] = await Wire(servers, "reading").send(("EXISTS", ABOUT))
    finally:
        await servers.close()
    return bool(found)


def _read(url: str) -> Address:
    try:
        return read_address(url)
    except ValueError as problem:
        raise StoreRefused(f"The address of the store {problem}.") from None


def _servers(address: Address) -> Servers:
    match address.kind:
        case "cluster":
            return Cluster(address)
        case "sentinel":
            return Sentinels(address)
        case _:
            return One(address)


class RedisStore(Reads):
    """`Store` in Redis."""

    def __init__(self, servers: Servers) -> None:
        super().__init__(Wire(servers, "reading"))
        self._servers = servers
        self._writing = Wire(servers, "writing")
        self._queue = Queue(self._reading, self._writing)
        self._holdings = RedisHoldings(self._reading, self._writing)
        self._budgets = RedisBudgets(Wire(servers, "counting"))

    @property
    def holdings(self) -> Holdings:
        return self._holdings

    @property
    def budgets(self) -> Budgets:
        return self._budgets

    async def check(self, address: Address) -> None:
        """
        Refuse servers that may not be used, as the *address* demands.

        Raises:
            StoreRefused: The message says what to set.
        """
        await check_settings(self._reading, address)
        await check_schema(self._writing)

    async def commit(self, change: Change) -> None:
        check(change)
        registered = ("SADD", REGISTRY, change.scope)
        _, [answer], _ = await self._writing.in_turn(  # see the queue
            [registered], [commit_call(change)], hint_commands(change)
        )
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
        _, [found] = await self._writing.in_turn(
            [("HSETNX", ABOUT, "issuers", stamp)], [("HGET", ABOUT, "issuers")]
        )
        if found != stamp:
            raise StoreRefused(f"This store holds the words of {found}, not of {stamp}.")

    async def close(self) -> None:
        await self._servers.close()

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
