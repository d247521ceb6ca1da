"""A tenant that hangs fills its own few places, and takes none that another one could need."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from approvals_core.models import JobKind, Lane, LeasedJob, tenant_scope
from approvals_core.onboarded import Onboarded
from approvals_core.ports import Store
from approvals_core.worker import Cards, Chores, Worker
from playground.certificates import CertificateAuthority
from playground.faults import FaultKind
from playground.reading import button, words
from tests.failing import (
    KEY,
    TENANT,
    at_once,
    card_in,
    fail,
    mend,
    running_with,
    still_under_way,
)
from tests.far_sides import eventually
from tests.running import PATIENCE, Running
from tests.store_makers import MINUTE, NOON, a_job, jobs_change
from tests.test_wire_out import a_tenant

CALLS = 6
MANY = 200  # more than all places of a worker
HUNG_ID = "11111111-2222-4333-8444-555555555555"
QUICK_ID = "11111111-2222-4333-8444-666666666666"
HUNG, QUICK = tenant_scope(HUNG_ID), tenant_scope(QUICK_ID)


class NoCards:
    async def do(self, leased: LeasedJob) -> bool:
        return False


class HangingChores:
    """Does the quick tenant's jobs at once, and those of the hung one when it is released."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.under_way: Counter[Lane] = Counter()
        self.most: Counter[Lane] = Counter()
        self.done: Counter[Lane] = Counter()
        self.finished = 0
        self.released = asyncio.Event()
        self.changed = asyncio.Event()

    async def do(self, leased: LeasedJob) -> None:
        lane = leased.job.lane
        if leased.lease.scope == HUNG:
            self.under_way[lane] += 1
            self.most[lane] = max(self.most[lane], self.under_way[lane])
            self.changed.set()
            await self.released.wait()
            self.under_way[lane] -= 1
        else:
            self.done[lane] += 1
        await self._store.finish(leased.lease)
        self.finished += 1
        self.changed.set()

    async def until(self, look: Any) -> None:
        async with asyncio.timeout(PATIENCE):
            while not look():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def working(store: Store, chores: HangingChores) -> AsyncIterator[Worker]:
    tenant = a_tenant(calls=CALLS)
    tenants = Onboarded(
        {
            name: tenant.model_copy(update={"document_type_id": document, "code": name})
            for name, document in (("hung", HUNG_ID), ("quick", QUICK_ID))
        }
    )
    worker = Worker(
        store=store,
        cards=cast("Cards", NoCards()),
        chores=cast("Chores", chores),
        tenants=tenants,
        now=lambda: NOON,
        poll=0.01,
    )
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        chores.released.set()
        worker.stop()
        await running


async def ask(store: Store, scope: str, lane: Lane, count: int, *, since: timedelta) -> None:
    jobs = [
        a_job(f"{lane}/{n}", kind=JobKind.POST, lane=lane, due=NOON - since) for n in range(count)
    ]
    await store.commit(jobs_change(*jobs, scope=scope, id=f"{scope}/{lane}"))


async def leased_in(store: Store, scope: str) -> Counter[Lane]:
    found: Counter[Lane] = Counter()
    after = None
    while True:
        page = await store.jobs(scope, after=after, limit=100)
        found.update(one.job.lane for one in page.jobs if one.leased and one.job is not None)
        after = page.after
        if after is None:
            return found


async def test_its_jobs_hold_no_more_places_and_leases_than_its_own(store: Store) -> None:
    """Posts: as many as it takes calls; readings: half of that. All others stay in the store."""
    chores = HangingChores(store)
    for lane in (Lane.DECISION, Lane.TENANT):
        await ask(store, HUNG, lane, MANY, since=10 * MINUTE)
        await ask(store, QUICK, lane, MANY, since=MINUTE)

    all_its_places = {Lane.DECISION: CALLS, Lane.TENANT: CALLS // 2}
    async with working(store, chores):
        await chores.until(lambda: chores.done[Lane.DECISION] == chores.done[Lane.TENANT] == MANY)
        await chores.until(lambda: dict(chores.under_way) == all_its_places)
        leased, held = await leased_in(store, HUNG), dict(chores.under_way)

    assert held == all_its_places
    assert dict(leased) == held
    assert chores.most == held


async def test_what_is_left_in_the_store_is_done_once_it_answers_again(store: Store) -> None:
    chores = HangingChores(store)
    await ask(store, HUNG, Lane.DECISION, 3 * CALLS, since=MINUTE)

    async with working(store, chores):
        await chores.until(lambda: chores.under_way[Lane.DECISION] == CALLS)
        chores.released.set()
        await chores.until(lambda: chores.finished == 3 * CALLS)
        left = await store.jobs(HUNG, limit=1)

    assert left.jobs == ()
    assert chores.most[Lane.DECISION] == CALLS


def numbered(running: Running, sample: str, number: str) -> dict[str, Any]:
    """Return what makes a sample a request of its own."""
    arx = json.loads(running.playground.sample(sample))
    named = {"DisplayDocumentNumber": number, "DocumentNumber": number, "FiscalYear": "2020"}
    summary = arx["SummaryData"] | {"ApprovalIdentifier": named}
    return {"ApprovalIdentifier": named, "SummaryData": summary}


async def test_who_decides_elsewhere_is_answered_and_his_card_converges(
    authority: CertificateAuthority, store_url: str, tmp_path: Path
) -> None:
    two_calls = {"idempotent = true": "idempotent = true\ncalls = 2"}
    async with running_with(two_calls, authority, store_url, tmp_path) as running:
        capital = running.playground.tenants["capex"]
        numbers = [f"HUNG-{n}" for n in range(6)]
        for number in numbers:
            await running.send("wiki-create", **numbered(running, "wiki-create", number))
        sent = await capital.start_request(running.playground.sample("capex-create"))
        capex = (sent.arx or {})["ApprovalIdentifier"]["DocumentNumber"]
        for running.number in (*numbers, capex):
            await running.asked("johndoe1")
        fail(running, TENANT, FaultKind.HELD, times=None)

        clicks = at_once(*(click(running, number) for number in numbers))
        held = await running.patience.until(all_sent(running, numbers), clicks)
        running.number = capex
        answer = await running.click("johndoe1", "Approve", "worth it")
        waiting = len(running.playground.tenant.held())

        assert waiting == 2
        assert all(still_under_way(each) for each in held)
        assert "Approved" in card_in(answer)
        await running.until(lambda: len(capital.actions()) == 1)
        mend(running, TENANT)
        running.playground.tenant.release()


async def all_sent(running: Running, numbers: Sequence[str]) -> None:
    """Wait until each has a decision, and the two that its tenant takes at once have arrived there."""
    keys = [KEY._replace(number=number) for number in numbers]

    async def sent() -> bool:
        found = [await running.house.store.approval(key) for key in keys]
        decided = all(one and one.places[0].decision for one in found)
        return decided and len(running.playground.tenant.held()) == 2

    await eventually(sent)


async def click(running: Running, number: str) -> Any:
    chat = running.playground.world.chat_of("johndoe1")
    assert chat is not None
    [message] = [m for m in chat.messages if m.card and number in words(m.card)]
    action = button(message.shown_to("johndoe1") or {}, "Approve")
    return await running.playground.teams.click("johndoe1", message.id, action, {"comment": "ok"})
