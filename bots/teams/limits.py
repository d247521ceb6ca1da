"""How fast Teams lets us talk: kept in front of the wire, so that we are not told so behind it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from approvals_core.errors import ChannelBusy

# (requests, seconds), msteams-docs rate-limit.md: per bot and conversation, for
# sending, updating and creating; and per app and directory.
CONVERSATION = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
DIRECTORY = ((50, 1.0),)

PATIENCE = 10.0  # seconds that a call may wait here; beyond, somebody else's turn
CROWD = 20  # calls waiting for one conversation: about as many as go out within PATIENCE
CONVERSATIONS = 10_000  # remembered before the idle ones are forgotten

Monotonic = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class _Window:
    """The times of what was sent, as far back as a limit reaches."""

    def __init__(self, limits: Sequence[tuple[int, float]]) -> None:
        self._turn = asyncio.Lock()  # callers go in the order in which they came
        self.waiting = 0
        self._limits = limits
        self._sent: deque[float] = deque(maxlen=max(count for count, _ in limits))
        self._reach = max(period for _, period in limits)

    @asynccontextmanager
    async def in_turn(self) -> AsyncIterator[None]:
        self.waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self.waiting -= 1

    def wait(self, now: float) -> float:
        """Return the seconds until one more may be sent."""
        while self._sent and self._sent[0] <= now - self._reach:
            self._sent.popleft()
        full = ((self._sent[-n], period) for n, period in self._limits if len(self._sent) >= n)
        return max((sent + period - now for sent, period in full), default=0.0)

    def sent(self, now: float) -> None:
        self._sent.append(now)

    def idle(self, now: float) -> bool:
        recent = self._sent and self._sent[-1] > now - self._reach
        return not recent and not self.waiting


class Pace:
    """
    Lets calls go to Teams no faster than it allows, per conversation and per directory.

    Exact in any window, not on average: a bucket that refills lets twice its size
    through in one period. This process only; others of ours keep a pace of their own.
    """

    def __init__(
        self, *, monotonic: Monotonic, sleep: Sleep, remember: int = CONVERSATIONS
    ) -> None:
        self._remember = remember
        self._monotonic = monotonic
        self._sleep = sleep
        self._conversations: dict[str, _Window] = {}
        self._directories: dict[str, _Window] = {}

    @property
    def remembered(self) -> int:
        """Return how many conversations are kept in mind."""
        return len(self._conversations)

    async def turn(self, directory: str, conversation: str) -> None:
        """
        Wait until one more call may go out to *conversation*.

        Raises:
            ChannelBusy: That takes longer than a caller should wait.
        """
        mine, all_of_it = self._windows(directory, conversation)
        if mine.waiting >= CROWD:
            raise ChannelBusy("too many calls for one conversation", retry_after=PATIENCE)
        # In this order: waiting for the directory, we keep our place in the conversation.
        async with mine.in_turn():
            await self._pass(mine)
            async with all_of_it.in_turn():
                await self._pass(all_of_it)
                now = self._monotonic()
                mine.sent(now)
                all_of_it.sent(now)

    async def _pass(self, window: _Window) -> None:
        while (wait := window.wait(self._monotonic())) > 0:
            if wait > PATIENCE:
                raise ChannelBusy("our own pace", retry_after=wait)
            await self._sleep(wait)

    def _windows(self, directory: str, conversation: str) -> tuple[_Window, _Window]:
        if len(self._conversations) >= self._remember:
            self._forget_idle()
        mine = self._conversations.setdefault(conversation, _Window(CONVERSATION))
        return mine, self._directories.setdefault(directory, _Window(DIRECTORY))

    def _forget_idle(self) -> None:
        now = self._monotonic()
        busy = {key: each for key, each in self._conversations.items() if not each.idle(now)}
        self._conversations = busy
