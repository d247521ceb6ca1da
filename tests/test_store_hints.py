"""What a store that cannot be used says to an operator: in its own words, and what to do."""

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from approvals_core.adapters.redis_store.hints import with_hint
from approvals_core.adapters.stores import open_store
from approvals_core.errors import StoreUnavailable
from approvals_core.models import Change
from tests.failing import asked_for
from tests.opened import opened
from tests.redis_server import redis_server
from tests.running import Running
from tests.store_makers import a_change


async def test_a_full_redis_names_what_to_raise(tmp_path: Path) -> None:
    with redis_server(tmp_path) as url:
        async with opened(open_store(url)) as store:
            async with Redis.from_url(url) as client:
                await client.config_set("maxmemory", 1)

            with pytest.raises(StoreUnavailable, match="raise its maxmemory"):
                await store.commit(a_change())


@pytest.mark.parametrize("password", ["", ":wrong@"])
async def test_a_redis_with_a_password_says_where_it_goes(tmp_path: Path, password: str) -> None:
    with redis_server(tmp_path) as url:
        async with Redis.from_url(url) as client:
            await client.config_set("requirepass", "right")
        given = url.replace("unix://", f"unix://{password}")

        with pytest.raises(StoreUnavailable, match="redis://:PASSWORD@HOST:PORT/DB"):
            await open_store(given)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("Timeout connecting to server", "speak TLS"),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "speak TLS"),
        ("Error 111 connecting to 10.0.0.5:6379. Connection refused.", "HOST:PORT"),
        ("MISCONF Errors writing to the AOF file: No space left on device", "make room"),
    ],
)
def test_what_redis_says_comes_with_what_to_do(words: str, hint: str) -> None:
    assert with_hint(words).startswith(words.rstrip("."))
    assert hint in with_hint(words)


def test_what_we_do_not_know_is_told_as_it_is() -> None:
    assert with_hint("something new.") == "something new."


async def test_a_full_disk_under_sqlite_names_what_to_do(tmp_path: Path) -> None:
    async with opened(open_store(f"sqlite:///{tmp_path}/store.db")) as store:
        inside: Any = store
        # As many pages as it has: it is full.
        inside._writer._connection.execute("PRAGMA max_page_count=1")

        with pytest.raises(StoreUnavailable, match="make room"):
            await store.commit(a_change(bodies={"details": "x" * 1_000_000}))


async def test_a_service_whose_store_takes_no_writes_is_not_ready_until_it_does_again(
    running: Running,
) -> None:
    assert (await asked_for(running, "/readyz"))[0] == 200
    store: Any = running.house.store
    kept = store.commit

    async def full(_change: Change) -> None:
        raise StoreUnavailable("full")

    store.commit = full
    await running.house.writers.beat()
    status, said = await asked_for(running, "/readyz")
    store.commit = kept
    await running.house.writers.beat()
    later = await asked_for(running, "/readyz")

    assert (status, said["ready"]) == (503, False)
    assert "not taken" in said["store"]
    assert later[0] == 200
