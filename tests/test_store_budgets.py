"""Budgets that all processes share, whichever the store: no window ever holds more than it allows."""

import asyncio
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from approvals_core.adapters.redis_store import RedisStore
from approvals_core.adapters.redis_store.budgets import RedisBudgets
from approvals_core.adapters.redis_store.wire import Command, Wire
from approvals_core.adapters.sqlite_store import open_sqlite
from approvals_core.adapters.sqlite_store.budgets import SWEEP
from approvals_core.adapters.stored import micros
from approvals_core.adapters.stores import open_store
from approvals_core.allowances.log import PARTS, TakenLog
from approvals_core.errors import StoreUnavailable
from approvals_core.ports import Budgets, Grant, Store
from approvals_core.ports.budgets import LONGEST_HOLD, Windows
from tests.opened import opened
from tests.shared_limits import patient
from tests.test_store_processes import child

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
MINUTE = ((5, 60.0),)
CHAT = ((7, 1.0), (8, 2.0), (60, 30.0))


@pytest.fixture
def store(store: Store) -> Store:
    """One whose budgets are waited for, however long they take."""
    if isinstance(store, RedisStore):
        store._budgets = patient(store)  # pyright: ignore[reportAttributeAccessIssue]
    return store


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


async def take(
    budgets: Budgets, seconds: float, windows: Windows = MINUTE, *, most: int = 1, name: str = "one"
) -> Grant:
    return await budgets.take(name, windows, most=most, now=at(seconds))


def most_within(times: Sequence[float], period: float) -> int:
    return max(sum(start <= each < start + period for each in times) for start in times)


async def test_what_is_used_up_says_when_it_is_free_again(store: Store) -> None:
    taken = [await take(store.budgets, second) for second in (0, 10, 20, 30, 40)]

    refused = await take(store.budgets, 41)
    early = await take(store.budgets, 59.9)
    again = await take(store.budgets, 60)

    assert taken == [Grant(1)] * 5
    assert refused == Grant(0, 19)
    assert early.permits == 0
    assert again == Grant(1)


async def test_several_are_taken_at_once_as_far_as_they_go(store: Store) -> None:
    assert await take(store.budgets, 0, most=3) == Grant(3)
    assert await take(store.budgets, 5, most=9) == Grant(2)
    assert await take(store.budgets, 6, most=9) == Grant(0, 54)


async def test_every_window_counts_and_the_longest_wait_is_told(store: Store) -> None:
    assert await take(store.budgets, 0, CHAT, most=99) == Grant(7)
    assert await take(store.budgets, 1, CHAT, most=99) == Grant(1)
    assert await take(store.budgets, 1.5, CHAT) == Grant(0, 0.5)


async def test_one_bucket_takes_nothing_from_another(store: Store) -> None:
    odd = ("one", "two", "{one}", "o\x00ne", "", "ö" * 500)

    taken = [await take(store.budgets, 0, most=9, name=name) for name in odd]

    assert taken == [Grant(5)] * len(odd)


async def test_limits_may_differ_from_take_to_take(store: Store) -> None:
    await take(store.budgets, 0, ((3, 60.0),), most=9)

    assert (await take(store.budgets, 1, ((3, 60.0),))).permits == 0
    assert await take(store.budgets, 1, MINUTE, most=9) == Grant(2)


async def test_permits_that_last_count_from_their_end(store: Store) -> None:
    await store.budgets.take("one", MINUTE, most=5, lasting=2.0, now=at(0))

    assert await take(store.budgets, 60) == Grant(0, 2)
    assert await take(store.budgets, 62) == Grant(1)


async def test_what_is_held_gives_nothing_until_then(store: Store) -> None:
    await store.budgets.hold("one", 90, now=at(0))
    await store.budgets.hold("one", 10, now=at(0))  # what asks for less takes nothing back

    assert await take(store.budgets, 1) == Grant(0, 89)
    assert await take(store.budgets, 1, name="other") == Grant(1)
    assert await take(store.budgets, 90) == Grant(1)


