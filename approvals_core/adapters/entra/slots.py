"""One token of ours: kept while it is good, renewed ahead, never asked for twice at a time."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from approvals_core.adapters.threads import OwnThreads
from approvals_core.errors import TokenUnavailable

AHEAD = timedelta(seconds=300)  # renewed in the background from here on
LAST_MOMENT = timedelta(seconds=30)  # not handed out any more from here on
PAUSE = timedelta(seconds=5)  # between two attempts after a failure
REJECTIONS = timedelta(seconds=10)  # between two renewals because a token was refused
TOTAL_TIMEOUT = 15.0  # seconds for discovery and token together

log = logging.getLogger(__name__)


class Granted(NamedTuple):
    """What an issuer gave."""

    value: str
    seconds: int  # for which it is good


class Source(NamedTuple):
    """Where a slot's token comes from: both block, and *acquire* raises TokenUnavailable."""

    acquire: Callable[[], Granted]
    close: Callable[[], None]


@dataclass(frozen=True)
class _Token:
    value: str
    expires_at: datetime


class TokenSlot:
    """The token for one purpose, in a thread of its own: an issuer that hangs keeps nobody else waiting."""

    def __init__(self, source: Source, *, purpose: str, clock: Callable[[], datetime]) -> None:
        self._source = source
        self._purpose = purpose
        self._clock = clock
        self._thread = OwnThreads(1, name=f"token {purpose}")
        self._token: _Token | None = None
        self._failure = ""
        self._failed_at: datetime | None = None
        self._renewed_at: datetime | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def token(self, refused: str) -> str:
        """
        Return a token that is good for half a minute at least.

        Raises:
            TokenUnavailable: The issuer gave none; the message says why.
        """
        if self._token is not None and self._token.value == refused:
            self._give_up_refused()
        if not self._good_for(LAST_MOMENT):
            await asyncio.shield(self._renew())
        elif not self._good_for(AHEAD):
            self._renew()
        if self._token is None or not self._good_for(LAST_MOMENT):
            raise TokenUnavailable(f"no token for {self._purpose}: {self._failure}")
        return self._token.value

    async def close(self) -> None:
        """Stop waiting for what is under way, and close the connections."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        self._source.close()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return self._renewing is None or self._renewing.done()

    def _good_for(self, time: timedelta) -> bool:
        return self._token is not None and self._clock() + time < self._token.expires_at

    def _give_up_refused(self) -> None:
        """Forget a token that was refused; a far side that refuses all must not cost one each time."""
        if _passed(self._renewed_at, REJECTIONS, self._clock()):
            self._renewed_at = self._clock()
            self._token = None

    def _renew(self) -> asyncio.Task[None]:
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renewed())
        return self._renewing

    async def _renewed(self) -> None:
        if not _passed(self._failed_at, PAUSE, self._clock()):
            return
        try:
            async with asyncio.timeout(TOTAL_TIMEOUT):
                granted = await self._thread.run(self._source.acquire)
            expires_at = self._clock() + timedelta(seconds=granted.seconds)
            self._token = _Token(granted.value, expires_at)
        except (TokenUnavailable, TimeoutError) as problem:
            self._failure = str(problem) or "the issuer did not answer in time"
            self._failed_at = self._clock()
            told = {"purpose": self._purpose, "why": self._failure}
            log.warning("token_unavailable", extra=told)


def _passed(since: datetime | None, time: timedelta, now: datetime) -> bool:
    return since is None or now - since >= time
