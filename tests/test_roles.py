"""Web and worker as processes of their own on one store, and how a process ends that is asked to."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from playground.faults import Fault, FaultKind
from playground.outside import Playground
from playground.reading import words
from playground.records import Sender
from tests.failing import TENANT, still_under_way
from tests.running import WIKI_NUMBER
from tests.several_processes import EVERYBODY, Several, Started, several

LOOK = 0.1  # seconds between two looks at another process
WITHIN = 60.0  # seconds for it to get that far: a busy machine may stand still for long
NUMBERS = [f"REQ-{n}" for n in range(100, 108)]


@pytest.fixture
async def processes(
    playground: Playground, store_url: str, tmp_path: Path
) -> AsyncIterator[Several]:
    async with several(playground, store_url, tmp_path) as them:
        yield them


# -- roles ------------------------------------------------------------------------


async def test_web_takes_what_comes_and_a_worker_does_what_it_leaves(processes: Several) -> None:
    web = await processes.start("web")
    await processes.install()
    await _post(processes)
    await _waits_for_a_worker(web)
    assert processes.card_of("johndoe1") is None

    worker = await processes.start("worker")
    await processes.asked(*EVERYBODY)
    worker.process.send_signal(signal.SIGTERM)
    await worker.ended()
    answered = await processes.click("johndoe1")

    # The click's own process told the tenant: no worker is there to do it.
    assert "Approved by" in words(answered.card or {}) or still_under_way(answered)
    told = await processes.until(processes.outside.tenant.actions)
    assert [each.applied for each in told] == [True]
    await _waits_for_a_worker(web)
    assert "mine" not in processes.text_of("johndoe2")
    await processes.start("worker")
    for alias in EVERYBODY:
        await processes.until(lambda who=alias: "Approved by" in processes.text_of(who))


async def test_a_worker_tells_operators_how_it_is_and_takes_nobody_elses_calls(
    processes: Several,
) -> None:
    worker = await processes.start("worker")

    assert (await worker.get("/livez"))[0] == 200
    assert (await worker.get("/readyz"))[1]["ready"] is True
    for path in ("/api/messages", "/api/v1/requests", "/requests/pr-x"):
        assert (await worker.get(path))[0] == 404


async def test_several_workers_do_each_job_once(processes: Several) -> None:
    await processes.start("web")
    await asyncio.gather(*(processes.start("worker") for _ in range(3)))
    await processes.install()

    await asyncio.gather(*(_ask(processes, number) for number in NUMBERS))

    await processes.until(
        lambda: all(processes.offers(who, n) for n in NUMBERS for who in EVERYBODY)
    )
    _each_card_once(processes)


# -- being asked to end -------------------------------------------------------------


async def test_a_load_balancer_hears_of_the_end_before_calls_are_refused(
    processes: Several,
) -> None:
    one = await processes.start(drain_after="60")
    one.process.send_signal(signal.SIGTERM)

    status, said = await _not_ready(one)
    assert (status, said["ending"]) == (503, True)
    assert (await one.get("/livez"))[0] == 200
    await _post(processes)


async def test_when_the_load_balancer_had_its_time_the_process_ends(processes: Several) -> None:
    one = await processes.start(drain_after="0.5")

    one.process.send_signal(signal.SIGTERM)

    logged = await one.ended()
    assert one.process.returncode == 0
    assert b'"event": "ended"' in logged.splitlines()[-1]


async def test_a_process_that_ends_under_load_loses_nothing(processes: Several) -> None:
    leaving = await processes.start()
    await processes.install()
    staying = await processes.start()
    processes.outside.meet(leaving.url)
    posting = [asyncio.create_task(_ask(processes, number)) for number in NUMBERS]
    await asyncio.wait(posting, return_when=asyncio.FIRST_COMPLETED)

    leaving.process.send_signal(signal.SIGTERM)
    await leaving.ended()
    processes.outside.meet(staying.url)
    taken = await asyncio.gather(*posting)
    for number, was_taken in zip(NUMBERS, taken, strict=True):
        if not was_taken:  # as every tenant does, it posts again what nobody took
            assert await _ask(processes, number)

    assert leaving.process.returncode == 0
    assert any(taken)
    await processes.until(
        lambda: all(processes.offers(who, n) for n in NUMBERS for who in EVERYBODY)
    )
    _each_card_once(processes)


@pytest.mark.parametrize("role", ["all", "web"])
async def test_a_decision_on_its_way_is_taken_over_at_once(processes: Several, role: str) -> None:
    # A lease of twenty seconds stands behind it: nobody waits for its end.
    leaving = await _waits_for_the_tenant(processes, role=role, drain_within="1")
    staying = await processes.start()
    leaving.process.send_signal(signal.SIGTERM)
    said = await leaving.ended()

    for alias in EVERYBODY:
        await processes.until(lambda who=alias: "mine" in processes.text_of(who))
        await processes.until(lambda who=alias: "Approved by" in processes.text_of(who))

    assert leaving.process.returncode == 0
    assert b"clicks_broken_off" in said
    told = processes.outside.tenant.actions()
    assert len({each.headers["Idempotency-Key"] for each in told}) == 1
    assert staying.process.returncode is None


async def test_the_second_signal_ends_a_process_that_still_waits(processes: Several) -> None:
    one = await _waits_for_the_tenant(processes, drain_within="300")
    one.process.send_signal(signal.SIGTERM)
    await _refuses_calls(one)
    assert one.process.returncode is None

    one.process.send_signal(signal.SIGTERM)

    await one.ended()
    assert one.process.returncode == -signal.SIGTERM


def _each_card_once(processes: Several) -> None:
    for alias in EVERYBODY:
        chat = processes.outside.world.chat_of(alias)
        assert chat is not None
        said = [str(m.card) for m in chat.messages if m.sender is Sender.BOT]
        assert sorted(n for card in said for n in NUMBERS if n in card) == sorted(NUMBERS)


async def _waits_for_the_tenant(processes: Several, role: str = "all", **settings: str) -> Started:
    """Start a process that waits for the tenant's answer to Maria Keller's click, which never comes."""
    one = await processes.start(role, **settings)
    await processes.install()
    if role == "web":
        await processes.start("worker")
    await _post(processes)
    await processes.asked(*EVERYBODY)
    processes.outside.world.set_fault(TENANT, Fault(kind=FaultKind.HELD, times=1))
    answered = await processes.click("johndoe1")
    assert still_under_way(answered)
    await processes.outside.tenant.arrived()
    return one


async def _ask(processes: Several, number: str) -> bool:
    """Post a request; tell whether it was taken."""
    arx: Any = json.loads(processes.outside.sample("wiki-create"))
    text = json.dumps(arx).replace(WIKI_NUMBER, number)
    try:
        return (await processes.outside.tenant.send(json.loads(text))).status == 200
    except (OSError, aiohttp.ClientError):
        return False


async def _post(processes: Several) -> None:
    sent = await processes.outside.tenant.send(processes.outside.sample("wiki-create"))
    assert sent.status == 200


async def _waits_for_a_worker(web: Started) -> None:
    """Wait until a job is late that any worker would have begun."""
    async with asyncio.timeout(WITHIN):
        while True:
            _status, said = await web.get("/readyz")
            if said["oldest_job_late_seconds"] >= 1.5:
                return
            await asyncio.sleep(LOOK)


async def _not_ready(one: Started) -> tuple[int, Any]:
    """Wait until /readyz refuses; return what it says."""
    async with asyncio.timeout(WITHIN):
        while True:
            answer = await one.get("/readyz")
            if answer[0] != 200:
                return answer
            await asyncio.sleep(LOOK)


async def _refuses_calls(one: Started) -> None:
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                await one.get("/livez")
            except (OSError, aiohttp.ClientError):
                return
            await asyncio.sleep(LOOK)
