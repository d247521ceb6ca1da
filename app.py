"""Puts the parts together: settings -> parts -> routes. Read this file first."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from aiohttp import TraceConfig, web
from opentelemetry.sdk.trace import SpanProcessor
from pydantic import ValidationError

from approvals_core.adapters.code_version import VERSION
from approvals_core.adapters.outgoing import session_trusting
from approvals_core.adapters.referenced import References
from approvals_core.adapters.stores import may_lose, open_store
from approvals_core.adapters.telemetry import ToldTenantApi, Watching, export_to, log_as_json
from approvals_core.adapters.tenant_api import HttpTenantApi
from approvals_core.adapters.tenant_files import BadTenantFiles
from approvals_core.adapters.threads import OwnThreads
from approvals_core.deadlines import PROMISED, Deadlines
from approvals_core.errors import StoreError
from approvals_core.keeping.clocks import ahead_of_store, same_clock
from approvals_core.keeping.writers import Writers, refuse_closed, writing
from approvals_core.onboarded import Onboarded
from approvals_core.onboarding import Onboarding
from approvals_core.ports import Store
from approvals_core.tenant import Tenant
from approvals_core.worker import Cards, Lateness, Worker
from bots.health import Health, none_missing
from bots.metrics import MetricsDoor
from bots.web import CorrelationOnRecords, correlated, only_for, problems
from config import Settings, environment, mistakes
from house.collector import looking_seldom
from house.core import Ground, make_core, notice_line
from house.keys import Keys
from house.limits import make_allowances
from house.mails import make_mails
from house.outgoing import make_calls, make_tokens
from house.outlook import make_outlook_door
from house.page import front_routes, make_page
from house.serving import Drain, about, asked_to_end, end, served
from house.teams import make_teams
from house.tenants import Intake, read_files

log = logging.getLogger("approvals")

OpenStore = Callable[[str], Awaitable[Store]]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_house(
    settings: Settings,
    *,
    now: Callable[[], datetime] = _utc_now,
    open_store: OpenStore = open_store,
    traces: Sequence[TraceConfig] = (),
    spans: SpanProcessor | None = None,
    deadlines: Deadlines = PROMISED,
) -> AsyncIterator["House"]:
    """
    Open everything the settings ask for, with its worker if its role has one, and close it at the end.

    *open_store* is called with the store's URL; *traces* are told of every request that
    goes out through aiohttp: all but MSAL's, for our own tokens. *spans* takes what else
    would go to the collector that the settings name. *deadlines* are for clicks.
    """
    async with AsyncExitStack() as stack:
        house = House(
            settings,
            now=now,
            open_store=open_store,
            traces=traces,
            spans=spans,
            deadlines=deadlines,
        )
        await house.open(stack)
        yield house


class House:
    """The parts, made in the order in which they need each other."""

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], datetime],
        open_store: OpenStore,
        traces: Sequence[TraceConfig],
        spans: SpanProcessor | None,
        deadlines: Deadlines,
    ) -> None:
        self._deadlines = deadlines
        self._settings = settings
        self._now = now
        self._brought_clock = None if now is _utc_now else now
        self._open_store = open_store
        self._traces = traces
        self._notice_line = notice_line(settings)
        self._references = References(environment())
        self.drain = Drain(settings.drain_within)
        self._ended = asyncio.Event()
        self._disk = OwnThreads(1, name="tenants' files")  # one that hangs keeps no process alive
        endpoint = settings.otlp_endpoint
        self._watching = Watching(
            metrics=settings.metrics_port is not None,
            processor=spans or (export_to(endpoint) if endpoint else None),
        )

    async def open(self, stack: AsyncExitStack) -> None:
        """Open the store, the connections and the worker; *stack* closes them."""
        settings = self._settings
        stack.push_async_callback(self._watching.flush)
        self.tenants = Onboarded(await self._disk.run(self._read_tenants))
        self.store = await self._open_store(settings.store_url)
        stack.push_async_callback(self.store.close)
        refuse_closed(await self.store.holdings.about())
        await self.store.stamp(settings.issuers)
        self.writers = await stack.enter_async_context(self._writing())
        session = session_trusting(settings.ca_file, trace_configs=self._traces)
        ground = Ground(
            settings=settings,
            now=self._now,
            store=self.store,
            tenants=self.tenants,
            session=await stack.enter_async_context(session),
            tokens=make_tokens(settings, self._now),
            telemetry=self._watching.telemetry,
            allowances=make_allowances(self.store.budgets, self._brought_clock),
            notice_line=self._notice_line,
            deadlines=self._deadlines,
        )
        stack.push_async_callback(ground.tokens.close)
        secrets, traces = self._references, self._traces
        calls = make_calls(settings, ground.tokens, secrets, now=self._now, traces=traces)
        stack.push_async_callback(calls.close)
        self._make_parts(ground, ToldTenantApi(calls, self._watching.telemetry))
        if self._page is not None:
            stack.callback(self._page.close)
        await self._begin(stack, calls)

    def _writing(self) -> AbstractAsyncContextManager[Writers]:
        by_own = partial(ahead_of_store, self.store, now=self._now)
        return writing(
            self.store,
            now=self._now,
            role=self._settings.role.value,
            version=VERSION,
            # A clock that was brought along has nothing to do with the store's.
            compare=same_clock if self._brought_clock else by_own,
        )

    def _make_parts(self, ground: Ground, api: ToldTenantApi) -> None:
        self._keys = Keys(
            self._settings, session=ground.session, now=self._now, deadlines=self._deadlines
        )
        core = make_core(ground, api=api, wake=self._wake, mails=make_mails(ground))
        self.approvals = core.approvals
        self._teams = make_teams(ground, core, self._keys)
        self._outlook = make_outlook_door(ground, core, self._keys)
        self._page = make_page(ground, core, self._keys, api=api)
        self._cards = Cards(
            store=self.store,
            commits=core.commits,
            tenants=self.tenants,
            channels={self._teams.channel.name: self._teams.channel},
            now=self._now,
        )
        self.lateness = Lateness(self.store, behind=self._cards.behind, now=self._now)
        self.worker = Worker(
            store=self.store,
            cards=self._cards,
            chores=core.chores,
            tenants=self.tenants,
            now=self._now,
            mails_at_once=core.chores.mails_at_once,
        )
        self._intake = Intake(ground, core, self._keys)
        self.onboarding = Onboarding(
            tenants=self.tenants,
            store=self.store,
            commits=core.commits,
            read=lambda: self._disk.run(self._read_tenants),
            follow=self._intake.trust,
        )

    async def _begin(self, stack: AsyncExitStack, calls: HttpTenantApi) -> None:
        await self.onboarding.begin()
        self._watching.begin(
            store=self.store,
            tenants=self.tenants,
            now=self._now,
            oldest_card=lambda: self.lateness.known_of_cards,
            held=self.lateness.held,
            paused=calls.paused,
        )
        stack.push_async_callback(self._watching.end)
        if self._settings.role.takes_calls:
            self._keys.warm(stack)
        for going_on in (self.onboarding.run(), self.lateness.run()):
            stack.push_async_callback(partial(end, asyncio.create_task(going_on)))
        self.working = asyncio.create_task(self._work())
        self.working.add_done_callback(_tell_how_it_ended)
        stack.push_async_callback(self._stop)

    def application(self) -> web.Application:
        """Return the routes of every channel."""
        guards = [only_for(hosts)] if (hosts := self._settings.own_hosts) else []
        app = web.Application(middlewares=[correlated, problems, *guards])
        role = self._settings.role
        health = Health(
            lateness=self.lateness,
            unwritable=self.writers.look,
            ahead=lambda: self.writers.ahead,
            custom_issuers=self._settings.issuers if self._notice_line else (),
            works=lambda: self.drain.begun or not self.working.done(),
            keys=self._keys.missing if role.takes_calls else none_missing,
            ending=lambda: self.drain.begun,
            closed_directories=lambda: self._teams.directories.closed,
            may_lose=may_lose(self._settings.store_url),
            store_answers_within=self._deadlines.probe,
        )
        app.add_routes(health.routes())
        if not role.takes_calls:
            return app
        app.add_routes([*self._intake.door.routes(), *self._teams.door.routes()])
        app.add_routes(front_routes(self._settings, self.tenants, self._notice_line))
        if self._outlook is not None:
            app.add_routes(self._outlook.routes())
        if self._page is not None:
            app.add_routes(self._page.routes)
        return app

    def metrics_application(self) -> web.Application:
        """Return the routes of /metrics, which are for operators and have a port of their own."""
        guards = [only_for(hosts)] if (hosts := self._settings.metrics_hosts) else []
        app = web.Application(middlewares=[correlated, problems, *guards])
        door = MetricsDoor(look=self._watching.look, text=self._watching.text)
        app.add_routes(door.routes())
        return app

    def _wake(self) -> None:
        self.worker.wake()  # which is made after those that wake it

    def stop_taking(self) -> None:
        """Begin to end: say so to who asks, take no more jobs, but go on taking calls for now."""
        self.drain.begin(after=self._settings.drain_after)
        self._ended.set()
        self.worker.stop()

    async def _work(self) -> None:
        if self._settings.role.does_jobs:
            await self.worker.run()
        else:
            await self._ended.wait()

    async def _stop(self) -> None:
        """Wait for what is under way; what takes too long is given back, for others to take at once."""
        if not self.drain.begun:
            self.stop_taking()
        await self.approvals.drain(seconds=self.drain.left())
        await asyncio.wait({self.working}, timeout=self.drain.left())
        await self.worker.let_go()
        await end(self.working)

    def _read_tenants(self) -> Mapping[str, Tenant]:
        return read_files(self._settings, self._references)


def _tell_how_it_ended(working: asyncio.Task[None]) -> None:
    problem = None if working.cancelled() else working.exception()
    if problem is not None:
        log.critical("worker_ended", exc_info=problem)


async def serve(settings: Settings, *, open_store: OpenStore = open_store) -> int:
    """
    Run until SIGTERM or SIGINT, or until the worker fails; return the exit code.

    Asked to end, /readyz says so first. Calls are taken for ``drain_after`` seconds more, for a
    load balancer to notice, then no longer; what was taken has ``drain_within`` seconds.

    Without its worker no card changes any more, and on a store that was closed, or by a clock that
    is off, nothing can be done: whoever watches the process starts another, or learns why none starts.
    """
    asked = asked_to_end()
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(settings, open_store=open_store))
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, house.onboarding.ask)
        if settings.metrics_port is not None:
            at = (settings.metrics_host, settings.metrics_port)
            metrics = served(
                house.metrics_application(), *at, drain=1.0, setting="APPROVALS_METRICS_PORT"
            )
            await stack.enter_async_context(metrics)
        calls = served(
            house.application(), settings.host, settings.port, drain=settings.drain_within
        )
        await stack.enter_async_context(calls)
        stack.enter_context(looking_seldom())
        log.info("started", extra=about(settings))
        ending, lost = (asyncio.create_task(event.wait()) for event in (asked, house.writers.over))
        await asyncio.wait({ending, lost, house.working}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        lost.cancel()
        house.stop_taking()
        if not asked.is_set():
            return 1
        log.info("ending", extra={"after": settings.drain_after, "within": settings.drain_within})
        await asyncio.sleep(settings.drain_after)
        return 0


def main() -> int:
    """Start the service, or say in one sentence each what is missing."""
    log_as_json([CorrelationOnRecords()])
    try:
        code = asyncio.run(serve(Settings()))  # pyright: ignore[reportCallIssue] (the environment fills it)
    except ValidationError as problem:
        print("\n".join(mistakes(problem)), file=sys.stderr)
        return 2
    except (BadTenantFiles, StoreError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    log.info("ended", extra={"code": code})
    return code


if __name__ == "__main__":
    sys.exit(main())
