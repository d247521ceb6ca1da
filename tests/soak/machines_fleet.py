"""The service on several machines: web and worker processes behind a load balancer, killed and started anew."""

import asyncio
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

from playground.outside import Playground
from tests.failing import ROOT
from tests.ports import free_port

HERE = "127.0.0.1"
LIKE_AN_OPERATOR = ("web", "web", "worker", "worker")  # the compose file's
STARTED_WITHIN = 90.0  # seconds, on a busy machine
AGAIN = 1.0  # seconds until somebody who ended by himself is started anew
LOOK = 0.2  # seconds between two looks
AT_ONCE = 65_536  # bytes carried

# Becomes the program that it is given, which is killed once the input ends: when its starter is gone, too.
_KEPT = 'exec 3<&0; (read -r _ <&3; kill -9 $$ 2>/dev/null) & exec "$@" </dev/null 3<&-'

# Limits that would only make a soak longer: how they are kept is tested elsewhere.
WIDE = {"MAIL_PER_MINUTE": "3000", "MAIL_AT_ONCE": "10"}

Answered = TypeVar("Answered")


class Balancer:
    """Hands each connection to the next of *ports* on which somebody listens."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = ports
        self._taken = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Return the address under which all of them are reached."""
        self._server = await asyncio.start_server(self._hand_on, HERE, 0)
        return f"http://{HERE}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            behind = await self._somebody()
            if behind is not None:
                with suppress(asyncio.CancelledError):  # who stops us waits for nobody's answer
                    await asyncio.gather(_carry(reader, behind[1]), _carry(behind[0], writer))
        finally:
            self._open.discard(task)
            writer.close()

    async def _somebody(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self._ports:
            self._taken += 1
            with suppress(OSError):
                return await asyncio.open_connection(
                    HERE, self._ports[self._taken % len(self._ports)]
                )
        return None


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry all that comes; who has no more to say, or died, ends both ways."""
    with suppress(OSError):
        while came := await reader.read(AT_ONCE):
            writer.write(came)
            await writer.drain()
    writer.close()


class Machine:
    """One process of the service after another, always with the same settings."""

    def __init__(self, name: str, settings: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.port = int(settings["PORT"])
        self._settings = {f"APPROVALS_{key}": value for key, value in settings.items()}
        self._log = log
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Start it as an operator does: these settings, and no others."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *("/bin/sh", "-c", _KEPT, "sh", sys.executable, "-m", "app"),
                cwd=ROOT,
                env=self._settings,
                stdin=PIPE,
                stdout=log,
                stderr=log,
            )

    async def kill(self) -> None:
        """End it as the kernel would, unless it is gone."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            await self._process.wait()

    async def begin_anew(self) -> None:
        """Kill it, and start another one."""
        async with self._turn:
            await self.kill()
            await self.start()

    @property
    def ended(self) -> int | None:
        """Return the exit code of a process that ended by itself, None if it lives."""
        assert self._process is not None, "not started"
        code = self._process.returncode
        return None if code in (None, -signal.SIGKILL) else code

    async def listens(self) -> None:
        """Wait until it takes connections."""
        async with asyncio.timeout(STARTED_WITHIN):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection(HERE, self.port)
                    writer.close()
                    return
                await asyncio.sleep(LOOK)


class Fleet:
    """
    Two web and two worker processes on one store, behind one address.

    `deaths` names who was killed, in order. `ended` names who ended by itself, with its exit
    code: each is started anew, as by whatever watches over it.
    """

    def __init__(self, playground: Playground, *, store_url: str, folder: Path) -> None:
        folder.mkdir()
        self.playground = playground
        self.store_url = store_url
        self.tenants = playground.write_tenants(folder / "tenants")
        self.deaths: list[str] = []
        self.ended: list[tuple[str, int]] = []
        self._address = ""
        self._web_died_at: datetime | None = None
        self._folder = folder
        self._ports = [free_port() for _ in LIKE_AN_OPERATOR]
        roles = zip(self._ports, LIKE_AN_OPERATOR, strict=True)
        self._balancer = Balancer([port for port, role in roles if role == "web"])
        self._machines: list[Machine] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._address = address = await self._balancer.start()
        self._stack.push_async_callback(self._balancer.stop)
        for number, (port, role) in enumerate(zip(self._ports, LIKE_AN_OPERATOR, strict=True)):
            name = f"{role}-{number}"
            machine = Machine(name, self._settings(port, role, address), self._folder / name)
            self._stack.push_async_callback(machine.kill)
            await machine.start()
            self._machines.append(machine)
        await self.all_listen()
        watching = asyncio.create_task(self._watch())
        self._stack.push_async_callback(asyncio.gather, watching, return_exceptions=True)
        self._stack.callback(watching.cancel)
        self.playground.meet(address)
        return self

    async def _watch(self) -> None:
        """Start anew whoever ended by itself."""
        while True:
            await asyncio.sleep(AGAIN)
            for machine in self._machines:
                if (code := machine.ended) is not None:
                    self.ended.append((machine.name, code))
                    await machine.begin_anew()

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _settings(self, port: int, role: str, address: str) -> dict[str, str]:
        given = self.playground.settings(store_url=self.store_url, tenants=self.tenants, port=port)
        return given | {"ROLE": role, "PUBLIC_URL": address} | WIDE

    async def kill_one(self, choice: random.Random) -> None:
        """Kill any of them, and start it anew."""
        machine = choice.choice(self._machines)
        self._dies(machine)
        await machine.begin_anew()

    async def kill_all(self) -> None:
        """Kill all of them at once, and start them anew: what only they knew is gone."""
        for machine in self._machines:
            self._dies(machine)
        await asyncio.gather(*(machine.begin_anew() for machine in self._machines))

    def web_died_after(self, at: datetime) -> bool:
        """Tell whether a process that takes clicks was killed since then."""
        return self._web_died_at is not None and self._web_died_at > at

    def _dies(self, machine: Machine) -> None:
        self.deaths.append(machine.name)
        if machine.name.startswith("web"):
            self._web_died_at = datetime.now(UTC)

    async def all_listen(self) -> None:
        await asyncio.gather(*(machine.listens() for machine in self._machines))

    async def all_let_in(self, knock: Callable[[], Awaitable[bool]]) -> None:
        """
        Wait until each process that takes calls answers *knock* well.

        One that could not read the issuers' keys at its start asks for them again after a minute.
        """
        for port, role in zip(self._ports, LIKE_AN_OPERATOR, strict=True):
            if role == "web":
                self.playground.meet(f"http://{HERE}:{port}")
                while not await knock():  # noqa: ASYNC110 (nobody is told)
                    await asyncio.sleep(LOOK)
        self.playground.meet(self._address)

    async def insist(self, do: Callable[[], Awaitable[Answered | None]]) -> Answered:
        """Do it again and again until it is answered: somebody will live by then."""
        while True:
            answer = await do()
            if answer is not None:
                return answer
            await asyncio.sleep(LOOK)

    def logged(self, *levels: str) -> list[str]:
        """Return the lines of all processes that have one of these levels."""
        lines = [
            line
            for machine in self._machines
            for line in (self._folder / machine.name).read_text(encoding="utf-8").splitlines()
        ]
        return [line for line in lines if any(f'"level": "{level}"' in line for level in levels)]
