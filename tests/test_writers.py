"""What each process says of itself, what it learns of its store, and whether its clock is right."""

import asyncio
import gc
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest
from redis.asyncio import Redis

from app import serve
from approvals_core.adapters.code_version import VERSION
from approvals_core.adapters.redis_store.keys import ABOUT
from approvals_core.adapters.stores import open_store
from approvals_core.errors import StoreClosed, StoreRefused, StoreUnavailable
from approvals_core.keeping.clocks import BEARABLE, REFUSED, ahead_of_store
from approvals_core.keeping.copying import Copying, End, reopen
from approvals_core.keeping.writers import BEAT, Word, Writers, writers_in
from approvals_core.models import HOUSE
from approvals_core.models.marks import ID, MOVED
from approvals_core.ports import Store
from config import Settings
from house.collector import THRESHOLDS
from playground.outside import Playground
from tests.clock import Clock
from tests.failing import asked_for
from tests.logged import Log
from tests.makers import START
from tests.opened import opened
from tests.ports import free_port
from tests.running import run_service


class Clocks:
    """How far this machine's clock is ahead of the store's, as a test says."""

    def __init__(self, *ahead: float) -> None:
        self._ahead = list(ahead)

    async def compare(self) -> float:
        return self._ahead.pop(0) if len(self._ahead) > 1 else self._ahead[0]


def a_writer(store: Store, *ahead: float, clock: Clock | None = None, **more: Any) -> Writers:
    clock = clock or Clock(START)
    return Writers(
        store,
        now=clock.now,
        name="process 7 on a machine",
        compare=Clocks(*(ahead or (0.0,))).compare,
        sleep=clock.sleep,
        **more,
    )


async def words(store: Store) -> list[Word]:
    return list(writers_in(await store.notes(HOUSE)).values())


async def test_a_process_says_what_it_is_and_how_its_clock_is(store: Store) -> None:
    writer = a_writer(store, 1.5, role="web", version="abc123")

    await writer.begin()

    assert await words(store) == [Word(START, "process 7 on a machine", "web", "abc123", 1.5)]
    assert (await words(store))[0].by_store == START - timedelta(seconds=1.5)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("process 1 on vm", Word(START, "process 1 on vm")),
        ("worker 7 [on a machine]", Word(START, "worker 7 [on a machine]")),
        ("p [  -3.0]", Word(START, "p", "", "", -3.0)),
        ("p [web 9f +0.0]", Word(START, "p", "web", "9f", 0.0)),
    ],
)
def test_words_of_all_versions_are_read(said: str, read: Word) -> None:
    notes = {"writer/1": f"{START.isoformat()} {said}", "else": "x"}

    assert writers_in(notes) == {"writer/1": read}


# -- a store that was closed -------------------------------------------------------


async def test_a_process_on_a_store_that_was_closed_ends(store: Store, log: Log) -> None:
    clock = Clock(START)
    writer = a_writer(store, clock=clock)
    await writer.begin()
    await store.holdings.mark(MOVED, "to the new one, finished")

    await asyncio.wait_for(writer.run(), 60)

    assert writer.over.is_set()
    assert clock.slept[0] == BEAT
    assert len(clock.slept) == 2
    assert "closed for a copy" in await writer.look()
    assert len(log.of("store_lost")) == 1


async def test_a_copy_that_was_refused_at_once_ends_nobody(store: Store) -> None:
    writer = a_writer(store)
    await writer.begin()
    await store.holdings.mark(MOVED, "to the new one")
    await writer.beat()
    during = await writer.look()
    await reopen(End(store, "this one"))
    await writer.beat()
    after = await writer.look()
    await store.holdings.mark(MOVED, "to the new one")
    await writer.beat()

    assert "closed for a copy" in during
    assert after == ""
    assert not writer.over.is_set()


async def test_a_process_waits_for_its_store_if_another_is_in_its_place(
    store: Store, store_url: str
) -> None:
    writer = a_writer(store)
    await writer.begin()
    own = (await store.holdings.about())[ID]
    await set_id(store_url, "another")
    for _ in range(3):
        await writer.beat()
    during = await writer.look()
    assert not writer.over.is_set()

    await set_id(store_url, own)
    await writer.beat()

    assert "not the store that was opened" in during
    assert await writer.look() == ""


