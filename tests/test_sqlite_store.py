"""What only the store in a file has to withstand: full disks, locks, and other programs' files."""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from approvals_core.adapters.sqlite_store import open_sqlite
from approvals_core.adapters.stores import open_store
from approvals_core.errors import StoreClosed, StoreRefused, StoreUnavailable, VersionConflict
from approvals_core.models import OPEN, Change, Disposition
from approvals_core.models.marks import MOVED
from approvals_core.ports import Store
from tests.opened import opened
from tests.store_makers import (
    KEY,
    SCOPE,
    a_change,
    a_payload,
    an_approval,
    an_event,
    numbered,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "store.db"


@pytest.fixture
async def sqlite(path: Path) -> AsyncIterator[Store]:
    async with opened(open_sqlite(path, busy_timeout=0.05)) as store:
        yield store


def big_change(number: int) -> Change:
    return a_change(numbered(str(number)), bodies={"big": "x" * 400_000}, events=(an_event(),))


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def size(path: Path) -> int:
    return path.stat().st_size


@contextmanager
def no_file_may_grow(folder: Path) -> Iterator[None]:
    """Let every write behind the end of the longest file fail: so does a full disk."""
    longest = max(file.stat().st_size for file in folder.iterdir())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (longest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_change_too_big_for_the_disk_fails_alone(path: Path) -> None:
    async with opened(open_sqlite(path, max_pages=100)) as store:
        await store.commit(a_change(numbered("before")))
        changes = [a_change(numbered("1")), big_change(2), a_change(numbered("3")), big_change(4)]

        outcomes = await asyncio.gather(*map(store.commit, changes), return_exceptions=True)
        await store.commit(a_change(numbered("after")))

        assert [type(outcome) for outcome in outcomes[1::2]] == [StoreUnavailable] * 2
        assert outcomes[::2] == [None, None]
        assert await store.count(SCOPE, OPEN) == 4
        assert list(await store.history(KEY._replace(number="2"))) == []


async def test_what_comes_behind_a_mark_in_the_same_transaction_is_refused(sqlite: Store) -> None:
    before, _mark, behind = await asyncio.gather(
        sqlite.commit(a_change(numbered("before"))),
        sqlite.holdings.mark(MOVED, "elsewhere"),
        sqlite.commit(a_change(numbered("behind"))),
        return_exceptions=True,
    )

    assert before is None
    assert isinstance(behind, StoreClosed)


async def test_a_commit_that_cannot_reach_the_disk_fails_all_and_the_next_works(
    sqlite: Store, path: Path
) -> None:
    await sqlite.commit(a_change(numbered("before")))
    big, conflicting = big_change(1), a_change(numbered("1"), id="loser")

    with no_file_may_grow(path.parent):
        outcomes = await asyncio.gather(
            sqlite.commit(big), sqlite.commit(conflicting), return_exceptions=True
        )

    # The second lost against something that is not there: nobody may hear of a conflict.
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2
    assert await sqlite.approval(KEY._replace(number="1")) is None
    await sqlite.commit(big)
    with pytest.raises(VersionConflict):
        await sqlite.commit(conflicting)
    assert await sqlite.count(SCOPE, OPEN) == 2


async def test_a_file_locked_too_long_is_unavailable_and_the_next_commit_works(
    sqlite: Store, path: Path
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable):
        await sqlite.commit(a_change())
    other.execute("ROLLBACK")
    other.close()

    await sqlite.commit(a_change())
    assert await sqlite.approval(KEY) == an_approval()


async def test_reads_do_not_wait_for_a_writer(sqlite: Store, path: Path) -> None:
    await sqlite.commit(a_change())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("DELETE FROM approvals")

    assert await sqlite.approval(KEY) == an_approval()
    assert await sqlite.count(SCOPE, OPEN) == 1
    other.execute("ROLLBACK")
    other.close()


async def test_what_was_committed_moves_into_the_file_in_the_background(
    sqlite: Store, path: Path
) -> None:
    before = size(path)
    await sqlite.commit(big_change(1))

    async with asyncio.timeout(30):
        while size(path) < before + 300_000:  # noqa: ASYNC110 - SQLite tells nobody
            await asyncio.sleep(0.05)


async def test_only_its_owner_may_read_the_file(sqlite: Store, path: Path) -> None:
    await sqlite.commit(a_change())

    files = files_in(path.parent)
    assert len(files) == 3
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


async def test_many_may_make_the_same_new_file_at_once(path: Path) -> None:
    stores = await asyncio.gather(*(open_sqlite(path) for _ in range(6)))

    commits = (store.commit(a_change(numbered(str(n)))) for n, store in enumerate(stores))
    await asyncio.gather(*commits)

    assert await stores[0].count(SCOPE, OPEN) == 6
    for store in stores:
        await store.close()


async def test_what_is_there_is_there_after_opening_again(path: Path) -> None:
    async with opened(open_sqlite(path)) as store:
        await store.commit(a_change())

    async with opened(open_sqlite(path)) as store:
        assert await store.approval(KEY) == an_approval()


async def test_a_file_of_a_newer_program_is_refused(sqlite: Store, path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("UPDATE about SET value = '2' WHERE name = 'schema'")
    other.commit()
    other.close()

    with pytest.raises(StoreRefused, match="schema 2"):
        await open_sqlite(path)


async def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE recipes (name)")
    other.close()

    with pytest.raises(StoreRefused, match="something else"):
        await open_sqlite(path)


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ann, " * 1000)

    with pytest.raises(StoreUnavailable):
        await open_sqlite(path)


async def test_the_url_says_which_store_and_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    for url in ("sqlite:///near.db", f"sqlite:///{tmp_path}/far.db"):
        store = await open_store(url)
        await store.close()

    assert {file.name for file in files_in(tmp_path)} == {"far.db", "near.db"}
    for url in ("", "sqlite:store.db", "postgres://x"):
        with pytest.raises(StoreRefused, match="must be sqlite"):
            await open_store(url)


async def test_a_closed_store_is_unavailable(path: Path) -> None:
    async with opened(open_sqlite(path)) as store:
        under_way = asyncio.ensure_future(store.commit(a_change()))
        await asyncio.sleep(0)

    assert await under_way is None
    with pytest.raises(StoreUnavailable):
        await store.commit(a_change(an_approval(version=2), id="2"))


def test_a_loop_that_ends_leaves_nobody_waiting_and_nothing_torn(path: Path) -> None:
    async def leave_in_the_middle() -> Store:
        store = await open_sqlite(path)
        asyncio.ensure_future(store.commit(a_change(bodies={"a": "b"})))  # noqa: RUF006
        await asyncio.sleep(0.001)
        return store

    async def close_and_look(left: Store) -> bool:
        await left.close()
        async with opened(open_sqlite(path)) as store:
            approval, bodies = await store.approval(KEY), await store.bodies(KEY)
        return (approval is None) == (bodies == {})

    left = asyncio.run(leave_in_the_middle())

    assert asyncio.run(close_and_look(left))


async def test_a_file_made_before_a_table_came_gets_it(path: Path) -> None:
    async with opened(open_sqlite(path)) as first:
        await first.commit(a_change())
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DROP TABLE late_payloads")
        file.execute("DROP TABLE notes")

    async with opened(open_sqlite(path)) as second:
        late = a_payload(disposition=Disposition.SUPERSEDED)
        await second.commit(
            a_change(an_approval(version=2), id="2", payload=late, notes={"a": "1"})
        )
        page = await second.late_payloads(SCOPE, limit=9)
        notes = await second.notes(SCOPE)

    assert page.payloads == (late,)
    assert notes == {"a": "1"}
