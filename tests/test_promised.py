"""The running service answers by the times that are promised, whoever hangs: with those times, and not a test's."""

import asyncio
from pathlib import Path

import pytest

from approvals_core.adapters.stores import open_store
from approvals_core.deadlines import PROMISED
from approvals_core.ports import Store
from playground.faults import FaultKind
from playground.outside import Playground
from tests.failing import TENANT, card_in, fail, mend
from tests.patience import Patience
from tests.running import run_service
from tests.test_failures_store import SlowStore

pytestmark = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
MARIA = "johndoe1"


async def test_a_card_that_teams_asks_for_does_not_wait_for_a_store_that_hangs(
    playground: Playground, store_url: str, tmp_path: Path
) -> None:
    opened: list[SlowStore] = []

    async def open_slow(url: str) -> Store:
        opened.append(SlowStore(await open_store(url)))
        return opened[0]  # pyright: ignore[reportReturnType] - delegates

    async with run_service(
        playground,
        store_url=store_url,
        folder=tmp_path,
        open_store=open_slow,
        patience=Patience(teams=PROMISED.teams),
    ) as service:
        await playground.teams.install(MARIA)
        await service.send("wiki-create")
        await service.asked(MARIA)
        message = service.card_of(MARIA)
        assert message is not None
        opened[0].reads_wait_for = released = asyncio.Event()

        answered = await playground.teams.refresh(MARIA, message.id)

        assert answered is not None
        assert "cannot be reached" in card_in(answered)
        released.set()


async def test_a_click_does_not_wait_for_a_tenant_that_hangs(
    playground: Playground, store_url: str, tmp_path: Path
) -> None:
    promised = Patience(tenant=PROMISED.tenant, click=PROMISED.click, building=PROMISED.building)
    async with run_service(
        playground, store_url=store_url, folder=tmp_path, patience=promised
    ) as service:
        await playground.teams.install(MARIA)
        await service.send("wiki-create")
        await service.asked(MARIA)
        fail(service, TENANT, FaultKind.HELD, times=None)

        said = card_in(await service.click(MARIA, "Approve", "in time"))

        await playground.tenant.arrived()
        assert "Sending to Contoso Purchasing" in said or "Recording your decision" in said
        assert [each.fault for each in service.told()] == [FaultKind.HELD]
        mend(service, TENANT)
        playground.tenant.release()
        assert "in time" in await service.says(MARIA, "Approved")
