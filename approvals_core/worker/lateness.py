"""How late a house is, whichever of its processes is asked: with what its jobs to do, and its cards."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from approvals_core.errors import StoreError
from approvals_core.leases import ends_of_the_silent
from approvals_core.models import HOUSE, Change, Lane
from approvals_core.ports import Store
from approvals_core.worker.behind import Behind

log = logging.getLogger(__name__)

TELL_EVERY = 10.0  # seconds between two words of one process
HEARD = timedelta(seconds=35)  # for so long a word counts: three may fail to come
GONE = timedelta(hours=1)  # after so long a word is taken away by whoever says one
LOOKED_AT = 50  # cards asked for together whether they are still to do
LOOKS = 10  # at so many, in one go
_WORD = "behind/"


class Lateness:
    """
    How late jobs and cards are, of all processes together.

    A process knows of its own cards since when they are not current (*behind*). As long as there
    is one, it says so in the store, for the others; and it asks the store whether others have
    made it current meanwhile. What a worker holds that renews no lease any more is late, too.
    """

    def __init__(self, store: Store, *, behind: Behind, now: Callable[[], datetime]) -> None:
        self._store = store
        self._behind = behind
        self._now = now
        self._note = f"{_WORD}{secrets.token_hex(8)}"
        self._said = False
        self.known_of_cards = 0.0  # seconds, as of the last word

    async def run(self, every: float = TELL_EVERY) -> None:
        """Tell the others again and again."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.tell()
            except StoreError as problem:
                log.warning("lateness_not_told", extra={"why": str(problem)})

    async def tell(self) -> None:
        """
        Say in the store how far behind our cards are; nothing, if that is so and was said.

        Raises:
            StoreError: The store did not answer.
        """
        await self._forget_what_is_done()
        since, now = self._behind.since(), self._now()
        if since is not None or self._said:
            said = words_in(await self._store.notes(HOUSE))
            notes: dict[str, str | None] = {
                n: None for n, (at, _) in said.items() if now - at > GONE
            }
            notes[self._note] = since and f"{now.isoformat()} {since.isoformat()}"
            await self._store.commit(Change(id=secrets.token_hex(16), scope=HOUSE, notes=notes))
            self._said = since is not None
        self.known_of_cards = await self.of_cards()

    async def of_cards(self) -> float:
        """
        Return the age of the oldest card that is not current, in seconds; 0.0 if there is none.

        Raises:
            StoreError: The store did not answer.
        """
        await self._forget_what_is_done()
        now, own = self._now(), self._behind.since()
        said = words_in(await self._store.notes(HOUSE))
        others = [since for n, (at, since) in said.items() if n != self._note and now - at <= HEARD]
        held = await self.held((Lane.CARD,))
        return self._age([*others, *held.values(), *([own] if own else [])])

    async def of_jobs(self, lanes: Collection[Lane]) -> float:
        """
        Return for how many seconds the oldest job of *lanes* is due and in nobody's hands.

        Raises:
            StoreError: The store did not answer.
        """
        due = await self._store.next_due(tuple(lanes))
        held = await self.held(lanes)
        return self._age([*held.values(), *([due] if due else [])])

    async def held(self, lanes: Collection[Lane] = tuple(Lane)) -> Mapping[Lane, datetime]:
        """
        Return by lane when the oldest job was due whose holder renews its lease no more.

        Raises:
            StoreError: The store did not answer.
        """
        now = self._now()
        ends = {lane: end for lane, end in ends_of_the_silent(now).items() if lane in lanes}
        return await self._store.oldest_held(ends, now=now)

    def _age(self, times: Collection[datetime]) -> float:
        return max(0.0, (self._now() - min(times, default=self._now())).total_seconds())

    async def _forget_what_is_done(self) -> None:
        """Forget the oldest cards of which others have seen to it, until one is still to do."""
        for _look in range(LOOKS):
            oldest = self._behind.oldest_of(LOOKED_AT)
            found = await asyncio.gather(*(self._store.queued(*card) for card in oldest))
            done = [key for (_scope, key), job in zip(oldest, found, strict=True) if job is None]
            for key in done:
                self._behind.ended(key)
            if len(done) < LOOKED_AT:
                return


def words_in(notes: Mapping[str, str]) -> dict[str, tuple[datetime, datetime]]:
    """Return by note when each process spoke last, and since when a card of its is not current."""
    said: dict[str, tuple[datetime, datetime]] = {}
    for note, word in notes.items():
        if note.startswith(_WORD):
            at, _, since = word.partition(" ")
            said[note] = (datetime.fromisoformat(at), datetime.fromisoformat(since))
    return said
