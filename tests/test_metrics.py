"""What Prometheus is told: scraped over HTTP, read by its own parser."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from approvals_core.adapters.telemetry.lag import LoopLag
from approvals_core.adapters.telemetry.metrics import OUTCOMES, Metrics, Seen
from approvals_core.adapters.telemetry.queue_watch import FOR, QueueWatch
from approvals_core.adapters.telemetry.recorder import Recorder
from approvals_core.committing import Commits
from approvals_core.errors import StoreUnavailable, VersionConflict
from approvals_core.models import HOUSE, EventKind, Lane
from approvals_core.ports import Depth, LaneDepth
from approvals_core.telemetry import Work
from playground.faults import FaultKind
from playground.outside import Playground
from tests.card_makers import TENANT_ID
from tests.clock import Clock
from tests.failing import ROOT, all_due, fail, listening, started
from tests.fakes import FakeTenants
from tests.far_sides import eventually
from tests.makers import START, a_tenant
from tests.ports import free_port
from tests.running import Running, run_service
from tests.store_makers import a_change, an_approval
from tests.test_config import settings
from tests.watched import OPEN_METRICS, Numbers, metrics_of, post_as_tenant, scraped

STORY = ("decided", "refused", "accepted", "unconfirmed")
SCOPE = f"t:{a_tenant().document_type_id}"


@pytest.fixture
async def counted(playground: Playground, store_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """The service on each store, counting."""
    async with run_service(
        playground, store_url=store_url, folder=tmp_path, metrics_port=9464
    ) as service:
        for alias in ("johndoe1", "johndoe2", "johndoe3"):
            await playground.teams.install(alias)
        yield service


async def with_the_store(scrape: Callable[[], Awaitable[Numbers]]) -> Numbers:
    """Scrape until the store has answered, for which no scrape waits long."""
    numbers: list[Numbers] = []

    async def look() -> bool:
        numbers[:] = [await scrape()]
        return numbers[0].of("store_up") == 1

    await eventually(look)
    return numbers[0]


# -- a whole story ----------------------------------------------------------------------


async def test_a_story_is_in_the_numbers(counted: Running) -> None:
    asks = [{"Alias": "johndoe1", "Name": "Maria"}]
    await counted.send("wiki-create", Approvers=asks)
    await counted.send("wiki-create", Approvers=asks)
    await counted.playground.tenant.send({"Operation": 4})
    await post_as_tenant(counted, "{}", Authorization="Bearer nobody's")
    await counted.asked("johndoe1")
    fail(counted, "tenant/pr", FaultKind.REFUSED, text="No budget left")
    await counted.click("johndoe1", "Approve")
    await counted.says("johndoe1", "No budget left")
    await counted.click("johndoe1", "Approve")
    await counted.says("johndoe1", "Approved")
    await all_due(counted)
    async with metrics_of(counted.house) as client:
        numbers = await with_the_store(lambda: scraped(client))

    payloads = {"tenant": "pr", "operation": "create"}
    assert numbers.of("payloads_total", **payloads, result="applied") == 1
    assert numbers.of("payloads_total", **payloads, result="duplicate") == 1
    assert numbers.of("payloads_total", tenant="pr", operation="none", result="400") == 1
    assert numbers.of("payloads_total", tenant="none", result="401") == 1
    assert numbers.of("intake_seconds_count") == 4
    assert numbers.of("clicks_total", tenant="pr", result="done") == 2
    decisions = {o: numbers.of("decisions_total", tenant="pr", outcome=o) for o in STORY}
    assert decisions == {"decided": 2, "refused": 1, "accepted": 1, "unconfirmed": 0}
    calls = {"tenant": "pr", "call": "decision"}
    assert numbers.of("tenant_calls_total", **calls, result="refused") == 1
    assert numbers.of("tenant_calls_total", **calls, result="accepted") == 1
    assert numbers.of("tenant_call_seconds_count", **calls) == 2
    assert numbers.of("tenant_paused", tenant="pr") == 0
    assert (numbers.of("cards_total", tenant="pr", work="deliver", result="done") or 0) >= 1
    assert (numbers.of("store_commit_seconds_count", result="done") or 0) >= 5
    assert (numbers.of("connector_calls_total", call="send", result="2xx") or 0) >= 1
    assert (numbers.of("connector_wait_seconds_count") or 0) >= 1
    assert numbers.of("store_up") == 1
    assert numbers.of("jobs", lane="card") is not None
    assert numbers.of("oldest_job_seconds", lane="decision") == 0
    assert numbers.of("dead_letters", tenant="pr") == 0
    assert numbers.of("oldest_card_seconds") == 0
    assert "process_cpu_seconds_total" in numbers.text


async def test_open_metrics_is_spoken_to_those_who_ask_for_it(counted: Running) -> None:
    await counted.send("wiki-create")
    async with metrics_of(counted.house) as client:
        plain, open_metrics = await scraped(client), await scraped(client, OPEN_METRICS)

    assert open_metrics.text.endswith("# EOF\n")
    assert not plain.text.endswith("# EOF\n")
    assert open_metrics.of("payloads_total") == plain.of("payloads_total") == 1


def everything(recorder: Recorder, number: int) -> None:
    """Let everything that is told happen to one more document, with an id that would break out."""
    evil = f'pr-{number}"}} 1\napprovals_store_up 7\n# '
    for work in Work:
        with recorder.span(work, tenant="pr", approval=evil, xcv=evil, tcv=evil) as span:
            span.tell(operation="create", call="decision", outcome="applied", attempt=number)


def test_a_thousand_documents_and_hostile_ids_make_no_more_series() -> None:
    metrics = Metrics()
    recorder = Recorder(metrics=metrics, spans=None)
    everything(recorder, 0)
    before = Numbers(metrics.text("")[0].decode()).series

    for number in range(1, 1001):
        everything(recorder, number)

    after = Numbers(metrics.text("")[0].decode())
    assert after.series == before
    assert after.of("payloads_total", tenant="pr") == 1001
    assert after.of("store_up") is None
    assert "pr-" not in after.text


async def test_numbers_of_documents_people_and_words_are_in_no_label(counted: Running) -> None:
    await counted.send("wiki-create", Telemetry={"Xcv": "xcv-of-mine", "Tcv": "tcv-of-mine"})
    await counted.asked("johndoe1")
    await counted.click("johndoe1", "Approve", "Within budget")
    await counted.says("johndoe1", "Approved")
    async with metrics_of(counted.house) as client:
        text = (await scraped(client)).text

    people = counted.playground.world.people.values()
    private = {word for person in people for word in (person.alias, person.name, person.object_id)}
    private |= {counted.number, "xcv-of-mine", "tcv-of-mine", "Within budget", "REQ-"}
    assert [word for word in private if word in text] == []


async def test_decisions_of_every_tenant_count_from_zero_also_after_a_reload(
    counted: Running, tmp_path: Path
) -> None:
    file = tmp_path / "tenants" / "purchasing.toml"
    text = file.read_text("utf-8").replace('code = "pr"', 'code = "new"')
    text = text.replace(TENANT_ID, "0c3f8a52-6f2e-4b7a-9d54-2f0c6d1e8b91")
    kinds = [each.value for each in EventKind]

    async with metrics_of(counted.house) as client:
        first = await scraped(client)
        file.with_name("new.toml").write_text(text, encoding="utf-8")
        await counted.house.onboarding.reload()
        then, last = await scraped(client), await scraped(client)

    assert counted.house.onboarding.refused == ()
    before = {o: first.of("decisions_total", tenant="pr", outcome=o) for o in kinds}
    added = {o: then.of("decisions_total", tenant="new", outcome=o) for o in kinds}
    assert {o for o, count in before.items() if count == 0} == OUTCOMES
    assert first.of("decisions_total", tenant="new") is None
    assert added == before
    assert decisions_in(last) == decisions_in(then)


def decisions_in(numbers: Numbers) -> set[tuple[Any, ...]]:
    """Return the series of decisions; others come when what they count happens first."""
    return {each for each in numbers.series if each[0] == "approvals_decisions_total"}


# -- the queue --------------------------------------------------------------------------


HELD = timedelta(seconds=50)


class Slow:
    """A store of which only `depth` is asked; it answers as the test says."""

    def __init__(self) -> None:
        self.asked = 0
        self.waits_for: asyncio.Event | None = None
        self.fails: Exception | None = None
        lane = LaneDepth(jobs=7, due=3, next=START - timedelta(seconds=40))
        self.found = Depth(
            lanes={each: LaneDepth() for each in Lane} | {Lane.CARD: lane},
            dead={SCOPE: 2, HOUSE: 1, "p:somebody": 1},
        )

    async def held(self) -> dict[Lane, datetime]:
        return {Lane.CARD: START - timedelta(seconds=30), Lane.REMINDER: START - HELD}

    async def depth(self, now: object) -> Depth:
        self.asked += 1
        if self.waits_for is not None:
            await self.waits_for.wait()
        if self.fails is not None:
            raise self.fails
        return self.found


class Watch:
    """A queue watch on a slow store and clocks that the test moves."""

    def __init__(self, seen: Seen | None = None) -> None:
        self.store: Any = Slow()
        self.time = 0.0
        self.metrics = Metrics()
        seen = seen or Seen(paused=lambda: {"pr": True, "ex": False})
        self.metrics.watch(seen)
        self.watch = QueueWatch(
            seen,
            store=self.store,
            tenants=FakeTenants(a_tenant()),
            held=self.store.held,
            now=Clock(START).now,
            monotonic=lambda: self.time,
            patience=0.02,
        )

    async def numbers(self) -> Numbers:
        await self.watch.look()
        return Numbers(self.metrics.text("")[0].decode())


async def test_the_queue_is_read_at_most_once_in_a_while() -> None:
    watch = Watch()

    first, second = await watch.numbers(), await watch.numbers()
    watch.time += FOR
    await watch.numbers()

    assert watch.store.asked == 2
    assert first.text.count("approvals_jobs{") == len(Lane)
    for numbers in (first, second):
        assert numbers.of("jobs", lane="card") == 7
        assert numbers.of("jobs_due", lane="card") == 3
        assert numbers.of("oldest_job_seconds", lane="card") == 40
        assert numbers.of("oldest_job_seconds", lane="reminder") == HELD.total_seconds()
        assert numbers.of("oldest_job_seconds", lane="digest") == 0
        assert numbers.of("dead_letters", tenant=a_tenant().code) == 2
        assert numbers.of("dead_letters", tenant="none") == 2
        assert numbers.of("tenant_paused", tenant="pr") == 1
        assert numbers.of("tenant_paused", tenant="ex") == 0


async def test_what_only_the_loop_may_read_is_read_there() -> None:
    threads: list[int] = []

    def paused() -> dict[str, bool]:
        threads.append(threading.get_ident())
        return {"pr": True}

    def oldest_card() -> float:
        threads.append(threading.get_ident())
        return 3.0

    watch = Watch(Seen(paused=paused, oldest_card=oldest_card))
    await watch.watch.look()

    text, _media_type = await asyncio.to_thread(watch.metrics.text, "")

    assert set(threads) == {threading.get_ident()}
    numbers = Numbers(text.decode())
    assert (numbers.of("tenant_paused", tenant="pr"), numbers.of("oldest_card_seconds")) == (1, 3)


async def test_a_store_that_hangs_holds_up_no_scrape_and_is_asked_once() -> None:
    watch = Watch()
    await watch.numbers()
    watch.time += FOR
    watch.store.waits_for = asyncio.Event()

    hung = [await watch.numbers() for _ in range(3)]
    asked = watch.store.asked
    watch.store.waits_for.set()
    back = await watch.numbers()

    assert asked == 2
    assert [(one.of("store_up"), one.of("jobs", lane="card")) for one in hung] == [(0, 7)] * 3
    assert back.of("store_up") == 1


async def test_before_the_store_ever_answered_there_are_no_numbers_of_the_queue() -> None:
    watch = Watch()
    watch.store.fails = StoreUnavailable("away")

    numbers = await watch.numbers()

    assert numbers.of("store_up") == 0
    assert numbers.of("jobs") is None
    watch.store.fails = None
    assert (await watch.numbers()).of("store_up") == 1


async def test_a_question_that_is_under_way_ends_with_the_service() -> None:
    watch = Watch()
    watch.store.waits_for = asyncio.Event()
    await watch.numbers()

    await watch.watch.close()

    assert {task for task in asyncio.all_tasks() if task is not asyncio.current_task()} == set()


# -- small ones -------------------------------------------------------------------------


async def test_a_commit_that_conflicts_is_told_as_such(store: Any) -> None:
    metrics = Metrics()
    commits = Commits(
        store,
        now=Clock(START).now,
        wake=lambda: None,
        telemetry=Recorder(metrics=metrics, spans=None),
    )
    await commits.commit(a_change())
    with pytest.raises(VersionConflict):
        await commits.commit(a_change(an_approval(display_number="other")))

    numbers = Numbers(metrics.text("")[0].decode())
    assert numbers.of("store_commit_seconds_count", result="done") == 1
    assert numbers.of("store_commit_seconds_count", result="VersionConflict") == 1


async def test_the_loop_is_measured_until_that_is_ended() -> None:
    metrics, heard = Metrics(), asyncio.Queue[float]()
    measuring = asyncio.create_task(LoopLag(heard.put_nowait, every=0.001).run())

    lags = [await heard.get() for _ in range(3)]
    measuring.cancel()
    await asyncio.gather(measuring, return_exceptions=True)
    for lag in lags:
        metrics.lagged(lag)

    assert min(lags) >= 0
    assert Numbers(metrics.text("")[0].decode()).of("loop_lag_seconds_count") == 3


# -- who may ask ------------------------------------------------------------------------


async def test_the_public_door_has_no_metrics(counted: Running) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{counted.playground.tenant.service}/metrics") as response,
    ):
        assert response.status == 404


async def test_on_loopback_a_foreign_host_reaches_no_metrics(counted: Running) -> None:
    async with (
        metrics_of(counted.house) as client,
        client.get("/metrics", headers={"Host": "approvals.attacker.example"}) as response,
    ):
        assert response.status == 421


async def test_a_service_listens_for_metrics_where_its_settings_say(
    playground: Playground, tmp_path: Path
) -> None:
    port, public = free_port(), free_port()
    tenants = playground.write_tenants(tmp_path / "tenants")
    given = playground.settings(
        store_url=f"sqlite:///{tmp_path}/store.db", tenants=tenants, port=public
    )
    async with (
        started({**given, "METRICS_PORT": str(port)}) as process,
        aiohttp.ClientSession() as session,
    ):
        await listening(process)

        async def scrape() -> Numbers:
            async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
                return Numbers(await response.text())

        numbers = await with_the_store(scrape)
        async with session.get(f"http://127.0.0.1:{public}/metrics") as response:
            there = response.status

        process.terminate()
        ended = await process.wait()

    assert numbers.of("store_up") == 1
    assert there == 404
    assert ended == 0


# -- what is written about it -------------------------------------------------------------


async def test_every_number_is_explained(counted: Running) -> None:
    page = (ROOT / "docs/telemetry.md").read_text(encoding="utf-8")
    async with metrics_of(counted.house) as client:
        lines = (await scraped(client)).text.splitlines()
    names = {
        line.split()[2]
        for line in lines
        if line.startswith("# TYPE approvals_") and not line.split()[2].endswith("_created")
    }

    missing = {name for name in names if f"`{name}`" not in page}

    assert names
    assert missing == set()


def test_metrics_are_off_unless_a_port_is_set_and_never_on_the_public_one() -> None:
    assert settings().metrics_port is None
    assert settings(metrics_port=9464).metrics_host == "127.0.0.1"
    with pytest.raises(ValidationError, match="METRICS_PORT must differ"):
        settings(metrics_port=3978)
