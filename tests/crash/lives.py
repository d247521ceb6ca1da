"""The service as the world knows it: one process after another, each with its fate, on one store."""

import asyncio
import multiprocessing
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp

from playground.outside import Playground
from tests.crash.entry import LISTENING, Birth, live
from tests.crash.fate import Fate, Moment

WITHIN = 60.0  # seconds for a start, an end or a rest, on a busy machine
SOON = 150.0  # seconds: leases of the dead end, and nothing that is owed to us falls overdue
NEVER_QUIET = 200  # rounds

# One process has imported everything; each life is forked from it, which takes milliseconds.
WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload([live.__module__])

Answered = TypeVar("Answered")


class Lives:
    """
    Starts a process whenever one is needed and none lives.

    The first has the first of *fates*, and so on; who comes after the last lives on. All
    listen on one port, where the buttons of their mails lead.
    `deaths` says where each died.
    """

    def __init__(
        self, playground: Playground, *, store_url: str, folder: Path, fates: Sequence[Fate]
    ) -> None:
        self.playground = playground
        self.store_url = store_url
        self.deaths: list[str] = []
        self._log = folder / "log"
        self.tenants = playground.write_tenants(folder / "tenants")
        self._port = _held_port()
        port = self._port.getsockname()[1]
        self._settings = playground.settings(store_url=store_url, tenants=self.tenants, port=port)
        self._fates = list(fates)
        self._buried = 0
        self._ahead = 0.0  # seconds by which the processes' clock is fast
        self._process: ForkServerProcess | None = None
        self._told: Connection | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(WITHIN))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.join, WITHIN)
        self._port.close()

    def logged(self) -> str:
        """Return what all of them had to log: warnings and worse."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    async def insist(self, do: Callable[[], Awaitable[Answered | None]]) -> Answered:
        """Do it again and again until it is answered; whoever does not answer has died."""
        while True:
            await self._be_alive()
            answer = await do()
            if answer is not None:
                return answer
            await self._bury()

    async def rest(self, horizon: float = SOON) -> None:
        """Let everything be done that falls due within *horizon* seconds of the last thing done."""
        for _round in range(NEVER_QUIET):
            found = await self.insist(lambda: self._ask("rest"))
            assert found["mended"] == 0, "a place waited on nobody"
            if found["due"] is None or found["due"] > horizon:
                return
            self._ahead += max(0.0, found["due"])
            await self.insist(lambda: self._ask("time", ahead=self._ahead))
        raise AssertionError("it never comes to rest")

    async def met(self) -> dict[Moment, dict[str, int]]:
        """Return how often each moment came to the process that lives, by what it was about."""
        return await self.insist(lambda: self._ask("met"))

    async def _ask(self, path: str, **said: Any) -> Any:
        url = f"{self.playground.teams.bot}/{path}"
        with suppress(aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
            async with self._http.post(url, json=said) as response:
                assert response.status == 200, await response.text()
                return await response.json()
        return None

    async def _be_alive(self) -> None:
        while self._process is None or not self._process.is_alive():
            await self._bury()
            await self._start()

    async def _start(self) -> None:
        """Start the next process. Its fate may have it die before it listens."""
        fate = self._fates.pop(0) if self._fates else None
        birth = Birth(self._settings, self._ahead, fate, self._log)
        self._told, telling = WARM.Pipe(duplex=False)
        self._process = WARM.Process(target=live, args=(birth, telling), daemon=True)
        self._process.start()
        telling.close()
        if await asyncio.to_thread(self._hear):
            self.playground.meet(self._settings["PUBLIC_URL"])
        else:
            await self._bury()

    def _hear(self) -> bool:
        """Tell whether it listens, which is told first; or note where it died, which is told last."""
        assert self._told is not None
        with suppress(EOFError):
            while self._told.poll(WITHIN):
                told = self._told.recv()
                if told == LISTENING:
                    return True
                self.deaths.append(told)
        return False

    async def _bury(self) -> None:
        """Wait until the process is gone; it was killed, and by nobody but its fate."""
        process, self._process = self._process, None
        if process is None:
            return
        await asyncio.to_thread(process.join, WITHIN)
        assert process.exitcode == -signal.SIGKILL, f"exit code {process.exitcode}"
        self._hear()
        self._buried += 1
        assert len(self.deaths) == self._buried, "killed, and not by its fate"
        process.close()


def _held_port() -> socket.socket:
    """Take a port on which nobody listens but who says that he shares it."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind(("127.0.0.1", 0))
    return held