async def set_id(store_url: str, own: str) -> None:
    """Make it the store with the id *own*."""
    if store_url.startswith("sqlite"):
        with closing(connect(store_url.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute("UPDATE about SET value = ? WHERE name = ?", (own, ID))
        return
    async with Redis.from_url(store_url) as client:
        await client.execute_command("HSET", ABOUT, ID, own)


async def test_a_word_that_was_not_taken_is_no_good_sign(store: Store) -> None:
    class Broken:
        holdings = store.holdings
        notes = staticmethod(store.notes)

        async def commit(self, _change: object) -> None:
            raise StoreUnavailable("the disk is full")

    writer = Writers(Broken(), now=lambda: START, name="p")  # type: ignore[arg-type]
    await writer.beat()

    assert "not taken" in await writer.look()


# -- clocks -----------------------------------------------------------------------


class Told:
    """A store whose clock shows what a test says, some seconds from ours."""

    def __init__(self, clock: Clock, behind: float, *, took: float = 0.0) -> None:
        self._clock = clock
        self._behind = behind
        self._took = took
        self.holdings = self

    async def time(self) -> datetime:
        self._clock.advance(self._took)
        return self._clock.now() - timedelta(seconds=self._behind)


@pytest.mark.parametrize(
    ("behind", "took", "found"),
    [(0, 0, 0), (25, 0, 25), (-25, 0, -25), (1, 2, 0), (5, 2, 3), (-5, 2, -5)],
)
async def test_clocks_are_compared_but_for_the_time_that_the_question_took(
    behind: float, took: float, found: float
) -> None:
    clock = Clock(START)
    told: Any = Told(clock, behind, took=took)

    assert await ahead_of_store(told, now=clock.now) == found


async def test_the_clock_of_a_store_on_this_machine_is_ours(store: Store) -> None:
    assert abs(await ahead_of_store(store, now=lambda: datetime.now(UTC))) < BEARABLE


@pytest.mark.parametrize(("ahead", "word"), [(25.0, "ahead of"), (-25.0, "behind")])
async def test_a_process_does_not_begin_by_a_clock_that_is_off(
    store: Store, ahead: float, word: str
) -> None:
    with pytest.raises(StoreRefused, match=f"25 seconds {word} the store's.*NTP"):
        await a_writer(store, ahead).begin()

    assert await words(store) == []


async def test_a_process_whose_clock_goes_off_ends(store: Store, log: Log) -> None:
    writer = a_writer(store, 0.0, REFUSED + 1)
    await writer.begin()

    await asyncio.wait_for(writer.run(), 60)

    assert writer.over.is_set()
    assert len(log.of("store_lost")) == 1


async def test_what_was_wrong_holds_until_it_was_looked_at_again(store: Store) -> None:
    during: list[str] = []

    async def off() -> float:
        during.append(await writer.look())
        return REFUSED + 1

    writer = Writers(store, now=lambda: START, name="p", compare=off)
    await writer.beat()
    await writer.beat()

    assert during[0] == ""
    assert "clock" in during[1]


async def test_a_clock_that_is_a_little_off_is_told(store: Store, log: Log) -> None:
    writer = a_writer(store, BEARABLE + 1)
    await writer.begin()
    await writer.beat()

    assert [line["ahead"] for line in log.of("clock_off")] == [BEARABLE + 1]
    assert not writer.over.is_set()
    assert await writer.look() == ""


# -- copies and clocks ------------------------------------------------------------


@pytest.mark.parametrize("ahead", [-130.0, 0.0, 130.0])
async def test_whoever_writes_is_seen_whatever_the_clocks_say(
    store: Store, tmp_path: Any, ahead: float
) -> None:
    async with opened(open_store(f"sqlite:///{tmp_path}/target.db")) as target:
        theirs = Clock(START + timedelta(seconds=ahead))
        writer = a_writer(store, 0.0, ahead, clock=theirs)
        await writer.begin()
        await writer._say({writer._note: said_ahead(writer, ahead)})

        with pytest.raises(StoreRefused, match="written to by process 7"):
            await Copying(End(store, "old"), End(target, "new"), now=lambda: START).run()


def said_ahead(writer: Writers, ahead: float) -> str:
    writer.ahead = ahead
    return writer._word()


async def test_who_slept_while_the_store_was_copied_can_do_nothing(
    store: Store, tmp_path: Any
) -> None:
    async with opened(open_store(f"sqlite:///{tmp_path}/target.db")) as target:
        asleep = a_writer(store)
        await asleep.begin()
        later: Callable[[], datetime] = lambda: START + timedelta(seconds=61)  # noqa: E731 (a clock)

        await Copying(End(store, "old"), End(target, "new"), now=later).run()

        with pytest.raises(StoreClosed):
            await asleep._say({"note": "text"})


# -- the service ------------------------------------------------------------------


async def test_a_service_whose_store_is_closed_for_good_ends_and_its_exit_code_says_so(
    playground: Playground, tmp_path: Path, log: Log
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    tenants = playground.write_tenants(tmp_path / "tenants")
    given = playground.settings(store_url=url, tenants=tenants, port=free_port())
    settings = Settings.model_validate({name.lower(): value for name, value in given.items()})
    async with opened(open_store(url)) as store:
        serving = asyncio.create_task(serve(settings))
        while not log.of("started"):
            await asyncio.wait({serving}, timeout=0.05)
        thresholds = gc.get_threshold()

        await store.holdings.mark(MOVED, "to the new one")
        code = await asyncio.wait_for(serving, 4 * BEAT)

    [started] = log.of("started")
    assert started["listens"] == f"127.0.0.1:{settings.port}"
    assert started["store"] == f"{tmp_path}/store.db"
    assert started["version"] == VERSION
    assert thresholds == THRESHOLDS  # of Python's look for rings: a fifth of the processor's time
    assert code == 1


async def test_a_ready_service_tells_that_its_clock_is_off(
    playground: Playground, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    async with run_service(playground, store_url=url, folder=tmp_path) as running:
        right = await asked_for(running, "/readyz")
        running.house.writers.ahead = -3.04
        off = await asked_for(running, "/readyz")

    assert "clock_ahead_of_store_seconds" not in right[1]
    assert (off[0], off[1]["clock_ahead_of_store_seconds"]) == (200, -3.0)
