"""How fast Teams lets us talk: kept in front of the wire, so that we are not told so behind it."""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

from approvals_core.errors import ChannelBusy

# (requests, seconds), msteams-docs rate-limit.md: per bot and conversation, for
# sending, updating and creating; and per app and directory.
CONVERSATION = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
DIRECTORY = ((50, 1.0),)
# What cards leave free in a conversation, for answers to what its person writes.
FOR_CARDS = tuple((count - max(1, count // 10), period) for count, period in CONVERSATION)

PATIENCE = 10.0  # seconds that a call may wait here; beyond, somebody else's turn
# Cards waiting for one conversation: about as many as go out in two seconds. Each holds one of
# the worker's slots, which other people's cards need; the rest come again after that time.
CROWD, COME_AGAIN = 6, 2.0  # cards, seconds
CONVERSATIONS = 10_000  # remembered before the idle ones are forgotten

Monotonic = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]
Limits = Sequence[tuple[int, float]]
Turn = tuple[bool, int]  # answers first, then in the order in which they came


class _Window:
    """The times of what was sent, as far back as a limit reaches, and who waits for his turn."""

    def __init__(self, limits: Limits, for_cards: Limits) -> None:
        self._limits = {True: for_cards, False: limits}
        self._sent: deque[float] = deque(maxlen=max(count for count, _ in limits))
        self._reach = max(period for _, period in limits)
        self._waiting: dict[Turn, asyncio.Event] = {}

    @property
    def crowded(self) -> bool:
        """Tell whether too many cards wait here."""
        return sum(card for card, _number in self._waiting) >= CROWD

    @contextmanager
    def queued(self, turn: Turn) -> Iterator[None]:
        """Stand in the queue."""
        self._waiting[turn] = asyncio.Event()
        try:
            yield
        finally:
            del self._waiting[turn]
            if self._waiting:
                self._waiting[min(self._waiting)].set()

    async def first(self, turn: Turn) -> None:
        """Wait until nobody in the queue comes before *turn*."""
        while min(self._waiting) != turn:
            called = self._waiting[turn] = asyncio.Event()
            await called.wait()

    def free(self, turn: Turn, now: float) -> bool:
        """Tell whether *turn* comes next, and may be sent now."""
        return min(self._waiting) == turn and self.wait(turn, now) <= 0

    def wait(self, turn: Turn, now: float) -> float:
        """Return the seconds until one more may be sent."""
        while self._sent and self._sent[0] <= now - self._reach:
            self._sent.popleft()
        limits = self._limits[turn[0]]
        full = ((self._sent[-n], period) for n, period in limits if len(self._sent) >= n)
        return max((sent + period - now for sent, period in full), default=0.0)

    def sent(self, now: float) -> None:
        self._sent.append(now)

    def idle(self, now: float) -> bool:
        recent = self._sent and self._sent[-1] > now - self._reach
        return not recent and not self._waiting


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
        self._numbers = itertools.count()
        self._conversations: dict[str, _Window] = {}
        self._directories: dict[str, _Window] = {}

    @property
    def remembered(self) -> int:
        """Return how many conversations are kept in mind."""
        return len(self._conversations)

    async def turn(self, directory: str, conversation: str, *, answer: bool = False) -> None:
        """
        Wait until one more call may go out to *conversation*.

        An *answer* to what its person just wrote goes before all cards, in room that
        they leave free.

        Raises:
            ChannelBusy: That takes longer than a caller should wait.
        """
        mine, all_of_it = self._windows(directory, conversation)
        if mine.crowded and not answer:
            raise ChannelBusy("too many calls for one conversation", retry_after=COME_AGAIN)
        turn = (not answer, next(self._numbers))
        with mine.queued(turn):
            while True:
                await self._pass(mine, turn)
                # Waiting for the directory, we keep our place in the conversation.
                with all_of_it.queued(turn):
                    await self._pass(all_of_it, turn)
                if mine.free(turn, self._monotonic()):
                    break  # and not overtaken meanwhile
            now = self._monotonic()
            mine.sent(now)
            all_of_it.sent(now)

    async def _pass(self, window: _Window, turn: Turn) -> None:
        while True:
            await window.first(turn)
            wait = window.wait(turn, self._monotonic())
            if wait <= 0:
                return
            if wait > PATIENCE:
                raise ChannelBusy("our own pace", retry_after=wait)
            await self._sleep(wait)

    def _windows(self, directory: str, conversation: str) -> tuple[_Window, _Window]:
        if len(self._conversations) >= self._remember:
            self._forget_idle()
        mine = self._conversations.setdefault(conversation, _Window(CONVERSATION, FOR_CARDS))
        all_of_it = self._directories.setdefault(directory, _Window(DIRECTORY, DIRECTORY))
        return mine, all_of_it

    def _forget_idle(self) -> None:
        now = self._monotonic()
        busy = {key: each for key, each in self._conversations.items() if not each.idle(now)}
        self._conversations = busy
