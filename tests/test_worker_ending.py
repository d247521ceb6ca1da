"""A worker that is asked to end: what it does not finish, another one takes at once."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from approvals_core.arx import ArxNotification
from approvals_core.ending import before_the_wire, on_the_wire
from approvals_core.errors import ChannelBusy
from approvals_core.models import (
    Change,
    Lane,
    LetterState,
    PersonId,
    PlaceState,
    QueuedJob,
    ReceiptState,
)
from approvals_core.ports import Answer, AnswerKind, Store
from approvals_core.worker.outcomes import ONCE_MORE
from tests.fakes import FakeChannel
from tests.makers import JONAS, KEY, MARIA, PRIYA, Core, create, update
from tests.stumbling_store import StumblingStore


class Held:
    """What a channel is kept waiting with, until the world's end."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await asyncio.Event().wait()


@pytest.fixture
async def core(store: Store) -> Core:
    core = Core(store)
    await core.receive(create("johndoe1", "johndoe2"))
    return core


async def queued(core: Core) -> list[QueuedJob]:
    page = await core.store.jobs(f"t:{core.tenant.document_type_id}", limit=100)
    return [job for job in page.jobs if job.lane is Lane.CARD]


async def test_what_is_broken_off_is_due_at_once_and_has_not_failed(core: Core) -> None:
    held = Held()
    core.channel.while_sending = held
    working = asyncio.create_task(core.worker.run())
    await held.reached.wait()
    assert [job.leased for job in await queued(core)].count(True) >= 1

    core.worker.stop()
    await core.worker.let_go()
    await working

    for job in await queued(core):
        assert (job.leased, job.failures) == (False, 0)
        assert job.next <= core.clock.now()
    core.start()
    await core.work()
    assert {core.channel.screens[sent].person for sent in core.channel.sent} == {MARIA.id, JONAS.id}


# -- on the wire, and before it ---------------------------------------------------


class Wire(FakeChannel):
    """Chats behind a wire: so many calls may be on it, and each is answered when it is told to."""

    def __init__(self, *, at_once: int) -> None:
        super().__init__()
        self.turns = asyncio.Semaphore(at_once)
        self.answers = asyncio.Event()
        self.coming = asyncio.Semaphore(0)  # one for each that waits for its turn
        self.taken = asyncio.Semaphore(0)  # one for each that reached the far side

    async def send(self, person: PersonId, face: Mapping[str, object]) -> str:
        await self._turn()
        with on_the_wire():
            address = await super().send(person, face)  # from now on he sees it
            self.taken.release()
            await self.answers.wait()
        return address

    async def update(self, address: str, face: Mapping[str, object]) -> None:
        await self._turn()
        with on_the_wire():
            self.taken.release()
            await self.answers.wait()
        await super().update(address, face)

    async def _turn(self) -> None:
        with before_the_wire():
            self.coming.release()
            await self.turns.acquire()


def on_a_wire(store: Store, *, at_once: int) -> tuple[Core, Wire]:
    core = Core(store)
    core.channel = wire = Wire(at_once=at_once)
    core.start()
    return core, wire


async def with_a_mail_due(store: Store) -> Core:
    """Return a core that did all but one mail, which was not taken the first time."""
    core = Core(store)
    core.mails.fails.append(ChannelBusy("later", retry_after=60))
    address = ArxNotification(template="PendingApproval", to=(MARIA.upn,))
    await core.open(create("johndoe1", notification=address))
    core.clock.advance(60)
    core.mails.crowd, core.mails.taken = asyncio.Semaphore(0), []
    return core


