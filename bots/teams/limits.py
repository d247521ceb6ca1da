"""How fast Teams lets us talk: kept in front of the wire, so that we are not told so behind it."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from approvals_core.allowances import Allowance, Allowances
from approvals_core.errors import ChannelBusy
from approvals_core.ports.budgets import Windows

# (requests, seconds), msteams-docs rate-limit.md: per bot and conversation, for
# sending, updating and creating; and per app and directory.
CONVERSATION: Windows = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
PER_SECOND = 50
# What cards leave free in a conversation, for answers to what its person writes.
FOR_CARDS: Windows = tuple((count - max(1, count // 10), period) for count, period in CONVERSATION)

# A process with many calls takes a few of its directory's permits at once: one by one they would
# cost a question to the store each. They are used within a moment, or lost.
LOT, LASTING = 10, 0.02  # permits, seconds

PATIENCE = 10.0  # seconds that a call may wait here; beyond, somebody else's turn
# Cards waiting for one conversation: about as many as go out in two seconds. Each holds one of
# the worker's slots, which other people's cards need; the rest come again after that time.
CROWD, COME_AGAIN = 6, 2.0  # cards, seconds
CONVERSATIONS = 10_000  # remembered before the idle ones are forgotten

# Teams does not say which of its limits a 429 is about. It is the conversation's, unless so many
# different ones of a directory are told so within so short a time.
MANY_TOLD, TOLD_WITHIN = 3, 5.0  # conversations, seconds

Sleep = Callable[[float], Awaitable[None]]
Turn = tuple[bool, int]  # answers first, then in the order in which they came


class _Queue:
    """What is allowed, and who waits for his turn."""

    def __init__(self, allowance: Allowance, limits: Windows, for_cards: Windows) -> None:
        self._limits = {True: for_cards, False: limits}
        self._allowance = allowance
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
        while not self.is_next(turn):
            called = self._waiting[turn] = asyncio.Event()
            await called.wait()

    def is_next(self, turn: Turn) -> bool:
        """Tell whether nobody in the queue comes before *turn*."""
        return len(self._waiting) == 1 or min(self._waiting) == turn

    def wait(self, turn: Turn) -> float:
        """Return the seconds until one more may be sent, as far as is known here."""
        return self._allowance.wait(self._limits[turn[0]])

    async def take(self, turn: Turn) -> float:
        """Take one permit: return 0.0 if there was one, else the seconds to wait."""
        return await self._allowance.take(self._limits[turn[0]])

    def put_back(self) -> None:
        """Leave the permit to the next one."""
        self._allowance.put_back()

    async def hold(self, seconds: float) -> None:
        """Let nothing out for so long, in no process."""
        await self._allowance.hold(seconds)

    def idle(self, now: float) -> bool:
        """Tell whether nobody waits, and nothing was sent that still counts."""
        reach = max(period for _, period in self._limits[False])
        return not self._waiting and self._allowance.idle_since <= now - reach


class Pace:
    """
    Lets calls go to Teams no faster than it allows, per conversation and per directory.

    Exact in any window, not on average: a bucket that refills lets twice its size
    through in one period. All processes that share *allowances* keep it together.
    """

    def __init__(
        self,
        allowances: Allowances,
        *,
        sleep: Sleep,
        per_second: int = PER_SECOND,
        remember: int = CONVERSATIONS,
    ) -> None:
        """*per_second* is what a directory takes."""
        self._remember = self._forget_at = remember
        self._allowances = allowances
        self._monotonic = allowances.monotonic
        self._sleep = sleep
        self._directory: Windows = ((per_second, 1.0),)
        self._numbers = itertools.count()
        self._conversations: dict[str, _Queue] = {}
        self._directories: dict[str, _Queue] = {}
        self._told: dict[str, dict[str, float]] = {}

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
        mine, all_of_it = self._conversation(conversation), self._all_of(directory)
        if mine.crowded and not answer:
            raise ChannelBusy("too many calls for one conversation", retry_after=COME_AGAIN)
        turn = (not answer, next(self._numbers))
        with mine.queued(turn):
            while True:
                await self._pass(mine, turn)
                # Waiting for the directory, we keep our place in the conversation.
                with all_of_it.queued(turn):
                    await all_of_it.first(turn)
                    while await all_of_it.take(turn) > 0:
                        await self._pass(all_of_it, turn)
                if mine.is_next(turn) and await mine.take(turn) <= 0:
                    return  # and not overtaken meanwhile
                all_of_it.put_back()

    async def hold(self, directory: str, conversation: str, seconds: float) -> None:
        """Let nothing out for so long, in no process, to whom a 429 is about."""
        await self._conversation(conversation).hold(seconds)
        now, told = self._monotonic(), self._told.setdefault(directory, {})
        told[conversation] = now
        recent = {one: at for one, at in told.items() if at > now - TOLD_WITHIN}
        self._told[directory] = recent
        if len(recent) >= MANY_TOLD:
            await self._all_of(directory).hold(seconds)

    async def _pass(self, queue: _Queue, turn: Turn) -> None:
        while True:
            await queue.first(turn)
            wait = queue.wait(turn)
            if wait <= 0:
                return
            if wait > PATIENCE:
                raise ChannelBusy("our own pace", retry_after=wait)
            await self._sleep(wait)

    def _conversation(self, name: str) -> _Queue:
        if name not in self._conversations:
            if len(self._conversations) >= self._forget_at:
                self._forget_idle()
            allowance = self._allowances.of(f"teams conversation {name}")
            self._conversations[name] = _Queue(allowance, CONVERSATION, FOR_CARDS)
        return self._conversations[name]

    def _all_of(self, directory: str) -> _Queue:
        if directory not in self._directories:
            allowance = self._allowances.of(
                f"teams directory {directory}", lasting=LASTING, lot=LOT
            )
            self._directories[directory] = _Queue(allowance, self._directory, self._directory)
        return self._directories[directory]

    def _forget_idle(self) -> None:
        now = self._monotonic()
        busy = {key: each for key, each in self._conversations.items() if not each.idle(now)}
        self._conversations = busy
        # Where most are busy, a look at all of them for each new one would cost more than they do.
        self._forget_at = max(self._remember, 2 * len(busy))
