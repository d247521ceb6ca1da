"""A tenant whose word got lost is asked, over its real APIs, and every card says what is so."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from playground import names
from playground.certificates import CertificateAuthority
from playground.faults import FaultKind
from tests.failing import TENANT, all_due, card_in, converged, fail, mend, running_with, stored
from tests.running import Running
from tests.terminal import Terminal, settings_beside

EVERYBODY = ("johndoe1", "johndoe2", "johndoe3")
ASKED_NOW = "AskedNow"
EDITS = {
    "idempotent = true": 'idempotent = false\ndecision_status = "/decisions/{DecisionId}"',
    "answer_within = 100": "answer_within = 10",
    "[shown]": (
        f'[reconcile]\nafter = 60\ngone_statuses = [404]\napprovers = "AdditionalData.{ASKED_NOW}"'
        "\n\n[shown]"
    ),
}
OVER = 80.0  # seconds after which no attempt can be on its way any more


@pytest.fixture
async def running(
    authority: CertificateAuthority, store_url: str, tmp_path: Path
) -> AsyncIterator[Running]:
    """A tenant that can be asked what became of a decision, and would count it twice."""
    async with running_with(EDITS, authority, store_url, tmp_path) as service:
        service.playground.tenant.book.honours_keys = False
        yield service


@pytest.fixture
async def asked(running: Running) -> Running:
    await running.send("wiki-create", SummaryData=summary(running, *EVERYBODY))
    await running.asked(*EVERYBODY)
    return running


def summary(running: Running, *asked: str, **fields: Any) -> dict[str, Any]:
    """Return the wiki's summary, saying who is asked now."""
    arx = json.loads(running.playground.sample("wiki-create"))
    additional = arx["SummaryData"]["AdditionalData"] | {ASKED_NOW: "; ".join(asked)}
    return arx["SummaryData"] | {"AdditionalData": additional} | fields


async def loses_arx(running: Running, *asked: str, **fields: Any) -> None:
    """Let the tenant move the request on; its ARX goes astray."""
    arx = json.loads(running.playground.sample("wiki-create"))
    arx["SummaryData"] = summary(running, *asked, **fields)
    nowhere = (
        f"{running.playground.tenant.service}/api/v1/PayloadReceiver?TenantId={names.STRANGER_APP}"
    )
    sent = await running.playground.tenant.send(arx, url=nowhere)
    assert sent.status != 200


async def test_a_decision_whose_answer_was_lost_is_found_at_the_tenant(asked: Running) -> None:
    fail(asked, TENANT, FaultKind.LOST_ANSWER)

    answered = await asked.click("johndoe1", "Approve", "fine")
    await converged(asked, 15)

    assert "We ask Contoso Purchasing what became of it" in card_in(answered)
    for alias in EVERYBODY:
        await asked.says(alias, "Approved by")
    assert len(asked.told()) == 1


async def test_a_decision_that_never_arrived_is_posted_again_and_counts_once(
    asked: Running,
) -> None:
    fail(asked, TENANT, FaultKind.STATUS, status=500)

    await asked.click("johndoe1", "Approve", "fine")
    await converged(asked, 15)
    early = len(asked.told())
    await converged(asked, OVER)

    assert early == 1
    await asked.says("johndoe2", "Approved by")
    tcvs = {told.body["Telemetry"]["Tcv"] for told in asked.told()}
    assert (len(asked.told()), len(tcvs)) == (2, 1)


async def test_a_request_whose_arx_was_lost_moves_on_all_the_same(asked: Running) -> None:
    await asked.click("johndoe1", "Approve", "fine")
    await loses_arx(asked, "johndoe2", Title="Now with docks")

    await converged(asked, 65)

    await asked.says("johndoe2", "Now with docks")
    await asked.asked("johndoe2")
    await asked.says("johndoe1", "Approved by", "Nothing more for you to do.")
    assert not asked.can_decide("johndoe3")
    assert "reconciled" in [
        e.kind for e in await asked.house.store.history((await stored(asked)).key)
    ]


async def test_what_the_tenant_does_not_know_any_more_is_closed(asked: Running) -> None:
    await asked.click("johndoe1", "Approve", "fine")
    fail(asked, "tenant/pr/summary", FaultKind.STATUS, status=404)

    await converged(asked, 65)

    assert not (await stored(asked)).open
    await asked.says("johndoe1", "Approved by", "Nothing more for you to do.")
    assert not asked.can_decide("johndoe2")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (FaultKind.WRONG_DOCUMENT, "about another document"),
        (FaultKind.GARBAGE, "Summary API gave nothing that can be used"),
    ],
)
async def test_an_answer_that_says_nothing_heals_nothing(
    asked: Running, kind: FaultKind, why: str
) -> None:
    await asked.click("johndoe1", "Approve", "fine")
    fail(asked, "tenant/pr/summary", kind)

    await converged(asked, 65)

    approval = await stored(asked)
    assert approval.open
    assert why in approval.unclear
    assert "Not for your eyes" not in asked.text_of("johndoe2")


async def test_an_operator_tries_it_out_then_has_the_service_do_it(
    asked: Running, store_url: str, tmp_path: Path
) -> None:
    settings = settings_beside(asked.playground, store_url, tmp_path)
    terminal = Terminal(settings)
    await loses_arx(asked, "johndoe2", Title="Now with docks")

    tried = await terminal.type("reconcile", "pr", asked.number, "--dry-run")
    told, untouched = terminal.text, await stored(asked)
    left = await terminal.type("reconcile", "pr")
    await all_due(asked)
    await asked.says("johndoe2", "Now with docks")
    await terminal.type("reconcile", "pr", "--dry-run")

    assert (tried, left) == (0, 0)
    assert "would heal: place 0 no longer asked, place 2 no longer asked, content" in told
    assert "Nothing was changed" in told
    assert untouched.content is not None
    assert untouched.content.title != "Now with docks"
    assert terminal.lines[-1].startswith("1 compared, 0 differ.")


async def test_an_operator_sees_what_could_not_be_healed(
    asked: Running, store_url: str, tmp_path: Path
) -> None:
    terminal = Terminal(settings_beside(asked.playground, store_url, tmp_path))
    fail(asked, "tenant/pr/summary", FaultKind.STATUS, status=403, times=9)

    await terminal.type("reconcile", "pr", asked.number)
    await all_due(asked)
    await terminal.type("requests", "list", "--attention")
    listed = terminal.text
    mend(asked, "tenant/pr/summary")
    await terminal.type("reconcile", "pr", asked.number)
    await all_due(asked)
    await terminal.type("requests", "list", "--attention")

    assert "not reconciled, the Summary API answered HTTP 403" in listed
    assert terminal.text == "Nothing waits for an operator."
