"""What benchmarks stand on is what it says: full stores, time that passes by itself, figures beside their goals."""

import asyncio
from pathlib import Path

import pytest

from approvals_core.models import queue_of
from approvals_core.ports import Store
from approvals_core.rules import intake
from approvals_core.rules.draft import chain_is_sound
from benchmarks import virtual_time
from benchmarks.__main__ import Run
from benchmarks.fan_out import check, least
from benchmarks.filled import SQLITE, Filled, filled
from benchmarks.findings import Finding, Found
from benchmarks.ground import Ground, ground
from benchmarks.ground import Store as Stored
from benchmarks.programs import CannotMeasure
from benchmarks.servers.filling import commit_all, somebody
from benchmarks.servers.likeness import Likeness
from benchmarks.sides import Slice
from benchmarks.table import table
from benchmarks.two_processes import Together
from bots.teams.limits import FOR_CARDS
from tests.makers import a_stamp, a_tenant, create


def a_likeness() -> Likeness:
    asked, stamp = create("johndoe1", "johndoe2", "johndoe3"), a_stamp()
    received = intake.receive(None, asked, tenant=a_tenant(), payload_id=stamp.change, stamp=stamp)
    return Likeness(received.change)


async def test_a_filled_store_holds_requests_as_the_service_would_have_made_them(
    store: Store,
) -> None:
    likeness, count = a_likeness(), 70
    people = [somebody(number) for number in range(3)]
    changes = [likeness.another(f"REQ-{number}", people) for number in range(count)]

    await commit_all(store, iter(changes))

    key = changes[-1].approval.key  # pyright: ignore[reportOptionalMemberAccess]
    stored = await store.approval(key)
    assert stored is not None
    assert stored.display_number == "REQ-69"
    assert len(await store.receipts(key)) == 3
    assert chain_is_sound(tuple(await store.history(key)), head=stored.head)
    assert await store.count(key.scope, queue_of(people[2].id)) == count
    assert await store.approval_by_id(key.scope, stored.id) == stored


async def test_texts_beside_a_request_are_its_own() -> None:
    change = a_likeness().another("REQ-4711", [somebody(number) for number in range(3)])

    assert change.payload is not None
    assert f"payload/{change.payload.id}" in change.bodies
    assert change.events[0].facts["payload"] == change.payload.id


def test_a_request_to_be_decided_is_handed_out_once() -> None:
    async def nothing() -> float:
        return 0.0

    full = Filled(Stored("sqlite:///x.db", nothing), SQLITE, 5, list("abcde"), 1.0, 1.0, 0.0)

    assert (full.take(2), full.take(2)) == (["d", "e"], ["b", "c"])
    with pytest.raises(CannotMeasure, match="1 requests are left"):
        full.take(2)


async def test_a_machine_that_is_too_small_for_a_full_store_is_told_what_it_lacks(
    tmp_path: Path,
) -> None:
    async with ground(tmp_path) as outside:
        with pytest.raises(CannotMeasure, match=r"need 18,626,451 GiB of disk, \d+ GiB are free"):
            await filled(outside, SQLITE, 10**12)


async def test_a_store_that_could_not_be_filled_is_not_tried_once_more(tmp_path: Path) -> None:
    async with ground(tmp_path) as outside:
        outside.tenants = tmp_path / "nowhere"

        with pytest.raises(CannotMeasure, match="filling ended by itself"):
            await filled(outside, SQLITE, 5)
        with pytest.raises(CannotMeasure, match="No SQLite could be filled with 5"):
            await filled(outside, SQLITE, 5)


def test_hours_of_waiting_take_no_time_and_keep_their_order() -> None:
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((name, asyncio.get_running_loop().time()))

    async def both() -> None:
        await asyncio.gather(sleeper("late", 7200.0), sleeper("early", 3600.0))

    virtual_time.run(both)

    assert woken == [("early", pytest.approx(3600.0)), ("late", pytest.approx(7200.0))]


def test_who_waits_for_what_time_does_not_bring_is_told_so() -> None:
    async def for_nothing() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="nothing that time will bring"):
        virtual_time.run(for_nothing)


def test_a_fan_out_that_breaks_a_limit_is_not_measured() -> None:
    evenly = [(number / 50, number) for number in range(200)]
    all_at_once = [(0.0, number) for number in range(51)]
    all_to_one = [(number / 50, 1) for number in range(20)]

    check(evenly)

    for broken, whose in ((all_at_once, "the directory"), (all_to_one, "person 1")):
        with pytest.raises(CannotMeasure, match=whose):
            check(broken)


def test_the_least_time_is_that_of_the_strictest_limit() -> None:
    assert least(20_000, ((50, 1.0),)) == 399.0
    assert least(1, FOR_CARDS) == 0.0


async def test_two_that_work_together_count_as_one() -> None:
    class Side:
        def __init__(self, found: Slice) -> None:
            self._found = found

        async def slice(self, seconds: float) -> Slice:
            return self._found

        async def where(self, seconds: float) -> dict[str, list[tuple[str, float]]]:
            return {}

    both = Together([Side(Slice(100, 2.0, 0.5, 0.1)), Side(Slice(300, 2.1, 1.0, 0.3))])

    assert await both.slice(2.0) == Slice(400, 2.1, 1.5, 0.3)


def test_a_figure_stands_beside_its_goal() -> None:
    lines = table([], [Found("A life", 12.0, "12.0 ms", most=10.0)], "wrk").splitlines()

    assert lines[0] == "| What | Found | Goal: at most |"
    assert lines[2] == "| A life | 12.0 ms | 10: missed by 20% |"


async def test_what_cannot_be_measured_leaves_the_others_alone() -> None:
    async def fails(_ground: Ground) -> list[Found]:
        raise CannotMeasure("too small")

    async def works(_ground: Ground) -> list[Found]:
        return [Found("A life", 12.0, "12.0 ms")]

    run = Run(rounds=1, scale=1.0)
    await run.all([Finding("first", fails), Finding("second", works)])

    assert "| A life | 12.0 ms | none |" in run.told()
    assert run.told().endswith("first was not measured: too small")
    assert run.failed == ["first was not measured: too small"]