async def test_nothing_is_held_for_days(store: Store) -> None:
    await store.budgets.hold("one", 86_400, now=at(0))

    assert await take(store.budgets, 0) == Grant(0, LONGEST_HOLD)


async def test_a_clock_that_is_set_back_blocks_nobody_for_longer_than_his_windows(
    store: Store,
) -> None:
    await take(store.budgets, 0, most=4)
    await store.budgets.hold("held", 30, now=at(0))

    # As if taken just now: all that stands there, and one more.
    assert await take(store.budgets, -7200, most=9) == Grant(1)
    assert await take(store.budgets, -7200) == Grant(0, 60)
    assert await take(store.budgets, -7140) == Grant(1)
    assert (await take(store.budgets, -7200, name="held")).permits == 1


async def test_what_is_used_up_when_the_clock_is_set_back_is_free_again_in_time(
    store: Store,
) -> None:
    await take(store.budgets, 0, most=5)

    assert await take(store.budgets, -7200) == Grant(0, 60)
    assert await take(store.budgets, -7170) == Grant(0, 30)
    assert await take(store.budgets, -7140) == Grant(1)


async def test_clocks_that_differ_a_little_count_as_the_later_one(store: Store) -> None:
    await take(store.budgets, 0.5, most=4)
    await take(store.budgets, 0)

    assert (await take(store.budgets, 60.4)).wait == pytest.approx(0.1)


async def test_the_stores_own_clock_counts_where_nobody_brings_one(store: Store) -> None:
    taken = [await store.budgets.take("one", MINUTE) for _ in range(6)]

    assert [each.permits for each in taken] == [1, 1, 1, 1, 1, 0]
    assert 0 < taken[-1].wait <= 60 + 60 / PARTS


async def test_no_window_holds_more_however_many_ask_of_however_many_stores(
    store: Store, store_url: str
) -> None:
    """Three stores, thirty tasks, two simulated minutes: any half minute holds sixty at most."""
    others = [await open_store(store_url) for _ in range(2)]
    chance, times = random.Random(7), list[float]()

    async def ask(budgets: Budgets, seconds: float, most: int) -> None:
        granted = await budgets.take("chat", CHAT, most=most, now=at(seconds))
        times.extend([seconds] * granted.permits)

    for step in range(600):
        crowd = [store, *others] * 10 if step % 50 == 0 else chance.choices([store, *others], k=2)
        await asyncio.gather(
            *(ask(each.budgets, step / 5, chance.choice((1, 1, 3))) for each in crowd)
        )

    assert {period: most_within(times, period) for _, period in CHAT} == {1.0: 7, 2.0: 8, 30.0: 60}
    for each in others:
        await each.close()


async def test_two_processes_share_one_budget(store_url: str) -> None:
    async with child(store_url, "take") as one, child(store_url, "take") as other:
        told = await asyncio.gather(*(process.communicate(b"\n") for process in (one, other)))

    assert sum(int(printed) for printed, _ in told) == 100


async def test_a_closed_store_gives_nothing(store_url: str) -> None:
    store = await open_store(store_url)
    await store.close()

    with pytest.raises(StoreUnavailable):
        await store.budgets.take("one", MINUTE)


@pytest.mark.parametrize("seed", range(4))
async def test_both_stores_count_as_the_log_does(store: Store, seed: int) -> None:
    chance, log = random.Random(seed), TakenLog()
    now = 0.0

    for _ in range(150):
        step = chance.choice((0.0, 0.01, 0.3, 1.0, 40.0))
        now += step if chance.random() < 0.97 else -step
        most, lasting = chance.choice((1, 2, 8)), chance.choice((0.0, 0.5))
        if chance.random() < 0.05:
            await store.budgets.hold("one", 3.0, now=at(now))
            log.hold(3.0, micros(at(now)))
        told = await store.budgets.take("one", CHAT, most=most, lasting=lasting, now=at(now))
        expected = log.take(CHAT, most=most, lasting=round(lasting * 1e6), now=micros(at(now)))
        assert (told.permits, told.wait) == (expected.permits, pytest.approx(expected.wait))


