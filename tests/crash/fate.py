"""When a process dies: at its n-th commit or its n-th outgoing request, on one side of it or the other."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from types import SimpleNamespace
from typing import Any, NamedTuple

from aiohttp import TraceConfig, TraceRequestEndParams, TraceRequestStartParams
from yarl import URL

from approvals_core.models import Change, Lane, Lease, LeasedJob
from approvals_core.ports import Store


class Moment(StrEnum):
    """On which side of what."""

    BEFORE_COMMIT = "before commit"
    AFTER_COMMIT = "after commit"  # it is durable, and nobody was told
    BEFORE_REQUEST = "before request"  # not a byte of it has left
    AFTER_ANSWER = "after answer"  # it has arrived, and nobody has seen it
    BEFORE_NOTE = "before note"  # of the queue: a job kept, given back or ended
    AFTER_NOTE = "after note"  # or handed out
    AFTER_MILLISECONDS = "after milliseconds"  # wherever it is then


ANYTHING = ""


class Fate(NamedTuple):
    """
    The *n*-th time that *moment* comes is the last, counted from 1.

    Only those count that are about *what*: what is done at once changes places from
    run to run, and what there is of a kind does not.
    """

    moment: Moment
    n: int
    what: str = ANYTHING


class Fates:
    """Counts the moments of one process, and ends it as *fate* has it, with *last_words*."""

    def __init__(self, fate: Fate | None, last_words: Callable[[str], None]) -> None:
        self._fate = fate
        self._last_words = last_words
        self.met: dict[Moment, Counter[str]] = {moment: Counter() for moment in Moment}
        if fate and fate.moment is Moment.AFTER_MILLISECONDS:
            timer = threading.Timer(fate.n / 1000, self._die, [ANYTHING])
            timer.daemon = True
            timer.start()

    def meet(self, moment: Moment, what: str) -> None:
        """Die now, if this is the moment."""
        self.met[moment].update([what, ANYTHING])
        fate = self._fate
        if fate is None or fate.moment is not moment or fate.what not in (what, ANYTHING):
            return
        if self.met[moment][fate.what] == fate.n:
            self._die(what)

    def trace(self) -> TraceConfig:
        """Return the hooks by which outgoing requests are met."""

        async def starts(_session: Any, _: SimpleNamespace, asked: TraceRequestStartParams) -> None:
            self.meet(Moment.BEFORE_REQUEST, _asked(asked.method, asked.url))

        async def answered(_session: Any, _: SimpleNamespace, asked: TraceRequestEndParams) -> None:
            self.meet(Moment.AFTER_ANSWER, _asked(asked.method, asked.url))

        config = TraceConfig()
        config.on_request_start.append(starts)
        config.on_request_end.append(answered)
        return config

    def _die(self, what: str) -> None:
        self._last_words(f"{self._fate}: {what}")
        os.kill(os.getpid(), signal.SIGKILL)


class MortalStore:
    """A real store whose writes are met. What is only read goes to *store* itself."""

    def __init__(self, store: Store, fates: Fates) -> None:
        self._store = store
        self._meet = fates.meet

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, change: Change) -> None:
        self._meet(Moment.BEFORE_COMMIT, _what(change))
        await self._store.commit(change)
        self._meet(Moment.AFTER_COMMIT, _what(change))

    async def lease(self, lanes: Sequence[Lane], **how: Any) -> Sequence[LeasedJob]:
        leased = await self._store.lease(lanes, **how)
        if leased:  # else nothing was written
            self._meet(Moment.AFTER_NOTE, f"lease {leased[0].job.kind}")
        return leased

    async def renew(self, lease: Lease, *, until: datetime) -> Lease:
        self._meet(Moment.BEFORE_NOTE, "renew")
        renewed = await self._store.renew(lease, until=until)
        self._meet(Moment.AFTER_NOTE, "renew")
        return renewed

    async def finish(self, lease: Lease) -> None:
        self._meet(Moment.BEFORE_NOTE, "finish")
        await self._store.finish(lease)
        self._meet(Moment.AFTER_NOTE, "finish")

    async def retry(self, lease: Lease, *, due: datetime, failed: bool) -> None:
        self._meet(Moment.BEFORE_NOTE, "retry")
        await self._store.retry(lease, due=due, failed=failed)
        self._meet(Moment.AFTER_NOTE, "retry")


def _what(change: Change) -> str:
    """Say what a change is about: its events, or else what it holds."""
    contact, receipts = ["contact"] * bool(change.contact), ["receipt"] * len(change.receipts)
    return " ".join([*(event.kind for event in change.events), *contact, *receipts]) or "jobs"


def _asked(method: str, url: URL) -> str:
    """Say what a request is for, without the ids in its path."""
    return f"{method} {'/'.join(part for part in url.parts[1:] if part.isalpha())}"
