"""A directory that hangs: whose an address is then, and what other mails feel of it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from approvals_core.errors import DirectoryUnavailable, RetryAfter
from approvals_core.models import LetterState, Person
from approvals_core.ports import NotFound, Store
from approvals_core.tenant import Tenant
from approvals_core.worker.mails.owners import AGAIN, LEFT_ALONE, Owners
from tests.clock import Clock
from tests.fakes import FakeDirectory
from tests.makers import KEY, MARIA, PEOPLE, Core, a_tenant, create, update
from tests.test_mails import BOSS, told

A_MOMENT = 0.05  # seconds
ENOUGH = 40.0  # seconds
ADDRESS = "maria.keller@organization.com"
HUNG = a_tenant()
OTHER = a_tenant(document_type_id="99999999-2222-4333-8444-999999999999")


class HangingDirectory(FakeDirectory):
    """Says whose an address is once it is `released`."""

    def __init__(self) -> None:
        super().__init__(PEOPLE)
        self.mailboxes[ADDRESS] = MARIA
        self.released = asyncio.Event()
        self.came = asyncio.Semaphore(0)
        self.hangs: Sequence[str] = (HUNG.document_type_id,)

    async def find_by_mail(self, tenant: Tenant, address: str) -> Person | NotFound:
        self.came.release()
        if tenant.document_type_id in self.hangs:
            await self.released.wait()
        return await super().find_by_mail(tenant, address)


@pytest.fixture
def directory() -> HangingDirectory:
    return HangingDirectory()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def owners(directory: HangingDirectory, clock: Clock, **changed: Any) -> Owners:
    given: dict[str, Any] = {"at_once": 2, "quick": A_MOMENT, "slow": ENOUGH}
    return Owners(directory, now=clock.now, **given | changed)


async def made_slow(directory: HangingDirectory, clock: Clock) -> Owners:
    """Return owners who know that the directory hangs."""
    asked = owners(directory, clock)
    with pytest.raises(DirectoryUnavailable):
        await asked.find(HUNG, ADDRESS)
    await directory.came.acquire()
    return asked


async def test_a_directory_that_hangs_is_waited_for_a_moment_and_then_left_alone(
    directory: HangingDirectory, clock: Clock
) -> None:
    asked = owners(directory, clock)

    with pytest.raises(DirectoryUnavailable, match="in time") as first:
        await asked.find(HUNG, ADDRESS)
    await directory.came.acquire()
    clock.advance(LEFT_ALONE - 1)
    with pytest.raises(DirectoryUnavailable, match="in time") as second:
        await asked.find(HUNG, ADDRESS)

    assert (first.value.retry_after, second.value.retry_after) == (LEFT_ALONE, 1)
    assert directory.came.locked()  # nobody asked it again


async def test_the_directory_of_another_tenant_is_asked_meanwhile(
    directory: HangingDirectory, clock: Clock
) -> None:
    asked = await made_slow(directory, clock)

    assert await asked.find(OTHER, ADDRESS) == MARIA


async def test_so_many_mails_of_one_tenant_ask_at_once_and_the_others_come_again(
    directory: HangingDirectory, clock: Clock
) -> None:
    asked = owners(directory, clock, quick=ENOUGH)
    asking = [asyncio.create_task(asked.find(HUNG, ADDRESS)) for _ in range(2)]
    for _ in asking:
        await directory.came.acquire()

    with pytest.raises(RetryAfter) as later:
        await asked.find(HUNG, ADDRESS)

    assert later.value.retry_after == AGAIN
    assert not isinstance(later.value, DirectoryUnavailable)  # it costs no mail its card
    directory.released.set()
    assert await asyncio.gather(*asking) == [MARIA, MARIA]
    assert await asked.find(HUNG, ADDRESS) == MARIA


async def test_after_the_pause_one_mail_asks_and_has_more_time(
    directory: HangingDirectory, clock: Clock
) -> None:
    asked = await made_slow(directory, clock)
    clock.advance(LEFT_ALONE)

    asking = asyncio.create_task(asked.find(HUNG, ADDRESS))
    await directory.came.acquire()
    with pytest.raises(RetryAfter):
        await asked.find(HUNG, ADDRESS)
    directory.released.set()

    assert await asking == MARIA


async def test_a_directory_that_is_quick_again_is_asked_for_several_mails(
    directory: HangingDirectory, clock: Clock
) -> None:
    asked = await made_slow(directory, clock)
    clock.advance(LEFT_ALONE)
    directory.hangs = ()
    await asked.find(HUNG, ADDRESS)
    await directory.came.acquire()
    directory.hangs = (HUNG.document_type_id,)

    asking = [asyncio.create_task(asked.find(HUNG, ADDRESS)) for _ in range(2)]
    for _ in asking:
        await directory.came.acquire()  # both are let through to it

    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(each) for each in outcomes} == {DirectoryUnavailable}


async def test_a_clock_that_was_set_back_leaves_no_directory_alone_for_longer(
    directory: HangingDirectory, clock: Clock
) -> None:
    asked = await made_slow(directory, clock)
    clock.advance(-3600)
    directory.hangs = ()

    assert await asked.find(HUNG, ADDRESS) == MARIA


async def test_a_directory_that_hangs_leaves_places_for_mails_that_ask_it_nothing(
    store: Store, directory: HangingDirectory
) -> None:
    core = Core(store)
    core.directory = directory
    core.start()
    await core.open(create("johndoe1", "johndoe2"))
    strangers = told(ADDRESS, *(f"s{n}@organization.com" for n in range(9)), cc=(BOSS,))
    await core.receive(update("johndoe1", notification=strangers, removes=("nobody",)))

    running = asyncio.create_task(core.worker.run())
    async with asyncio.timeout(ENOUGH):
        await core.mails.crowd.acquire()
    went = [each.letter.address for each in core.mails.sent]
    lines = [each.address for each in await store.letters(KEY)]
    core.worker.stop()
    await running
    directory.released.set()
    core.start()  # one that was stopped sends nothing any more
    for _ in range(12):
        await core.pass_time(LEFT_ALONE)

    assert (went, lines) == (
        [BOSS],
        [BOSS],
    )  # the others are neither dropped nor sent without a card
    letters = {each.address: each for each in await store.letters(KEY)}
    assert letters[ADDRESS].person == MARIA.id
    assert len(letters) == 11
    assert {each.state for each in letters.values()} == {LetterState.SENT}
