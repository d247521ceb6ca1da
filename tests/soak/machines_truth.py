"""
What the history of a soak must say in the end: nothing lost, nothing doubled, every card current.

The history is what every client was answered, what the tenants' systems received, and what
stands in everybody's chats and mails. Each check names what it found, and none hides another.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Self

from approvals_core.adapters.stores import open_store
from approvals_core.adapters.tenant_files import load_tenants
from approvals_core.models import (
    ApprovalKey,
    EventKind,
    JobKind,
    LetterState,
    PlaceState,
    QueuedJob,
    needs_operator,
)
from approvals_core.ports import Store
from approvals_core.rules.draft import chain_is_sound
from approvals_core.rules.settling import Settlement
from approvals_core.rules.standing import who_did
from bots.cli.doing import utc_now
from bots.cli.places import PlacesDesk
from playground.outside import Playground
from playground.reading import buttons, words
from playground.records import Json, Message, Sender
from tests.crash.truth import Truth, with_icons_at
from tests.soak.machines_cases import YEAR, Case
from tests.soak.machines_fleet import Fleet
from tests.soak.machines_history import decided, stands, taken_in
from tests.soak.machines_people import SEVERAL, Press

NUMBER = re.compile(r"SOAK-\d{4}")
NOT_REACHED = "cannot be reached at the moment"
RECORDING = "Recording your decision"  # promises who has nothing in the store yet
HEARD_WITHIN = timedelta(
    seconds=30
)  # of its sender's death an answer is shown, if the machine is busy
# What stands above a card that is current, for who pressed too late; a closed card is not looked at anew.
TOO_LATE = re.compile(
    r".+ was faster: see below what was decided\."
    r"|You have decided on this request already\."
    r"|This request is not waiting for you now\."
    r"|This request is no longer waiting for a decision\."
    r"|The request changed since this card was made\. Please look again\."
    r"|Your place changed since this card was made\. Please look again\."
)
SOON = timedelta(seconds=20)  # nothing that a person waits for falls due within
TYPED = re.compile(r"approver\d+ says \d{4}")  # see `Approver`
WAITED_FOR = frozenset(
    {
        JobKind.POST,
        JobKind.RESOLVE,
        JobKind.CARD,
        JobKind.DELIVER,
        JobKind.DETAILS,
        JobKind.RENEW,
        JobKind.MAIL,
    }
)
UNTIL_ENDED = frozenset({JobKind.POST, JobKind.ASK_STATUS})  # however late they are due

Comments = dict[str, list[tuple[Case, str]]]  # the decisions that have one, with their requests


def key_of(case: Case) -> ApprovalKey:
    return ApprovalKey(case.tenant.registered.document_type, case.number, YEAR)


class Of(Truth):
    """What is true of one request among many, that may have been decided more than once."""

    def applied_once(self, case: Case) -> Iterator[str]:
        """Say what the tenant did twice, or was told twice and must not be."""
        told = case.told()
        applied = Counter(key for post, key, _ in told if post.applied)
        yield from (f"{key} was done {n} times" for key, n in applied.items() if n > 1)
        arrived = Counter(key for _, key, _ in told)
        if not self.tenant.api.idempotent:
            yield from (f"{key} came {n} times" for key, n in arrived.items() if n > 1)
        deciders = Counter(one["ActionByAlias"] for one in case.taken().values())
        yield from (f"{by} decided {n} times" for by, n in deciders.items() if n > 1)
        for level in () if case.all_of else case.levels:
            of_level = [by for by in deciders if by in level]
            if len(of_level) > 1:
                yield f"{of_level} all decided, and one was asked"

    def same(self, shown: Json, face: Json) -> bool:
        """Take what he is told who pressed too late, and what he typed, beside a card that is current."""
        told, wanted = words(shown).splitlines(), words(face).splitlines()
        more = [line for line in told if line not in wanted]
        late = more[:1] == [who_did(self.approval, self.tenant)] or _matches(TOO_LATE, more[:1])
        if more and not (late and _matches(TYPED, more[1:])):
            return False
        said = [line for line in told if line not in more]
        return shown == face or (said == wanted and _titles(shown) == _titles(face))

    async def cards_are_current(self) -> None:
        """See each card as it is now; where the answer says so little, after its reader looked again."""
        for place in self.approval.places:
            for message in self.find(self.outside, place.alias, self.key):
                if self._looks_again(message, place.alias):
                    await self.outside.teams.refresh(place.alias, message.id)
        for place in self.approval.places:
            if await self._receipts(place) or place.state is not PlaceState.REMOVED:
                await self._cards_are_current(place)
            else:
                # Whoever is asked no more before he had a card gets none; a twin looks when it is opened.
                for twin in self.find(self.outside, place.alias, self.key):
                    await self._twin_becomes_current(place, twin)
            await self._opened_mails_are_current(place)

    def _looks_again(self, message: Message, alias: str) -> bool:
        """Tell whether he was told of no state: nobody could be reached, or who took his click is dead."""
        text, view = words(message.shown_to(alias) or {}), message.views.get(alias)
        assert isinstance(self.lives, Fleet)
        forgotten = view is not None and self.lives.web_died_after(view.at - HEARD_WITHIN)
        return NOT_REACHED in text or (RECORDING in text and forgotten)

    async def nothing_waits_on_nobody(self) -> None:
        await self._nothing_waits_on_nobody()


class Checker:
    """Looks at the store of *fleet* and at the world around, and lists what is wrong."""

    def __init__(self, fleet: Fleet, cases: Sequence[Case], presses: Sequence[Press]) -> None:
        self._fleet = fleet
        self._cases = cases
        self._presses = presses
        self._tenants = load_tenants(fleet.tenants)
        self._store: Store | None = None
        self._messages: dict[tuple[str, str], list[str]] = {}

    async def __aenter__(self) -> Self:
        self._store = await open_store(self._fleet.store_url)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.store.close()

    @property
    def store(self) -> Store:
        assert self._store is not None, "not opened"
        return self._store

    # -- until all is quiet ---------------------------------------------------

    async def under_way(self) -> list[str]:
        """Return the keys of the jobs that somebody waits for, the dead processes' among them."""
        soon = datetime.now(UTC) + SOON
        return [
            queued.key
            for scope in await self.store.scopes()
            for queued in (await self.store.jobs(scope, limit=500)).jobs
            if _waits(queued, soon)
        ]

    async def ask_an_operator(self) -> int:
        """End what only a person can, by what stands in the tenant's own book; return how much."""
        ended = 0
        for case in self._cases:
            approval = await self.store.approval(key_of(case))
            for place in approval.places if approval else ():
                if place.state is PlaceState.UNCONFIRMED and needs_operator(place):
                    assert place.decision is not None
                    taken = place.decision.id in case.taken()
                    found = Settlement.ACCEPTED if taken else Settlement.NOT_TAKEN
                    desk = PlacesDesk(self.store, self._tenants, lambda _line: None, now=utc_now)
                    await desk.settle(case.number, place.seat, found, by="an operator")
                    ended += 1
        return ended

    # -- what must be true ----------------------------------------------------

    async def check(self, more: Sequence[str] = ()) -> None:
        """Raise AssertionError with everything that is wrong, and what *more* somebody found."""
        problems = [*await self.problems(), *more]
        if problems:
            wrong = [case for case in self._cases if any(case.number in each for each in problems)]
            stories = [line for case in wrong for line in await self._story(case)]
            raise AssertionError("\n".join([*problems, "", *stories]))

    async def problems(self) -> list[str]:
        """Return everything that is wrong, a line each."""
        self._messages = by_number(self._fleet.playground)
        found: list[str] = []
        comments: Comments = defaultdict(list)
        for case in self._cases:
            found += [f"{case.number}: {each}" async for each in self._of(case, comments)]
        found += [problem for press in self._presses for problem in self._lost(press, comments)]
        for scope in await self.store.scopes():
            letters = await self.store.dead_letters(scope)
            found += [f"given up in {scope}: {each.job.key}" for each in letters]
        return found

    async def _story(self, case: Case) -> list[str]:
        """Tell what was sent about a request, and what is recorded, for whoever looks for the reason."""
        sent = [
            f"  {arx['OperationDateTime']} {arx['Operation']} {arx['Approvers']} {arx['DeleteFor']}"
            f" {arx['SummaryData']['Title']} {post.payloads}"
            for post in case.posts
            for arx in [post.arx]
        ]
        told = [
            f"  {event.at:%H:%M:%S.%f} {event.kind} {event.facts} {event.personal}"
            for event in await self.store.history(key_of(case))
        ]
        return [f"{case.number}: {case.levels}, {case.watcher}", *sent, *told]

    async def _of(self, case: Case, comments: Comments) -> AsyncIterator[str]:
        approval = await self.store.approval(key_of(case))
        if approval is None:
            yield "the request is lost"
            return
        tenant = self._tenants.by_id(approval.key.tenant)
        assert tenant is not None
        outside = self._fleet.playground
        shown = with_icons_at(outside.teams.bot, tenant)
        truth = Of(self.store, approval, shown, self._fleet, outside, self._find)
        history = await self.store.history(approval.key)
        if not chain_is_sound(tuple(history), head=approval.head):
            yield "the chain of its history is broken"
        for problem in (
            *taken_in(case.posts, history),
            *stands(case, approval),
            *truth.applied_once(case),
            *decided(case, history),
        ):
            yield problem
        for event in history:
            if event.kind is EventKind.DECIDED:
                comments[event.personal["comment"]].append((case, event.facts["decision"]))
        for look in (truth.nothing_waits_on_nobody, truth.cards_are_current):
            try:
                await look()
            except AssertionError as problem:
                yield str(problem)
        async for problem in self._mails(truth):
            yield problem

    async def _mails(self, truth: Of) -> AsyncIterator[str]:
        """Everybody who was to get a mail got it: once, and once more for each death at most."""
        letters = await self.store.letters(truth.key)
        boxes = self._fleet.playground.world.mailboxes
        arrived = Counter(
            mail.letter for alias in self._fleet.playground.world.people for mail in boxes.of(alias)
        )
        for letter in letters:
            most = 1 + len(self._fleet.deaths)
            if letter.state is LetterState.SENT and not 1 <= arrived[letter.id] <= most:
                yield f"a mail that was sent arrived {arrived[letter.id]} times"

    def _lost(self, press: Press, comments: Comments) -> Iterator[str]:
        """Say what became of a press that should not: a decision that was acknowledged is there."""
        decided = comments[press.comment]
        if press.acknowledged and not decided:
            yield f"lost: {press}"
        if press.where != "list" and len({decision for _, decision in decided}) > 1:
            yield f"doubled: {press} became {decided}"

    def _find(self, outside: Playground, alias: str, key: ApprovalKey) -> list[Message]:
        chat = outside.world.chat_of(alias)
        found = self._messages.get((alias, key.number), [])
        messages = (chat.message(one) for one in found) if chat else ()
        return [message for message in messages if message is not None]


def _matches(pattern: re.Pattern[str], lines: Sequence[str]) -> bool:
    return all(pattern.fullmatch(line) for line in lines)


def _titles(card: Json) -> list[str]:
    return [str(each.get("title")) for each in buttons(card)]


def _waits(queued: QueuedJob, soon: datetime) -> bool:
    kind = queued.job.kind if queued.job else None
    return kind in UNTIL_ENDED or (kind in WAITED_FOR and (queued.leased or queued.next < soon))


def by_number(outside: Playground) -> dict[tuple[str, str], list[str]]:
    """Return the ids of the bot's messages that are cards of one request, by alias and number."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for chat in outside.world.chats.values():
        for message in chat.messages:
            text = json.dumps(message.card) if message.sender is Sender.BOT else ""
            numbers = set(NUMBER.findall(text))
            if len(numbers) == 1 and SEVERAL not in text:
                found[chat.alias, numbers.pop()].append(message.id)
    return found
