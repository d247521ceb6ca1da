"""Puts the parts together: settings -> parts -> routes. Read this file first."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from aiohttp import TraceConfig, web
from opentelemetry.sdk.trace import SpanProcessor
from pydantic import ValidationError

from approvals_core import tracing
from approvals_core.adapters.entra import OwnTokens, TenantSignIn
from approvals_core.adapters.outgoing import session_trusting
from approvals_core.adapters.referenced import References
from approvals_core.adapters.stores import open_store
from approvals_core.adapters.telemetry import ToldTenantApi, Watching, export_to, log_as_json
from approvals_core.adapters.tenant_api import HttpTenantApi
from approvals_core.adapters.tenant_files import BadTenantFiles, read_tenants
from approvals_core.adapters.threads import OwnThreads
from approvals_core.adapters.tokens import Issuer, TokenVerifier
from approvals_core.errors import StoreError
from approvals_core.onboarded import Onboarded
from approvals_core.onboarding import Onboarding
from approvals_core.ports import Store
from approvals_core.tenant import Tenant
from approvals_core.worker import Cards, Worker
from bots.health import Health
from bots.metrics import MetricsDoor
from bots.tenants import TenantsDoor
from bots.tenants.quota import Quota
from bots.web import CorrelationOnRecords, correlated, only_for, problems
from cards.mail import mistakes_in
from config import Settings, environment, mistakes, strangers
from house.core import Ground, make_core
from house.keys import Keys
from house.mails import make_mails
from house.outlook import make_outlook_door
from house.page import make_page
from house.teams import make_teams

log = logging.getLogger("approvals")

OpenStore = Callable[[str], Awaitable[Store]]

DRAIN = 10.0  # seconds for what is under way when we are asked to stop
CUSTOM_LINE = "Test installation: not for real decisions."


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
) -> AsyncIterator["House"]:
    """
    Open everything the settings ask for, with its worker, and close it again at the end.

    *open_store* is called with the store's URL; *traces* are told of every request that
    goes out through aiohttp: all but MSAL's, for our own tokens. *spans* takes what else
    would go to the collector that the settings name.
    """
    async with AsyncExitStack() as stack:
        house = House(settings, now=now, open_store=open_store, traces=traces, spans=spans)
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
    ) -> None:
        self._settings = settings
        self._now = now
        self._open_store = open_store
        self._traces = traces
        self._notice_line = _notice_line(settings)
        self._references = References(environment())
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
        await self.store.stamp(settings.issuers)
        session = session_trusting(settings.ca_file, trace_configs=self._traces)
        ground = Ground(
            settings=settings,
            now=self._now,
            store=self.store,
            tenants=self.tenants,
            session=await stack.enter_async_context(session),
            tokens=self._tokens(),
            telemetry=self._watching.telemetry,
            notice_line=self._notice_line,
        )
        stack.push_async_callback(ground.tokens.close)
        calls = self._calls(ground.tokens)
        stack.push_async_callback(calls.close)
        self._make_parts(ground, ToldTenantApi(calls, self._watching.telemetry))
        if self._page is not None:
            stack.callback(self._page.close)
        await self._begin(stack, calls)

    def _make_parts(self, ground: Ground, api: ToldTenantApi) -> None:
        self._keys = Keys(self._settings, session=ground.session, now=self._now)
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
        self.worker = Worker(
            store=self.store,
            cards=self._cards,
            chores=core.chores,
            tenants=self.tenants,
            now=self._now,
        )
        self._make_tenants_door()
        self.onboarding = Onboarding(
            tenants=self.tenants,
            store=self.store,
            commits=core.commits,
            read=lambda: self._disk.run(self._read_tenants),
            follow=lambda tenants: self._intake.trust(self._intake_issuers(tenants)),
        )

    async def _begin(self, stack: AsyncExitStack, calls: HttpTenantApi) -> None:
        await self.onboarding.begin()
        self._watching.begin(
            store=self.store,
            tenants=self.tenants,
            now=self._now,
            oldest_card=self._cards.behind.oldest,
            paused=calls.paused,
        )
        stack.push_async_callback(self._watching.end)
        self._keys.warm(stack)
        looking = asyncio.create_task(self.onboarding.run())
        stack.push_async_callback(partial(_end, looking))
        self.working = asyncio.create_task(self.worker.run())
        self.working.add_done_callback(_tell_how_it_ended)
        stack.push_async_callback(self._stop)

    def application(self) -> web.Application:
        """Return the routes of every channel."""
        guards = [only_for(hosts)] if (hosts := self._settings.own_hosts) else []
        app = web.Application(middlewares=[correlated, problems, *guards])
        health = Health(
            store=self.store,
            now=self._now,
            custom_issuers=self._settings.issuers if self._notice_line else (),
            works=lambda: not self.working.done(),
            keys=self._keys.missing,
            behind=self._cards.behind.oldest,
            closed_directories=lambda: self._teams.directories.closed,
        )
        app.add_routes([*health.routes(), *self._tenants.routes(), *self._teams.door.routes()])
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

    async def _stop(self) -> None:
        self.worker.stop()
        await self.approvals.drain(seconds=DRAIN)
        await asyncio.wait({self.working}, timeout=DRAIN)
        self.working.cancel()

    def _calls(self, tokens: OwnTokens) -> HttpTenantApi:
        return HttpTenantApi(
            TenantSignIn(tokens, self._references),
            clock=self._now,
            loopback=self._settings.loopback,
            current_trace=lambda: tracing.current().parent,
            trace_configs=self._traces,
        )

    def _read_tenants(self) -> Mapping[str, Tenant]:
        files = read_tenants(self._settings.tenants, self._references, check=mistakes_in)
        if lost := strangers(self._settings.directories, files.values()):
            raise BadTenantFiles(lost)
        return files

    def _make_tenants_door(self) -> None:
        self._intake = TokenVerifier(
            issuers=self._intake_issuers(self.tenants.all()),
            audiences=self._settings.intake_audience,
            clock=self._now,
        )
        self._tenants = TenantsDoor(
            approvals=self.approvals,
            store=self.store,
            tenants=self.tenants,
            verifier=self._intake,
            clock=self._now,
            quota=Quota(time.monotonic),
            telemetry=self._watching.telemetry,
        )

    def _tokens(self) -> OwnTokens:
        settings = self._settings
        return OwnTokens(
            app_id=settings.bot_app_id,
            secret=settings.bot_secret.get_secret_value(),
            clock=self._now,
            login_url=settings.entra_login_url,
            ca_file=settings.ca_file,
        )

    def _intake_issuers(self, tenants: Iterable[Tenant]) -> list[Issuer]:
        return self._keys.of_entra(c.directory for tenant in tenants for c in tenant.callers)


def _notice_line(settings: Settings) -> str | None:
    if not settings.custom_issuers:
        return None
    log.warning("custom_issuers", extra={"issuers": settings.issuers})
    return CUSTOM_LINE


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _tell_how_it_ended(working: asyncio.Task[None]) -> None:
    problem = None if working.cancelled() else working.exception()
    if problem is not None:
        log.critical("worker_ended", exc_info=problem)


@asynccontextmanager
async def _served(app: web.Application, host: str, port: int) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=DRAIN)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


async def serve(settings: Settings, *, open_store: OpenStore = open_store) -> int:
    """
    Run until SIGTERM or SIGINT, or until the worker fails; return the exit code.

    Without its worker no card changes any more: whoever watches the process starts another.
    """
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(settings, open_store=open_store))
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, house.onboarding.ask)
        if settings.metrics_port is not None:
            metrics = _served(
                house.metrics_application(), settings.metrics_host, settings.metrics_port
            )
            await stack.enter_async_context(metrics)
        await stack.enter_async_context(_served(house.application(), settings.host, settings.port))
        log.info("started", extra={"url": settings.public_url})
        asked = asyncio.create_task(stopping.wait())
        await asyncio.wait({asked, house.working}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        return 0 if stopping.is_set() else 1


def main() -> int:
    """Start the service, or say in one sentence each what is missing."""
    log_as_json([CorrelationOnRecords()])
    try:
        return asyncio.run(serve(Settings()))  # pyright: ignore[reportCallIssue] (the environment fills it)
    except ValidationError as problem:
        print("\n".join(mistakes(problem)), file=sys.stderr)
        return 2
    except (BadTenantFiles, StoreError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
