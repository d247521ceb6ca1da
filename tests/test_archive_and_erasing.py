"""Archiving and erasing keep out of each other's way, and what either left half done is ended."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from approvals_core.adapters.archive import FolderArchive
from approvals_core.errors import ArchiveUnavailable, NotErased
from approvals_core.keeping.alone import ALIVE, Alone, erases
from approvals_core.keeping.archiving import ARCHIVE
from approvals_core.keeping.erasing import Erasing, Outcome
from approvals_core.keeping.erasing.known import ERASING
from approvals_core.keeping.leaving import WRITING, end_begun
from approvals_core.keeping.shelf import Shelf
from approvals_core.leases import LEASE
from approvals_core.models import (
    HOUSE,
    Change,
    EventKind,
    Lane,
    Receipt,
    ReceiptState,
)
from approvals_core.models.held import Kind
from approvals_core.ports import Archive, Store
from approvals_core.rules.archiving import fits
from approvals_core.rules.draft import Draft, chain_is_sound
from tests.archives import an_archive, in_archive
from tests.fakes import FlakyStore
from tests.makers import JONAS, KEY, MARIA, START, Core, create, delete, update

DAY = 24 * 3600.0  # seconds
SCOPE = KEY.scope


class Watched(FolderArchive):
    """An archive in which something happens before or after its first write."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.before: Callable[[], Awaitable[object]] | None = None
        self.after: Callable[[], Awaitable[object]] | None = None

    async def write(self, name: str, lines: Sequence[str]) -> None:
        hook, self.before = self.before, None
        if hook is not None:
            await hook()
        await super().write(name, lines)
        hook, self.after = self.after, None
        if hook is not None:
            await hook()


def folder_of(tmp_path: Path) -> Path:
    own = tmp_path / "archive"
    own.mkdir(exist_ok=True)
    return own


async def closed(store: Store, archive: Archive | None) -> Core:
    """A request that Maria decided and Jonas was asked about, due to be archived."""
    core = Core(store, archive=archive)
    await core.open(create("johndoe1", "johndoe2"))
    await core.click(MARIA, comment="My dog ate the budget")
    await core.receive(delete("johndoe1", "johndoe2", at=3))
    await core.pass_time(2 * 3600)
    await core.pass_time(400 * DAY)
    return core


async def archived(store: Store, archive: Archive) -> Core:
    core = await closed(store, archive)
    await nightly(core)
    assert len(await in_archive(archive)) == 1
    return core


def archive_of(core: Core) -> Any:
    """The archive that the core was given."""
    return core.archive


async def nightly(core: Core) -> None:
    await core.worker.sweep()
    await core.pass_time(1.5 * DAY)


async def erased(core: Core, person: Any = MARIA, *, archive: Any = "the same") -> Outcome:
    given = core.archive if archive == "the same" else archive
    erasing = Erasing(store=core.store, archive=given, now=core.clock.now, by="Olga")
    return await erasing.erase(str(person.id))


def is_in(person: Any, folder: Path) -> bool:
    """Tell whether any file there, finished or not, names somebody."""
    texts = [gzip.decompress(path.read_bytes()) for path in folder.rglob("*.gz*")]
    return any(person.name.encode() in text or person.object_id.encode() in text for text in texts)


# -- never both at once --------------------------------------------------------------


async def test_nobody_is_erased_while_a_batch_is_being_moved(store: Store, tmp_path: Path) -> None:
    archive = Watched(folder_of(tmp_path))
    core = await closed(store, archive)
    refused: list[str] = []

    async def erase() -> None:
        with pytest.raises(NotErased, match="moved to the archive just now") as found:
            await erased(core)
        refused.append(str(found.value))

    archive.before = erase
    await nightly(core)
    told = await erased(core)

    assert refused
    assert (len(told.requests), len(told.archived)) == (0, 1)
    assert not is_in(MARIA, folder_of(tmp_path))


