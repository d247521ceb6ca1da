"""Approvals in Redis: for several machines."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from approvals_core.adapters.redis_store.address import Address, read_address
from approvals_core.adapters.redis_store.budgets import RedisBudgets
from approvals_core.adapters.redis_store.cluster import Cluster
from approvals_core.adapters.redis_store.commits import commit_call
from approvals_core.adapters.redis_store.guard import Guard
from approvals_core.adapters.redis_store.holdings import RedisHoldings
from approvals_core.adapters.redis_store.keys import ABOUT, REGISTRY, ScopeKeys, keys_of
from approvals_core.adapters.redis_store.queue import Queue, hint_commands
from approvals_core.adapters.redis_store.reads import Reads
from approvals_core.adapters.redis_store.scripts import FINISH, RENEW, RETRY, SURE, Script
from approvals_core.adapters.redis_store.servers import One, Sentinels, Servers
from approvals_core.adapters.redis_store.settings import check_schema, check_settings
from approvals_core.adapters.redis_store.wire import Wire, call
from approvals_core.adapters.stored import check, check_lease, micros
from approvals_core.errors import LeaseLost, StoreRefused, StoreUnavailable, VersionConflict
from approvals_core.models import Approval, Change, Lane, Lease, LeasedJob, Payload
from approvals_core.ports import Budgets, Depth, Holdings, Room, Store


async def open_redis(url: str) -> Store:
    """
    Open the store in the Redis (6.2 or newer) or Valkey at *url*, as `address` describes it.

    Raises:
        StoreRefused: Its address or settings are unsafe, or a newer program made the store.

        StoreUnavailable: It does not answer.
    """
    address = _read(url)
    guard = Guard(spread=address.kind == "cluster")
    store = RedisStore(_servers(address, guard), guard, waits=address.safety.wait_replicas > 0)
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
    servers = _servers(_read(url), Guard())
    try:
        [found] = await Wire(servers, "reading").send(("EXISTS", ABOUT))
    finally:
        await servers.close()
    return bool(found)


def risks_of(url: str) -> Sequence[str]:
    """Say what a store there may lose though it was acknowledged; raises as `is_made_in_redis`."""
    address = _read(url)
    return address.safety.risks(address.kind)


def _read(url: str) -> Address:
    try:
        return read_address(url)
    except ValueError as problem:
        raise StoreRefused(f"The address of the store {problem}.") from None


def _servers(address: Address, guard: Guard) -> Servers:
    match address.kind:
        case "cluster":
            return Cluster(address, guard)
        case "sentinel":
            return Sentinels(address, guard)
        case _:
            return One(address, guard)


class RedisStore(Reads):
    """
    `Store` in Redis.

    With *waits*, commits wait for replicas, and so does what tenants and people are told of other
    processes' commits: a payload that is there already, and how a request stands. What a primary
    alone has may be gone a moment later.
    """

    def __init__(self, servers: Servers, guard: Guard, *, waits: bool) -> None:
        super().__init__(Wire(servers, "reading"))
        self._servers = servers
        self._guard = guard
        self._waits = waits
        self._writing = Wire(servers, "writing")
        self._queue = Queue(self._reading, self._writing, guard)
        self._holdings = RedisHoldings(self._reading, self._writing, guard)
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
        await check_schema(self._writing, self._guard)

    async def commit(self, change: Change) -> None:
        check(change)
        registered = ("SADD", REGISTRY, change.scope)
        _, [answer], _ = await self._writing.in_turn(  # see the queue
            [registered], [commit_call(change, self._guard)], hint_commands(change)
        )
        self._guard.check(answer)
        if answer[0] == "conflict":
            raise VersionConflict(f"{change.scope} was changed meanwhile")
        await self._after(change.scope, answer)

    async def settled(self, approval: Approval) -> None:
        if not self._waits:
            return
        keys, text = keys_of(approval.key)
        [version] = await self._sure(keys.approval(text), "version")
        if int(version or 0) < approval.version:  # it was read from a server that failed since
            raise StoreUnavailable("Redis: what was read is gone.")

    async def payload_by_digest(self, scope: str, digest: str) -> Payload | None:
        found = await super().payload_by_digest(scope, digest)
        if found is None or not self._waits:
            return found
        [known] = await self._sure(ScopeKeys(scope).digests, digest)
        return found if known == found.id else None

    async def _sure(self, key: str, *fields: str) -> Sequence[str | None]:
        """Return *fields* of a hash, once the replicas have them, too."""
        [found] = await self._writing.send(call(SURE, [key], fields))
        return found

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
        about, own = self._guard.of(lease.scope)
        arguments = (lease.job, lease.token, *more, own)
        touched = [keys.jobs, *keys.lanes, *about]
        (answer,) = await self._writing.send(call(script, touched, arguments))
        self._guard.check(answer)
        await self._after(lease.scope, answer)

    async def _after(self, scope: str, answer: Sequence[str]) -> None:
        """Read a script's answer: what happened, and the lane and time of a job given back."""
        if answer[0] == "lost":
            raise LeaseLost("the job was handed to somebody else")
        if len(answer) > 1:
            await self._queue.hint(scope, *answer[1:])
