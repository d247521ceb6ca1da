"""The test's own entry point: the whole service as a process that dies when its fate has it."""

import asyncio
import logging
import multiprocessing
import os
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, cast

from aiohttp import web

from app import House, open_house
from approvals_core.adapters.stores import open_store
from approvals_core.models import JobKind
from approvals_core.ports import Store
from config import Settings
from tests.crash.fate import Fate, Fates, MortalStore
from tests.failing import due_done
from tests.running import Clock

DRAIN = 10.0  # seconds for clicks under way
LISTENING = ""  # what is told first; where it died is never empty


class Birth(NamedTuple):
    """What a process is given. *ahead* is by how many seconds its clock is fast."""

    settings: Mapping[str, str]
    ahead: float
    fate: Fate | None
    log: Path


def live(birth: Birth, telling: Connection) -> None:
    """Tell once it listens, serve until killed, and tell where that is."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.basicConfig(filename=birth.log, level=logging.WARNING, force=True)
    asyncio.run(_serve(birth, telling))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


async def _serve(birth: Birth, telling: Connection) -> None:
    settings = Settings.model_validate({k.lower(): value for k, value in birth.settings.items()})
    fates, clock = Fates(birth.fate, telling.send), Clock()
    clock.ahead = timedelta(seconds=birth.ahead)

    async def open_mortal(url: str) -> Store:
        return cast("Store", MortalStore(await open_store(url), fates))

    async with open_house(
        settings, now=clock, open_store=open_mortal, traces=[fates.trace()]
    ) as house:
        app = house.application()
        app.add_routes(_Controls(house, clock, fates).routes())
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        # The port is held for us, and whoever had it before us may be hardly gone.
        await web.TCPSite(runner, settings.host, settings.port, reuse_port=True).start()
        telling.send(LISTENING)
        await asyncio.Event().wait()


class _Controls:
    """Lets whoever started the process wait until all is quiet, and move its clock."""

    def __init__(self, house: House, clock: Clock, fates: Fates) -> None:
        self._house = house
        self._clock = clock
        self._fates = fates

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/rest", self._rest),
            web.post("/time", self._time),
            web.post("/met", self._met),
        ]

    async def _rest(self, _request: web.Request) -> web.Response:
        """Do what is due; say in how many seconds more will be, and what had to be mended."""
        house = self._house
        await house.approvals.drain(seconds=DRAIN)
        await due_done(house)
        due = [due async for due in self._due()]
        left = (min(due) - self._clock()).total_seconds() if due else None
        return web.json_response({"due": left, "mended": await house.worker.sweep()})

    async def _due(self) -> AsyncIterator[datetime]:
        """Yield when each job will be due. Not the sweep, which always will be within the hour."""
        store = self._house.store
        for scope in await store.scopes():
            for queued in (await store.jobs(scope, limit=1000)).jobs:
                if queued.job is None or queued.job.kind is not JobKind.SWEEP:
                    yield queued.next

    async def _time(self, request: web.Request) -> web.Response:
        self._clock.ahead = timedelta(seconds=(await request.json())["ahead"])
        self._house.worker.wake()
        return web.json_response({})

    async def _met(self, _request: web.Request) -> web.Response:
        return web.json_response(self._fates.met)