async def test_nothing_is_moved_while_somebody_is_erased(store: Store, tmp_path: Path) -> None:
    core = await closed(store, an_archive(tmp_path))
    word = Alone(store, now=core.clock.now)
    await core.worker.sweep()
    core.clock.advance(1.5 * DAY)
    await word.begin()

    await core.work()
    meanwhile = await store.approval(KEY)
    await word.end()
    await core.pass_time(3600)

    assert meanwhile is not None
    assert await store.dead_letters(SCOPE) == []
    assert len(await in_archive(archive_of(core))) == 1


async def test_what_changes_while_it_is_written_goes_from_the_file_again(
    store: Store, tmp_path: Path
) -> None:
    archive = Watched(folder_of(tmp_path))
    core = await closed(store, archive)
    archive.after = lambda: core.receive(update("johndoe1", at=1, nonce="late"))

    await nightly(core)

    assert await store.approval(KEY) is not None
    assert await archive.names() == []
    assert await store.holdings.archived_to(KEY) == 0
    assert (await store.holdings.names(SCOPE, Kind.ARCHIVE_FILE, limit=9)).names == ()


async def test_so_it_does_when_the_process_died_in_between(store: Store, tmp_path: Path) -> None:
    core = await closed(store, an_archive(tmp_path))
    archive_of(core).dies.append("after")
    await nightly(core)
    await core.receive(update("johndoe1", at=1, nonce="late"))

    await core.pass_time(3600)

    assert await store.approval(KEY) is not None
    assert await archive_of(core).names() == []


async def test_what_somebody_else_took_away_meanwhile_stays_in_the_file(
    store: Store, tmp_path: Path
) -> None:
    archive = Watched(folder_of(tmp_path))
    core = await closed(store, archive)

    async def take_over() -> None:
        name = (await store.notes(SCOPE))[WRITING]
        await end_begun(store, archive, SCOPE)
        await store.commit(Change(id="again", scope=SCOPE, notes={WRITING: name}))

    archive.after = take_over
    await nightly(core)

    assert archive.after is None
    assert await store.approval(KEY) is None
    assert len(await in_archive(archive)) == 1


@pytest.mark.parametrize(("when", "heard"), [("before", True), ("before", False), ("after", True)])
async def test_who_was_held_up_and_is_not_noted_any_more_writes_nothing(
    store: Store, tmp_path: Path, when: str, *, heard: bool
) -> None:
    archive = Watched(folder_of(tmp_path))
    core = await closed(store, archive)

    async def end_it() -> None:
        await store.commit(Change(id="ended", scope=SCOPE, notes={WRITING: None}))
        if heard:
            await core.receive(update("johndoe1", at=1, nonce="late"))

    if when == "after":
        archive.after = end_it
    else:
        core.store = as_store(Ended(store, end_it))
        core.start()
    await nightly(core)

    assert await store.approval(KEY) is not None
    assert len(await archive.names()) == (1 if when == "after" else 0)


async def test_what_happens_to_a_request_while_it_is_read_keeps_it_here(
    store: Store, tmp_path: Path
) -> None:
    archive = an_archive(tmp_path)
    core = await closed(store, archive)

    async def something() -> None:
        await core.commits.change(KEY, lambda found, stamp: Draft(found, stamp).change())

    core.store = as_store(Ended(store, something))
    core.start()
    await nightly(core)

    assert await store.approval(KEY) is not None
    assert await archive.names() == []


async def test_who_lost_his_job_while_he_wrote_takes_nothing_away(
    store: Store, tmp_path: Path
) -> None:
    archive = Watched(folder_of(tmp_path))
    core = await closed(store, archive)

    async def another_has_it() -> None:
        core.clock.advance(LEASE + 1)
        now = core.clock.now()
        until = now + timedelta(seconds=LEASE)
        assert await store.lease((Lane.DIGEST,), limit=9, now=now, until=until)

    archive.after = another_has_it
    await nightly(core)

    assert archive.after is None
    assert await store.approval(KEY) is not None


