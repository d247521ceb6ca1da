"""Nothing is written to a store that was closed, emptied, or exchanged beneath a running process."""

import json
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis.asyncio import Redis

from approvals_core.adapters.stores import open_store
from approvals_core.errors import StoreClosed, StoreUnavailable
from approvals_core.models import Lane
from approvals_core.models.held import Whole
from approvals_core.models.marks import ARRIVING, ID, MOVED
from approvals_core.ports import Store
from playground.outside import Playground
from tests.failing import asked_for
from tests.logged import Log
from tests.opened import opened
from tests.redis_server import redis_server
from tests.running import run_service
from tests.store_makers import (
    KEY,
    MINUTE,
    NOON,
    SCOPE,
    a_change,
    a_job,
    a_lease,
    an_approval,
    jobs_change,
)
from tests.test_store_holdings import one_document

NEXT = {"approval": an_approval(version=2), "id": "second"}


async def made(store: Store) -> None:
    """One request, a job that somebody has, and one that is due."""
    await store.commit(a_change())
    await store.commit(jobs_change(a_job("held"), a_job("due"), id="jobs"))


async def hands_out(store: Store) -> object:
    return await store.lease(tuple(Lane), limit=9, now=NOON, until=NOON + MINUTE)


Write = Callable[[Store], Awaitable[object]]
WRITES: dict[str, Write] = {
    "commit": lambda store: store.commit(a_change(**NEXT)),
    "lease": hands_out,
    "renew": lambda store: store.renew(a_lease("held"), until=NOON + 2 * MINUTE),
    "finish": lambda store: store.finish(a_lease("held")),
    "retry": lambda store: store.retry(a_lease("held"), due=NOON, failed=False),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("mark", [MOVED, ARRIVING])
async def test_a_closed_store_takes_nothing_until_it_is_opened_again(
    store: Store, mark: str, write: str
) -> None:
    await made(store)
    before = await store.jobs(SCOPE, limit=9)
    await store.holdings.mark(mark, "elsewhere")

    with pytest.raises(StoreClosed, match="elsewhere"):
        await WRITES[write](store)
    after = await store.jobs(SCOPE, limit=9)
    await store.holdings.mark(mark, None)

    assert after == before
    await store.commit(a_change(**NEXT))


async def test_nothing_in_a_closed_store_is_erased_or_archived(store: Store) -> None:
    await store.commit(a_change())
    whole = Whole(await one_document(store))
    await store.holdings.mark(MOVED, "elsewhere")

    with pytest.raises(StoreClosed):
        await store.holdings.swap(SCOPE, whole, None)

    assert await store.approval(KEY) is not None


async def test_a_mark_is_replaced_by_one_of_two_who_saw_the_same(store: Store) -> None:
    first = await store.holdings.replace_mark(ARRIVING, None, "one")
    second = await store.holdings.replace_mark(ARRIVING, None, "another")
    by_other = await store.holdings.replace_mark(ARRIVING, "another", None)
    during = (await store.holdings.about())[ARRIVING]
    by_owner = await store.holdings.replace_mark(ARRIVING, "one", None)

    assert (first, second, by_other, during, by_owner) == (True, False, False, "one", True)
    assert ARRIVING not in await store.holdings.about()


async def test_a_store_has_one_id_for_all_who_open_it(store: Store, store_url: str) -> None:
    async with opened(open_store(store_url)) as again:
        ids = [(await each.holdings.about())[ID] for each in (store, again)]

    assert ids[0] == ids[1] != ""


# -- Redis ------------------------------------------------------------------------


async def test_a_redis_that_was_emptied_takes_nothing(redis_url: str, log: Log) -> None:
    async with opened(open_store(redis_url)) as store:
        await store.commit(a_change())
        async with Redis.from_url(redis_url) as client:
            await client.flushall()

            with pytest.raises(StoreClosed, match="not the store that was opened"):
                await store.commit(a_change(an_approval(), id="anew"))
            with pytest.raises(StoreClosed, match="emptied"):
                await store.holdings.about()
            left = await client.keys("*approval*REQ*")

    assert left == []
    assert len(log.of("other_store")) == 1


def put_aside(folder: Path) -> list[Path]:
    """Take away what a server kept in *folder*; return what it was."""
    kept = [each for each in folder.iterdir() if each.is_dir()]
    for each in kept:
        each.rename(folder / f"aside-{each.name}")
    return kept


def put_back(folder: Path, kept: list[Path]) -> None:
    for each in kept:
        shutil.rmtree(each, ignore_errors=True)
        (folder / f"aside-{each.name}").rename(each)


async def answered(ask: Callable[[], Awaitable[object]]) -> object:
    """Ask again while a connection breaks that was made before."""
    for _ in range(9):
        try:
            return await ask()
        except StoreClosed:
            raise
        except StoreUnavailable:
            continue
    raise AssertionError("it is not answered at all")


async def test_an_empty_redis_in_the_place_of_ours_is_given_nothing() -> None:
    async with AsyncExitStack() as stack:
        name = stack.enter_context(TemporaryDirectory(prefix="redis-"))
        folder = Path(name)
        with redis_server(folder) as url:
            store = await stack.enter_async_context(opened(open_store(url)))
            await store.commit(a_change())
        kept = put_aside(folder)
        with redis_server(folder) as url:
            with pytest.raises(StoreClosed):
                await answered(lambda: store.commit(a_change(**NEXT)))
            with pytest.raises(StoreClosed):
                await answered(lambda: store.approval(KEY))
            async with Redis.from_url(url) as client:
                written = await client.dbsize()
        put_back(folder, kept)
        with redis_server(folder):
            await answered(lambda: store.commit(a_change(**NEXT)))
            back = await answered(lambda: store.approval(KEY))

    assert kept
    assert written == 0
    assert back == NEXT["approval"]


# -- SQLite -----------------------------------------------------------------------


def deleted(file: Path) -> None:
    file.unlink()


def replaced(file: Path) -> None:
    other = file.with_name("other")
    shutil.copyfile(file, other)
    other.replace(file)


def log_deleted(file: Path) -> None:
    file.with_name(f"{file.name}-wal").unlink()


@pytest.mark.parametrize("spoil", [deleted, replaced, log_deleted])
async def test_a_file_that_is_not_ours_any_more_takes_nothing(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    file = tmp_path / "store.db"
    async with opened(open_store(f"sqlite:///{file}")) as store:
        await store.commit(a_change())

        spoil(file)

        with pytest.raises(StoreClosed, match="deleted or replaced"):
            await store.commit(a_change(**NEXT))
        with pytest.raises(StoreClosed):
            await store.holdings.about()


async def test_a_file_that_was_moved_and_put_back_is_as_it_was(tmp_path: Path) -> None:
    async with opened(open_store(f"sqlite:///{tmp_path}/store.db")) as store:
        await store.commit(a_change())
        aside = tmp_path / "aside"
        aside.mkdir()

        moved("store.db*", tmp_path, aside)
        with pytest.raises(StoreClosed):
            await store.commit(a_change(**NEXT))
        moved("store.db*", aside, tmp_path)
        back = await store.approval(KEY)
        await store.commit(a_change(**NEXT))

    assert back == an_approval()


def moved(names: str, there: Path, here: Path) -> None:
    for each in there.glob(names):
        each.rename(here / each.name)


async def test_what_was_committed_while_the_file_was_deleted_is_not_acknowledged(
    tmp_path: Path,
) -> None:
    file = tmp_path / "store.db"
    async with opened(open_store(f"sqlite:///{file}")) as store:
        await store.commit(a_change())

        class Deleting(dict[str, str]):
            """Notes that delete the file once they are written, before the commit."""

            def items(self):  # type: ignore[no-untyped-def]
                file.unlink(missing_ok=True)
                return super().items()

        change = a_change(**NEXT).model_copy(update={"notes": Deleting(a="b")})
        with pytest.raises(StoreClosed):
            await store.commit(change)


async def test_other_processes_may_come_and_go_at_a_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    async with opened(open_store(url)) as store:
        for number in range(3):
            async with opened(open_store(url)) as other:
                await other.commit(
                    a_change(an_approval(version=2 * number + 1), id=f"other{number}")
                )

            await store.commit(a_change(an_approval(version=2 * number + 2), id=f"own{number}"))
        found = await store.approval(KEY)

    assert found is not None
    assert found.version == 6


# -- a running service ------------------------------------------------------------


async def take_away(store_url: str) -> None:
    if store_url.startswith("sqlite"):
        deleted(Path(store_url.removeprefix("sqlite:///")))
        return
    async with Redis.from_url(store_url) as client:
        await client.flushall()


async def test_a_service_whose_store_was_taken_away_takes_nothing_and_says_why(
    playground: Playground, store_url: str, tmp_path: Path
) -> None:
    async with run_service(playground, store_url=store_url, folder=tmp_path) as running:
        await running.send("wiki-create")
        before = (await asked_for(running, "/readyz"))[0]

        await take_away(store_url)
        another = json.loads(playground.sample("wiki-create")) | {"PayloadId": "another"}
        sent = await playground.tenant.send(another)
        status, said = await asked_for(running, "/readyz")

    assert before == 200
    assert sent.status == 503
    assert (status, said["ready"]) == (503, False)
    assert "right" in said["store"]
