"""What left the store for the archive leaves behind up to when it was heard of: exactly that is old."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from approvals_core.adapters.stores import open_store
from approvals_core.arx.times import ticks_of
from approvals_core.keeping.archiving import LEARNED
from approvals_core.keeping.copying import Copying, End
from approvals_core.keeping.leaving import WRITING
from approvals_core.models import Change, Disposition, PlaceState
from approvals_core.models.held import Held, Kind
from approvals_core.ports import Store
from approvals_core.tenant import Limits, Tenant
from tests.archives import an_archive, in_archive
from tests.makers import KEY, MARIA, START, Core, a_tenant, create, delete, done_by, update
from tests.opened import opened

DAY = 24 * 3600.0  # seconds
SCOPE = KEY.scope
LONG_AFTER = 60 * 24 * 402  # minutes: when the tenant's next request of this document is made


async def archived(store: Store, tmp_path: Path, **more: Any) -> Core:
    """A request that was created at 0 and deleted at 3 minutes, and is in the archive."""
    core = Core(store, archive=an_archive(tmp_path), **more)
    await core.open(create("johndoe1"))
    await core.click(MARIA, comment="Within budget")
    await core.receive(delete("johndoe1", at=3))
    await to_archive(core)
    assert await store.approval(KEY) is None
    return core


def ticks(minutes: float) -> int:
    return ticks_of(START + timedelta(minutes=minutes))


def archive_of(core: Core) -> Any:
    """The archive that the core was given."""
    return core.archive


async def to_archive(core: Core) -> None:
    await core.pass_time(400 * DAY)
    await core.worker.sweep()
    await core.pass_time(1.5 * DAY)


def keeping(days: int) -> Tenant:
    return a_tenant(limits=Limits(keep_closed=days))


# -- what comes too late -------------------------------------------------------------


@pytest.mark.parametrize("how", ["keep_closed is longer by now", "a process without the folder"])
async def test_whatever_the_settings_nobody_is_asked_again(
    store: Store, tmp_path: Path, how: str
) -> None:
    core = await archived(store, tmp_path)
    archive = core.archive if "keep_closed" in how else None
    later = Core(store, archive=archive, clock=core.clock, tenant=keeping(1000))

    late = await later.receive(create("johndoe1", at=1, nonce="again"))
    await later.work()

    assert late.disposition is Disposition.SUPERSEDED
    assert later.channel.of(MARIA) == []


@pytest.mark.parametrize(("keep_closed", "seconds"), [(1, 5), (2, 25 * 3600), (3, 49 * 3600)])
async def test_a_new_document_is_news_however_short_closed_ones_are_kept(
    store: Store, tmp_path: Path, keep_closed: int, seconds: float
) -> None:
    core = Core(store, archive=an_archive(tmp_path), tenant=keeping(keep_closed))
    core.clock.advance(seconds)

    taken = await core.receive(create("johndoe1", at=0))
    await core.work()

    assert taken.disposition is Disposition.APPLIED
    assert len(core.channel.of(MARIA)) == 1


@pytest.mark.parametrize(("at", "told"), [(3, Disposition.SUPERSEDED), (3.1, Disposition.APPLIED)])
async def test_the_newest_that_was_heard_of_is_where_it_ends(
    store: Store, tmp_path: Path, at: float, told: Disposition
) -> None:
    core = await archived(store, tmp_path)

    assert (await core.receive(create("johndoe2", at=at))).disposition is told


async def test_what_is_late_asks_nobody_in_the_next_request_either(
    store: Store, tmp_path: Path
) -> None:
    core = await archived(store, tmp_path)
    await core.receive(create("johndoe1", at=LONG_AFTER))
    await core.work()

    late = await core.receive(update("johndoe2", at=2))

    assert late.disposition is Disposition.SUPERSEDED
    assert len((await core.approval()).places) == 1
    assert await core.state(MARIA) is PlaceState.PENDING


async def test_nor_does_what_was_done_long_ago_stand_on_its_card(
    store: Store, tmp_path: Path
) -> None:
    core = await archived(store, tmp_path)
    await core.receive(create("johndoe1", at=LONG_AFTER))

    await core.receive(delete("johndoe1", at=2, action=done_by("johndoe1", comment="Fine")))

    assert (await core.approval()).taken == ()


async def test_nor_after_a_next_request_that_said_no_time(store: Store, tmp_path: Path) -> None:
    core = await archived(store, tmp_path)
    await core.receive(create("johndoe1").model_copy(update={"ticks": None}))
    await core.work()

    late = await core.receive(delete("johndoe1", at=2))

    assert late.disposition is Disposition.SUPERSEDED
    assert await core.state(MARIA) is PlaceState.PENDING


# -- what stays in the store ----------------------------------------------------------


async def test_it_says_up_to_when_and_nothing_else(store: Store, tmp_path: Path) -> None:
    await archived(store, tmp_path)

    names = await store.holdings.names(SCOPE, Kind.TOMBSTONE, limit=9)
    (left,) = await store.holdings.read(SCOPE, Kind.TOMBSTONE, names.names)

    assert left == store.holdings.tombstone(KEY, ticks(3))
    assert left.values == (str(ticks(3)),)
    assert await store.holdings.archived_to(KEY) == ticks(3)
    assert await store.holdings.archived_to(KEY._replace(number="other")) == 0


async def test_it_never_goes_back(store: Store, tmp_path: Path) -> None:
    core = await archived(store, tmp_path)
    await core.receive(create("johndoe1", at=1, nonce="late"))  # a record of nothing but that
    await to_archive(core)

    assert await store.approval(KEY) is None
    assert await store.holdings.archived_to(KEY) == ticks(3)


async def test_it_goes_on_with_the_next_request(store: Store, tmp_path: Path) -> None:
    core = await archived(store, tmp_path)
    await core.receive(create("johndoe1", at=LONG_AFTER))
    await core.receive(delete("johndoe1", at=LONG_AFTER + 1))
    await to_archive(core)

    assert await store.approval(KEY) is None
    assert await store.holdings.archived_to(KEY) == ticks(LONG_AFTER + 1)


async def test_it_is_written_where_a_file_was_but_nothing_was_taken_away(
    store: Store, tmp_path: Path
) -> None:
    core = Core(store, archive=an_archive(tmp_path))
    await core.open(create("johndoe1"))
    await core.receive(delete("johndoe1", at=3))
    archive_of(core).dies.append("after")
    await to_archive(core)
    await core.pass_time(3600)

    assert await store.approval(KEY) is None
    assert await store.holdings.archived_to(KEY) == ticks(3)


async def test_what_an_older_program_archived_is_learned(store: Store, tmp_path: Path) -> None:
    core = await archived(store, tmp_path)
    (name,) = await archive_of(core).names()
    lines = await archive_of(core).read(name)
    await forget_all(store)

    await core.worker.sweep()
    await core.work()  # at once, not the next night

    assert await store.holdings.archived_to(KEY) == ticks(3)
    (known,) = await store.holdings.read(SCOPE, Kind.ARCHIVE_FILE, [name])
    assert str(known.values[0]).startswith("1:")
    assert await archive_of(core).read(name) == lines


async def test_one_file_that_nobody_can_read_keeps_nothing_from_being_archived(
    store: Store, tmp_path: Path
) -> None:
    core = await archived(store, tmp_path)
    (name,) = await archive_of(core).names()
    await forget_all(store)
    folder = tmp_path / "archive" / "pr"
    (folder / "2020-01-a.jsonl.gz").write_bytes(b"no gzip")
    await archive_of(core).write("pr/2020-01-b", ["{}"])

    await core.worker.sweep()
    await core.work()

    assert await store.holdings.archived_to(KEY) == ticks(3)
    known = await store.holdings.names(SCOPE, Kind.ARCHIVE_FILE, limit=9)
    assert known.names == (name,)
    assert await store.dead_letters(SCOPE) == []


async def test_what_a_crash_of_an_older_program_left_gets_one(store: Store, tmp_path: Path) -> None:
    core = await archived(store, tmp_path)
    (name,) = await archive_of(core).names()
    await forget_all(store)
    await store.commit(Change(id="begun", scope=SCOPE, notes={WRITING: name}))

    await core.worker.sweep()
    await core.pass_time(1.5 * DAY)

    assert await store.holdings.archived_to(KEY) == ticks(3)
    assert WRITING not in await store.notes(SCOPE)


async def forget_all(store: Store) -> None:
    for kind in (Kind.TOMBSTONE, Kind.ARCHIVE_FILE):
        names = await store.holdings.names(SCOPE, kind, limit=9)
        await store.holdings.remove(SCOPE, kind, names.names)
    await store.commit(Change(id="old", scope=SCOPE, notes={LEARNED: None}))
    assert await store.holdings.archived_to(KEY) == 0


async def test_a_copy_of_the_store_has_it(store: Store, tmp_path: Path) -> None:
    core = await archived(store, tmp_path)
    async with opened(open_store(f"sqlite:///{tmp_path}/other.db")) as other:
        copied = await Copying(End(store, "here"), End(other, "there"), now=core.clock.now).run()

        assert copied.counts[Kind.TOMBSTONE] == 1
        assert await other.holdings.archived_to(KEY) == ticks(3)


# -- the store's own part --------------------------------------------------------------


async def test_both_kinds_are_written_read_paged_and_taken_away(store: Store) -> None:
    held = [
        Held(kind, f"{kind} {number}", ("7",))
        for kind in (Kind.TOMBSTONE, Kind.ARCHIVE_FILE)
        for number in range(3)
    ]
    await store.holdings.write(SCOPE, held=held)
    await store.holdings.write(SCOPE, held=[held[0]._replace(values=("8",))])

    assert await store.holdings.counts(SCOPE) == {"tombstone": 3, "archive file": 3}
    (first,) = await store.holdings.read(SCOPE, Kind.TOMBSTONE, ["tombstone 0", "absent"])
    assert first.values == ("8",)
    await store.holdings.remove(SCOPE, Kind.ARCHIVE_FILE, ["archive file 1"])
    left = await store.holdings.names(SCOPE, Kind.ARCHIVE_FILE, limit=9)
    assert sorted(left.names) == ["archive file 0", "archive file 2"]
    await store.holdings.forget(SCOPE)
    assert await store.holdings.counts(SCOPE) == {}


async def test_a_name_is_as_it_was_given(store: Store) -> None:
    odd = KEY._replace(number="a\x1fb|:{\x1e}", year="\n")
    await store.holdings.write(SCOPE, held=[store.holdings.tombstone(odd, 5)])

    assert await store.holdings.archived_to(odd) == 5
    assert await store.holdings.archived_to(KEY._replace(number="a", year="b|:{\x1e}")) == 0


async def test_all_of_the_archive_is_where_it_was(store: Store, tmp_path: Path) -> None:
    core = await archived(store, tmp_path)

    (line,) = await in_archive(archive_of(core))

    assert line.approval.newest == ticks(3)
    assert line.archived_at > START + timedelta(days=400)
