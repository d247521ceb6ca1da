"""What only the store in Redis has to withstand: settings, restarts, and lost hints."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis.asyncio import Redis

from approvals_core.adapters.redis_store import RedisStore
from approvals_core.adapters.stores import open_store
from approvals_core.errors import StoreRefused, StoreUnavailable
from approvals_core.models import HOUSE, Lane
from approvals_core.ports import Store
from tests.opened import opened
from tests.redis_server import kill_redis, redis_server
from tests.store_child import whole_change
from tests.store_makers import (
    ANN,
    KEY,
    MINUTE,
    NOON,
    SCOPE,
    a_change,
    a_contact,
    a_job,
    an_event,
    jobs_change,
)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
async def redis(redis_url: str, client: Redis) -> AsyncIterator[Store]:
    async with opened(open_store(redis_url)) as store:
        yield store


@pytest.mark.parametrize(
    ("name", "value"),
    [("appendonly", "no"), ("appendfsync", "everysec"), ("maxmemory-policy", "allkeys-lru")],
)
async def test_a_server_that_may_lose_something_is_refused(name: str, value: str) -> None:
    with (
        TemporaryDirectory(prefix="redis-") as folder,
        redis_server(Path(folder), **{name: value}) as url,
        pytest.raises(StoreRefused, match=f"Set .*{name}"),
    ):
        await open_store(url)


async def test_a_server_that_hides_its_settings_is_refused(client: Redis, redis_url: str) -> None:
    await client.execute_command("ACL SETUSER shy on nopass ~* +@all -config")

    with pytest.raises(StoreRefused, match="CONFIG GET"):
        await open_store(redis_url.replace("unix://", "unix://shy:x@"))

    await client.execute_command("ACL DELUSER shy")


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        await open_store(f"unix://{tmp_path}/nothing.sock")


async def test_a_store_of_a_newer_program_is_refused(
    redis: Store, client: Redis, redis_url: str
) -> None:
    await client.hset(f"approvals:{{{HOUSE}}}:about", "schema", "2")

    with pytest.raises(StoreRefused, match="schema 2"):
        await open_store(redis_url)


async def test_all_keys_of_a_scope_share_its_hash_tag(redis: Store, client: Redis) -> None:
    await redis.commit(whole_change(1))
    await redis.commit(jobs_change(a_job(), scope=ANN.id.scope, contact=a_contact()))

    keys = await client.keys("*")

    tags = [re.match(r"approvals:\{([^}]*)\}:", str(key)) for key in keys]
    assert {tag and tag[1] for tag in tags} == {SCOPE, ANN.id.scope, HOUSE}


async def test_a_server_that_forgot_the_scripts_is_told_again(redis: Store, client: Redis) -> None:
    await redis.commit(jobs_change(a_job()))
    await client.script_flush()

    await redis.commit(a_change(events=(an_event(),)))

    assert len(await redis.history(KEY)) == 1
    await client.script_flush()
    assert len(await redis.lease([Lane.CARD], limit=9, now=NOON, until=NOON + MINUTE)) == 1


async def test_a_lost_connection_is_unavailable_and_the_same_change_is_done_once_later() -> None:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="redis-"))
        with redis_server(Path(folder)) as url:
            store = await stack.enter_async_context(opened(open_store(url)))
            change = a_change(events=(an_event(),))
            await store.commit(change)
            await kill_redis(url)

            with pytest.raises(StoreUnavailable):
                await store.commit(change)
            with pytest.raises(StoreUnavailable):
                await store.approval(KEY)

        with redis_server(Path(folder)):
            await store.commit(change)
            assert len(await store.history(KEY)) == 1


async def test_who_raises_a_hint_too_far_sees_it_and_lowers_it_again(redis: Store) -> None:
    assert isinstance(redis, RedisStore)
    await redis.lease([Lane.CARD], limit=1, now=NOON, until=NOON + MINUTE)  # sweeps; not again
    await redis.commit(jobs_change(a_job()))

    # As one who looked before that commit, and found nothing.
    await redis._queue._correct(Lane.CARD, {SCOPE: ""})

    assert len(await redis.lease([Lane.CARD], limit=1, now=NOON, until=NOON + MINUTE)) == 1


async def test_a_job_whose_hint_was_never_written_is_found_by_the_sweep(
    redis: Store, client: Redis, redis_url: str
) -> None:
    for number in range(250):
        await redis.commit(jobs_change(a_job(), scope=f"t:{number}"))
    await client.delete(*[f"approvals:{{{HOUSE}}}:hints:{lane.value}" for lane in Lane])
    async with opened(open_store(redis_url)) as started:
        found: set[str] = set()
        for _ in range(10):  # each lease sweeps a page
            leased = await started.lease([Lane.CARD], limit=300, now=NOON, until=NOON + MINUTE)
            found |= {one.lease.scope for one in leased}

        assert len(found) == 250
