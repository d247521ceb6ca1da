"""How fast one mailbox may send: kept in front of the wire, so that we are not told so behind it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from approvals_core.allowances import Allowances
from approvals_core.errors import ChannelBusy, MailboxBusy
from approvals_core.ports.budgets import Windows

MINUTE = 60.0  # seconds
COME_AGAIN = 2.0  # seconds until one of those under way is through, more or less
A_ROUNDING = 0.001  # seconds


class MailPace:
    """
    Lets mails out no faster than the mailbox allows: so many at once, so many in any 60 seconds.

    Exact in any window, not on average, and for all processes that share *allowances*; so is
    what the mail system asked one of them for. How many at once is each process' own. Nobody
    waits here: who has to wait holds one of the worker's slots.
    """

    def __init__(
        self, allowances: Allowances, *, mailbox: str, at_once: int, per_minute: int
    ) -> None:
        """*mailbox* is the address whose limits these are."""
        self._allowance = allowances.of(f"mails of {mailbox.casefold()}")
        self._monotonic = allowances.monotonic
        self._at_once = at_once
        self._per_minute = per_minute
        self._windows: Windows = ((per_minute, MINUTE),)
        self._under_way = 0
        self._held_until = 0.0
        self._held_because = ""

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """
        Send one mail within this context; it counts from the start, however it ends.

        Raises:
            MailboxBusy: Not now: the mailbox is used up, or held, for `retry_after` seconds.

            ChannelBusy: Not now: too many are under way.
        """
        self._check(self._allowance.wait(self._windows))
        if self._under_way >= self._at_once:
            raise ChannelBusy("too many mails at once for this mailbox", retry_after=COME_AGAIN)
        self._under_way += 1
        try:
            self._check(await self._allowance.take(self._windows))
            yield
        finally:
            self._under_way -= 1

    async def hold(self, seconds: float, *, because: str) -> None:
        """
        Let nothing out for that long, in no process.

        *because* is what the mails that wait for it say here.
        """
        until = self._monotonic() + seconds
        if until > self._held_until:
            self._held_until, self._held_because = until, because
        await self._allowance.hold(seconds)

    def _check(self, wait: float) -> None:
        if wait <= 0:
            return
        if self._held_until - self._monotonic() >= wait - A_ROUNDING:
            raise MailboxBusy(self._held_because, retry_after=wait)
        why = f"our own pace for this mailbox: {self._per_minute} mails a minute"
        if wait > MINUTE:
            why = "the mail system asked for a pause, by what it told another process of ours"
        raise MailboxBusy(why, retry_after=wait)