class Reopened(FlakyStore):
    """A store where somebody asks again while a person is erased: once his names are known."""

    def __init__(self, store: Store, again: Callable[[], Awaitable[object]]) -> None:
        super().__init__(store)
        self._again = again
        self._known = False

    async def commit(self, change: Change) -> None:
        await self._store.commit(change)
        self._known = self._known or ERASING in change.notes

    async def approval(self, key: Any) -> Any:
        if self._known:
            self._known = False
            await self._again()
        return await self._store.approval(key)


async def test_who_is_asked_again_while_he_is_erased_stays_in_that_request(
    store: Store, tmp_path: Path
) -> None:
    core = await closed(store, an_archive(tmp_path))
    again = create("johndoe1", at=400 * 24 * 60, nonce="again")
    core.store = as_store(Reopened(store, lambda: core.approvals.receive(again, core.tenant)))

    await erased(core)

    approval = await core.approval()
    assert approval.open
    assert approval.place_of(MARIA.id) is not None


class Ended(FlakyStore):
    """A store where a batch is ended by somebody else while its payloads are read."""

    def __init__(self, store: Store, end: Callable[[], Awaitable[object]]) -> None:
        super().__init__(store)
        self._end: Callable[[], Awaitable[object]] | None = end

    async def receipts(self, key: Any) -> Any:
        if self._end is not None and WRITING in await self._store.notes(SCOPE):
            end, self._end = self._end, None
            await end()
        return await self._store.receipts(key)


# -- one at a time -------------------------------------------------------------------


async def test_two_people_are_not_erased_at_once(store: Store, tmp_path: Path) -> None:
    archive = Watched(folder_of(tmp_path))
    core = await archived(store, archive)

    async def erase() -> None:
        with pytest.raises(NotErased, match="one at a time"):
            await erased(core, JONAS)

    archive.before = erase
    await erased(core, MARIA)
    await erased(core, JONAS)

    assert archive.before is None
    assert not is_in(MARIA, folder_of(tmp_path))
    assert not is_in(JONAS, folder_of(tmp_path))
    (line,) = await in_archive(archive)
    assert chain_is_sound(line.events, head=line.approval.head)
    assert [each.kind for each in line.events].count(EventKind.ERASED) == 2


async def test_of_many_at_once_never_two_are_in(store: Store, tmp_path: Path) -> None:
    core = await archived(store, FolderArchive(folder_of(tmp_path)))

    people = (MARIA, JONAS, MARIA, JONAS)
    told = await asyncio.gather(*(erased(core, each) for each in people), return_exceptions=True)

    assert all(isinstance(each, Outcome | NotErased) for each in told)
    for person, each in zip(people, told, strict=True):
        assert isinstance(each, NotErased) or not is_in(person, folder_of(tmp_path))
    assert not await erases(store, core.clock.now())


async def test_one_that_was_killed_keeps_others_waiting_for_a_minute(
    store: Store, tmp_path: Path
) -> None:
    core = await archived(store, an_archive(tmp_path))
    await Alone(store, now=core.clock.now).begin()

    with pytest.raises(NotErased, match="in 60 seconds"):
        await erased(core)
    core.clock.advance(ALIVE.total_seconds())
    await erased(core)

    assert not is_in(MARIA, folder_of(tmp_path))
    assert not [name for name in await store.notes(HOUSE) if name.startswith("eraser/")]


async def test_one_that_was_held_up_writes_no_file_any_more(store: Store, tmp_path: Path) -> None:
    core = await archived(store, an_archive(tmp_path))
    word = Alone(store, now=core.clock.now)
    await word.begin()

    word.check()
    core.clock.advance(ALIVE.total_seconds())
    with pytest.raises(NotErased, match="held up"):
        word.check()
    await word.say()
    word.check()


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_whichever_of_two_a_crash_left_is_known(
    store: Store, tmp_path: Path, dies: str
) -> None:
    core = await archived(store, an_archive(tmp_path))
    archive, (name,) = archive_of(core), await archive_of(core).names()
    for person in (MARIA, JONAS):
        archive.dies.append(dies)
        with pytest.raises(ArchiveUnavailable):
            await erased(core, person)

        (known,) = await Shelf(store, archive).known(SCOPE, [name])
        assert fits(known, await archive.read(name))
        assert not fits(known, [])
    await erased(core)

    (known,) = await Shelf(store, archive).known(SCOPE, [name])
    assert fits(known, await archive.read(name))


