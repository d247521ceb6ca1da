"""People whom Teams does not let us reach: without the app, or in a directory that blocks it."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from playground import names
from playground.certificates import CertificateAuthority
from playground.faults import FaultKind
from playground.outside import Playground
from tests.failing import (
    all_due,
    ask,
    asked_for,
    card_in,
    change_title,
    converged,
    fail,
    mend,
    said_to,
    standing,
    stored,
)
from tests.running import Running, run_service

INSTALL = "graph/install"
TOM = "johndoe4"  # was never heard of
EVERYBODY = ("johndoe1", "johndoe2", "johndoe3", "johndoe4", "johndoe5", "johndoe11")
A_DAY = 24 * 3600 + 60
AN_HOUR = 3600


async def why_not(running: Running, alias: str) -> str:
    """Return why somebody cannot be reached, as the tenant is told, "" if he can."""
    await all_due(running)
    return str((await standing(running))[alias]["Reason"] or "")


async def ask_thrice(running: Running, *aliases: str) -> list[str]:
    """Put three requests before *aliases*; return their numbers."""
    numbers = [f"REQ-{each}" for each in "ABC"]
    for number in numbers:
        arx = json.loads(running.playground.sample("wiki-create"))
        named = {"DisplayDocumentNumber": number, "DocumentNumber": number, "FiscalYear": "2020"}
        await running.send(
            "wiki-create",
            ApprovalIdentifier=named,
            SummaryData=arx["SummaryData"] | {"ApprovalIdentifier": named},
            Approvers=[arx["Approvers"][0] | {"Alias": alias} for alias in aliases],
        )
    await converged(running)
    return numbers


def on_cards(running: Running, alias: str, numbers: list[str]) -> list[str]:
    """Return those of the numbers that somebody has a card of."""
    cards = [str(message.card) for message in said_to(running, alias)]
    return [number for number in numbers if any(number in card for card in cards)]


# -- all that waits ----------------------------------------------------------------


async def test_all_that_waits_is_delivered_when_he_speaks(running: Running) -> None:
    fail(running, "connector/johndoe1", FaultKind.BLOCKED, times=None)
    numbers = await ask_thrice(running, "johndoe1")
    before = on_cards(running, "johndoe1", numbers)

    mend(running, "connector/johndoe1")
    await running.playground.teams.say("johndoe1", "hello")

    assert before == []
    await running.until(lambda: on_cards(running, "johndoe1", numbers) == numbers)


async def test_all_that_waits_is_delivered_by_the_daily_probe(running: Running) -> None:
    fail(running, "connector/johndoe1", FaultKind.BLOCKED, times=None)
    numbers = await ask_thrice(running, "johndoe1")
    mend(running, "connector/johndoe1")

    await converged(running, A_DAY - 3600)
    early = on_cards(running, "johndoe1", numbers)
    await converged(running, 3600)
    await all_due(running)

    assert early == []
    assert on_cards(running, "johndoe1", numbers) == numbers


# -- the app installed -------------------------------------------------------------


@pytest.fixture
def without_app(running: Running) -> Running:
    """Tom Okafor has no app, and no chat with the bot."""
    running.playground.world.set_installed(TOM, installed=False)
    return running


async def test_who_lacks_the_app_is_given_it_and_his_card(without_app: Running) -> None:
    running = without_app
    assert running.playground.world.chat_of(TOM) is None

    await ask(running, TOM, "johndoe2")

    await running.asked(TOM)
    assert running.playground.world.is_installed(TOM)
    assert "Approved" in card_in(await running.click(TOM, "Approve"))


async def test_who_may_not_be_given_the_app_is_a_reason_and_is_tried_a_day_later(
    without_app: Running,
) -> None:
    running = without_app
    fail(running, INSTALL, FaultKind.STATUS, status=403, times=None)
    await ask(running, TOM)
    assert "may not be installed for this person: HTTP 403" in await why_not(running, TOM)
    assert running.playground.world.chat_of(TOM) is None

    mend(running, INSTALL)
    await change_title(running)
    await converged(running, AN_HOUR)
    assert not running.playground.world.is_installed(TOM)
    await running.pass_time(A_DAY)

    await running.asked(TOM)


@pytest.mark.parametrize(
    ("kind", "status"),
    [(FaultKind.THROTTLED, 429), (FaultKind.STATUS, 503), (FaultKind.STATUS, 500)],
)
async def test_graph_that_fails_for_a_while_is_asked_again(
    without_app: Running, kind: FaultKind, status: int
) -> None:
    running = without_app
    fail(running, INSTALL, kind, status=status, seconds=40, times=None)
    await ask(running, TOM)
    await all_due(running)
    [card] = (await standing(running))[TOM]["Cards"] or [{"State": "waiting"}]
    assert card["State"] == "waiting"

    mend(running, INSTALL)
    await running.pass_time(400)

    await running.asked(TOM)


async def test_who_has_the_app_by_graphs_word_is_waited_for(running: Running) -> None:
    fail(running, f"connector/{TOM}", FaultKind.NOT_INSTALLED)

    await ask(running, TOM)

    await running.asked(TOM)


async def test_who_removed_the_app_is_not_given_it_again(running: Running) -> None:
    await running.playground.teams.uninstall("johndoe1")
    await ask(running, "johndoe1")

    await converged(running, A_DAY)
    await converged(running, A_DAY)

    assert not running.playground.world.is_installed("johndoe1")
    person = (await stored(running)).places[0].person
    contact = await running.house.store.contact(person.id) if person else None
    assert contact is not None
    assert contact.closed.startswith("HTTP 403")


class Elsewhere(Playground):
    """A playground whose service is told of another app in the catalogue, or of none."""

    catalogue: str | None = None

    def settings(self, **given: object) -> dict[str, str]:  # pyright: ignore[reportIncompatibleMethodOverride]
        settings = super().settings(**given)  # pyright: ignore[reportArgumentType]
        del settings["TEAMS_CATALOG_APP_ID"]
        return settings | ({"TEAMS_CATALOG_APP_ID": self.catalogue} if self.catalogue else {})


@asynccontextmanager
async def service_with(
    catalogue: str | None, authority: CertificateAuthority, store_url: str, folder: Path
) -> AsyncIterator[Running]:
    async with Elsewhere(authority) as outside:
        outside.catalogue = catalogue
        outside.world.set_installed(TOM, installed=False)
        async with run_service(outside, store_url=store_url, folder=folder) as service:
            yield service


@pytest.mark.parametrize(
    ("catalogue", "why"),
    [
        (None, "HTTP 403 ForbiddenOperationException"),
        (names.INTAKE_APP, "may not be installed for this person: HTTP 404 NotFound"),
    ],
)
async def test_without_the_apps_id_in_the_catalogue_nobody_is_given_it(
    catalogue: str | None,
    why: str,
    authority: CertificateAuthority,
    store_url: str,
    tmp_path: Path,
) -> None:
    async with service_with(catalogue, authority, store_url, tmp_path) as running:
        await ask(running, TOM)
        await converged(running)

        assert why in await why_not(running, TOM)
        assert not running.playground.world.is_installed(TOM)


# -- a directory that blocks the app ------------------------------------------------


async def closed_contacts(running: Running) -> list[str]:
    people = [place.person for place in (await stored(running)).places]
    contacts = [await running.house.store.contact(each.id) for each in people if each]
    return [each.name or str(each.person) for each in contacts if each and each.closed]


async def test_an_app_blocked_for_everybody_closes_the_directory_until_a_probe_works(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    fail(running, "connector", FaultKind.BLOCKED, times=None)
    await ask(running, *EVERYBODY)
    await converged(running)

    _status, health = await asked_for(running, "/readyz")
    cards = [each["Cards"][0] for each in (await standing(running)).values()]
    closed = [record for record in caplog.records if record.message == "directory_closed"]
    assert health["closed_directories"] == [names.DIRECTORY]
    assert health["oldest_card_not_current_seconds"] > 0
    assert [record.__dict__["directory"] for record in closed] == [names.DIRECTORY]
    assert {card["State"] for card in cards} == {"waiting"}
    assert {card["Reason"] for card in cards} == {
        f"the app is blocked in directory {names.DIRECTORY}"
    }
    assert await closed_contacts(running) == []

    await converged(running, 200)  # a probe, which fails
    assert await closed_contacts(running) == []
    mend(running, "connector")
    for _each in range(3):
        await converged(running, 200)

    await running.asked(*EVERYBODY)
    assert (await asked_for(running, "/readyz"))[1].get("closed_directories") is None


async def test_cards_that_change_while_the_directory_is_closed_are_true_once_it_opens(
    running: Running,
) -> None:
    await ask(running, *EVERYBODY)
    await running.asked(*EVERYBODY)
    fail(running, "connector", FaultKind.BLOCKED, times=None)
    await change_title(running)
    await converged(running)
    assert "Another title" not in running.base_text_of("johndoe1")

    mend(running, "connector")
    for _each in range(3):
        await converged(running, 200)

    for alias in EVERYBODY:
        await running.says(alias, "Another title")


async def test_few_people_who_block_the_bot_close_nothing_for_others(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for alias in EVERYBODY[:4]:
        fail(running, f"connector/{alias}", FaultKind.BLOCKED, times=None)

    await ask(running, *EVERYBODY)
    await converged(running)

    await running.asked(*EVERYBODY[4:])
    assert len(await closed_contacts(running)) == 4
    assert "directory_closed" not in caplog.messages
