"""Has one process at a time erase a person, and nobody move requests to the archive meanwhile."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from approvals_core.errors import NotErased, StoreError
from approvals_core.models import HOUSE, Change
from approvals_core.ports import Store

log = logging.getLogger(__name__)

BEAT = 10.0  # seconds between two words of one process
ALIVE = timedelta(seconds=60)  # who said nothing for so long has ended
_ERASER = "eraser/"


class Alone:
    """
    One process' word that it erases somebody, renewed until it ends.

    First it says so, then it looks who else does; so does who archives, whose word is the lease
    of his job. So of two at least one sees the other.
    """

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._note = f"{_ERASER}{secrets.token_hex(8)}"
        self._said = now()

    async def begin(self) -> None:
        """
        Say that we erase from now on.

        Raises:
            NotErased: Somebody else does.
        """
        notes = await self._store.notes(HOUSE)
        ended = {name: None for name, at in _words(notes).items() if not _lives(at, self._now())}
        await self.say(ended)
        if await erases(self._store, self._now(), but=self._note):
            await self.end()
            raise NotErased(
                "Somebody else is being erased just now; one at a time. Run the same again once"
                f" that has ended; if it was killed, in {ALIVE.seconds} seconds."
            )

    async def say(self, more: Mapping[str, None] | None = None) -> None:
        """Say it again."""
        at = self._now()
        notes = {self._note: at.isoformat()} | dict(more or {})
        await self._store.commit(Change(id=secrets.token_hex(16), scope=HOUSE, notes=notes))
        self._said = at

    def check(self) -> None:
        """
        Make sure that our word still counts.

        Raises:
            NotErased: It was not renewed in time, so somebody else may have begun.
        """
        if not _lives(self._said, self._now()):
            raise NotErased("This was held up for too long. Run the same again.")

    async def run(self) -> None:
        """Say it again and again."""
        while True:
            await asyncio.sleep(BEAT)
            try:
                await self.say()
            except StoreError as problem:
                log.warning("eraser_not_noted", extra={"why": str(problem)})

    async def end(self) -> None:
        """Say that we erase no more."""
        change = Change(id=secrets.token_hex(16), scope=HOUSE, notes={self._note: None})
        await self._store.commit(change)


@asynccontextmanager
async def alone(store: Store, *, now: Callable[[], datetime]) -> AsyncGenerator[Alone]:
    """
    Be the one who erases within this context.

    Raises:
        NotErased: Somebody else does.
    """
    word = Alone(store, now=now)
    await word.begin()
    saying = asyncio.create_task(word.run())
    try:
        yield word
    finally:
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
        await word.end()


async def erases(store: Store, now: datetime, *, but: str = "") -> bool:
    """Tell whether a process erases somebody now, other than the one with the note *but*."""
    words = _words(await store.notes(HOUSE))
    return any(name != but and _lives(at, now) for name, at in words.items())


def _lives(at: datetime, now: datetime) -> bool:
    return abs(now - at) < ALIVE


def _words(notes: Mapping[str, str]) -> dict[str, datetime]:
    return {
        name: datetime.fromisoformat(text)
        for name, text in notes.items()
        if name.startswith(_ERASER)
    }