# -- what was left -------------------------------------------------------------------


@pytest.mark.parametrize("how", ["erasing", "archiving"])
async def test_parts_of_files_that_were_never_finished_go(
    store: Store, tmp_path: Path, how: str
) -> None:
    core = await archived(store, an_archive(tmp_path))
    (whole,) = (folder_of(tmp_path) / "pr").glob("*.gz")
    for name in (f".{whole.name}.part", f".{whole.name}.1a2b.part"):
        whole.with_name(name).write_bytes(whole.read_bytes())

    if how == "erasing":
        await erased(core)
    else:
        await nightly(core)

    assert [path.name for path in whole.parent.iterdir()] == [whole.name]
    assert is_in(MARIA, folder_of(tmp_path)) == (how == "archiving")


@pytest.mark.parametrize("there", [True, False])
async def test_what_a_tenant_without_a_file_left_holds_nobody_up(
    store: Store, tmp_path: Path, *, there: bool
) -> None:
    core = await closed(store, an_archive(tmp_path))
    archive_of(core).dies.extend(["after" if there else "before"])
    await nightly(core)
    assert WRITING in await store.notes(SCOPE)
    core.clock.advance(600)  # the process is gone, and so is the tenant's file

    told = await erased(core)

    assert WRITING not in await store.notes(SCOPE)
    assert (len(told.requests), len(told.archived)) == ((0, 1) if there else (1, 0))
    assert not is_in(MARIA, folder_of(tmp_path))
    if there:
        assert await store.approval(KEY) is None


async def test_a_job_that_is_being_done_is_waited_for(store: Store, tmp_path: Path) -> None:
    core = await archived(store, an_archive(tmp_path))
    now = core.clock.advance(2 * DAY) or core.clock.now()
    leased = await store.lease((Lane.DIGEST,), limit=9, now=now, until=now + timedelta(seconds=90))
    assert [each.job.key for each in leased] == [ARCHIVE]

    with pytest.raises(NotErased, match="moved to the archive just now"):
        await erased(core)
    core.clock.advance(90)

    assert len((await erased(core)).archived) == 1


async def test_a_card_that_was_under_way_is_found_when_all_is_done(
    store: Store, tmp_path: Path
) -> None:
    core = await closed(store, None)
    core.store = as_store(WritesAnother(store))

    told = await erased(core)

    assert len(told.requests) == 1
    assert MARIA.id not in [each.person for each in await store.receipts(KEY)]


class WritesAnother(FlakyStore):
    """A store to which somebody's card is written once the dead letters were gone through."""

    @property
    def holdings(self) -> Any:
        return _Another(self._store)


class _Another:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store.holdings, name)

    async def remove(self, scope: str, kind: Kind, names: Sequence[str]) -> None:
        await self._store.holdings.remove(scope, kind, names)
        if kind is Kind.DEAD_LETTER:
            card = Receipt(
                approval=KEY,
                round=1,
                person=MARIA.id,
                channel="teams",
                state=ReceiptState.SHOWN,
                at=START,
            )
            await self._store.commit(Change(id="card", scope=SCOPE, receipts=(card,)))


def as_store(store: Any) -> Store:
    """Return *store* as what it stands for: it hands on all that it does not know."""
    return store


# -- whose archive it is --------------------------------------------------------------


async def test_the_folder_is_marked_when_it_is_used_first(store: Store, tmp_path: Path) -> None:
    core = await archived(store, an_archive(tmp_path))

    mark = (folder_of(tmp_path) / ".store").read_text().strip()

    assert f"archive/id/{mark}" in await store.notes(HOUSE)
    await erased(core)
    assert (folder_of(tmp_path) / ".store").read_text().strip() == mark


