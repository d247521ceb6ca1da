"""Collects what callers ask of a back end at the same time, so that it is done in one go."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from approvals_core.errors import StoreUnavailable

Request = TypeVar("Request")
Result = TypeVar("Result")


class Asked(Generic[Request, Result]):
    """One caller's request. He may have gone; what is told then reaches nobody."""

    def __init__(self, request: Request) -> None:
        self.request = request
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

    What arrives while a batch runs makes the next one. *run* answers or fails each
    request, and does not raise. A caller that is cancelled before its batch has
    begun takes its request with it.
    """

    def __init__(
        self, run: Callable[[Sequence[Asked[Request, Result]]], Awaitable[None]], *, most: int
    ) -> None:
        self._run = run
        self._most = most
        self._waiting: deque[Asked[Request, Result]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def ask(self, request: Request) -> Result:
        """
        Return the answer to *request*.

        Raises:
            StoreUnavailable: It was not answered, or the store is closed.
        """
        if self._closed:
            raise StoreUnavailable("The store is closed.")
        asked: Asked[Request, Result] = Asked(request)
        self._waiting.append(asked)
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
            for asked in (*batch, *self._waiting):
                asked.fail(StoreUnavailable("The store did not answer."))
            self._waiting.clear()

    def _next(self) -> Sequence[Asked[Request, Result]]:
        batch: list[Asked[Request, Result]] = []
        while self._waiting and len(batch) < self._most:
            asked = self._waiting.popleft()
            if asked.open:
                batch.append(asked)
        return batch
