"""Large payloads of one tenant are taken a few at a time, so that they keep nobody else waiting."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

LARGE = 64 * 1024  # bytes: more is read, parsed and stored for longer than a click should wait
AT_ONCE = 2  # of one tenant


class LargePayloads:
    """Whose large payloads are being taken. Small ones go by, however many large ones wait."""

    def __init__(self) -> None:
        self._turns: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def turn(self, tenant: str, size: int) -> AsyncGenerator[None]:
        """Take a payload of *size* bytes of the *tenant* with this DocumentTypeId within the context."""
        if size <= LARGE:
            yield
            return
        async with self._turns.setdefault(tenant, asyncio.Semaphore(AT_ONCE)):
            yield
