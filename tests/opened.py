"""Stores that a test opens by hand, closed whatever becomes of it: one left open is the next test's failure."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar


class _Closes(Protocol):
    async def close(self) -> None: ...


_T = TypeVar("_T", bound=_Closes)


@asynccontextmanager
async def opened(opening: Awaitable[_T]) -> AsyncIterator[_T]:
    """Close at the end what *opening* opens."""
    made = await opening
    try:
        yield made
    finally:
        await made.close()
