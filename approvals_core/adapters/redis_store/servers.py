"""Finds the server that a command belongs to: the only one, or whichever the sentinels call the primary."""
# pyright: standard
# redis hands out partly unknown types

import asyncio
from collections.abc import Sequence
from typing import Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from approvals_core.adapters.redis_store.address import Address
from approvals_core.adapters.redis_store.connection import NotSent, connect
from approvals_core.adapters.redis_store.guard import Guard
from approvals_core.adapters.redis_store.line import Command, Line


class Server:
    """
    A server with our lines to it.

    Writes and reads have a line each, so that no read waits for the disk; what is counted has a
    third one, and waits for no replica: it need not outlive its server.
    """

    def __init__(self, address: Address, name: str, guard: Guard, *, watched: bool) -> None:
        self.name = name
        self._client = connect(address.url(name), answer_within=None)  # the lines do that
        self.reading = Line(self._client, guard, safety=None, watched=watched)
        self.counting = Line(self._client, guard, safety=None, watched=watched)
        self.writing = Line(self._client, guard, safety=address.safety, watched=watched)

    def drop(self) -> None:
        """Connect anew from now on: the server's name may lead elsewhere."""
        for line in (self.reading, self.counting, self.writing):
            line.drop()

    async def close(self) -> None:
        """End what is under way."""
        await self.writing.close()
        await self.counting.close()
        await self.reading.close()
        await self._client.aclose()


class Servers(Protocol):
    """Where the store is, as far as we know."""

    def only(self) -> Server | None:
        """Return the one server of everything, if there is no other and no doubt."""
        ...

    async def of(self, command: Command) -> Server:
        """
        Return the server of a command's keys, looking anew if there is doubt.

        Raises:
            NotSent: Nobody says which.
        """
        ...

    async def primaries(self) -> Sequence[Server]:
        """Return all servers that hold a part of the store; raises as `of`."""
        ...

    def at(self, name: str) -> Server:
        """Return the server at HOST:PORT, to which another one sent us."""
        ...

    def moved(self, command: Command, name: str) -> None:
        """Note that a server says that the slot of a command's keys is at another one."""
        ...

    def doubt(self) -> None:
        """Note that what we know may be old."""
        ...

    async def close(self) -> None:
        """End what is under way."""
        ...


class One:
    """The server at one address."""

    def __init__(self, address: Address, guard: Guard) -> None:
        self._server = Server(address, address.servers[0], guard, watched=True)
        self._doubted = False

    def only(self) -> Server | None:
        return None if self._doubted else self._server

    async def of(self, command: Command) -> Server:
        if self._doubted:
            self._doubted = False
            self._server.drop()
        return self._server

    async def primaries(self) -> Sequence[Server]:
        return [self._server]

    def at(self, name: str) -> Server:
        return self._server

    def moved(self, command: Command, name: str) -> None:
        """It is a cluster; the check at start has said so."""

    def doubt(self) -> None:
        self._doubted = True

    async def close(self) -> None:
        await self._server.close()


class Sentinels:
    """The server that the sentinels name; asked at first, and whenever it seems to be gone."""

    def __init__(self, address: Address, guard: Guard) -> None:
        self._address = address
        self._guard = guard
        self._asked = [connect(address.sentinel_url(each)) for each in address.servers]
        self._server: Server | None = None
        self._before: list[Server] = []
        self._doubted = False
        self._closed = False
        self._looking = asyncio.Lock()

    def only(self) -> Server | None:
        return None if self._doubted else self._server

    async def of(self, command: Command) -> Server:
        return await self._looked()

    async def primaries(self) -> Sequence[Server]:
        return [await self._looked()]

    def at(self, name: str) -> Server:
        raise NotSent(f"a server sent us to {name}, but this is no cluster")

    def moved(self, command: Command, name: str) -> None:
        """It is a cluster; the check at start has said so."""

    def doubt(self) -> None:
        self._doubted = True

    async def close(self) -> None:
        async with self._looking:
            self._closed = True
            for server in [*self._before, *([self._server] if self._server else [])]:
                await server.close()
            for sentinel in self._asked:
                await sentinel.aclose()

    async def _looked(self) -> Server:
        async with self._looking:
            if self._closed:
                raise NotSent("the store is closed")
            if self._server is None or self._doubted:
                self._server = await self._found()
                self._doubted = False
            return self._server

    async def _found(self) -> Server:
        """Ask the sentinels in turn; who answered last is asked first."""
        for sentinel in list(self._asked):
            try:
                name = await _primary(sentinel, self._address.primary)
            except (RedisError, OSError):
                name = None
            if name is None:
                continue
            self._asked.remove(sentinel)
            self._asked.insert(0, sentinel)
            return await self._at(name)
        raise NotSent(f"no sentinel names a primary called {self._address.primary}")

    async def _at(self, name: str) -> Server:
        before = self._server
        if before is not None:
            before.drop()
            if before.name == name:
                return before
            self._before.append(before)
        return Server(self._address, name, self._guard, watched=True)


async def _primary(sentinel: Redis, name: str) -> str | None:
    found = await sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
    if not found:
        return None
    host, port = found
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
