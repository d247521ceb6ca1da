"""Who writes to a store: each process says so there, and none begins on a store that is being moved."""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from approvals_core.errors import StoreError, StoreRefused
from approvals_core.models import HOUSE, Change
from approvals_core.ports import Store

log = logging.getLogger(__name__)

BEAT = 10.0  # seconds between two words of one process
ALIVE = timedelta(seconds=60)  # who said nothing for so long has ended
GONE = timedelta(days=1)  # who said nothing for so long is forgotten

MOVED = "moved"  # what is marked on a store: where its copy is, or is being made
ARRIVING = "arriving"  # where it comes from, until all of it is there
_WRITER = "writer/"


class Writers:
    """
    One process' word that it writes to *store*, renewed until it ends.

    First it says so, then it looks whether the store is closed; who copies closes the store
    first, then looks who writes. So one of the two sees the other.
    """

    def __init__(self, store: Store, *, now: Callable[[], datetime], name: str) -> None:
        """*name* is for operators: which process on which machine."""
        self._store = store
        self._now = now
        self._name = name
        self._note = f"{_WRITER}{secrets.token_hex(8)}"

    async def begin(self) -> None:
        """
        Say that we write from now on.

        Raises:
            StoreRefused: The store is closed; the message says why, and what to do.
        """
        said = writers_in(await self._store.notes(HOUSE))
        gone = {note: None for note, (at, _name) in said.items() if self._now() - at > GONE}
        await self._say({self._note: self._word()} | gone)
        try:
            refuse_closed(await self._store.holdings.about())
        except StoreRefused:
            await self.end()
            raise

    async def run(self) -> None:
        """Say it again and again."""
        while True:
            await asyncio.sleep(BEAT)
            try:
                await self._say({self._note: self._word()})
            except StoreError as problem:
                log.warning("writer_not_noted", extra={"why": str(problem)})

    async def end(self) -> None:
        """Say that we write no more."""
        try:
            await self._say({self._note: None})
        except StoreError as problem:
            log.warning("writer_not_noted", extra={"why": str(problem)})

    def _word(self) -> str:
        return f"{self._now().isoformat()} {self._name}"

    async def _say(self, notes: Mapping[str, str | None]) -> None:
        change = Change(id=secrets.token_hex(16), scope=HOUSE, notes=dict(notes))
        await self._store.commit(change)


@asynccontextmanager
async def writing(store: Store, *, now: Callable[[], datetime]) -> AsyncGenerator[None]:
    """
    Say within this context that this process writes to *store*.

    Raises:
        StoreRefused: The store is closed; the message says why, and what to do.
    """
    writers = Writers(store, now=now, name=f"process {os.getpid()} on {socket.gethostname()}")
    await writers.begin()
    saying = asyncio.create_task(writers.run())
    try:
        yield
    finally:
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
        await writers.end()


def writers_in(notes: Mapping[str, str]) -> dict[str, tuple[datetime, str]]:
    """Return by note when each process last said that it writes, and its name."""
    said: dict[str, tuple[datetime, str]] = {}
    for note, word in notes.items():
        if note.startswith(_WRITER):
            at, _, name = word.partition(" ")
            said[note] = (datetime.fromisoformat(at), name)
    return said


def refuse_closed(about: Mapping[str, str]) -> None:
    """
    Refuse a store that must not be written to.

    Raises:
        StoreRefused: It was copied, is being copied, or is a copy that was not finished.
    """
    if ARRIVING in about:
        raise StoreRefused(
            f"This store is a copy that is not finished ({about[ARRIVING]})."
            " Wait for it, or run the same `store copy` again."
        )
    if MOVED in about:
        raise StoreRefused(
            f"This store was closed for a copy ({about[MOVED]}). Use the copy once it is finished."
            " Or give the copy up, and use this one: `store reopen` with its address."
        )
