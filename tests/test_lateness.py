"""How late a house is: true whichever of its processes is asked, and whoever died."""

import asyncio
from datetime import timedelta
from typing import cast

import pytest

from approvals_core.errors import ChannelBusy
from approvals_core.leases import LEASE
from approvals_core.models import HOUSE, Lane
from approvals_core.ports import Store
from approvals_core.worker import Lateness
from approvals_core.worker.lateness import GONE, HEARD, LOOKED_AT
from tests.makers import KEY, MARIA, Core, create
from tests.stumbling_store import StumblingStore

LANES = tuple(Lane)


def lateness_of(core: Core) -> Lateness:
    return Lateness(core.store, behind=core.cards.behind, now=core.clock.now)


def another(core: Core) -> Core:
    """Another process of the house, with the same chats."""
    other = Core(core.store, clock=core.clock)
    other.channel = core.channel
    other.start()
    return other


async def behind(core: Core) -> None:
    """Let a card be asked for that Teams does not take for ten minutes."""
    await core.receive(create("johndoe1"))
    core.channel.send_fails.append(ChannelBusy("throttled", retry_after=600))
    await core.work()


# -- cards ----------------------------------------------------------------------------


async def test_a_card_that_another_process_made_current_is_late_in_none(store: Store) -> None:
    core = Core(store)
    await behind(core)
    core.clock.advance(300)
    before = await lateness_of(core).of_cards()

    await another(core).pass_time(300)

    assert before == 300
    assert core.cards.behind.oldest() > 0  # as far as it knew
    assert await lateness_of(core).of_cards() == 0
    assert core.cards.behind.oldest() == 0


async def test_any_process_tells_how_late_the_cards_of_another_are(store: Store) -> None:
    core = Core(store)
    web, worker = lateness_of(another(core)), lateness_of(core)
    await behind(core)
    core.clock.advance(60)
    unheard = await web.of_cards()

    await worker.tell()
    core.clock.advance(10)
    await web.tell()

    assert unheard == 0
    assert (await web.of_cards(), web.known_of_cards) == (70, 70)
    assert worker.known_of_cards == 60


async def test_once_the_card_is_current_the_others_hear_that_too(store: Store) -> None:
    core = Core(store)
    web, worker = lateness_of(another(core)), lateness_of(core)
    await behind(core)
    await worker.tell()

    await core.pass_time(600)
    await worker.tell()

    assert await web.of_cards() == 0
    assert await store.notes(HOUSE) == {}


async def test_the_word_of_a_process_that_died_does_not_count_for_long(store: Store) -> None:
    core = Core(store)
    web, worker = lateness_of(another(core)), lateness_of(core)
    await behind(core)
    await worker.tell()
    core.clock.advance(HEARD.total_seconds())
    heard = await web.of_cards()

    core.clock.advance(1)

    assert (heard, await web.of_cards()) == (HEARD.total_seconds(), 0)


async def test_words_of_long_ago_are_taken_away(store: Store) -> None:
    core = Core(store)
    other = another(core)
    await behind(core)
    await lateness_of(core).tell()
    core.clock.advance((GONE + timedelta(seconds=1)).total_seconds())
    other.channel.send_fails.append(ChannelBusy("throttled", retry_after=600))
    await other.work()

    await lateness_of(other).tell()

    assert len(await store.notes(HOUSE)) == 1


async def test_while_all_cards_are_current_nothing_is_written(store: Store) -> None:
    stumbling = StumblingStore(store)
    core = Core(cast("Store", stumbling))
    await core.open(create("johndoe1"))
    stumbling.asked.clear()

    await lateness_of(core).tell()

    assert "commit" not in stumbling.asked


async def test_many_cards_that_others_made_current_are_forgotten_together(store: Store) -> None:
    core = Core(store)
    now = core.clock.now()
    for number in range(2 * LOOKED_AT + 1):
        core.cards.behind.begun(f"card/{number}", now, next_look=now, scope=KEY.scope)
    core.clock.advance(60)

    assert await lateness_of(core).of_cards() == 0
    assert core.cards.behind.since() is None


# -- whoever died while he held them -------------------------------------------------


@pytest.fixture
async def held(store: Store) -> Core:
    """A worker that sends a card, and neither ends nor renews its lease unless it is told to."""
    core, reached = Core(store), asyncio.Event()

    async def for_ever() -> None:
        reached.set()
        await asyncio.Event().wait()

    await core.receive(create("johndoe1"))
    await core.worker.run_due(limit=1)  # finds her
    core.channel.while_sending = for_ever
    core.under_way.add(asyncio.create_task(core.worker.run_due(limit=1)))
    await reached.wait()
    return core


async def test_what_a_dead_worker_holds_is_late_before_its_lease_ends(held: Core) -> None:
    web = lateness_of(another(held))
    await held.die()
    at_once = (await web.of_cards(), await web.of_jobs(LANES))

    held.clock.advance(LEASE / 2)

    assert at_once == (0, 0)
    assert (await web.of_cards(), await web.of_jobs(LANES)) == (LEASE / 2, LEASE / 2)


async def test_what_a_living_worker_holds_is_not_late(held: Core) -> None:
    web = lateness_of(another(held))

    for _time in range(4):
        held.clock.advance(LEASE / 3)
        await held.worker.keep_leases()

    assert (await web.of_cards(), await web.of_jobs(LANES)) == (0, 0)
    await held.die()


async def test_a_job_that_nobody_took_is_late(store: Store) -> None:
    core = Core(store)
    await core.receive(create("johndoe1"))

    core.clock.advance(20)

    assert await lateness_of(core).of_jobs(LANES) == 20
    assert len(core.channel.of(MARIA)) == 0
