"""What was closed long ago leaves the store for the archive: once, whole, and whatever dies on the way."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from approvals_core.errors import StoreUnavailable
from approvals_core.keeping.archiving import ARCHIVE, LISTED
from approvals_core.keeping.leaving import WRITING
from approvals_core.models import (
    CLOSED,
    ApprovalKey,
    Change,
    DeadLetter,
    Disposition,
    Letter,
    LetterState,
    Occasion,
    PlaceState,
)
from approvals_core.models.held import Kind
from approvals_core.ports import Store
from approvals_core.rules.draft import chain_is_sound
from approvals_core.tenant import Limits
from tests.archives import an_archive, in_archive
from tests.fakes import FlakyStore
from tests.makers import KEY, MARIA, START, Core, a_tenant, create, delete, done_by, update
from tests.store_makers import a_job

DAY = 24 * 3600.0  # seconds
KEPT = 400  # days, unless a file says otherwise
SCOPE = KEY.scope


def a_core(store: Store, tmp_path: Path, **more: Any) -> Core:
    return Core(store, archive=an_archive(tmp_path), **more)


def keys(count: int) -> list[ApprovalKey]:
    return [KEY._replace(number=f"REQ-{number}") for number in range(1, count + 1)]


async def close(core: Core, key: ApprovalKey = KEY) -> None:
    """Decide a request, and let it be closed and cleaned up."""
    named = {"key": key, "display_number": key.number}
    await core.receive(create("johndoe1", **named))
    await core.receive(delete("johndoe1", action=done_by("johndoe1", comment="Fine"), **named))
    await core.pass_time(2 * 3600)


async def nightly(core: Core) -> None:
    """Let the sweep write its jobs, and a night pass."""
    await core.worker.sweep()
    await core.pass_time(1.5 * DAY)


async def test_what_was_closed_long_ago_is_in_the_archive_and_nowhere_else(
    store: Store, tmp_path: Path
) -> None:
    core = a_core(store, tmp_path)
    await core.open(create("johndoe1", "johndoe2"))
    await core.click(MARIA, comment="Within budget")
    await core.receive(update("johndoe2", removes=["johndoe1"], action=done_by("johndoe1")))
    await core.receive(delete("johndoe2"))
    await core.pass_time(2 * 3600)
    before, history = await core.approval(), await core.history()

    await core.pass_time(KEPT * DAY)
    await nightly(core)

    (record,) = await in_archive(an_archive(tmp_path))
    assert record.approval == before
    assert record.events == history
    assert chain_is_sound(record.events, head=record.approval.head)
    assert [payload.operation.name for payload in record.payloads] == ["CREATE", "UPDATE", "DELETE"]
    assert await store.approval(KEY) is None
    counts = {"job": 1, "note": 2, "tombstone": 1, "archive file": 1}
    assert await store.holdings.counts(SCOPE) == counts
    assert await store.history(KEY) == []
    assert await store.receipts(KEY) == []
    assert await store.count(SCOPE, CLOSED) == 0


async def test_addresses_of_mails_do_not_go_there(store: Store, tmp_path: Path) -> None:
    core = a_core(store, tmp_path)
    await close(core)
    letter = Letter(
        approval=KEY,
        id="0" * 32,
        notification="n",
        occasion=Occasion.ASKED,
        address="ann@contoso.com",
        round=1,
        state=LetterState.SENT,
        at=START,
    )
    await store.commit(Change(id="mailed", scope=SCOPE, letters=(letter,)))

    await core.pass_time(KEPT * DAY)
    await nightly(core)

    archive = an_archive(tmp_path)
    (name,) = await archive.names()
    assert "ann@contoso.com" not in "".join(await archive.read(name))
    assert await store.letters(KEY) == []


@pytest.mark.parametrize(("days", "gone"), [(KEPT - 3, False), (KEPT, True)])
async def test_it_stays_until_its_time_has_come(
    store: Store, tmp_path: Path, days: float, *, gone: bool
) -> None:
    core = a_core(store, tmp_path)
    await close(core)

    await core.pass_time(days * DAY)
    await nightly(core)

    assert (await store.approval(KEY) is None) is gone


async def test_how_long_says_the_tenants_file(store: Store, tmp_path: Path) -> None:
    core = a_core(store, tmp_path, tenant=a_tenant(limits=Limits(keep_closed=1)))
    await close(core)

    await core.pass_time(DAY)
    await nightly(core)

    assert await store.approval(KEY) is None


async def test_open_ones_stay_however_old(store: Store, tmp_path: Path) -> None:
    core = a_core(store, tmp_path)
    await core.open()

    await core.pass_time(3 * KEPT * DAY)
    await nightly(core)

    assert (await core.approval()).open
    assert await store.count(SCOPE, CLOSED) == 0


async def test_without_an_archive_everything_stays(store: Store) -> None:
    core = Core(store)
    await close(core)

    await core.pass_time(KEPT * DAY)
    await nightly(core)

    assert await store.approval(KEY) is not None
    assert await store.queued(SCOPE, ARCHIVE) is None


async def test_what_was_heard_of_since_counts_from_then(store: Store, tmp_path: Path) -> None:
    core = a_core(store, tmp_path)
    await close(core)
    await core.pass_time(200 * DAY)
    await core.receive(update("johndoe1", at=0.5))  # too late, and kept
    await core.pass_time(2 * 3600)

    await core.pass_time(250 * DAY)
    await nightly(core)
    stays = await store.approval(KEY)
    await core.pass_time(200 * DAY)
    await nightly(core)

    assert stays is not None
    assert await store.approval(KEY) is None


async def test_many_go_in_batches_each_in_a_file_of_its_own(store: Store, tmp_path: Path) -> None:
    core = a_core(store, tmp_path)
    for key in keys(5):
        await close(core, key)

    await core.pass_time(KEPT * DAY)
    await nightly(core)

    archive = an_archive(tmp_path)
    sizes = [len(await archive.read(name)) for name in await archive.names("pr")]
    assert sorted(sizes) == [1, 2, 2]
    assert {each.approval.key for each in await in_archive(archive)} == set(keys(5))
    assert all([await store.approval(key) is None for key in keys(5)])


async def test_what_somebody_has_to_do_with_stays(store: Store, tmp_path: Path) -> None:
    core = a_core(store, tmp_path)
    for key in keys(2):
        await close(core, key)
    dead = DeadLetter(id="d", scope=SCOPE, job=a_job(approval=KEY), error="KeyError", at=START)
    await store.commit(Change(id="dead", scope=SCOPE, dead=dead))

    await core.pass_time(KEPT * DAY)
    await nightly(core)
    stayed = await store.approval(KEY)
    await store.commit(Change(id="answered", scope=SCOPE, answers="d"))
    await nightly(core)

    assert stayed is not None
    assert await store.approval(keys(2)[1]) is None
    assert await store.approval(KEY) is None


async def test_its_job_comes_every_night(store: Store, tmp_path: Path) -> None:
    core = a_core(store, tmp_path)
    await nightly(core)
    await close(core)

    await core.pass_time(KEPT * DAY)
    for _ in range(2):
        await core.pass_time(DAY)

    assert await store.approval(KEY) is None
    queued = await store.queued(SCOPE, ARCHIVE)
    assert queued is not None
    assert timedelta() < queued.next - core.clock.now() <= timedelta(days=1)


async def test_what_an_older_program_closed_is_found_too(store: Store, tmp_path: Path) -> None:
    core = a_core(store, tmp_path)
    await close(core)
    document = await store.holdings.document(KEY)
    assert document is not None
    listed = tuple(each for each in document.lists if each[0] != CLOSED)
    await store.holdings.write(SCOPE, [document._replace(lists=listed)])

    await core.pass_time(KEPT * DAY)
    await nightly(core)

    assert await store.approval(KEY) is None
    assert LISTED in await store.notes(SCOPE)


# -- whatever dies on the way ----------------------------------------------------


async def complete(core: Core, store: Store, count: int) -> None:
    """All that was closed is in the archive, once, and in the store no more."""
    records = await in_archive(core.archive or an_archive(Path()))
    assert sorted(each.approval.key for each in records) == sorted(keys(count))
    assert all([await store.approval(key) is None for key in keys(count)])
    assert WRITING not in await store.notes(SCOPE)


@pytest.mark.parametrize("dies", [["before"], ["after"], ["before", "after", "before"]])
async def test_who_dies_while_writing_loses_and_doubles_nothing(
    store: Store, tmp_path: Path, dies: list[str]
) -> None:
    archive = an_archive(tmp_path)
    core = Core(store, archive=archive)
    for key in keys(3):
        await close(core, key)
    archive.dies.extend(dies)

    await core.pass_time(KEPT * DAY)
    await nightly(core)
    for _ in dies:
        await core.die()
        await core.pass_time(3600)

    await complete(core, store, 3)
    assert not archive.dies


@pytest.mark.parametrize("at", range(10))
@pytest.mark.parametrize("kept", [True, False])
async def test_who_dies_at_any_commit_loses_and_doubles_nothing(
    store: Store, tmp_path: Path, at: int, *, kept: bool
) -> None:
    flaky = DyingStore(store, at, kept=kept)
    core = a_core(store, tmp_path)
    for key in keys(3):
        await close(core, key)
    await core.worker.sweep()
    await core.pass_time((KEPT - 2) * DAY)  # so that nothing is left but the job of the night
    assert await store.approval(KEY) is not None

    core.store = as_store(flaky)
    core.start()
    core.clock.advance(4 * DAY)
    flaky.counting = True
    await core.work()
    core.store = store
    await core.die()
    await core.pass_time(2 * DAY)

    assert flaky.died
    await complete(core, store, 3)


def as_store(dying: Any) -> Store:
    """Return *dying* as what it stands for: it hands on all that it does not know."""
    return dying


class DyingStore(FlakyStore):
    """A store that dies for good at one of its writes, which is made before or not at all."""

    def __init__(self, store: Store, at: int, *, kept: bool) -> None:
        super().__init__(store)
        self._left = at
        self._kept = kept
        self.counting = False

    @property
    def died(self) -> bool:
        return self._left < 0

    @property
    def holdings(self) -> Any:
        return _DyingHoldings(self)

    async def commit(self, change: Change) -> None:
        await self.write(lambda: self._store.commit(change))

    async def write(self, work: Any) -> None:
        if self.counting and self._left <= 0:
            if self._left == 0 and self._kept:
                await work()
            self._left -= 1
            raise StoreUnavailable("killed")
        self._left -= self.counting
        await work()


class _DyingHoldings:
    def __init__(self, dying: DyingStore) -> None:
        self._dying = dying

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dying._store.holdings, name)

    async def swap(self, *given: Any, **more: Any) -> None:
        await self._dying.write(lambda: self._dying._store.holdings.swap(*given, **more))

    async def write(self, *given: Any, **more: Any) -> None:
        await self._dying.write(lambda: self._dying._store.holdings.write(*given, **more))


async def test_what_changes_while_it_is_written_stays(store: Store, tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    core = Core(store, archive=archive)
    for key in keys(2):
        await close(core, key)
    archive.dies.append("after")
    await core.pass_time(KEPT * DAY)
    await nightly(core)

    await core.receive(create("johndoe2", at=60 * 24 * 401))  # opened again meanwhile
    await core.pass_time(3600)

    approval = await core.approval()
    assert approval.open
    assert approval.round == 2
    assert await store.approval(keys(2)[1]) is None


# -- what comes too late ----------------------------------------------------------


async def an_archived(store: Store, tmp_path: Path) -> Core:
    core = a_core(store, tmp_path)
    await close(core)
    await core.pass_time(KEPT * DAY)
    await nightly(core)
    assert await store.approval(KEY) is None
    return core


@pytest.mark.parametrize("late", [create("johndoe1"), update("johndoe2"), delete("johndoe2")])
async def test_what_is_as_old_as_the_archive_asks_nobody_again(
    store: Store, tmp_path: Path, late: Any
) -> None:
    core = await an_archived(store, tmp_path)

    taken = await core.receive(late)
    again = await core.receive(late.model_copy(update={"digest": "another"}))
    await core.work()

    assert (taken.disposition, again.disposition) == (Disposition.SUPERSEDED,) * 2
    assert not (await core.approval()).open
    assert (await core.approval()).places == ()
    assert core.channel.sent == []


@pytest.mark.parametrize("ticks", ["new", None])
async def test_what_is_new_asks_anew(store: Store, tmp_path: Path, ticks: str | None) -> None:
    core = await an_archived(store, tmp_path)
    new = create("johndoe1", at=60 * 24 * 402)

    taken = await core.receive(new if ticks else new.model_copy(update={"ticks": None}))
    await core.work()

    assert taken.disposition is Disposition.APPLIED
    assert await core.state(MARIA) is PlaceState.PENDING
    assert (await core.approval()).round == 1


async def test_a_new_one_is_taken_after_one_that_was_too_late(store: Store, tmp_path: Path) -> None:
    core = await an_archived(store, tmp_path)
    await core.receive(create("johndoe1"))

    taken = await core.receive(create("johndoe1", at=60 * 24 * 402))

    assert taken.disposition is Disposition.APPLIED
    assert (await core.approval()).open


async def test_without_an_archive_an_old_payload_is_news(store: Store) -> None:
    core = Core(store)
    await core.pass_time(KEPT * DAY)

    taken = await core.receive(create("johndoe1"))

    assert taken.disposition is Disposition.APPLIED


async def test_what_was_archived_leaves_no_payload_behind(store: Store, tmp_path: Path) -> None:
    await an_archived(store, tmp_path)

    assert (await store.holdings.names(SCOPE, Kind.PAYLOAD, limit=9)).names == ()
    assert (await store.payloads(SCOPE, limit=9)).payloads == ()


async def test_the_text_of_what_came_too_late_goes_after_an_hour(store: Store) -> None:
    core = Core(store)
    await close(core)
    await core.receive(update("johndoe1", at=0.5))
    there = await store.body_names(KEY)

    await core.pass_time(2 * 3600)

    assert len(there) == 1
    assert await store.body_names(KEY) == []
