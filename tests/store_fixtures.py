"""Both stores for the tests: a file of its own, or an emptied Redis, for each."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis.asyncio import Redis

from approvals_core.adapters.stores import open_store
from approvals_core.ports import Store
from tests.redis_server import redis_server

__all__ = ["redis_url", "store", "store_url"]


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """One server for all tests of this process."""
    # Not below pytest's folder: the path of a socket may have only some 100 characters.
    with TemporaryDirectory(prefix="redis-") as folder, redis_server(Path(folder)) as url:
        yield url


@pytest.fixture(params=["sqlite", "redis"])
async def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    url: str = request.getfixturevalue("redis_url")
    async with Redis.from_url(url) as client:
        await client.flushall()
    return url


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An empty store, of each kind in turn."""
    opened = await open_store(store_url)
    yield opened
    await opened.close()
