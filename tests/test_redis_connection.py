"""The one connection that a line to Redis keeps: made anew once it is none any more, and held to its time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from approvals_core.adapters.redis_store.connection import (
    ANSWER_WITHIN,
    Connection,
    NotSent,
    connect,
)
from approvals_core.adapters.redis_store.line import packed
from tests.redis_group import server
from tests.scripted_redis import Scripted, scripted

SOON = 4.0  # seconds for an answer of whoever gives none; all others are faster, wherever a machine stands still
WHO = packed(("CLIENT", "ID"))


@asynccontextmanager
async def connected(url: str, *, within: float = ANSWER_WITHIN) -> AsyncIterator[Connection]:
    client = connect(url, answer_within=None)
    connection = Connection(client, within=within)
    yield connection
    await connection.close()
    await client.aclose()


def get(*keys: str) -> list[bytes]:
    return [packed(("GET", key)) for key in keys]


def by_name(command: list[str]) -> bytes | None:
    """Answer with the key; "cut" cuts the connection, "never" is answered by nobody."""
    key = command[1]
    if key == "cut":
        return None
    return b"" if key == "never" else f"+{key}\r\n".encode()


@pytest.fixture
async def far() -> AsyncIterator[Scripted]:
    async with scripted(by_name) as far:
        yield far


async def test_one_connection_serves_all_and_its_answers_come_in_order(far: Scripted) -> None:
    async with connected(far.url) as connection:
        found = [await connection.exchange(get("a", "b")) for _ in range(3)]

    assert found == [["a", "b"]] * 3
    assert far.connections == 1


async def test_an_error_is_an_answer(redis_url: str) -> None:
    async with connected(redis_url) as connection:
        refused, who = await connection.exchange([packed(("HGET", "too few")), WHO])

    assert isinstance(refused, ResponseError)
    assert who > 0


async def test_one_that_broke_is_made_anew_and_what_was_under_way_is_unknown(far: Scripted) -> None:
    async with connected(far.url) as connection:
        with pytest.raises((RedisError, OSError)) as broken:
            await connection.exchange(get("a", "cut"))
        assert await connection.exchange(get("b")) == ["b"]

    assert not isinstance(broken.value, NotSent)
    assert far.connections == 2


async def test_an_answer_that_does_not_come_in_time_ends_the_connection(far: Scripted) -> None:
    async with connected(far.url, within=SOON) as connection:
        with pytest.raises(TimeoutError, match="no answer within 4 seconds"):
            await connection.exchange(get("a", "never"))
        assert await connection.exchange(get("b")) == ["b"]

    assert far.connections == 2


async def test_one_that_the_server_closed_meanwhile_is_made_anew_before_it_is_used(
    redis_url: str,
) -> None:
    async with connected(redis_url) as connection, Redis.from_url(redis_url) as other:
        [before] = await connection.exchange([WHO])
        await other.client_kill_filter(_id=before)

        [after] = await connection.exchange([WHO])

    assert before != after


async def test_one_that_is_dropped_is_made_anew_once(far: Scripted) -> None:
    async with connected(far.url) as connection:
        await connection.exchange(get("a"))
        connection.drop()
        for _ in range(2):
            await connection.exchange(get("b"))

    assert far.connections == 2


async def test_where_nobody_listens_nothing_was_sent() -> None:
    async with connected("redis://127.0.0.1:1") as connection:
        with pytest.raises(NotSent):
            await connection.exchange(get("a"))


async def test_one_that_was_idle_and_does_not_answer_any_more_has_sent_nothing(
    tmp_path: Path,
) -> None:
    with server(tmp_path) as running:
        async with connected(running.url, within=SOON) as connection:
            await connection.exchange([WHO])
            assert connection._made is not None
            connection._made.next_health_check = 0  # it was idle for long
            running.freeze()

            with pytest.raises(NotSent):
                await connection.exchange([WHO])
            running.go_on()
