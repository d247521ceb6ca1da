"""Every JSON block of Assent's wiki, as printed: what goes in, what we send out, and what its answers mean."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from approvals_core.arx import approval_request, read_response
from approvals_core.models import (
    Approval,
    ApprovalKey,
    Content,
    Decision,
    Mark,
    Person,
    Place,
    PlaceState,
)
from approvals_core.ports import AnswerKind
from approvals_core.tenant import Tenant
from tests.failing import asked_for, converged, standing
from tests.makers import a_tenant
from tests.running import WIKI_NUMBER, Running

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden" / "wiki"
SAMPLES = ROOT / "playground" / "samples"
ID = "93f9b688-ddc3-43aa-b617-c05a415d1612"
FIRST, SECOND = "23c899a5-0db0-4744-bc94-beecc401655a", "23c899a5-0db0-4744-bc94-beecc401655b"
KEY = ApprovalKey(ID, WIKI_NUMBER, "2020")

# assent-app WIKI.md: its eight blocks in the order they stand there, indentation taken off, nothing mended.
BLOCKS = {
    SAMPLES / "wiki-create.json": "ed7da52b471e53ec",
    SAMPLES / "wiki-update.json": "0ac42b1a53972779",
    SAMPLES / "wiki-delete.json": "301395b531212804",
    GOLDEN / "request.json": "5fecd846b6592428",
    GOLDEN / "requests.json": "b000a0733565bc1d",
    GOLDEN / "response-success.json": "2dc851f9fdc66162",
    GOLDEN / "response-failure.json": "0076bd106a95c6ad",
    GOLDEN / "responses.json": "f95874a5f93769d1",
}


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_bytes())


@pytest.mark.parametrize("path", BLOCKS, ids=lambda path: path.stem)
def test_a_block_is_kept_as_the_wiki_prints_it(path: Path) -> None:
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(BLOCKS[path])


# -- ARX, in ------------------------------------------------------------------


async def test_the_three_payloads_go_in_byte_for_byte_and_do_what_they_say(
    running: Running,
) -> None:
    answers: list[Any] = []
    for name in ("wiki-create", "wiki-update", "wiki-delete"):
        sent = await running.playground.tenant.send(running.playground.sample(name))
        answers.append((sent.status, sent.answer["Disposition"]))
        payload = sent.answer["PayloadProcessingResult"]["PayloadId"]
        told = (await asked_for(running, f"/api/v1/payloads/{payload}"))[1]
        kept = await running.house.store.bodies(KEY, f"payload/{payload}")
        assert list(kept.values()) == [(SAMPLES / f"{name}.json").read_text(encoding="utf-8")]
        assert told["Warnings"] == []

    assert answers == [(200, "applied"), (200, "applied"), (200, "applied")]
    await running.asked("johndoe2", "johndoe3")
    states = {alias: one["State"] for alias, one in (await standing(running)).items()}
    # The DELETE as printed names nobody who is still asked.
    assert states == {"johndoe1": "removed", "johndoe2": "pending", "johndoe3": "pending"}


async def test_the_action_detail_of_update_and_delete_is_one_line_of_history(
    running: Running,
) -> None:
    for name in ("wiki-create", "wiki-update", "wiki-delete"):
        await running.send(name)
    await converged(running)

    history = await running.house.store.history(KEY)
    done = [event for event in history if "Within Budget" in event.personal.values()]

    assert len(done) == 1


# -- ApprovalRequest, out -----------------------------------------------------


def a_wiki_tenant() -> Tenant:
    made = a_tenant(document_type_id=ID, name="TenantName")
    return made.model_copy(
        update={"api": made.api.model_copy(update={"echo_additional_data": True})}
    )


def a_person(name: str) -> Person:
    directory = "11111111-aaaa-4aaa-8aaa-111111111111"
    upn = f"{name}@organization.com"
    return Person(directory=directory, object_id=f"oid-of-{name}", name=name, upn=upn)


def decided(printed: dict[str, Any]) -> tuple[Approval, Place, Decision]:
    """Return a decision that was made exactly as a printed ApprovalRequest says."""
    identifier, telemetry = printed["ApprovalIdentifier"], printed["Telemetry"]
    at = datetime(2022, 3, 12, 12, 29, 9, 878_000, tzinfo=UTC)
    approval = Approval(
        key=ApprovalKey(ID, identifier["DocumentNumber"], identifier["FiscalYear"]),
        id="prabc",
        display_number=identifier["DisplayDocumentNumber"],
        xcv=telemetry["Xcv"],
        content=Content(additional=printed["AdditionalData"]),
    )
    place = Place(
        seat=0,
        alias="johndoe1",
        names=("johndoe1",),
        original_approvers=("johndoe3",),
        person=a_person("johndoe1"),
        mark=Mark(0, 1),
        state=PlaceState.SUBMITTING,
    )
    decision = Decision(
        id=telemetry["Tcv"],
        action=printed["Action"],
        comment=printed["ActionDetails"]["Comment"],
        by=a_person("johndoe2"),
        at=at,
        channel="teams",
        round=1,
        revision=1,
        attempted_at=at,
    )
    return approval, place, decision


def test_a_single_request_comes_out_as_printed_in_the_same_order() -> None:
    printed = golden("request")

    sent = approval_request(a_wiki_tenant(), *decided(printed))

    assert json.dumps(sent) == json.dumps(printed)


def test_our_tenants_name_stands_where_the_wiki_has_a_placeholder() -> None:
    printed = golden("request")

    sent: Any = approval_request(
        a_wiki_tenant().model_copy(update={"name": "Contoso Purchasing"}), *decided(printed)
    )

    expected = "Approvals-Contoso Purchasing-ApprovalAction-Approve"
    assert sent["Telemetry"].pop("BusinessProcessName") == expected
    assert "TenantName" in printed["Telemetry"].pop("BusinessProcessName")
    assert sent == printed


# -- ApprovalResponse, in -----------------------------------------------------


def test_the_success_is_a_yes_with_its_sentence() -> None:
    answer = read_response(
        (GOLDEN / "response-success.json").read_bytes(), 200, ApprovalKey(ID, FIRST, "2020")
    )

    assert answer.kind is AnswerKind.ACCEPTED
    assert answer.message == "The submitted action was processed successfully."


def test_the_failure_is_a_no_for_good_whatever_retry_interval_it_names() -> None:
    answer = read_response(
        (GOLDEN / "response-failure.json").read_bytes(), 200, ApprovalKey(ID, FIRST, "2020")
    )

    assert answer.kind is AnswerKind.REFUSED
    assert answer.message == golden("response-failure")["DisplayMessage"]
    assert answer.errors == tuple(
        golden("response-failure")["E2EErrorInformation"]["ErrorMessages"]
    )
    assert answer.reason == "refused, ErrorType 2, HTTP 200"
    assert not answer.retry_after


@pytest.mark.parametrize(
    ("number", "kind"), [(FIRST, AnswerKind.ACCEPTED), (SECOND, AnswerKind.REFUSED)]
)
def test_of_the_mixed_array_each_document_gets_its_own_answer(
    number: str, kind: AnswerKind
) -> None:
    body = (GOLDEN / "responses.json").read_bytes()

    assert read_response(body, 200, ApprovalKey(ID, number, "2020")).kind is kind


def test_the_wikis_own_contradictions_are_still_there() -> None:
    first, second = golden("requests")
    payloads = [
        json.loads((SAMPLES / f"wiki-{name}.json").read_bytes())
        for name in ("create", "update", "delete")
    ]
    failure = golden("response-failure")["E2EErrorInformation"]

    # Each Xcv is the display number, but for one digit too many in the second request.
    assert first["Telemetry"]["Xcv"] == first["ApprovalIdentifier"]["DisplayDocumentNumber"]
    assert second["ApprovalIdentifier"]["DisplayDocumentNumber"] == "REQ-34562-127"
    assert second["Telemetry"]["Xcv"] == "REQ-34562-1267"
    assert golden("responses")[1]["Telemetry"]["Xcv"] == "REQ-34562-127"
    # The DELETE names whom the UPDATE removed before, and all three have one time.
    assert payloads[1]["DeleteFor"] == payloads[2]["DeleteFor"] == ["johndoe1"]
    assert len({one["OperationDateTime"] for one in payloads}) == 1
    # An error that cannot be retried names when to retry.
    assert (failure["ErrorType"], failure["RetryInterval"]) == (2, 3)
