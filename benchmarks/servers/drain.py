"""
The worker with its queue of cards: leased, sent to Teams' far side, their receipts committed with the jobs' end.

The parts are those of `app.py`. With faces *ready* every card is the same, made ahead; else each
is built from what is stored, as always.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from approvals_core.adapters.outgoing import session_trusting
from approvals_core.adapters.referenced import References
from approvals_core.adapters.stores import open_store
from approvals_core.allowances import Allowances
from approvals_core.deadlines import PROMISED
from approvals_core.models import Change, Contact, Lane, Person, PersonId
from approvals_core.onboarded import Onboarded
from approvals_core.ports import Channel, Store, View
from approvals_core.rules.draft import card_job
from approvals_core.telemetry import NO_TELEMETRY
from approvals_core.worker import Cards, Worker
from benchmarks.servers.changes import Changes
from benchmarks.servers.control import obey, settings
from benchmarks.servers.filling import commit_all, somebody
from benchmarks.servers.likeness import Likeness
from benchmarks.servers.work import used_cpu
from config import Settings, environment
from house.collector import looking_seldom
from house.core import Core, Ground, make_core
from house.keys import Keys
from house.outgoing import make_calls, make_tokens
from house.teams import make_teams
from house.tenants import read_files

EACH = 3  # approvers, of whom each gets a card
LOOK = 0.02  # seconds between two looks whether all is done


class ReadyFaces:
    """A channel whose faces need not be built."""

    def __init__(self, channel: Channel) -> None:
        self.name = channel.name
        self.update = channel.update
        self.withdraw = channel.withdraw
        self.send = channel.send
        self._face = channel.face
        self._ready: tuple[str, Mapping[str, object]] | None = None

    async def face(self, view: View) -> tuple[str, Mapping[str, object]]:
        """Return the first face that anybody asked for."""
        self._ready = self._ready or await self._face(view)
        return self._ready


class Drain:
    """Queues cards, each of another person, and lets the worker send them."""

    def __init__(self, store: Store, worker: Callable[[], Worker], likeness: Likeness) -> None:
        self._store = store
        self._worker = worker
        self._likeness = likeness
        self._requests = self._cards = 0
        self._met: set[PersonId] = set()

    async def prepare(self, *, count: int) -> None:
        """Commit requests whose *count* cards are due, for people whose conversations are known."""
        self._cards = count
        await commit_all(self._store, self._changes(count))

    def _changes(self, count: int) -> Iterator[Change]:
        now = datetime.now(UTC)
        for start in range(0, count, EACH):
            people = [somebody(EACH * self._requests + seat) for seat in range(EACH)]
            yield from (_met(one, now) for one in people if one.id not in self._met)
            self._met |= {one.id for one in people}
            change = self._likeness.another(f"REQ-{self._requests:08}", people)
            approval, asked = change.approval, people[: count - start]
            assert approval is not None
            jobs = tuple(card_job(approval, 1, one.id, "teams", due=now) for one in asked)
            yield change.model_copy(update={"receipts": (), "jobs": (*change.jobs, *jobs)})
            self._requests += 1

    async def work(self, *, callers: int) -> dict[str, Any]:
        """Send them all; of one card nobody knows how long it took."""
        worker = self._worker()
        began, cpu = time.perf_counter(), used_cpu()
        running = asyncio.create_task(worker.run())
        while await self._store.next_due([Lane.CARD]) is not None:  # noqa: ASYNC110 (the worker tells nobody)
            await asyncio.sleep(LOOK)
        seconds, used = time.perf_counter() - began, used_cpu() - cpu
        worker.stop()
        await running
        return {"requests": self._cards, "seconds": seconds, "cpu": used, "p99": 0.0}


def _met(person: Person, now: datetime) -> Change:
    contact = Contact(
        person=person.id,
        version=1,
        last_change=person.object_id,
        conversation=f"a:{person.object_id}",
        service_url=settings()["bot_service_url"],
        at=now,
    )
    return Change(id=person.object_id, scope=person.id.scope, contact=contact)


def _now() -> datetime:
    return datetime.now(UTC)


async def _ground(stack: AsyncExitStack, given: Settings) -> tuple[Ground, Core]:
    references = References(environment())
    store = await open_store(given.store_url)
    stack.push_async_callback(store.close)
    tokens = make_tokens(given, _now)
    stack.push_async_callback(tokens.close)
    calls = make_calls(given, tokens, references, now=_now, traces=())
    stack.push_async_callback(calls.close)
    ground = Ground(
        settings=given,
        now=_now,
        store=store,
        tenants=Onboarded(read_files(given, references)),
        session=await stack.enter_async_context(session_trusting(given.ca_file)),
        tokens=tokens,
        telemetry=NO_TELEMETRY,
        allowances=Allowances(store.budgets, monotonic=time.monotonic),
        notice_line=None,
        deadlines=PROMISED,
    )
    return ground, make_core(ground, api=calls, wake=lambda: None)


async def _run() -> None:
    told = settings()
    template, ready = told.pop("template"), told.pop("ready")
    given = Settings.model_validate(told)
    async with AsyncExitStack() as stack:
        ground, core = await _ground(stack, given)
        keys = Keys(given, session=ground.session, now=_now)
        teams = make_teams(ground, core, keys).channel
        channel: Channel = ReadyFaces(teams) if ready else teams
        cards = Cards(
            store=ground.store,
            commits=core.commits,
            tenants=ground.tenants,
            channels={channel.name: channel},
            now=_now,
        )

        def worker() -> Worker:
            return Worker(
                store=ground.store,
                cards=cards,
                chores=core.chores,
                tenants=ground.tenants,
                now=_now,
            )

        first = Changes(ground.store, template, Path(given.tenants)).next(1)[0]
        drain = Drain(ground.store, worker, Likeness(first))
        with looking_seldom():
            await obey({}, {"prepare": drain.prepare, "work": drain.work})


if __name__ == "__main__":
    asyncio.run(_run())
