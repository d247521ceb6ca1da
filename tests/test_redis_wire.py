"""What is sent to Redis once more, and what never is: only what was surely not executed goes again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from approvals_core.adapters.redis_store.address import read_address
from approvals_core.adapters.redis_store.cluster import Cluster
from approvals_core.adapters.redis_store.guard import Guard
from approvals_core.adapters.redis_store.scripts import COMMIT
from approvals_core.adapters.redis_store.servers import One
from approvals_core.adapters.redis_store.wire import PAUSES, Wire, call
from approvals_core.errors import StoreUnavailable
from tests.logged import Log
from tests.scripted_redis import OK, Scripted, scripted

ONE = b":1\r\n"
NOT_NOW = [
    b"-LOADING Valkey is loading the dataset in memory\r\n",
    b"-READONLY You can't write against a read only replica.\r\n",
    b"-ERR Error running script (call to f_1): -READONLY You can't write\r\n",
    b"-MASTERDOWN Link with MASTER is down\r\n",
    b"-CLUSTERDOWN Hash slot not served\r\n",
    b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
    b"-BUSY Valkey is busy running a script.\r\n",
    b"-NOREPLICAS Not enough good replicas to write.\r\n",
]


@asynccontextmanager
async def wired(
    answers: Callable[[list[str]], bytes | None], options: str = ""
) -> AsyncIterator[tuple[Wire, Scripted]]:
    async with scripted(answers) as far:
        servers = One(read_address(far.url + options), Guard())
        yield Wire(servers, "writing"), far
        await servers.close()


def at_first(refusal: bytes, key: str) -> Callable[[list[str]], bytes]:
    """Refuse the first command about *key*; take everything else."""
    seen: Counter[str] = Counter()

    def answer(command: list[str]) -> bytes:
        seen[command[1]] += 1
        return refusal if command[1] == key and seen[key] == 1 else ONE

    return answer


@pytest.mark.parametrize("refusal", NOT_NOW)
async def test_a_command_that_is_refused_for_now_is_sent_again_and_no_other(refusal: bytes) -> None:
    async with wired(at_first(refusal, "b")) as (wire, far):
        answers = await wire.send(*(("INCR", key) for key in "abc"))

    assert answers == [1, 1, 1]
    assert [command[1] for command in far.asked] == ["a", "b", "c", "b"]


@pytest.mark.parametrize("refusal", NOT_NOW)
async def test_what_must_come_after_a_refused_command_comes_after_it_again(refusal: bytes) -> None:
    async with wired(at_first(refusal, "b")) as (wire, far):
        answers = await wire.in_turn([("INCR", "a")], [("INCR", "b")], [("INCR", "c")])

    assert answers == [[1], [1], [1]]
    assert "".join(command[1] for command in far.asked) == "abc" + "b" + "c"


async def test_a_connection_that_breaks_leaves_unknown_what_is_never_sent_again() -> None:
    async with wired(lambda command: None if command[1] == "b" else ONE) as (wire, far):
        with pytest.raises(StoreUnavailable):
            await wire.send(*(("INCR", key) for key in "abc"))

        assert await wire.send(("INCR", "d")) == [1]

    assert [command[1] for command in far.asked] == ["a", "b", "d"]


async def test_an_answer_that_comes_too_late_is_nobody_elses() -> None:
    fars: list[Scripted] = []

    def answer(command: list[str]) -> bytes:
        if command[1] == "a":
            return b""  # for longer than we wait
        return b":1\r\n:2\r\n" if fars[0].connections == 1 else b":2\r\n"

    async with wired(answer) as (wire, far):
        fars.append(far)
        with pytest.raises(StoreUnavailable):
            await wire.send(("INCR", "a"))

        assert await wire.send(("INCR", "b")) == [2]


async def test_an_error_that_is_none_of_these_is_told_at_once() -> None:
    async with wired(lambda _: b"-OOM command not allowed\r\n") as (wire, far):
        with pytest.raises(StoreUnavailable, match="command not allowed"):
            await wire.send(("INCR", "a"))

    assert len(far.asked) == 1


async def test_it_gives_up_by_and_by() -> None:
    async with wired(lambda _: NOT_NOW[0]) as (wire, far):
        with pytest.raises(StoreUnavailable, match="loading"):
            await wire.send(("INCR", "a"))

    assert len(far.asked) == len(PAUSES) + 1


async def test_who_was_told_that_it_is_no_primary_asks_by_a_new_connection() -> None:
    async with wired(at_first(NOT_NOW[1], "a")) as (wire, far):
        await wire.send(("INCR", "a"))

    assert far.connections == 2


async def test_a_script_that_is_not_known_is_told_and_run() -> None:
    known: set[str] = set()

    def answer(command: list[str]) -> bytes:
        if command[0] == "SCRIPT":
            known.add(command[2])
            return OK
        return ONE if COMMIT.text in known else b"-NOSCRIPT No matching script.\r\n"

    async with wired(answer) as (wire, far):
        assert await wire.send(call(COMMIT, ["k"], [])) == [1]

    assert [command[0] for command in far.asked].count("EVALSHA") == 2


async def test_too_few_replicas_leave_unknown_what_was_executed_but_not_what_was_refused() -> None:
    waits = iter([b":0\r\n", b"-ERR WAIT cannot be used with replica instances.\r\n", ONE])
    takes = at_first(NOT_NOW[1], "b")

    def answer(command: list[str]) -> bytes:
        return next(waits) if command[0] == "WAIT" else takes(command)

    async with wired(answer, "?wait_replicas=1") as (wire, far):
        with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
            await wire.send(("INCR", "a"))
        assert await wire.send(("INCR", "b")) == [1]

    assert [command[1] for command in far.asked if command[0] == "INCR"] == ["a", "b", "b"]
    assert ["WAIT", "1", "1000"] in far.asked


@pytest.mark.parametrize("refusal", [each for each in NOT_NOW if each[:3] in (b"-LO", b"-BU")])
async def test_settings_that_cannot_be_asked_for_yet_are_asked_for_again(
    refusal: bytes, log: Log
) -> None:
    async with wired(lambda _: ONE) as (wire, far):
        far.not_told.append(refusal)

        assert await wire.send(("INCR", "a")) == [1]

    assert far.connections == 2
    assert [command[1] for command in far.asked] == ["a"]
    assert not log.of("redis_unsafe")


async def test_a_server_that_hides_its_settings_is_sent_nothing_and_that_is_logged_once(
    log: Log,
) -> None:
    async with wired(lambda _: ONE) as (wire, far):
        far.not_told += [b"-NOPERM this user has no permissions\r\n"] * 100

        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="allow CONFIG GET"):
                await wire.send(("INCR", "a"))

    assert far.asked == []
    assert len(log.of("redis_unsafe")) == 1


async def test_a_text_that_cannot_be_sent_is_its_senders_problem_alone() -> None:
    async with wired(lambda _: ONE) as (wire, far):
        with pytest.raises(UnicodeEncodeError):
            await wire.send(("SET", "\ud800", "x"))

        assert await wire.send(("INCR", "a")) == [1]

    assert [command[1] for command in far.asked] == ["a"]


async def test_a_cluster_is_closed_while_it_looks_for_its_servers() -> None:
    looked = asyncio.Event()

    def silent(_command: list[str]) -> bytes:
        looked.set()
        return b""

    def slots(_command: list[str]) -> bytes:
        return b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$0\r\n\r\n:%d\r\n" % talks.port

    async with scripted(silent) as far, scripted(slots) as talks:
        address = read_address(f"redis+cluster://127.0.0.1:{far.port},127.0.0.1:{talks.port}")
        cluster = Cluster(address, Guard())
        looking = asyncio.create_task(cluster.primaries())
        await looked.wait()

        await cluster.close()

        assert [server.name for server in await looking] == [f"127.0.0.1:{talks.port}"]
