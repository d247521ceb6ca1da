"""The stores for the tests: a file of its own, an emptied Redis, or an emptied cluster, for each."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis import Redis

from approvals_core.adapters.stores import open_store
from approvals_core.ports import Store
from tests.redis_group import cluster, cluster_url, empty
from tests.redis_server import redis_server

__all__ = [
    "lasting_redis_url",
    "pytest_generate_tests",
    "redis_cluster_url",
    "redis_url",
    "store",
    "store_url",
]

KINDS = ("sqlite", "redis")
# What a store promises is shown on a cluster, too; all else needs to know only that it is kept.
ON_A_CLUSTER = (
    "test_store",
    "test_store_at_once",
    "test_store_budgets",
    "test_store_depth",
    "test_store_holdings",
    "test_store_jobs",
    "test_store_leasing",
    "test_store_lists",
    "test_store_queue",
    "test_store_room",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat what needs a store on each kind of it."""
    marks = metafunc.definition.iter_markers("parametrize")
    chosen = any("store_url" in mark.args[0] for mark in marks)  # by the test itself
    if "store_url" in metafunc.fixturenames and not chosen:
        promised = metafunc.definition.path.stem in ON_A_CLUSTER
        kinds = (*KINDS, "redis_cluster") if promised else KINDS
        metafunc.parametrize("store_url", kinds, indirect=True)


@pytest.fixture(scope="session")
def lasting_redis_url() -> Iterator[str]:
    """One server for all tests of this process: it holds what the last one left."""
    # Not below pytest's folder: the path of a socket may have only some 100 characters.
    with TemporaryDirectory(prefix="redis-") as folder, redis_server(Path(folder)) as url:
        yield url


@pytest.fixture
def redis_url(lasting_redis_url: str) -> str:
    """That server, emptied."""
    with Redis.from_url(lasting_redis_url) as client:
        client.flushall()
    return lasting_redis_url


@pytest.fixture(scope="session")
def redis_cluster_url() -> Iterator[str]:
    """One cluster of three for all tests of this process."""
    with TemporaryDirectory(prefix="redis-") as folder, cluster(Path(folder)) as running:
        yield cluster_url(running)


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    url: str = request.getfixturevalue(f"{request.param}_url")
    if request.param == "redis_cluster":
        empty(url)
    return url


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An empty store, of each kind in turn."""
    opened = await open_store(store_url)
    yield opened
    await opened.close()
