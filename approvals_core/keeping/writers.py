"""Who writes to a store: each process says so there, and none goes on with a store that is closed."""

import asyncio
import logging
import os
import re
import secrets
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from approvals_core.errors import StoreClosed, StoreError, StoreRefused
from approvals_core.keeping.clocks import BEARABLE, REFUSED, Compare, refuse_off, said, same_clock
from approvals_core.models import HOUSE, Change
from approvals_core.models.marks import ARRIVING, MOVED, why_closed
from approvals_core.ports import Store

__all__ = ["ARRIVING", "MOVED", "Word", "Writers", "refuse_closed", "writers_in", "writing"]

log = logging.getLogger(__name__)

BEAT = 10.0  # seconds between two words of one process
AGAIN = 1.0  # seconds until the next one if something is wrong
ALIVE = timedelta(seconds=60)  # who said nothing for so long has ended
GONE = timedelta(days=1)  # who said nothing for so long is forgotten
STRIKES = 2  # times in a row that something is wrong until the process ends; a copy may be refused at once

_WRITER = "writer/"
_WORD = re.compile(r"(\S+) (.*?)(?: \[([a-z]*) (\S*) ([+-][0-9.]+)\])?")


class Word(NamedTuple):
    """What one process says: when by its own clock, and what it is."""

    at: datetime
    name: str  # which process on which machine
    role: str = ""  # as the settings say, or of a command
    version: str = ""
    ahead: float = 0.0  # seconds by which its clock is ahead of the store's

    @property
    def by_store(self) -> datetime:
        """Return when it was said by the store's clock."""
        return self.at - timedelta(seconds=self.ahead)


class Writers:
    """
    One process' word that it writes to *store*, renewed until it ends.

    It says so by a commit, which a closed store refuses; who copies closes the store first, then
    looks who writes. So one of the two sees the other. A store may be closed later, too, or be
    another one all at once: commits are refused then, and `look` says why.
    """

    def __init__(
        self,
        store: Store,
        *,
        now: Callable[[], datetime],
        name: str,
        role: str = "",
        version: str = "",
        compare: Compare = same_clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """*name* is for operators: which process on which machine. *compare* compares the clocks."""
        self._store = store
        self._now = now
        self._name = name
        self._role = role
        self._version = version
        self._compare = compare
        self._sleep = sleep
        self._note = f"{_WRITER}{secrets.token_hex(8)}"
        self._problem = ""
        self._strikes = 0
        self.ahead = 0.0
        self.over = asyncio.Event()  # nothing can be done any more: the process has to end

    async def begin(self) -> None:
        """
        Say that we write from now on.

        Raises:
            StoreRefused: The store is closed, or the clocks differ; the message says what to do.
        """
        self.ahead = await self._compare()
        refuse_off(self.ahead)
        heard = writers_in(await self._store.notes(HOUSE))
        now = self._now()
        gone = {note: None for note, word in heard.items() if now - word.at > GONE}
        try:
            await self._say({self._note: self._word()} | gone)
        except StoreClosed as closed:
            raise StoreRefused(str(closed)) from closed

    async def run(self) -> None:
        """Say it again and again, until it makes no sense any more."""
        while not self.over.is_set():
            await self._sleep(AGAIN if self._problem else BEAT)
            await self.beat()

    async def beat(self) -> None:
        """Look how the store and the clocks are, and say our word if all is well."""
        hopeless, problem = False, ""
        try:
            self.ahead = await self._compare()
            if closed := why_closed(await self._store.holdings.about()):
                hopeless, problem = True, closed
            elif abs(self.ahead) > REFUSED:
                hopeless, problem = True, f"This machine's clock is {said(self.ahead)} it."
            else:
                self._warn_of_clock()
                await self._say({self._note: self._word()})
        except StoreError as error:
            log.warning("writer_not_noted", extra={"why": str(error)})
            problem = str(error) if isinstance(error, StoreClosed) else UNWRITTEN
        self._problem = problem  # only now: until then the one before holds
        self._strikes = self._strikes + 1 if hopeless else 0
        if self._strikes >= STRIKES:
            log.critical("store_lost", extra={"why": self._problem})
            self.over.set()

    async def look(self) -> str:
        """
        Say why nothing can be written to the store; "" if it can be, as far as we know.

        Raises:
            StoreUnavailable: It does not answer.
        """
        try:
            return why_closed(await self._store.holdings.about()) or self._problem
        except StoreClosed as closed:
            return str(closed)

    async def end(self) -> None:
        """Say that we write no more."""
        try:
            await self._say({self._note: None})
        except StoreError as problem:
            log.warning("writer_not_noted", extra={"why": str(problem)})

    def _warn_of_clock(self) -> None:
        if abs(self.ahead) > BEARABLE:
            log.warning("clock_off", extra={"ahead": round(self.ahead, 1)})

    def _word(self) -> str:
        word = f"{self._now().isoformat()} {self._name}"
        if not (self._role or self._version or self.ahead):
            return word
        return f"{word} [{self._role} {self._version} {self.ahead:+.1f}]"

    async def _say(self, notes: Mapping[str, str | None]) -> None:
        change = Change(id=secrets.token_hex(16), scope=HOUSE, notes=dict(notes))
        await self._store.commit(change)


UNWRITTEN = "What this process wrote last was not taken; the log says why."


@asynccontextmanager
async def writing(
    store: Store,
    *,
    now: Callable[[], datetime],
    role: str = "",
    version: str = "",
    compare: Compare = same_clock,
) -> AsyncGenerator[Writers]:
    """
    Say within this context that this process writes to *store*.

    Raises:
        StoreRefused: The store is closed, or the clocks differ; the message says what to do.
    """
    name = f"process {os.getpid()} on {socket.gethostname()}"
    writers = Writers(store, now=now, name=name, role=role, version=version, compare=compare)
    await writers.begin()
    saying = asyncio.create_task(writers.run())
    try:
        yield writers
    finally:
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
        await writers.end()


def writers_in(notes: Mapping[str, str]) -> dict[str, Word]:
    """Return by note what each process said last."""
    return {note: _read(word) for note, word in notes.items() if note.startswith(_WRITER)}


def _read(word: str) -> Word:
    """Read a word of any version of this program: the oldest said when and who, and no more."""
    found = _WORD.fullmatch(word)
    if found is None:
        raise ValueError(f"{word!r} is no process' word")
    at, name, role, version, ahead = found.groups()
    return Word(datetime.fromisoformat(at), name, role or "", version or "", float(ahead or 0))


def refuse_closed(about: Mapping[str, str]) -> None:
    """
    Refuse a store that must not be written to.

    Raises:
        StoreRefused: It was copied, is being copied, or is a copy that was not finished.
    """
    if why := why_closed(about):
        raise StoreRefused(why)