class SlowCommits:
    """Commits that wait until the time of the worker is over."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reached = asyncio.Event()
        self._go_on = asyncio.Event()

    async def __call__(self, change: Change) -> None:
        self._reached.set()
        await self._go_on.wait()
        await self._store.commit(change)

    async def let_go_during_one(self, core: Core) -> None:
        await self._reached.wait()
        letting_go = asyncio.create_task(core.worker.let_go())
        await asyncio.sleep(0)  # it has begun
        self._go_on.set()
        await letting_go


async def addresses(core: Core) -> dict[PersonId, str]:
    return {each.person: each.address for each in await core.store.receipts(KEY) if each.address}


async def test_what_is_on_the_wire_is_answered_and_kept_while_the_worker_ends(
    store: Store,
) -> None:
    core, wire = on_a_wire(store, at_once=1)
    await core.receive(create("johndoe1"))
    working = asyncio.create_task(core.worker.run())
    await wire.taken.acquire()

    core.worker.stop()
    wire.answers.set()
    await working
    await core.worker.let_go()
    core.start()
    await core.work()

    assert len(core.channel.of(MARIA)) == 1
    assert [await addresses(core)] == [{MARIA.id: wire.sent[0]}]
    assert await queued(core) == []


async def test_an_answer_is_kept_though_the_time_is_over_before_that_is_written(
    store: Store,
) -> None:
    stumbling, slow = StumblingStore(store), SlowCommits(store)
    core, wire = on_a_wire(cast("Store", stumbling), at_once=1)
    await core.receive(create("johndoe1"))
    working = asyncio.create_task(core.worker.run())
    await wire.taken.acquire()
    stumbling.instead["commit"] = slow
    core.worker.stop()

    wire.answers.set()
    await slow.let_go_during_one(core)
    await working

    assert await addresses(core) == {MARIA.id: wire.sent[0]}
    assert await queued(core) == []


async def test_what_waits_for_its_turn_is_given_back_unsent_and_sent_once_by_the_next(
    store: Store,
) -> None:
    stumbling, given_back = StumblingStore(store), asyncio.Semaphore(0)

    async def gives_back(*values: Any, **named: Any) -> None:
        await store.retry(*values, **named)
        given_back.release()

    stumbling.instead["retry"] = gives_back
    core, wire = on_a_wire(cast("Store", stumbling), at_once=1)
    await core.receive(create("johndoe1", "johndoe2", "johndoe3"))
    working = asyncio.create_task(core.worker.run())
    await wire.taken.acquire()
    for _card in range(3):
        await wire.coming.acquire()

    core.worker.stop()
    for _card in range(2):
        await given_back.acquire()
    assert sorted(job.leased for job in await queued(core)) == [False, False, True]
    assert len(wire.sent) == 1
    wire.answers.set()
    await working
    await core.worker.let_go()
    wire.turns = asyncio.Semaphore(3)
    core.start()
    await core.work()

    cards = [len(core.channel.of(person)) for person in (MARIA, JONAS, PRIYA)]
    assert cards == [1, 1, 1]
    assert len(await addresses(core)) == 3


async def test_a_card_is_updated_by_the_next_if_its_turn_did_not_come(store: Store) -> None:
    core, wire = on_a_wire(store, at_once=9)
    wire.answers.set()
    await core.open(create("johndoe1"))
    wire.turns, wire.coming = asyncio.Semaphore(0), asyncio.Semaphore(0)
    await core.receive(update("johndoe1", at=1, display_number="REQ-ONE"))
    working = asyncio.create_task(core.worker.run())
    await wire.coming.acquire()

    core.worker.stop()
    await working
    wire.turns = asyncio.Semaphore(1)
    core.start()
    await core.work()

    assert len(wire.updated) == 1
    assert len(core.channel.of(MARIA)) == 1


async def test_an_answer_that_did_not_come_in_time_is_noted_as_lost(store: Store) -> None:
    core, wire = on_a_wire(store, at_once=1)
    await core.receive(create("johndoe1"))
    working = asyncio.create_task(core.worker.run())
    await wire.taken.acquire()

    core.worker.stop()
    await core.worker.let_go()
    await working

    [receipt] = await core.store.receipts(KEY)
    assert (receipt.state, receipt.lost) == (ReceiptState.WAITING, 1)
    assert "ended before the answer" in receipt.reason
    [job] = await queued(core)
    assert not job.leased
    assert (job.next - core.clock.now()).total_seconds() == pytest.approx(ONCE_MORE)


async def test_a_mail_that_is_being_sent_is_written_down_as_sent(store: Store) -> None:
    core = await with_a_mail_due(store)
    core.mails.holding = asyncio.Event()
    working = asyncio.create_task(core.worker.run())
    await core.mails.crowd.acquire()

    core.worker.stop()
    core.mails.holding.set()
    await working
    await core.worker.let_go()
    core.start()
    await core.work()

    assert len(core.mails.taken) == 1
    assert [each.state for each in await store.letters(KEY)] == [LetterState.SENT]


async def test_a_mail_that_was_not_answered_in_time_is_noted_as_lost(store: Store) -> None:
    core = await with_a_mail_due(store)
    core.mails.holding = asyncio.Event()
    working = asyncio.create_task(core.worker.run())
    await core.mails.crowd.acquire()

    core.worker.stop()
    await core.worker.let_go()
    await working

    [letter] = await store.letters(KEY)
    assert (letter.state, letter.lost) == (LetterState.WAITING, 1)


async def test_a_mail_whose_turn_did_not_come_is_sent_once_by_the_next(store: Store) -> None:
    stumbling, reached = StumblingStore(store), asyncio.Event()

    async def never(*_values: object, **_named: object) -> object:
        reached.set()
        return await asyncio.Event().wait()

    core = await with_a_mail_due(cast("Store", stumbling))
    stumbling.instead["bodies"] = never  # what the mail is made from
    working = asyncio.create_task(core.worker.run())
    await reached.wait()

    core.worker.stop()
    await working
    [letter] = await store.letters(KEY)
    assert (letter.state, letter.lost) == (LetterState.WAITING, 0)
    del stumbling.instead["bodies"]
    core.start()
    await core.work()

    assert len(core.mails.taken) == 1
    assert [each.state for each in await store.letters(KEY)] == [LetterState.SENT]


async def test_the_answer_to_a_decision_is_kept_though_the_time_is_over_before_that_is_written(
    store: Store,
) -> None:
    stumbling, slow = StumblingStore(store), SlowCommits(store)
    core = Core(cast("Store", stumbling))
    await core.open(create("johndoe1"))
    core.api.answers.append(Answer(kind=AnswerKind.AGAIN, retry_after=60))
    await core.click(MARIA)
    core.clock.advance(120)
    core.api.holding, core.api.reached = True, asyncio.Event()
    working = asyncio.create_task(core.worker.run())
    await core.api.reached.wait()
    stumbling.instead["commit"] = slow
    core.worker.stop()

    core.api.held[0].set_result(Answer(kind=AnswerKind.ACCEPTED))
    await slow.let_go_during_one(core)
    await working

    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_the_answer_to_a_click_is_kept_though_the_time_is_over_before_that_is_written(
    store: Store,
) -> None:
    stumbling, reached, go_on = StumblingStore(store), asyncio.Event(), asyncio.Event()

    async def slow(change: Change) -> None:
        reached.set()
        await go_on.wait()
        await store.commit(change)

    core = Core(cast("Store", stumbling))
    await core.open(create("johndoe1"))
    await core.begin(MARIA)
    stumbling.instead["commit"] = slow

    core.api.held[0].set_result(Answer(kind=AnswerKind.ACCEPTED))
    await reached.wait()
    ending = asyncio.create_task(core.approvals.drain(seconds=0))
    asyncio.get_running_loop().call_later(0, go_on.set)  # once it has looked
    await ending

    assert await core.state(MARIA) is PlaceState.ACCEPTED
