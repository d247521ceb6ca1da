"""What callers ask for together: in which batches it is done, and that nobody waits for a flood."""

import asyncio
from collections.abc import Sequence

import pytest

from approvals_core.adapters.batches import BATCH_BYTES, LIGHT, Asked, Batches
from approvals_core.errors import StoreUnavailable
from approvals_core.ports import Store
from tests.store_makers import a_change, numbered

HEAVY = LIGHT + 1


class Kept:
    """Answers each request with itself, and keeps which came together."""

    def __init__(self, *, most: int = 64) -> None:
        self.batches: list[list[str]] = []
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self._batches: Batches[str, str] = Batches(self._run, most=most)

    async def all(self, *asked: tuple[str, int]) -> list[str]:
        return await asyncio.gather(*(self._batches.ask(one, size=size) for one, size in asked))

    async def close(self) -> None:
        await self._batches.close()

    async def _run(self, batch: Sequence[Asked[str, str]]) -> None:
        self.batches.append([asked.request for asked in batch])
        self.begun.set()
        await self.go_on.wait()
        for asked in batch:
            asked.tell(asked.request)


async def test_what_is_asked_at_the_same_time_is_done_together() -> None:
    kept = Kept(most=2)

    answers = await kept.all(("a", 1), ("b", 1), ("c", 1))

    assert answers == ["a", "b", "c"]
    assert kept.batches == [["a", "b"], ["c"]]


async def test_a_batch_ends_after_so_many_bytes() -> None:
    kept = Kept()

    await kept.all(*((name, BATCH_BYTES // 2) for name in "abc"))

    assert kept.batches == [["a", "b"], ["c"]]


async def test_one_that_is_larger_than_a_batch_goes_alone() -> None:
    kept = Kept()

    await kept.all(("a", 9 * BATCH_BYTES), ("b", 9 * BATCH_BYTES))

    assert kept.batches == [["a"], ["b"]]


async def test_light_ones_do_not_wait_for_heavy_ones_that_came_before() -> None:
    kept = Kept()

    await kept.all(*((f"heavy {n}", BATCH_BYTES) for n in range(3)), ("light", LIGHT))

    assert kept.batches == [["heavy 0", "light"], ["heavy 1"], ["heavy 2"]]


async def test_heavy_ones_are_not_held_up_by_many_light_ones_either() -> None:
    kept = Kept(most=2)

    await kept.all(*((f"light {n}", 1) for n in range(6)), ("heavy", HEAVY))

    assert kept.batches[0] == ["light 0", "light 1", "heavy"]


async def test_who_has_gone_takes_his_request_with_him() -> None:
    kept = Kept()
    kept.go_on.clear()
    first = asyncio.create_task(kept.all(("first", 1)))
    await asyncio.sleep(0)
    gone = [asyncio.create_task(kept.all((name, size))) for name, size in (("a", 1), ("b", HEAVY))]
    await asyncio.sleep(0)

    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    kept.go_on.set()
    await first
    await kept.close()

    assert kept.batches == [["first"]]


async def test_nobody_is_left_waiting_when_the_loop_ends_under_a_batch() -> None:
    kept = Kept()
    kept.go_on.clear()
    asking = [asyncio.create_task(kept.all((name, size))) for name, size in (("a", 1), ("b", 9))]
    heavy = asyncio.create_task(kept.all(("c", HEAVY), ("d", BATCH_BYTES)))
    await kept.begun.wait()
    (draining,) = [task for task in asyncio.all_tasks() if "_drain" in repr(task)]

    draining.cancel()
    answers = await asyncio.gather(*asking, heavy, return_exceptions=True)

    assert [type(answer) for answer in answers] == [StoreUnavailable] * 3


@pytest.mark.parametrize("flood", [30])
async def test_a_commit_does_not_wait_for_anothers_flood_of_large_ones(
    store: Store, flood: int
) -> None:
    done: list[str] = []

    async def commit(number: str, body: str) -> None:
        await store.commit(a_change(numbered(number), id=number, bodies={"payload": body}))
        done.append(number)

    large = [commit(f"large-{n}", "x" * BATCH_BYTES) for n in range(flood)]
    await asyncio.gather(*large, commit("click", "small"))

    assert done.index("click") < flood / 4
