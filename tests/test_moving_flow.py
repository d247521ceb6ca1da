"""A running service, its store copied elsewhere, and an archive in its settings."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from approvals_core.adapters.stores import open_store
from approvals_core.errors import StoreRefused
from approvals_core.keeping.archiving import ARCHIVE
from approvals_core.keeping.writers import writers_in
from approvals_core.models import HOUSE
from bots.cli.moving import copy_store
from playground.outside import Playground
from tests.opened import opened
from tests.running import run_service
from tests.test_copying import target_url

__all__ = ["target_url"]


def now() -> datetime:
    return datetime.now(UTC)


async def test_a_service_moves_to_another_store_and_goes_on(
    playground: Playground, store_url: str, target_url: str, tmp_path: Path
) -> None:
    said: list[str] = []
    async with run_service(playground, store_url=store_url, folder=tmp_path) as running:
        for alias in ("johndoe1", "johndoe2", "johndoe3"):
            await playground.teams.install(alias)
        await running.send("wiki-create")
        await running.asked("johndoe1")
        refused = not await copy_store(store_url, target_url, said.append, now=now)

    copied = await copy_store(store_url, target_url, said.append, now=now)
    async with run_service(playground, store_url=target_url, folder=tmp_path) as running:
        await running.click("johndoe1", "Approve")
        await running.until(running.told)

    assert refused
    assert "is written to by process" in said[0]
    assert copied
    with pytest.raises(StoreRefused, match="closed for a copy"):
        async with run_service(playground, store_url=store_url, folder=tmp_path):
            pass


async def test_a_service_says_that_it_writes_until_it_ends(
    playground: Playground, store_url: str, tmp_path: Path
) -> None:
    async with run_service(playground, store_url=store_url, folder=tmp_path) as running:
        during = writers_in(await running.house.store.notes(HOUSE))

    async with opened(open_store(store_url)) as store:
        after = writers_in(await store.notes(HOUSE))
    assert len(during) == 1
    assert after == {}


async def test_a_service_with_an_archive_uses_it(
    playground: Playground, store_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    async with run_service(
        playground, store_url=store_url, folder=tmp_path, archive_folder=folder
    ) as running:
        await running.house.worker.sweep()
        scopes = [f"t:{each.document_type_id}" for each in running.house.tenants.all()]
        queued = [await running.house.store.queued(scope, ARCHIVE) for scope in scopes]

    assert queued
    assert all(queued)
