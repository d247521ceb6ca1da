"""What approvers and tenants are told while our own store is slow, away or full."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from approvals_core.adapters.stores import open_store
from approvals_core.errors import StoreUnavailable
from approvals_core.models import Approval, Change, PlaceState
from approvals_core.ports import Store
from playground.outside import Playground
from playground.reading import button
from tests.failing import asked_for, card_in, converged, stored
from tests.fakes import FlakyStore, Gate
from tests.running import Running, run_service

EVERYBODY = ("johndoe1", "johndoe2", "johndoe3")


class SlowStore(FlakyStore):
    """A store whose reads can be held up or fail, too."""

    away = False

    async def approval_by_id(self, scope: str, public_id: str) -> Approval | None:
        if self.reads_wait_for is not None:
            await self.reads_wait_for.wait()
        if self.away:
            raise StoreUnavailable("connection refused")
        return await self._store.approval_by_id(scope, public_id)


class Asked(NamedTuple):
    """The wiki's request before all three, on a store that can fail."""

    service: Running
    store: SlowStore


@pytest.fixture
async def asked(playground: Playground, store_url: str, tmp_path: Path) -> AsyncIterator[Asked]:
    opened: list[SlowStore] = []

    async def open_slow(url: str) -> Store:
        opened.append(SlowStore(await open_store(url)))
        return opened[0]  # pyright: ignore[reportReturnType] - delegates

    async with run_service(
        playground, store_url=store_url, folder=tmp_path, open_store=open_slow
    ) as service:
        for alias in EVERYBODY:
            await playground.teams.install(alias)
        await service.send("wiki-create")
        await service.asked(*EVERYBODY)
        yield Asked(service, opened[0])


async def show_again(service: Running, alias: str, answered: Any) -> str:
    """Press the button of a notice that stands where the card was."""
    message = service.card_of(alias)
    assert message is not None
    action = button(answered.body["value"], "Show the request")
    return card_in(await service.playground.teams.click(alias, message.id, action))


async def test_a_click_that_the_store_is_slow_to_read_is_answered_first_and_counts_once(
    asked: Asked,
) -> None:
    service, store = asked
    store.reads_wait_for = gate = Gate()

    clicking = service.click("johndoe1", "Approve", "in time")
    answered = await service.patience.until(gate.reached.wait(), clicking)

    assert "Recording your decision" in card_in(answered)
    store.reads_wait_for.set()
    await service.until(service.told)
    await converged(service)
    await service.says("johndoe2", "Approved", "in time")
    assert len(service.told()) == 1
    assert "Approved" in await show_again(service, "johndoe1", answered)


async def test_a_click_while_the_store_is_away_decides_nothing_and_says_what_to_do(
    asked: Asked,
) -> None:
    service, store = asked
    store.away = True

    answered = await service.click("johndoe1", "Approve")

    assert "cannot be reached" in card_in(answered)
    assert "cannot be reached" in await show_again(service, "johndoe1", answered)
    store.away = False
    assert "Approve" in await show_again(service, "johndoe1", answered)
    assert service.told() == []
    assert "Approved" in card_in(await service.click("johndoe1", "Approve"))


async def test_a_decision_that_the_full_disk_does_not_take_is_recorded_once_there_is_room(
    asked: Asked,
) -> None:
    service, store = asked
    refused = asyncio.Event()

    def full(change: Change) -> bool:
        if change.claim is None:
            return False
        refused.set()
        return True

    store.refuses = full

    clicking = service.click("johndoe1", "Reject", "Too dear")
    answered = await service.patience.until(refused.wait(), clicking)

    assert "Recording your decision" in card_in(answered)
    assert service.told() == []
    store.refuses = lambda _change: False  # somebody made room
    await service.until(service.told)
    await converged(service)
    await service.says("johndoe2", "Rejected", "Too dear")
    assert len(service.told()) == 1
    assert (await stored(service)).places[0].state is PlaceState.ACCEPTED


async def test_a_tenant_is_told_to_repeat_what_could_not_be_stored_and_it_counts_once(
    asked: Asked,
) -> None:
    service, store = asked
    arx = service.playground.sample("wiki-update")
    store.refuses = lambda change: change.payload is not None

    refused = await service.playground.tenant.send(arx)

    assert refused.status == 503
    store.refuses = lambda _change: False
    assert (await service.playground.tenant.send(arx)).answer["Disposition"] == "applied"
    assert (await service.playground.tenant.send(arx)).answer["Disposition"] == "duplicate"


async def test_an_unreachable_store_is_seen_by_whoever_watches_the_service(asked: Asked) -> None:
    service, store = asked

    async def no_answer(_lanes: object) -> None:
        raise StoreUnavailable("connection refused")

    assert (await asked_for(service, "/readyz"))[0] == 200
    store.next_due = no_answer  # pyright: ignore[reportAttributeAccessIssue]

    assert (await asked_for(service, "/readyz"))[0] == 503
    assert (await asked_for(service, "/livez"))[0] == 200
