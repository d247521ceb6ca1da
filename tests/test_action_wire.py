"""What was chosen goes out under the names that Assent's documents have for it."""

from typing import Any

import pytest

from approvals_core.arx.wire_out import approval_request
from approvals_core.models import Person
from approvals_core.tenant import AliasIs, Api, People
from tests.card_makers import DIRECTORY, a_place, a_tenant, an_approval, decided
from tests.makers import PlaceState

TOM = Person(
    directory=DIRECTORY, object_id="0004", name="Tom Okafor", upn="johndoe4@organization.com"
)
BY_PREFIX = People(directory=DIRECTORY, mail_domains=("organization.com",))
BY_NICKNAME = People(directory=DIRECTORY, alias_is=AliasIs.MAIL_NICKNAME)


def request(people: People = BY_PREFIX, *, echo: bool = False, **decision: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"comment": "Please look.", **decision}
    place = decided(PlaceState.SUBMITTING, **given)
    assert place.decision is not None
    api = Api(
        base_url="https://erp.example.com",
        resource="api://erp",
        action="/act",
        echo_additional_data=echo,
    )
    tenant = a_tenant(people=people, api=api)
    return approval_request(tenant, an_approval(place, a_place(1)), place, place.decision)


DATED = {"Comment": "Please look.", "ActionDate": "2026-11-20T10:31:00.000Z"}


def test_a_plain_decision_carries_its_comment_and_date_only() -> None:
    assert request()["ActionDetails"] == DATED


def test_a_reassignment_names_the_new_approver() -> None:
    sent = request(action="reassign", new_approver=TOM)

    assert sent["Action"] == "reassign"
    assert sent["ActionDetails"] == DATED | {"NewApproverAlias": "johndoe4"}


def test_an_added_approver_comes_with_his_place_and_kind() -> None:
    sent = request(
        action="addapprover", new_approver=TOM, placement="After", approver_type="Interim"
    )

    assert sent["ActionDetails"] == DATED | {
        "NewApproverAlias": "johndoe4",
        "SequenceID": "After",
        "ApproverType": "Interim",
    }


def test_a_justification_goes_out_as_code_and_text() -> None:
    sent = request(action="Reject", reason_code="PRICE", reason_text="Too expensive, by far")

    assert sent["ActionDetails"] == DATED | {
        "ReasonCode": "PRICE",
        "ReasonText": "Too expensive, by far",
    }


def test_a_question_is_an_ordinary_action() -> None:
    sent = request(action="NeedMoreInformation", comment="Which line?")

    assert (sent["Action"], sent["ActionDetails"]["Comment"]) == (
        "NeedMoreInformation",
        "Which line?",
    )


@pytest.mark.parametrize(
    ("people", "changes", "alias"),
    [
        (BY_PREFIX, {}, "johndoe4"),
        (BY_PREFIX, {"upn": "johndoe4@elsewhere.example"}, "johndoe4@elsewhere.example"),
        (BY_PREFIX, {"upn": ""}, "0004"),
        (BY_NICKNAME, {"nickname": "o'neil"}, "o'neil"),
        (BY_NICKNAME, {"nickname": ""}, "johndoe4@organization.com"),
    ],
)
def test_the_new_approver_is_called_as_the_tenant_calls_people(
    people: People, changes: dict[str, str], alias: str
) -> None:
    sent = request(people, new_approver=TOM.model_copy(update=changes))

    assert sent["ActionDetails"]["NewApproverAlias"] == alias


def test_additional_inputs_go_out_in_additional_data() -> None:
    inputs = {"ValueDate": "2026-12-24", "Urgent": "true", "Project": "mine"}

    assert request(inputs=inputs)["AdditionalData"] == inputs
    echoed = request(inputs=inputs, echo=True)["AdditionalData"]
    assert echoed["Project"] == "mine"
    assert echoed["CostCentre"]
