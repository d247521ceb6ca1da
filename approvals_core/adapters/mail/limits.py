"""How fast one mailbox may send: kept in front of the wire, so that we are not told so behind it."""

from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager

from approvals_core.errors import ChannelBusy

MINUTE = 60.0  # seconds
COME_AGAIN = 2.0  # seconds until one of those under way is through, more or less


class MailPace:
    """
    Lets mails out no faster than the mailbox allows: so many at once, so many in any 60 seconds.

    Exact in any window, not on average. This process only; others of ours keep a pace
    of their own. Nobody waits here: who has to wait holds one of the worker's slots.
    """

    def __init__(self, *, at_once: int, per_minute: int, monotonic: Callable[[], float]) -> None:
        """*monotonic* returns seconds, and never goes back."""
        self._at_once = at_once
        self._monotonic = monotonic
        self._begun: deque[float] = deque(maxlen=per_minute)
        self._per_minute = per_minute
        self._under_way = 0
        self._held_until = 0.0

    @contextmanager
    def turn(self) -> Generator[None]:
        """
        Send one mail within this context; it counts from the start, however it ends.

        Raises:
            ChannelBusy: Not now; the mailbox is used up for `retry_after` seconds.
        """
        now = self._monotonic()
        wait = max(self._until_released(now), self._until_a_minute_passed(now))
        if wait > 0:
            raise ChannelBusy("our own pace for this mailbox", retry_after=wait)
        if self._under_way >= self._at_once:
            raise ChannelBusy("too many mails at once for this mailbox", retry_after=COME_AGAIN)
        self._begun.append(now)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def hold(self, seconds: float) -> None:
        """Let nothing out for that long, as the mail system asked for it."""
        self._held_until = max(self._held_until, self._monotonic() + seconds)

    def _until_released(self, now: float) -> float:
        return self._held_until - now

    def _until_a_minute_passed(self, now: float) -> float:
        if len(self._begun) < self._per_minute:
            return 0.0
        return self._begun[0] + MINUTE - now
