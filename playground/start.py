"""Starts the playground, a store if asked, and the service; ends them together."""

import asyncio
import shlex
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from playground import redis_server
from playground.certificates import CertificateAuthority
from playground.child import CannotStart, Child
from playground.lock import RunningAlready, only_one
from playground.mailboxes import Via
from playground.outside import Playground
from playground.ports import Ports

ROOT = Path(__file__).parents[1]
SERVICE = (sys.executable, "-m", "app")
SETTINGS_FILE = "service.env"
WATCHED = ("APPROVALS_METRICS_PORT", "APPROVALS_OTLP_ENDPOINT")
PASSED_ON = (*WATCHED, "APPROVALS_MAIL_VIA")  # to the service, if set
PACE = 1.5  # seconds that tenants think before they go on by themselves: one sees each step
WORLDS = {"sqlite": "world", "redis": "world-redis"}  # each store has chats of its own


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 -- for the person at the terminal


class Start:
    """
    One run of everything, until Ctrl-C or until a part ends by itself.

    *folder* is the playground's memory, *environment* what children inherit, *service* the service's command line.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *,
        service: Sequence[str] = SERVICE,
        say: Callable[[str], None] = say,
    ) -> None:
        self._folder = folder
        # Little but what we make up: a setting of another life would mix real and made up.
        self._passed_on = {name: environment[name] for name in PASSED_ON if environment.get(name)}
        self._environment = {
            name: value for name, value in environment.items() if not name.startswith("APPROVALS_")
        }
        self._service_command = service
        self._say = say
        self._children: list[Child] = []
        self._running = AsyncExitStack()

    async def run(self, store: str) -> int:
        """
        Run on *store*, "sqlite" or "redis"; return the exit code.

        Raises:
            CannotStart: With the reason.
        """
        try:
            with only_one(self._folder):
                return await self._run(store)
        except RunningAlready as problem:
            raise CannotStart(str(problem)) from None

    async def _run(self, store: str) -> int:
        async with self._running:
            asked_to_stop = self._signals()
            alive = asyncio.ensure_future(self._live(store))
            await asyncio.wait({asked_to_stop, alive}, return_when=asyncio.FIRST_COMPLETED)
            if alive.done():
                return alive.result()
            alive.cancel()
            self._say("\nStopping.")
            return 0

    def _signals(self) -> asyncio.Future[None]:
        """Return what is done once somebody wants us to stop."""
        loop = asyncio.get_running_loop()
        asked: asyncio.Future[None] = loop.create_future()

        def ask() -> None:
            if not asked.done():
                asked.set_result(None)

        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(each, ask)
            self._running.callback(loop.remove_signal_handler, each)
        return asked

    async def _live(self, store: str) -> int:
        ports = Ports.choose(self._folder)
        playground = await self._playground(ports, store)
        service = await self._service(playground, ports, await self._store(store))
        await _introduce(playground)
        self._say(_greeting(playground, store, service.pid, self._passed_on))
        return await self._first_end()

    async def _playground(self, ports: Ports, store: str) -> Playground:
        authority = CertificateAuthority(self._folder / "ca")
        playground = Playground(authority, self._folder / WORLDS[store], pace=PACE)
        self._running.push_async_callback(playground.stop)
        await playground.start(port=ports.playground, issuer_port=ports.issuer)
        return playground

    async def _store(self, store: str) -> str:
        if store == "sqlite":
            return f"sqlite:///{self._folder / 'approvals.db'}"
        home = self._folder / "redis"
        home.mkdir(exist_ok=True)
        path = redis_server.socket_in(home)
        await redis_server.end_leftover(path)
        child = await self._start("redis", redis_server.command(home, path), {})
        await child.ready(lambda: redis_server.answers(path))
        return f"unix://{path}"

    async def _service(self, playground: Playground, ports: Ports, store_url: str) -> Child:
        tenants = playground.write_tenants(self._folder / "tenants")
        settings = playground.settings(store_url=store_url, tenants=tenants, port=ports.service)
        prefixed = {f"APPROVALS_{name}": value for name, value in settings.items()}
        prefixed |= self._passed_on
        via = prefixed["APPROVALS_MAIL_VIA"]
        if via in set(Via):  # of another one the service says what is wrong
            playground.world.mail_via = Via(via)
        _write_settings(self._folder / SETTINGS_FILE, prefixed)
        child = await self._start("service", self._service_command, prefixed)
        await child.ready(lambda: _listens(ports.service))
        playground.meet(settings["PUBLIC_URL"])
        return child

    async def _start(self, name: str, command: Sequence[str], more: dict[str, str]) -> Child:
        environment = {**self._environment, "PYTHONUNBUFFERED": "1", **more}
        child = Child(name, command, environment=environment, folder=ROOT)
        self._running.push_async_callback(child.stop)
        await child.start()
        self._children.append(child)
        return child

    async def _first_end(self) -> int:
        """Wait for the first child that ends by itself, and return its exit code, never 0."""
        endings = {asyncio.ensure_future(child.ended()): child for child in self._children}
        try:
            done, _ = await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for ending in endings:
                ending.cancel()
        first = done.pop()
        self._say(endings[first].last_words(first.result()))
        self._say("Nothing is lost: start again with `make run`, and it goes on where it was.")
        return first.result() or 1


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def _write_settings(path: Path, settings: Mapping[str, str]) -> None:
    """Write what the service was told, for a shell: ``. .playground/service.env``. It holds the bot's secret."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in settings.items()]
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text("".join(lines), encoding="utf-8")


async def _introduce(playground: Playground) -> None:
    """
    Let everybody with a chat install the bot, once: so the service learns of their conversations.

    They live where this machine is, as most likely does who looks at the page.
    """
    zone = _zone_here()
    for person in [person for person in playground.world.people.values() if person.has_chat]:
        if zone:
            playground.world.people[person.alias] = person.model_copy(update={"zone": zone})
        if playground.world.first_time(person.alias):
            await playground.teams.install(person.alias)


def _zone_here() -> str:
    """Return this machine's IANA zone, "" where it does not say (tzset(3): a link into zoneinfo)."""
    name = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2].removeprefix("posix/")
    return {"Etc/UTC": "UTC"}.get(name, name)


def _greeting(playground: Playground, store: str, pid: int, passed_on: Mapping[str, str]) -> str:
    return (
        f"\n  The playground, with its page:  {playground.url}/\n"
        f"  The service, on {store + ':':15} {playground.teams.bot}/\n"
        f"  It is process {pid}:            kill -9 {pid} shows what a crash does\n"
        f"{_watched(passed_on)}\n"
        "  Ctrl-C ends both. `make fresh` forgets what happened here.\n"
    )


def _watched(passed_on: Mapping[str, str]) -> str:
    """Return where the service's numbers and spans are, a line each."""
    port, collector = (passed_on.get(name) for name in WATCHED)
    numbers = (
        f"  Its numbers for Prometheus:      http://127.0.0.1:{port}/metrics\n" if port else ""
    )
    return numbers + (f"  Its spans go to:                 {collector}\n" if collector else "")
