"""Looks up host names in threads of one far side alone."""

import socket
from collections.abc import Callable, Sequence

from aiohttp.abc import AbstractResolver, ResolveResult

from approvals_core.adapters.outgoing import Address
from approvals_core.adapters.threads import OwnThreads

LookUp = Callable[..., Sequence[Address]]

LOOKUPS = 2  # at a time


class OwnResolver(AbstractResolver):
    """
    The system's resolver, in threads of its own.

    A name server that hangs for one host would fill the threads that all look-ups share.
    """

    def __init__(self, name: str, look_up: LookUp = socket.getaddrinfo) -> None:
        self._threads = OwnThreads(LOOKUPS, name=f"names-{name}")
        self._look_up = look_up

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of *host*; raises OSError if it has none."""
        found = await self._threads.run(
            lambda: self._look_up(
                host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
            )
        )
        return [
            {
                "hostname": host,
                "host": str(address[0]),
                "port": port,
                "family": kind,
                "proto": protocol,
                "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            }
            for kind, _type, protocol, _canonical, address in found
        ]

    async def close(self) -> None:
        """Nothing is kept: look-ups under way end by themselves."""
