"""The calm after the kills: requests that begin when nobody dies any more, and of which nothing may happen twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from approvals_core.models import EventKind, LetterState
from approvals_core.ports import Store
from approvals_core.worker.outcomes import ONCE_MORE
from playground.outside import Playground
from playground.records import Happening, Message
from tests.soak.machines_cases import Case
from tests.soak.machines_truth import by_number, key_of

OURS = "we stopped during the attempt"  # a reason for doubt; the others are the tenant's
LOST = timedelta(seconds=ONCE_MORE)  # so far apart are a card whose answer was lost, and its twin


class Calm:
    """
    Looks on while *cases* live in peace, and says what was done twice.

    With processes that die a card or a mail may come twice, and a decision may be in doubt: then
    each excuse hides two workers who do the same job. Here nothing has an excuse.
    """

    def __init__(self, outside: Playground, cases: Sequence[Case]) -> None:
        self._outside = outside
        self._cases = cases
        self._came: set[tuple[str, str]] = set()  # alias and message
        self._taken_back: list[str] = []

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Note which messages come, and which of them are taken away again."""
        with self._outside.world.listen() as news:
            noting = asyncio.create_task(self._note(news))
            try:
                yield
            finally:
                noting.cancel()
                await asyncio.gather(noting, return_exceptions=True)

    async def problems(self, store: Store) -> list[str]:
        """Return what happened twice, or was in doubt, a line each."""
        cards = by_number(self._outside)
        found = [f"{alias} had a card that was taken back" for alias in self._taken_back]
        for case in self._cases:
            doubts = await _doubts(case, store)
            wrong = [*self._twins(case, cards), *_told_twice(case, doubts)]
            wrong += [each async for each in self._mailed_twice(case, store)]
            found += [f"{case.number}, in the calm: {each}" for each in wrong]
        if not any(case.told() for case in self._cases):
            found.append("nobody decided anything in the calm")
        return found

    async def _note(self, news: "asyncio.Queue[Happening]") -> None:
        while True:
            happening = await news.get()
            facts = happening.facts
            which = (happening.subject, str(facts.get("message")))
            if facts.get("event") == "added":
                self._came.add(which)
            elif facts.get("event") == "removed" and which in self._came:
                self._taken_back.append(happening.subject)

    def _twins(self, case: Case, cards: dict[tuple[str, str], list[str]]) -> Iterator[str]:
        for alias in case.everybody:
            chat = self._outside.world.chat_of(alias)
            ids = cards.get((alias, case.number), [])
            found = [chat.message(one) for one in ids] if chat else []
            messages = [message for message in found if message is not None]
            if len(messages) != 1 and not _lost(messages):
                yield f"{alias} has {len(messages)} cards"

    async def _mailed_twice(self, case: Case, store: Store) -> AsyncIterator[str]:
        boxes = self._outside.world.mailboxes
        arrived = Counter(mail.letter for alias in case.everybody for mail in boxes.of(alias))
        for letter in await store.letters(key_of(case)):
            once = letter.state is not LetterState.SENT or arrived[letter.id] == 1
            if not once and not letter.lost:
                yield f"the mail {letter.id} arrived {arrived[letter.id]} times"


async def _doubts(case: Case, store: Store) -> dict[str, str]:
    """Return the decisions of which nobody knew whether they had arrived, and why."""
    return {
        event.facts["decision"]: event.facts["reason"]
        for event in await store.history(key_of(case))
        if event.kind is EventKind.UNCONFIRMED
    }


def _told_twice(case: Case, doubts: Mapping[str, str]) -> Iterator[str]:
    told = Counter(key for _post, key, _one in case.told())
    twice = {key: n for key, n in told.items() if n > 1 and key not in doubts}
    yield from (f"the tenant was told {key} {n} times" for key, n in twice.items())
    taken_for_dead = [key for key, reason in doubts.items() if reason == OURS]
    yield from (f"the attempt of {key} was taken for a dead one's" for key in taken_for_dead)


def _lost(messages: Sequence[Message]) -> bool:
    """Tell whether the answer to sending the first was lost: the other came so much later."""
    return len(messages) == 2 and messages[1].at - messages[0].at >= LOST
