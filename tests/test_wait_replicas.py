"""With wait_replicas nobody is told what no replica has: a failover would take it back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest

from approvals_core.adapters.stores import open_store
from approvals_core.errors import AlreadyActedOn, StoreUnavailable
from approvals_core.models import HOUSE, Change, Person, PlaceState
from approvals_core.ports import Store
from approvals_core.rules.deciding import Click
from tests.makers import JONAS, KEY, MARIA, Core, create
from tests.redis_group import Running, replicated, server, wait_until
from tests.store_makers import KEY as STORED
from tests.store_makers import a_change, an_event

WARM = Change(id="warm", scope=HOUSE, notes={"warm": "yes"})  # the server knows the script then
WITHIN = 30.0  # seconds for a click to give up
ANSWERED_WITHIN = 100.0  # seconds for a replica that goes on, on a busy machine

_T = TypeVar("_T")


class Pair:
    """A primary and its replica, which stands still when it is told to, and takes over."""

    def __init__(self, running: list[Running], folder: Path) -> None:
        self.primary, self.replica = running
        self._folder = folder

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Store]:
        store = await open_store(f"{self.primary.url}?wait_replicas=1&wait_ms=100")
        try:
            await at_last(lambda: store.commit(WARM))
            yield store
        finally:
            await store.close()

    @asynccontextmanager
    async def failed_over(self) -> AsyncIterator[Store]:
        """Kill the primary, and go on with what the replica had received before it stood still."""
        self.primary.kill()
        self.replica.kill()  # what still lies in the kernel's buffers was never received
        with server(self._folder / "0") as promoted:
            store = await open_store(promoted.url)
            try:
                yield store
            finally:
                await store.close()


async def at_last(ask: Callable[[], Awaitable[_T]]) -> _T:
    """Ask until the replica answers in time, which takes a tenth of a second on an idle machine."""
    async with asyncio.timeout(ANSWERED_WITHIN):
        while True:
            with suppress(StoreUnavailable):
                return await ask()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with replicated(tmp_path) as running:
        wait_until(lambda: writes_its_file(running[1]))
        yield Pair(running, tmp_path)


def writes_its_file(replica: Running) -> bool:
    """Tell whether a replica that got everything has it on its disk, and goes on there."""
    told = replica.ask("INFO", "persistence")
    return not (told["aof_rewrite_in_progress"] or told["aof_rewrite_scheduled"])


async def test_a_change_is_never_acknowledged_however_often_it_is_repeated(pair: Pair) -> None:
    change = a_change(events=(an_event(),))
    async with pair.opened() as store:
        pair.replica.freeze()

        for _ in range(5):
            with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
                await store.commit(change)

    async with pair.failed_over() as store:
        assert await store.approval(STORED) is None


async def test_nobody_is_told_of_a_conflict_with_what_no_replica_has(pair: Pair) -> None:
    async with pair.opened() as store, pair.opened() as other:
        pair.replica.freeze()
        with pytest.raises(StoreUnavailable):
            await store.commit(a_change())

        with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
            await other.commit(a_change(id="another"))


async def test_a_payload_is_not_taken_neither_at_first_nor_as_a_duplicate(pair: Pair) -> None:
    arx = create("johndoe1")
    async with pair.opened() as store:
        core = Core(store)
        pair.replica.freeze()

        for _ in range(3):  # as tenants do whom we tell to repeat it
            with pytest.raises(StoreUnavailable):
                await core.receive(arx)
        assert await store.approval(KEY)  # the primary has it

    async with pair.failed_over() as store:
        assert await store.approval(KEY) is None


async def test_another_process_takes_it_for_no_duplicate_either(pair: Pair) -> None:
    arx = create("johndoe1")
    async with pair.opened() as store, pair.opened() as other:
        pair.replica.freeze()
        with pytest.raises(StoreUnavailable):
            await Core(store).receive(arx)

        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await Core(other).receive(arx)

        pair.replica.go_on()
        taken = await at_last(lambda: Core(other).receive(arx))
        assert taken.disposition.value == "duplicate"


async def test_a_decision_is_told_neither_to_its_person_nor_to_the_tenant(pair: Pair) -> None:
    async with pair.opened() as store:
        core = Core(store)
        await at_last(lambda: core.open(create("johndoe1")))
        click = await core.shown(MARIA)
        pair.replica.freeze()

        told = [await is_told(core, MARIA, click) for _ in range(2)]
        await core.approvals.drain(seconds=WITHIN)

        assert await core.state(MARIA) is PlaceState.SUBMITTING  # says what is read
        assert (told, core.api.posted) == ([False, False], [])

    async with pair.failed_over() as store:
        assert await Core(store).state(MARIA) is PlaceState.PENDING


async def test_nobody_else_is_told_of_it(pair: Pair) -> None:
    async with pair.opened() as store, pair.opened() as other:
        core = Core(store)
        await at_last(lambda: core.open(create("johndoe1", "johndoe2")))
        click, late = await core.shown(MARIA), await core.shown(JONAS)
        pair.replica.freeze()
        assert not await is_told(core, MARIA, click)
        await core.approvals.drain(seconds=WITHIN)

        second = Core(other)
        approval = await second.approval()
        with pytest.raises(StoreUnavailable):
            await second.approvals.view(approval.id, 0, by=MARIA.id)
        with pytest.raises(StoreUnavailable):
            await second.act(JONAS, late)

        pair.replica.go_on()
        with pytest.raises(AlreadyActedOn):
            await at_last(lambda: second.act(JONAS, late))


async def is_told(core: Core, person: Person, click: Click) -> bool:
    """Click; tell whether the person is told that it counts, and not only that we are at it."""
    try:
        outcome = await core.act(person, click)
    except StoreUnavailable:
        return False
    return not outcome.recording
