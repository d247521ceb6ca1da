"""Redis in a cluster: which server has which of the 16,384 hash slots."""
# pyright: standard
# redis hands out partly unknown types

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.crc import key_slot
from redis.exceptions import RedisError

from approvals_core.adapters.redis_store.address import Address
from approvals_core.adapters.redis_store.connection import NotSent
from approvals_core.adapters.redis_store.guard import Guard
from approvals_core.adapters.redis_store.line import Command, WrongServer, packed
from approvals_core.adapters.redis_store.servers import Server
from approvals_core.errors import StoreRefused, StoreUnavailable

LOOK_WITHIN = 1.0  # seconds until another server is asked who has which slot

_SLOTS = packed(("CLUSTER", "SLOTS"))


def slot_of(command: Command) -> int:
    """Return the hash slot of a command's keys; those of one call share it, as they share a scope."""
    if command[0] == "EVALSHA":
        return key_slot(str(command[3]).encode())
    return key_slot(str(command[1]).encode())


class Cluster:
    """The primaries of a cluster, as one of its servers told us last."""

    def __init__(self, address: Address, guard: Guard) -> None:
        self._address = address
        self._guard = guard
        self._closed = False
        self._servers = {name: self._new(name) for name in address.servers}
        self._slots: dict[int, str] = {}
        self._doubted = True
        self._looking = asyncio.Lock()

    def only(self) -> Server | None:
        return None

    async def of(self, command: Command) -> Server:
        if self._doubted:
            await self._look()
        slot = slot_of(command)
        if slot not in self._slots:
            self._doubted = True
            raise NotSent(f"no server of the cluster has slot {slot}")
        return self.at(self._slots[slot])

    async def primaries(self) -> Sequence[Server]:
        if self._doubted:
            await self._look()
        return [self.at(name) for name in sorted(set(self._slots.values()))]

    def at(self, name: str) -> Server:
        if name not in self._servers:
            self._servers[name] = self._new(name)
        return self._servers[name]

    def moved(self, command: Command, name: str) -> None:
        # No other server is asked: it might not know yet, and send us back.
        self._slots[slot_of(command)] = name

    def doubt(self) -> None:
        self._doubted = True

    async def close(self) -> None:
        async with self._looking:
            self._closed = True
            for server in list(self._servers.values()):
                await server.close()

    def _new(self, name: str) -> Server:
        if self._closed:
            raise NotSent("the store is closed")
        # A replica here sends us to its primary: it needs no watching.
        return Server(self._address, name, self._guard, watched=False)

    async def _look(self) -> None:
        async with self._looking:
            if not self._doubted:
                return
            for server in list(self._servers.values()):
                if found := await _told(server):
                    self._slots = found
                    self._doubted = False
                    return
                # Who does not answer is asked last from now on.
                self._servers[server.name] = self._servers.pop(server.name)
            raise NotSent("no server of the cluster answers")


async def _told(server: Server) -> dict[int, str]:
    """Ask one server who has which slot; {} if it does not say."""
    try:
        async with asyncio.timeout(LOOK_WITHIN):
            [answer] = await server.reading.ask([_SLOTS])
    except (NotSent, WrongServer, StoreUnavailable, TimeoutError):
        return {}
    if isinstance(answer, RedisError):
        if "cluster support disabled" in str(answer):
            raise StoreRefused("This Redis is no cluster: write redis:// in its address.")
        return {}
    return slots(answer, server.name)


def slots(answer: Sequence[Any], asked: str) -> dict[int, str]:
    """
    Read the answer to CLUSTER SLOTS: slot -> HOST:PORT of its primary.

    Each range is [first, last, [host, port, ...] of the primary, …replicas]. No host means the one
    that was *asked* (https://valkey.io/commands/cluster-slots/).
    """
    found: dict[int, str] = {}
    for first, last, (host, port, *_), *_ in answer:
        own = host or asked.rpartition(":")[0].strip("[]")
        name = f"[{own}]:{port}" if ":" in own else f"{own}:{port}"
        found |= dict.fromkeys(range(first, last + 1), name)
    return found