async def test_a_folder_that_lost_its_mark_is_not_written_to(store: Store, tmp_path: Path) -> None:
    core = await archived(store, an_archive(tmp_path))
    mark = folder_of(tmp_path) / ".store"
    words = mark.read_text()
    mark.unlink()

    with pytest.raises(ArchiveUnavailable, match=f"write this line into .store there: {words[:8]}"):
        await erased(core)
    mark.write_text(words)

    assert len((await erased(core)).archived) == 1


async def test_a_folder_that_one_machine_does_not_share_is_refused(
    store: Store, tmp_path: Path
) -> None:
    core = await archived(store, an_archive(tmp_path))
    own = tmp_path / "local"
    own.mkdir()

    with pytest.raises(ArchiveUnavailable, match="the same folder on every machine"):
        await erased(core, archive=FolderArchive(own))

    assert list(own.iterdir()) == []


async def test_another_stores_folder_is_refused(store: Store, tmp_path: Path) -> None:
    own = folder_of(tmp_path)
    (own / ".store").write_text("somebody else\n")
    core = await closed(store, FolderArchive(own))

    await nightly(core)

    assert await store.approval(KEY) is not None
    assert await archive_of(core).names() == []
    with pytest.raises(ArchiveUnavailable, match="another store's"):
        await Shelf(store, FolderArchive(own)).claim()


async def test_processes_that_begin_at_once_agree(store: Store, tmp_path: Path) -> None:
    shelves = [Shelf(store, FolderArchive(folder_of(tmp_path))) for _ in range(5)]

    await asyncio.gather(*(each.claim() for each in shelves))
    await asyncio.gather(*(each.claim() for each in shelves))

    marked = (folder_of(tmp_path) / ".store").read_text().strip()
    assert f"archive/id/{marked}" in await store.notes(HOUSE)


class Overtaken(FolderArchive):
    """An archive that another process marks and fills just *before* we hear whose it is, or just after."""

    def __init__(self, folder: Path, store: Store, *, before: bool) -> None:
        super().__init__(folder)
        self._other = Shelf(store, FolderArchive(folder))
        self._before = before

    async def owner(self) -> str:
        heard = await super().owner()
        await self._other.claim()
        await self._other.write(KEY.scope, "one/first", ["a line"])
        return await super().owner() if self._before else heard


@pytest.mark.parametrize("before", [True, False])
async def test_whoever_is_overtaken_while_he_marks_the_archive_has_it_too(
    store: Store, tmp_path: Path, *, before: bool
) -> None:
    await Shelf(store, Overtaken(folder_of(tmp_path), store, before=before)).claim()

    marked = (folder_of(tmp_path) / ".store").read_text().strip()
    assert f"archive/id/{marked}" in await store.notes(HOUSE)


async def test_a_terminal_without_the_archive_erases_nobody(store: Store, tmp_path: Path) -> None:
    core = await archived(store, an_archive(tmp_path))

    with pytest.raises(NotErased, match="APPROVALS_ARCHIVE_FOLDER names none here"):
        await erased(core, archive=None)


# -- what would be done ---------------------------------------------------------------


async def test_what_would_be_erased_is_told_and_nothing_is_done(
    store: Store, tmp_path: Path
) -> None:
    core = await archived(store, an_archive(tmp_path))
    next_ = KEY._replace(number="REQ-9")
    at = 60 * 24 * 500
    await core.receive(create("johndoe1", key=next_, display_number="REQ-9", at=at))
    await core.work()
    notes, files = await store.notes(HOUSE), await in_archive(archive_of(core))
    scopes = await store.scopes()
    erasing = Erasing(store=store, archive=core.archive, now=core.clock.now, by="")

    told = await erasing.look(MARIA.upn)

    assert told.person == MARIA.id
    assert [each.number for each in told.archived] == [files[0].approval.display_number]
    assert [each.number for each in told.kept] == ["REQ-9"]
    assert told.requests == []
    assert await store.notes(HOUSE) == notes
    assert await store.scopes() == scopes
    assert await in_archive(archive_of(core)) == files