# -- when the place where they are counted fails ------------------------------


async def test_a_file_that_a_power_failure_spoilt_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "store.db-budgets").write_bytes(b"no database at all" * 1000)
    async with opened(open_sqlite(tmp_path / "store.db")) as store:
        with pytest.raises(StoreUnavailable):
            await store.budgets.take("one", MINUTE)
        again = await store.budgets.take("one", MINUTE)

        assert again == Grant(1)


async def test_a_line_that_is_none_of_ours_is_begun_anew(tmp_path: Path) -> None:
    async with opened(open_sqlite(tmp_path / "store.db")) as store:
        await store.budgets.take("one", MINUTE)
        with closing(sqlite3.connect(tmp_path / "store.db-budgets")) as file:
            file.execute("UPDATE budgets SET log = x'00'")
            file.commit()

        with pytest.raises(StoreUnavailable):
            await store.budgets.take("one", MINUTE)
        again = await store.budgets.take("one", MINUTE)

        assert again == Grant(1)


async def test_a_file_that_another_process_holds_is_not_waited_for_long(tmp_path: Path) -> None:
    async with opened(open_sqlite(tmp_path / "store.db")) as store:
        await store.budgets.take("one", MINUTE)
        other = sqlite3.connect(tmp_path / "store.db-budgets", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreUnavailable, match="locked"):
            await store.budgets.take("one", MINUTE)
        other.execute("COMMIT")
        again = await store.budgets.take("one", ((2, 60.0),))

        assert again == Grant(1)
        other.close()


async def test_the_budgets_file_is_ours_alone(tmp_path: Path) -> None:
    async with opened(open_sqlite(tmp_path / "store.db")) as store:
        before = (tmp_path / "store.db-budgets").exists()

        await store.budgets.take("one", MINUTE)

        assert not before
        assert (tmp_path / "store.db-budgets").stat().st_mode & 0o777 == 0o600


async def test_what_matters_no_more_is_swept_out_of_the_file(tmp_path: Path) -> None:
    async with opened(open_sqlite(tmp_path / "store.db")) as store:
        for number in range(SWEEP):
            await take(store.budgets, 0, name=f"chat {number}")
        await store.budgets.hold("held", LONGEST_HOLD, now=at(60))

        await take(store.budgets, 61, name="one more")

        with closing(sqlite3.connect(tmp_path / "store.db-budgets")) as file:
            names = {name for (name,) in file.execute("SELECT bucket FROM budgets")}
        assert names == {"held", "one more"}


class Silent:
    """A connection over which no answer comes."""

    async def send(self, *commands: Command) -> list[Any]:
        await asyncio.Event().wait()
        return []


async def test_a_redis_that_does_not_answer_is_not_waited_for_long() -> None:
    budgets = RedisBudgets(cast("Wire", Silent()), within=0.001)

    with pytest.raises(StoreUnavailable, match="no answer"):
        await budgets.take("one", MINUTE)
    with pytest.raises(StoreUnavailable, match="no answer"):
        await budgets.hold("one", 30)


async def test_what_redis_keeps_of_a_budget_goes_by_itself(redis_url: str) -> None:
    async with opened(open_store(redis_url)) as store:
        await patient(store).take("one", CHAT)
        await patient(store).hold("two", 30)

        async with Redis.from_url(redis_url) as client:
            keys = [key async for key in client.scan_iter("approvals:{budget:*")]
            ends = sorted([await client.pttl(key) / 1000 for key in keys])

        assert [0 < ends[0] <= 32, 32 < ends[1] <= 2 * LONGEST_HOLD + 1] == [True, True]
        assert len(keys) == 2
