"""The tenants' files are taken up while the service runs: all of them, or none."""

import asyncio
import json
import signal
import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from approvals_core.committing import Commits
from approvals_core.errors import StoreUnavailable
from approvals_core.models import HOUSE, Approval, ApprovalKey, Lane, tenant_scope
from approvals_core.onboarded import Onboarded
from approvals_core.onboarding import READ_WITHIN, SWITCH, Onboarding, reloaded_in
from approvals_core.ports import Store
from approvals_core.rules.renewing import KEY, SHOWN
from approvals_core.tenant import Switch, Tenant
from playground import names
from playground.outside import Playground
from tests.card_makers import TENANT_ID
from tests.clock import Clock
from tests.fakes import FlakyStore
from tests.logged import Log
from tests.makers import a_tenant
from tests.running import Running, run_service
from tests.store_makers import MINUTE, a_change, a_place, an_approval, jobs_change
from tests.test_failures_process import card_of, posting

DIRECTORY = "77777777-7777-4777-8777-777777777777"
WORDS = 'name = "Contoso Purchasing"'
NEW = "Contoso Procurement"


@pytest.fixture
def file(running: Running, tmp_path: Path) -> Path:
    """The file of the tenant whose samples are sent, as the running service reads it."""
    return tmp_path / "tenants" / "purchasing.toml"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def put(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def take_away(file: Path) -> str:
    """Remove the file; return what was in it."""
    text = file.read_text(encoding="utf-8")
    file.unlink()
    return text


async def reloaded(running: Running) -> tuple[str, ...]:
    """Reload, and return why it was refused."""
    await running.house.onboarding.reload()
    return running.house.onboarding.refused


# -- through the whole service ------------------------------------------------------


async def test_open_cards_change_in_place_when_the_file_does(running: Running, file: Path) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1", "johndoe2")
    before = running.card_of("johndoe1")
    edit(file, 'label = "Approve"', 'label = "Release"')

    assert await reloaded(running) == ()

    await running.says("johndoe1", "Release")
    await running.says("johndoe2", "Release")
    after = running.card_of("johndoe1")
    assert before is not None
    assert after is not None
    assert after.id == before.id


async def test_a_mistake_changes_nothing_and_is_told(running: Running, file: Path) -> None:
    edit(file, WORDS, f'name = "{NEW}"\ncolour = "blue"')
    bad = file.with_name("bad.toml")
    bad.write_text("name = =", encoding="utf-8")

    refused = await reloaded(running)

    assert any("colour: is not known here" in mistake for mistake in refused)
    assert any(mistake.startswith("bad.toml: is not TOML") for mistake in refused)
    told = reloaded_in(await running.house.store.notes(HOUSE))
    assert told.mistakes == refused
    assert running.house.tenants.by_code("pr").name == "Contoso Purchasing"  # type: ignore[union-attr]
    await running.send("wiki-create")
    await running.asked("johndoe1")

    bad.unlink()
    edit(file, '\ncolour = "blue"', "")
    assert await reloaded(running) == ()
    assert running.house.tenants.by_code("pr").name == NEW  # type: ignore[union-attr]


async def test_people_of_a_strange_directory_refuse_it_too(running: Running, file: Path) -> None:
    edit(file, "[people]\ndirectory = ", f'[people]\ndirectory = "{DIRECTORY}" # ')

    [mistake] = await reloaded(running)

    assert "is not in APPROVALS_DIRECTORIES" in mistake


async def test_a_tenant_with_open_requests_is_not_lost(running: Running, file: Path) -> None:
    await running.send("wiki-create")

    edit(file, 'code = "pr"', 'code = "px"')
    [renamed] = await reloaded(running)
    edit(file, 'code = "px"', 'code = "pr"')
    text = take_away(file)
    [gone] = await reloaded(running)

    assert renamed.startswith(
        "purchasing.toml: code: pr became px, and an open request would be found"
    )
    assert gone.startswith("the tenant pr (93f9b688-")
    assert "could no longer decide" in gone
    assert "`tenants disable pr`" in gone
    await running.asked("johndoe1")
    put(file, text)
    assert await reloaded(running) == ()


async def test_a_tenant_without_open_requests_may_go_and_come(running: Running, file: Path) -> None:
    text = take_away(file)

    assert await reloaded(running) == ()
    sent = await running.playground.tenant.send(
        json.loads(running.playground.sample("wiki-create"))
    )
    assert sent.status == 404

    put(file, text)
    assert await reloaded(running) == ()
    await running.send("wiki-create")
    await running.asked("johndoe1")


async def test_callers_of_another_directory_come_and_go_with_the_files(
    running: Running, file: Path
) -> None:
    arx = json.loads(running.playground.sample("wiki-create"))
    written = {each: each.read_text(encoding="utf-8") for each in file.parent.glob("*.toml")}
    for each, text in written.items():
        head, people, rest = text.partition("[[callers]]")
        each.write_text(head + people + rest.replace(names.DIRECTORY, DIRECTORY, 1), "utf-8")
    assert (await running.playground.tenant.send(arx)).status == 200

    assert await reloaded(running) == ()
    assert (await running.playground.tenant.send(arx)).status == 401

    for each, text in written.items():
        each.write_text(text, encoding="utf-8")
    assert await reloaded(running) == ()
    assert (await running.playground.tenant.send(arx)).status == 200


async def test_maintenance_is_seen_on_the_card_and_a_click_waits_for_its_end(
    running: Running, file: Path
) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1")
    now = running.clock()
    starts, ends = now.isoformat(), (now + timedelta(days=20_000)).isoformat()
    window = f'\n[maintenance]\nstarts = {starts}\nends = {ends}\nmessage = "New servers."\n'
    with file.open("a", encoding="utf-8") as written:
        written.write(window + 'decisions = "wait"\n')

    assert await reloaded(running) == ()
    await running.says("johndoe1", "New servers.", "You can decide")
    await running.click("johndoe1", "Approve", "Fine")
    await running.says("johndoe1", "The decision is kept, and goes out on")
    await running.says("johndoe2", "The decision is kept")
    assert running.told() == []

    edit(file, window + 'decisions = "wait"\n', "")
    assert await reloaded(running) == ()
    await running.says("johndoe1", "Approved by")
    assert len(running.told()) == 1


async def test_the_signal_has_the_files_read_anew(
    playground: Playground, store_url: str, tmp_path: Path
) -> None:
    async with posting(playground, store_url, tmp_path) as process:
        playground.tenant.release()
        edit(tmp_path / "first" / "purchasing.toml", WORDS, f'name = "{NEW}"')
        edit(tmp_path / "first" / "purchasing.toml", 'label = "Approve"', 'label = "Release"')
        edit(tmp_path / "first" / "purchasing.toml", 'past = "Approved"', 'past = "Released"')

        process.send_signal(signal.SIGHUP)

        await playground.world.until(
            lambda: "Released" in str((card := card_of(playground, "johndoe1")) and card.card)
        )
        assert process.returncode is None


async def test_what_changed_while_nobody_ran_is_shown_after_the_start(
    playground: Playground, store_url: str, tmp_path: Path
) -> None:
    async with run_service(playground, store_url=store_url, folder=tmp_path) as first:
        await playground.teams.install("johndoe1")
        await first.send("wiki-create")
        await first.asked("johndoe1")

    outside = _Relabelled(playground)
    async with run_service(outside, store_url=store_url, folder=tmp_path / "x") as second:  # type: ignore[arg-type]
        await second.says("johndoe1", "Release")


class _Relabelled:
    """The playground, with another label in the tenant's file."""

    def __init__(self, playground: Playground) -> None:
        self._playground = playground

    def __getattr__(self, name: str) -> object:
        return getattr(self._playground, name)

    def write_tenants(self, folder: Path) -> Path:
        written = self._playground.write_tenants(folder)
        edit(written / "purchasing.toml", 'label = "Approve"', 'label = "Release"')
        return written


# -- by itself ----------------------------------------------------------------------


class House:
    """An `Onboarding` on a store, and what it was told to follow."""

    def __init__(self, store: Store, *tenants: Tenant, read_within: float = READ_WITHIN) -> None:
        self.files: Mapping[str, Tenant] = {f"{t.code}.toml": t for t in tenants}
        self.tenants = Onboarded(self.files)
        self.followed: list[list[str]] = []
        self.clock = Clock()
        self.onboarding = Onboarding(
            tenants=self.tenants,
            store=store,
            commits=Commits(store, now=self.clock.now, wake=lambda: None, sleep=self.clock.sleep),
            read=lambda: asyncio.to_thread(self._read),
            follow=lambda tenants: self.followed.append([t.name for t in tenants]),
            read_within=read_within,
        )
        self.disk = threading.Event()  # not set: it hangs
        self.disk.set()
        self.reached = threading.Event()
        self.readings = 0

    def _read(self) -> Mapping[str, Tenant]:
        self.readings += 1
        self.reached.set()
        self.disk.wait()
        return self.files


SCOPE = tenant_scope(TENANT_ID)


def open_request() -> Approval:
    key = ApprovalKey(TENANT_ID, "REQ-1", "2026")
    return an_approval(key=key, places=(a_place(),))


async def test_nothing_is_scanned_at_a_start_after_which_nothing_changed(store: Store) -> None:
    await store.commit(a_change(open_request(), scope=SCOPE))
    first = House(store, a_tenant())
    await first.onboarding.begin()
    assert await store.job(SCOPE, KEY) is not None
    now = first.clock.now()
    [leased] = await store.lease(tuple(Lane), limit=9, now=now, until=now + MINUTE)
    await store.finish(leased.lease)

    await House(store, a_tenant()).onboarding.begin()

    assert await store.job(SCOPE, KEY) is None


async def test_a_start_tells_of_open_requests_whose_file_is_gone(store: Store, log: Log) -> None:
    await House(store, a_tenant()).onboarding.begin()
    await store.commit(a_change(open_request()))
    without = House(store)

    await without.onboarding.begin()
    await without.onboarding.begin()

    [first, second] = [line["mistakes"] for line in log.of("tenants_missing")]
    assert first == second
    assert first[0].startswith("the tenant pr (93f9b688-")
    assert "an open request could no longer decide" in first[0]


async def test_a_code_that_was_changed_at_a_start_can_be_put_back(store: Store, log: Log) -> None:
    await House(store, a_tenant()).onboarding.begin()
    await store.commit(a_change(open_request()))
    renamed = House(store, a_tenant(code="px"))

    await renamed.onboarding.begin()
    renamed.files = {"pr.toml": a_tenant()}
    await renamed.onboarding.reload()

    [told] = log.of("tenants_missing")
    assert "code: pr became px, and an open request would be found no more" in told["mistakes"][0]
    assert renamed.onboarding.refused == ()
    assert renamed.tenants.by_code("pr") is not None


async def test_with_nothing_open_a_code_may_change_at_a_start(store: Store, log: Log) -> None:
    await House(store, a_tenant()).onboarding.begin()
    await House(store, a_tenant(code="px")).onboarding.begin()
    await store.commit(a_change(open_request()))

    await House(store, a_tenant(code="px")).onboarding.begin()

    assert log.of("tenants_missing") == []


async def test_a_tenant_that_a_reload_brought_is_not_lost_at_a_start(
    store: Store, log: Log
) -> None:
    house = House(store)
    await house.onboarding.begin()
    house.files = {"pr.toml": a_tenant()}
    await house.onboarding.reload()
    await store.commit(a_change(open_request()))

    await House(store).onboarding.begin()

    assert len(log.of("tenants_missing")) == 1


async def test_a_tenant_without_open_requests_leaves_no_job(store: Store) -> None:
    house = House(store, a_tenant())

    await house.onboarding.begin()

    assert await store.job(SCOPE, KEY) is None
    assert (await store.notes(SCOPE))[SHOWN]


async def test_what_is_no_matter_of_cards_renews_none(store: Store) -> None:
    await store.commit(a_change(open_request(), scope=SCOPE))
    house = House(store, a_tenant())
    await house.onboarding.begin()
    digest = (await store.notes(SCOPE))[SHOWN]
    changed = a_tenant(reconcile={"after": 60})
    house.files = {"pr.toml": changed}

    await house.onboarding.reload()

    assert house.tenants.all() == (changed,)
    assert house.followed == [[changed.name]]
    assert (await store.notes(SCOPE))[SHOWN] == digest


async def test_a_store_that_is_away_delays_the_cards_and_does_not_forget_them(
    store: Store,
) -> None:
    await store.commit(a_change(open_request(), scope=SCOPE))
    flaky = FlakyStore(store)
    house = House(flaky, a_tenant())  # type: ignore[arg-type]
    await house.onboarding.begin()
    before = (await store.notes(SCOPE))[SHOWN]
    house.files = {"pr.toml": a_tenant(name=NEW)}
    flaky.refuses = lambda _change: True

    await house.onboarding.reload()
    assert house.tenants.all()[0].name == NEW
    with pytest.raises(StoreUnavailable):
        await house.onboarding.look()

    flaky.refuses = lambda _change: False
    await house.onboarding.look()
    assert (await store.notes(SCOPE))[SHOWN] != before


async def test_a_disk_that_hangs_refuses_the_reload_and_holds_up_nothing_else(
    store: Store,
) -> None:
    house = House(store, a_tenant(), read_within=0.01)
    await house.onboarding.begin()
    house.files = {"pr.toml": a_tenant(name=NEW)}
    house.disk.clear()
    try:
        for _ in range(2):
            house.onboarding.ask()
            await house.onboarding.look()
        switch = Switch(at=house.clock.now(), by="ops").model_dump_json()
        note = {f"{SWITCH}{TENANT_ID}": switch}
        await store.commit(jobs_change(scope=HOUSE, notes=note))
        await house.onboarding.look()
        refused = house.onboarding.refused
        await asyncio.to_thread(house.reached.wait)  # a thread may begin late
    finally:
        house.disk.set()

    assert "could not be read within 0.01 seconds" in refused[0]
    assert [tenant.name for tenant in house.tenants.all()] == [a_tenant().name]
    assert house.readings == 1  # one thread hangs, whatever is asked for
    assert TENANT_ID in house.tenants.switches


async def test_the_disk_is_read_again_when_it_answers(store: Store) -> None:
    house = House(store, a_tenant(), read_within=0.01)
    house.disk.clear()
    await house.onboarding.reload()
    assert house.onboarding.refused
    house.disk.set()

    while house.onboarding.refused:
        await house.onboarding.reload()

    assert house.readings > 1
