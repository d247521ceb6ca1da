"""A store is copied between one server, a cluster, and whatever sentinels lead to."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from approvals_core.adapters.stores import open_store, place_of
from approvals_core.errors import StoreRefused
from approvals_core.keeping.writers import refuse_closed
from approvals_core.models import Lane
from bots.cli.moving import copy_store, reopen_store
from tests.makers import KEY, MARIA, START, Core, create, delete, done_by
from tests.opened import opened
from tests.redis_group import (
    Running,
    cluster,
    cluster_url,
    empty,
    replicated,
    sentinel,
    wait_until,
)
from tests.store_leases import keys, leased
from tests.store_makers import NOON, a_job, jobs_change
from tests.test_copying import ISSUERS, a_story
from tests.test_store_holdings import everything

LATER = START + timedelta(days=1)  # no process that wrote before is alive still
PEOPLE = 40  # scopes of their own, on all servers of a cluster


@pytest.fixture(scope="module")
def members() -> Iterator[list[Running]]:
    """Three servers that share the slots."""
    with TemporaryDirectory(prefix="redis-") as folder, cluster(Path(folder)) as running:
        yield running


@pytest.fixture(scope="module")
def watched() -> Iterator[tuple[list[Running], str]]:
    """A primary with a replica, and the address of the sentinel that watches them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="redis-")))
        pair = stack.enter_context(replicated(folder))
        asked = stack.enter_context(sentinel(folder / "sentinel", pair[0], "approvals"))
        wait_until(lambda: asked.ask("SENTINEL", "REPLICAS", "approvals"))
        yield (
            pair,
            f"redis+sentinel://127.0.0.1:1,{asked.name}/approvals?wait_replicas=1&wait_ms=4000",
        )


@pytest.fixture
def urls(
    members: list[Running], watched: tuple[list[Running], str], tmp_path: Path
) -> dict[str, str]:
    """Where empty stores are, by kind."""
    pair, sentinels = watched
    on_cluster = cluster_url(members)
    empty(on_cluster)
    pair[0].ask("FLUSHALL")
    return {
        "sqlite": f"sqlite:///{tmp_path}/store.db",
        "cluster": on_cluster,
        "sentinels": sentinels,
    }


WAYS = [
    ("sqlite", "cluster"),
    ("cluster", "sqlite"),
    ("sqlite", "sentinels"),
    ("sentinels", "sqlite"),
    ("cluster", "sentinels"),
    ("sentinels", "cluster"),
]


@pytest.mark.parametrize(("source", "target"), WAYS)
async def test_a_copy_answers_every_question_alike_whatever_lies_between(
    urls: dict[str, str], source: str, target: str
) -> None:
    said: list[str] = []
    async with opened(open_store(urls[source])) as store:
        await store.stamp(ISSUERS)
        await a_story(store)
        for number in range(PEOPLE):  # work of many scopes, so that each server has some
            await store.commit(jobs_change(a_job(), scope=f"p:d/{number}", id=f"{number}"))
        before, scopes = await everything(store), set(await store.scopes())
        depth = await store.depth(NOON)

    done = await copy_store(urls[source], urls[target], said.append, now=lambda: LATER)

    assert done, said
    async with opened(open_store(urls[target])) as store:
        assert await everything(store) == before
        assert set(await store.scopes()) == scopes
        assert await store.depth(NOON) == depth
        found = await leased(store, Lane.CARD, limit=PEOPLE + 10)
        assert keys(found).count("job") >= PEOPLE
    async with opened(open_store(urls[source])) as store:
        with pytest.raises(StoreRefused, match="closed for a copy"):
            refuse_closed(await store.holdings.about())


@pytest.mark.parametrize("target", ["cluster", "sentinels"])
async def test_a_service_goes_on_in_the_copy(urls: dict[str, str], target: str) -> None:
    async with opened(open_store(urls["sqlite"])) as store:
        core = Core(store)
        await core.open(create("johndoe1", "johndoe2"))
        await core.click(MARIA)

    assert await copy_store(urls["sqlite"], urls[target], print, now=lambda: LATER)

    async with opened(open_store(urls[target])) as store:
        moved = Core(store, clock=core.clock)
        await moved.receive(delete("johndoe1", "johndoe2", action=done_by("johndoe1")))
        await moved.pass_time(2 * 3600)
        assert not (await moved.approval()).open
        assert await store.body_names(KEY) == []


@pytest.mark.parametrize("kind", ["cluster", "sentinels"])
async def test_what_is_there_already_is_left_alone_and_no_store_is_copied_onto_itself(
    urls: dict[str, str], kind: str
) -> None:
    said: list[str] = []
    async with opened(open_store(urls[kind])) as store:
        await a_story(store)
        before = await everything(store)

    onto_it = await copy_store(urls["sqlite"], urls[kind], said.append, now=lambda: LATER)
    onto_itself = await copy_store(urls[kind], urls[kind], said.append, now=lambda: LATER)

    assert not onto_it
    assert not onto_itself
    async with opened(open_store(urls[kind])) as store:
        assert await everything(store) == before
    assert not await reopen_store(urls[kind], said.append)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("sqlite:////var/lib/store.db", "/var/lib/store.db"),
        ("redis://me:secret@one:1/2?ssl_ca_certs=file", "one:1/2"),
        ("redis+cluster://:secret@one:1,two:2", "one:1,two:2"),
        ("redis+sentinel://me:se@cret@one,two/name?sentinel_password=se@cret", "one,two/name"),
        ("redis+sentinel://one,two/name/0?sentinel_password=a@secret", "one,two/name/0"),
    ],
)
def test_where_a_store_is_says_no_password(url: str, place: str) -> None:
    assert place_of(url).endswith(place)
    assert "secret" not in place_of(url)
    assert "cret" not in place_of(url)
