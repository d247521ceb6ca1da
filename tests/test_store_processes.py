"""What holds when several processes share a store, and when one of them is killed."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from approvals_core.adapters.stores import open_store
from approvals_core.models import OPEN, ApprovalKey
from approvals_core.ports import Store
from tests.opened import opened
from tests.redis_server import kill_redis, redis_server
from tests.store_child import whole_change
from tests.store_makers import KEY, SCOPE

APPROVALS = 200
ENOUGH = 300  # acknowledged commits, before the writer is killed


@asynccontextmanager
async def child(url: str, *arguments: str) -> AsyncIterator[Process]:
    """Start `tests.store_child`; it has opened the store when this begins, and is gone after it."""
    command = ("-m", "tests.store_child", url, *arguments)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdin=PIPE, stdout=PIPE
    )
    try:
        assert await line(process) == "open"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def wins(process: Process) -> list[int]:
    printed, _ = await process.communicate(b"\n")
    assert process.returncode == 0
    return [int(number) for number in printed.split()]


async def test_two_processes_race_and_each_approval_has_one_winner(store_url: str) -> None:
    async with (
        child(store_url, "race", "one", str(APPROVALS)) as one,
        child(store_url, "race", "two", str(APPROVALS)) as two,
    ):
        won = await asyncio.gather(wins(one), wins(two))

    assert sorted(won[0] + won[1]) == list(range(APPROVALS))
    async with opened(open_store(store_url)) as store:
        for name, numbers in zip(("one", "two"), won, strict=True):
            for number in numbers:
                assert await found(store, number) == whole(number, name)


async def test_a_writer_killed_loses_nothing_acknowledged_and_tears_nothing(
    store_url: str,
) -> None:
    async with child(store_url, "write") as writer:
        acknowledged = {int(await line(writer)) for _ in range(ENOUGH)}
        writer.kill()
        assert writer.stdout is not None
        rest = (await writer.stdout.read()).decode()
    acknowledged |= {int(number) for number in rest.splitlines() if rest.endswith("\n")}

    async with opened(open_store(store_url)) as store:
        await everything_is_there(store, acknowledged)


async def test_a_redis_killed_loses_nothing_acknowledged_and_tears_nothing() -> None:
    with TemporaryDirectory(prefix="redis-") as folder:
        with redis_server(Path(folder)) as url:
            async with child(url, "write") as writer:
                acknowledged = {int(await line(writer)) for _ in range(ENOUGH)}
                await kill_redis(url)
                assert writer.stdout is not None
                rest = (await writer.stdout.read()).decode()
        acknowledged |= {int(number) for number in rest.splitlines()}

        with redis_server(Path(folder)) as url:
            async with opened(open_store(url)) as store:
                await everything_is_there(store, acknowledged)


async def everything_is_there(store: Store, acknowledged: set[int]) -> None:
    """Whatever was acknowledged is whole; whatever was not is whole or absent."""
    beyond = range(max(acknowledged) + 100)
    stored = {number for number in beyond if await store.approval(key(number))}
    assert acknowledged <= stored
    assert await store.count(SCOPE, OPEN) == len(stored)
    for number in beyond:
        expected = whole(number) if number in stored else NOTHING
        assert await found(store, number) == expected


NOTHING = (None, [], {}, None, [], [False, False])


def key(number: int) -> ApprovalKey:
    return KEY._replace(number=str(number))


def whole(number: int, by: str = "") -> tuple[object, ...]:
    change = whole_change(number, by)
    beside = (list(change.events), change.bodies, change.payload, list(change.receipts))
    return (change.approval, *beside, [True, True])


async def found(store: Store, number: int) -> tuple[object, ...]:
    jobs = [await store.job(SCOPE, name) for name in (str(number), f"{number} too")]
    return (
        await store.approval(key(number)),
        list(await store.history(key(number))),
        await store.bodies(key(number)),
        await store.payload(SCOPE, str(number)),
        list(await store.receipts(key(number))),
        [job is not None for job in jobs],
    )
