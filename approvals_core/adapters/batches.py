"""Collects what callers ask of a back end at the same time, so that it is done in one go."""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter
from typing import Generic, TypeVar

from approvals_core.errors import StoreUnavailable

Request = TypeVar("Request")
Result = TypeVar("Result")

# What is asked for by clicks and jobs has some 20 kB, a tenant's payload up to megabytes. A batch
# with more than so much keeps everybody else waiting for longer than an fsync takes.
BATCH_BYTES = 1_000_000
LIGHT = 32_000  # bytes


class Asked(Generic[Request, Result]):
    """One caller's request. He may have gone; what is told then reaches nobody."""

    def __init__(self, request: Request, size: int, number: int) -> None:
        """*size* is how many bytes it is about; they came in the order of their *number*s."""
        self.request = request
        self.number = number
        self.size = size
        self._told: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    @property
    def open(self) -> bool:
        """Tell whether the caller still waits."""
        return not self._told.done()

    def tell(self, result: Result) -> None:
        """Answer the caller."""
        if self.open:
            self._told.set_result(result)

    def fail(self, error: Exception) -> None:
        """Raise *error* at the caller."""
        if self.open:
            self._told.set_exception(error)

    async def answer(self) -> Result:
        """Wait for what is told."""
        return await self._told


class Batches(Generic[Request, Result]):
    """
    Hands requests to *run*, at most *most* at a time, one batch after the other.

    A batch ends after `BATCH_BYTES`, too, and heavy requests do not hold up light ones: a batch
    takes these first, and at least one heavy one with them. Within a batch they are in the order
    in which they came. What arrives while a batch runs makes the next one. *run* answers or fails each
    request, and does not raise. A caller that is cancelled before its batch has
    begun takes its request with it.
    """

    def __init__(
        self, run: Callable[[Sequence[Asked[Request, Result]]], Awaitable[None]], *, most: int
    ) -> None:
        self._run = run
        self._most = most
        self._numbers = itertools.count()
        self._light: deque[Asked[Request, Result]] = deque()
        self._heavy: deque[Asked[Request, Result]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def ask(self, request: Request, *, size: int = 0) -> Result:
        """
        Return the answer to *request*, which is about *size* bytes.

        Raises:
            StoreUnavailable: It was not answered, or the store is closed.
        """
        if self._closed:
            raise StoreUnavailable("The store is closed.")
        asked: Asked[Request, Result] = Asked(request, size, next(self._numbers))
        (self._light if size <= LIGHT else self._heavy).append(asked)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return await asked.answer()

    async def close(self) -> None:
        """Take no more requests, and wait for those under way."""
        self._closed = True
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def _drain(self) -> None:
        batch: Sequence[Asked[Request, Result]] = ()
        try:
            while batch := self._next():
                await self._run(batch)
        finally:  # the loop ends under us: nobody may be left waiting
            for asked in (*batch, *self._light, *self._heavy):
                asked.fail(StoreUnavailable("The store did not answer."))
            self._light.clear()
            self._heavy.clear()

    def _next(self) -> Sequence[Asked[Request, Result]]:
        batch = _taken(self._light, self._most, BATCH_BYTES)
        room = max(1, BATCH_BYTES - sum(asked.size for asked in batch))  # for one at least
        batch += _taken(self._heavy, max(1, self._most - len(batch)), room)
        return sorted(batch, key=attrgetter("number"))


def _taken(
    waiting: deque[Asked[Request, Result]], most: int, room: int
) -> list[Asked[Request, Result]]:
    """Take out *most* of those that wait, until they fill the *room*, in bytes."""
    taken: list[Asked[Request, Result]] = []
    while waiting and len(taken) < most and room > 0:
        asked = waiting.popleft()
        if asked.open:
            taken.append(asked)
            room -= asked.size
    return taken
