"""Details through real HTTP: the service asks the tenant's API for what no payload brought."""

import json
from typing import Any

from approvals_core.worker.fetching import TRIES_ANSWERED
from playground.faults import FaultKind
from playground.records import Received
from tests.failing import all_due, card_in, converged, fail, mend
from tests.running import Running

NOBODY = "not a token"
DETAILS = "tenant/pr/details"  # where their faults are switched


async def only_the_tenant_knows(running: Running) -> dict[str, Any]:
    """Let the tenant have the sample's details, and return its CREATE without them."""
    arx = json.loads(running.playground.sample("wiki-create"))
    refused = await running.playground.tenant.send(arx, token=NOBODY)
    assert refused.status == 401
    return arx | {"DetailsData": {}}


def asked(running: Running) -> list[Received]:
    return [r for r in running.playground.tenant.book.received if r.api == "details"]


async def test_details_that_no_payload_brought_are_read_at_the_tenants(running: Running) -> None:
    arx = await only_the_tenant_knows(running)

    await running.playground.tenant.send(arx)

    await running.says("johndoe1", "Age Paws Paws Nothing", "Payment terms")
    assert running.can_decide("johndoe1")
    assert len(asked(running)) == 2  # of both operations, each once


async def test_a_card_without_its_details_comes_and_gets_them_later(running: Running) -> None:
    arx = await only_the_tenant_knows(running)
    fail(running, DETAILS, FaultKind.STATUS, status=503, times=None)

    await running.playground.tenant.send(arx)
    await running.says("johndoe1", "More details are being fetched")
    assert running.can_decide("johndoe1")

    await all_due(running)
    assert {one.status for one in asked(running)} == {503}
    mend(running, DETAILS)
    await running.pass_time(3600.0)
    await running.says("johndoe1", "Age Paws Paws Nothing")
    await running.until(lambda: "being fetched" not in running.base_text_of("johndoe1"))


async def test_a_tenant_that_has_no_such_details_leaves_the_card_as_good_without(
    running: Running,
) -> None:
    await running.send("wiki-create", DetailsData={})

    for _ in range(TRIES_ANSWERED):
        await converged(running, 60.0)
    await running.says("johndoe1", "Some details could not be fetched")
    await running.click("johndoe1", "Approve")
    await running.until(running.told)

    assert [told.body["Action"] for told in running.told()] == ["Approve"]
    assert len(asked(running)) == 1 + TRIES_ANSWERED  # DT1 is there, LINE never


async def test_the_first_sample_has_all_its_details(running: Running) -> None:
    running.number = "PR-2026-00417"
    await running.send("laptops-create")

    await running.says("johndoe1", "Cost centre", "Payment terms", "ThinkPad P16s")
    await running.until(lambda: "fetched" not in running.base_text_of("johndoe1"))


async def test_equal_details_read_again_do_not_take_the_click_back(running: Running) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1", "johndoe2")
    seen = running.button("johndoe1", "Approve")
    arx = json.loads(running.playground.sample("wiki-create"))
    again = arx | {"Operation": 2, "DetailsData": {}, "DeleteFor": ["johndoe3"]}
    again["Approvers"] = again["Approvers"][:2]
    again["ActionDetail"] = json.loads(running.playground.sample("wiki-update"))["ActionDetail"]
    again["ActionDetail"]["ActionBy"] = {"Alias": "johndoe3", "Name": "Three"}

    sent = await running.playground.tenant.send(again)
    assert sent.status == 200, sent.answer
    await running.until(lambda: len(asked(running)) == 2)
    await running.until(lambda: not running.can_decide("johndoe3"))
    await all_due(running)  # they are kept by now, and not only read

    clicked = await running.press("johndoe1", seen)
    assert "Approved" in card_in(clicked)
    assert len(running.told()) == 1
