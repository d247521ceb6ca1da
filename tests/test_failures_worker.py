"""A worker that ends for a reason nobody thought of: the process must not look healthy."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from app import serve
from approvals_core.adapters.stores import open_store
from config import Settings
from playground.outside import Playground
from tests.far_sides import eventually, trusting
from tests.ports import free_port
from tests.running import run_service


class Broken:
    """A store that hands out jobs of no kind that there is, once it is told to."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.broken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def lease(self, *lanes: Any, **how: Any) -> Any:
        return None if self.broken else await self._store.lease(*lanes, **how)


async def open_broken(url: str) -> Any:
    return Broken(await open_store(url))


async def test_a_service_without_its_worker_is_not_alive(
    playground: Playground,
    store_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with run_service(
        playground, store_url=store_url, folder=tmp_path, open_store=open_broken
    ) as running:
        await eventually(lambda: is_ready(playground))
        before = await asked(playground, "/livez"), await asked(playground, "/readyz")
        running.house.store.broken = True  # pyright: ignore[reportAttributeAccessIssue] - ours
        running.house.worker.wake()
        await asyncio.wait({running.house.working}, timeout=60)

        after = await asked(playground, "/livez"), await asked(playground, "/readyz")

    assert [status for status, _said in before] == [200, 200]
    assert [status for status, _said in after] == [503, 503]
    assert all(said["worker"] == "ended" for _status, said in after)
    [ended] = [each for each in caplog.records if each.message == "worker_ended"]
    assert ended.levelno == logging.CRITICAL
    assert ended.exc_info is not None


async def test_a_service_whose_worker_ends_ends_too_and_says_so_by_its_exit_code(
    playground: Playground, store_url: str, tmp_path: Path
) -> None:
    tenants = playground.write_tenants(tmp_path)
    given = playground.settings(store_url=store_url, tenants=tenants, port=free_port())
    settings = Settings.model_validate({name.lower(): value for name, value in given.items()})

    async def broken_from_the_start(url: str) -> Any:
        store = await open_broken(url)
        store.broken = True
        return store

    code = await asyncio.wait_for(serve(settings, open_store=broken_from_the_start), 60)

    assert code == 1


async def is_ready(playground: Playground) -> bool:
    """Tell whether the service is ready: it is once the keys of all issuers are there."""
    status, _said = await asked(playground, "/readyz")
    return status == 200


async def asked(playground: Playground, path: str) -> tuple[int, Any]:
    async with trusting(playground) as http, http.get(playground.teams.bot + path) as response:
        return response.status, await response.json()
