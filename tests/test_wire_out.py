"""What we post to a tenant, field for field as documented, and how each of its answers is read."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals_core.adapters.tenant_files import load_tenants
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

TENANTS = Path(__file__).parent.parent / "playground" / "tenants"
TENANT = "93f9b688-ddc3-43aa-b617-c05a415d1612"
NUMBER = "23c899a5-0db0-4744-bc94-beecc401655a"
KEY = ApprovalKey(TENANT, NUMBER, "2020")
DIRECTORY = "11111111-aaaa-4aaa-8aaa-111111111111"
DECIDED = datetime(2022, 3, 12, 12, 29, 9, 878_123, tzinfo=UTC)


def a_tenant(**api):
    tenant = load_tenants(TENANTS).by_id(TENANT)
    assert tenant is not None
    return tenant.model_copy(update={"api": tenant.api.model_copy(update=api)})


def a_person(name, **changes):
    fields = {
        "directory": DIRECTORY,
        "object_id": f"oid-of-{name}",
        "name": name.title(),
        "upn": f"{name}@organization.com",
    }
    return Person(**fields | changes)


def an_approval(**changes):
    fields = {
        "key": KEY,
        "id": "prabc",
        "display_number": "REQ-34562-126",
        "xcv": "REQ-34562-126",
        "content": Content(additional={"Case Number": "REQ-CEH-764748"}),
    }
    return Approval(**fields | changes)


def a_place(**changes):
    fields = {
        "seat": 0,
        "alias": "johndoe1",
        "names": ("johndoe1",),
        "original_approvers": ("johndoe3", "johndoe4"),
        "person": a_person("johndoe1"),
        "mark": Mark(0, 1),
        "state": PlaceState.SUBMITTING,
    }
    return Place(**fields | changes)


def a_decision(**changes):
    fields = {
        "id": "26dd7787-a918-457d-b73a-76eedb71a124",
        "action": "Approve",
        "comment": "Approval comments",
        "by": a_person("johndoe2"),
        "at": DECIDED,
        "channel": "teams",
        "round": 1,
        "revision": 1,
        "attempted_at": DECIDED,
    }
    return Decision(**fields | changes)


DOCUMENTED = {  # assent-app WIKI.md, "Single approval scenario"
    "DocumentTypeID": "93f9b688-ddc3-43aa-b617-c05a415d1612",
    "Action": "Approve",
    "ActionByAlias": "johndoe1",
    "ActionByDelegateInMSApprovals": "johndoe2",
    "OriginalApproverInTenantSystem": "johndoe3",
    "ActionDetails": {"Comment": "Approval comments", "ActionDate": "2022-03-12T12:29:09.878Z"},
    "ApprovalIdentifier": {
        "DisplayDocumentNumber": "REQ-34562-126",
        "DocumentNumber": "23c899a5-0db0-4744-bc94-beecc401655a",
        "FiscalYear": "2020",
    },
    "AdditionalData": {"Case Number": "REQ-CEH-764748"},
    "Telemetry": {
        "Tcv": "26dd7787-a918-457d-b73a-76eedb71a124",
        "Xcv": "REQ-34562-126",
        "BusinessProcessName": "Approvals-Contoso Purchasing-ApprovalAction-Approve",
        "TenantTelemetry": {},
    },
}


class TestRequest:
    def test_it_is_the_documented_one_field_for_field(self):
        sent = approval_request(
            a_tenant(echo_additional_data=True), an_approval(), a_place(), a_decision()
        )

        assert sent == DOCUMENTED
        assert list(sent) == list(DOCUMENTED)

    def test_who_clicks_for_himself_is_no_delegate(self):
        sent = approval_request(
            a_tenant(), an_approval(), a_place(), a_decision(by=a_person("johndoe1"))
        )

        assert "ActionByDelegateInMSApprovals" not in sent

    def test_who_somebody_is_counts_not_what_he_is_called(self):
        namesake = a_person("johndoe1", object_id="another")

        sent = approval_request(a_tenant(), an_approval(), a_place(), a_decision(by=namesake))

        assert sent["ActionByDelegateInMSApprovals"] == "johndoe1"

    @pytest.mark.parametrize(
        ("upn", "written"),
        [
            ("johndoe2@Organization.com", "johndoe2"),
            ("johndoe2@partner.example", "johndoe2@partner.example"),
            ("", "oid-of-johndoe2"),
        ],
    )
    def test_a_delegate_is_named_as_the_tenant_would(self, upn, written):
        clicker = a_person("johndoe2", upn=upn)

        sent = approval_request(a_tenant(), an_approval(), a_place(), a_decision(by=clicker))

        assert sent["ActionByDelegateInMSApprovals"] == written

    def test_the_approver_is_named_as_the_tenant_wrote_him(self):
        place = a_place(alias="JohnDoe1@organization.com", original_approvers=())

        sent = approval_request(a_tenant(), an_approval(), place, a_decision())

        assert sent["ActionByAlias"] == "JohnDoe1@organization.com"
        assert "OriginalApproverInTenantSystem" not in sent

    def test_inputs_are_additional_data_and_the_echo_is_the_tenants_choice(self):
        decision = a_decision(inputs={"Case Number": "mine", "Placement": "After"})

        plain = approval_request(a_tenant(), an_approval(), a_place(), decision)
        echoed = approval_request(
            a_tenant(echo_additional_data=True),
            an_approval(content=Content(additional={"Case Number": "theirs", "Risk": "low"})),
            a_place(),
            decision,
        )

        assert plain["AdditionalData"] == {"Case Number": "mine", "Placement": "After"}
        assert echoed["AdditionalData"] == {
            "Case Number": "mine",
            "Placement": "After",
            "Risk": "low",
        }

    def test_without_fiscal_year_none_is_sent(self):
        approval = an_approval(key=ApprovalKey(TENANT, NUMBER), content=None, xcv="")

        sent = approval_request(a_tenant(), approval, a_place(), a_decision(comment=""))

        assert sent["ApprovalIdentifier"] == {
            "DisplayDocumentNumber": "REQ-34562-126",
            "DocumentNumber": NUMBER,
        }
        assert sent["AdditionalData"] == {}
        assert sent["ActionDetails"] == {"Comment": "", "ActionDate": "2022-03-12T12:29:09.878Z"}
        assert json.loads(json.dumps(sent))["Telemetry"]["Xcv"] == "REQ-34562-126"

    def test_the_date_is_utc_wherever_it_was_taken(self):
        there = timezone(timedelta(hours=5, minutes=30))
        decision = a_decision(at=datetime(2022, 3, 12, 17, 59, 9, tzinfo=there))

        sent = approval_request(a_tenant(), an_approval(), a_place(), decision)

        assert sent["ActionDetails"] == {
            "Comment": "Approval comments",
            "ActionDate": "2022-03-12T12:29:09.000Z",
        }


def a_response(**changes):
    """Return the wiki's answer, "single approval success scenario"."""
    fields = {
        "DocumentTypeID": TENANT,
        "ActionResult": True,
        "ApprovalIdentifier": {
            "DisplayDocumentNumber": "REQ-34562-126",
            "DocumentNumber": NUMBER,
            "FiscalYear": "2020",
        },
        "E2EErrorInformation": None,
        "DisplayMessage": "The submitted action was processed successfully.",
        "Telemetry": {"Tcv": "26dd7787-a918-457d-b73a-76eedb71a124", "Xcv": "REQ-34562-126"},
    }
    return {name: value for name, value in (fields | changes).items() if value is not ...}


def a_refusal(**error):
    """Return the wiki's answer, "single approval failure scenario"."""
    fields = {"ErrorMessages": ["Code_SL001: Unable"], "ErrorType": 2, "RetryInterval": 3}
    told = {name: value for name, value in (fields | error).items() if value is not ...}
    return a_response(
        ActionResult=False, E2EErrorInformation=told, DisplayMessage="You do not have Safe Limits"
    )


def read(answer, status=200):
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return read_response(body, status, KEY)


class TestResponse:
    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    def test_documented_success(self, status):
        answer = read(a_response(), status)

        assert answer.kind is AnswerKind.ACCEPTED
        assert answer.message == "The submitted action was processed successfully."

    @pytest.mark.parametrize("status", [200, 400, 404, 409, 401, 500, 503])
    def test_documented_failure_counts_whatever_the_status(self, status):
        answer = read(a_refusal(), status)

        assert answer.kind is AnswerKind.REFUSED
        assert answer.message == "You do not have Safe Limits"
        assert answer.errors == ("Code_SL001: Unable",)
        assert answer.retry_after is None

    @pytest.mark.parametrize("kind", [1, 2, 0, 7, None, ..., "IntendedError", "?"])
    def test_errors_that_are_not_transient_are_refusals(self, kind):
        assert read(a_refusal(ErrorType=kind)).kind is AnswerKind.REFUSED

    @pytest.mark.parametrize("told", [None, ..., "broken", []])
    def test_false_without_error_information_is_a_refusal(self, told):
        answer = read(a_response(ActionResult=False, E2EErrorInformation=told))

        assert (answer.kind, answer.errors) == (AnswerKind.REFUSED, ())

    @pytest.mark.parametrize(
        ("interval", "seconds"),
        [(3, 180), ("3", 180), (1, 60), (60, 3600), (0.5, 60), (61, 3600), (10**9, 3600)],
    )
    @pytest.mark.parametrize("kind", [3, "3", "UnintendedTransientError"])
    def test_transient_errors_come_again_after_minutes_within_bounds(self, kind, interval, seconds):
        answer = read(a_refusal(ErrorType=kind, RetryInterval=interval), 503)

        assert answer.kind is AnswerKind.AGAIN
        assert answer.retry_after == seconds
        assert answer.message == "You do not have Safe Limits"

    @pytest.mark.parametrize("interval", [..., None, 0, -1, True, "soon", "NaN", [], {}])
    def test_no_usable_interval_is_five_minutes_and_said(self, interval):
        answer = read(a_refusal(ErrorType=3, RetryInterval=interval))

        assert (answer.kind, answer.retry_after) == (AnswerKind.AGAIN, 300)
        assert answer.reason == "ErrorType 3, no usable RetryInterval: 5 minutes"

    @pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 408, 409, 429, 500, 503])
    def test_true_with_an_error_status_contradicts_itself(self, status):
        assert read(a_response(), status).kind is AnswerKind.UNKNOWN

    @pytest.mark.parametrize("result", [None, "true", "True", 1, 0, [], {}])
    @pytest.mark.parametrize("status", [200, 400])
    def test_a_result_that_is_no_truth_value(self, result, status):
        assert read(a_response(ActionResult=result), status).kind is AnswerKind.UNKNOWN

    @pytest.mark.parametrize(
        "answer",
        [
            a_response(DocumentTypeID="00000000-1111-2222-3333-444444444444"),
            a_response(ApprovalIdentifier={"DocumentNumber": "another"}),
            a_response(ApprovalIdentifier={"DocumentNumber": NUMBER, "FiscalYear": "2021"}),
        ],
    )
    @pytest.mark.parametrize("status", [200, 400])
    def test_an_answer_for_another_document(self, answer, status):
        assert read(answer, status).kind is AnswerKind.UNKNOWN

    @pytest.mark.parametrize(
        "answer",
        [
            a_response(ApprovalIdentifier=None, DocumentTypeID=None),
            a_response(ApprovalIdentifier={"DocumentNumber": f" {NUMBER} ", "FiscalYear": 2020}),
            a_response(DocumentTypeID=TENANT.upper()),
            a_response(DocumentTypeID=f"{{{TENANT}}}"),
            {"actionResult": True, "approvalIdentifier": {"documentNumber": NUMBER}},
        ],
    )
    def test_what_is_not_said_contradicts_nothing(self, answer):
        assert read(answer).kind is AnswerKind.ACCEPTED

    def test_of_an_array_the_documents_entry_counts(self):
        other = a_refusal() | {"ApprovalIdentifier": {"DocumentNumber": "another"}}

        assert read([other, a_response()]).kind is AnswerKind.ACCEPTED
        assert read([a_refusal(), other]).kind is AnswerKind.REFUSED

    @pytest.mark.parametrize(
        "answer",
        [
            [],
            [a_response(ApprovalIdentifier=None)],
            [a_response(ApprovalIdentifier={"DocumentNumber": "another"})],
            [a_response(), a_refusal()],
            ["text"],
        ],
    )
    def test_an_array_without_exactly_one_entry_for_the_document(self, answer):
        assert read(answer).kind is AnswerKind.UNKNOWN

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html><body>Sign in</body></html>",
            b"null",
            b"true",
            b'"ok"',
            b"{}",
            b'{"ok": true}',
            b"{",
            b"\xff\xfe",
            b"[" * 100_000,
            json.dumps(a_response(ActionResult=...)).encode(),
        ],
    )
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (200, AnswerKind.UNKNOWN),
            (204, AnswerKind.UNKNOWN),
            (302, AnswerKind.UNKNOWN),
            (400, AnswerKind.NOT_TAKEN),
            (401, AnswerKind.AGAIN),
            (403, AnswerKind.NOT_TAKEN),
            (404, AnswerKind.NOT_TAKEN),
            (408, AnswerKind.UNKNOWN),
            (409, AnswerKind.UNKNOWN),
            (413, AnswerKind.NOT_TAKEN),
            (422, AnswerKind.NOT_TAKEN),
            (429, AnswerKind.AGAIN),
            (500, AnswerKind.UNKNOWN),
            (502, AnswerKind.UNKNOWN),
            (503, AnswerKind.UNKNOWN),
            (504, AnswerKind.UNKNOWN),
        ],
    )
    def test_what_is_no_approval_response_counts_by_its_status(self, body, status, kind):
        answer = read(body, status)

        assert answer.kind is kind
        assert str(status) in answer.reason

    def test_a_byte_order_mark(self):
        body = b"\xef\xbb\xbf" + json.dumps(a_response()).encode()

        assert read(body).kind is AnswerKind.ACCEPTED

    def test_endless_texts_are_cut(self):
        answer = read(
            a_refusal(ErrorMessages=["x" * 9999] * 999) | {"DisplayMessage": "y" * 99_999}
        )

        assert len(answer.message) == 4000
        assert [len(error) for error in answer.errors] == [1000] * 20

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from([*a_response(), *a_refusal()["E2EErrorInformation"]]), inner
                )
            ),
            max_leaves=10,
        ),
        st.integers(100, 599),
    )
    def test_any_json_is_read_and_only_true_with_success_is_accepted(self, sent, status):
        answer = read(sent, status)

        if answer.kind is AnswerKind.ACCEPTED:
            assert status in range(200, 300)
            assert isinstance(sent, dict)
            assert sent["ActionResult"] is True

    @given(st.binary(max_size=100), st.integers(100, 599))
    def test_any_bytes_are_read(self, body, status):
        assert read(body, status).kind is not AnswerKind.ACCEPTED


def test_half_a_character_in_an_answer_does_not_lose_it():
    body = json.dumps(a_response() | {"DisplayMessage": "Done \ud83d"}).encode()

    answer = read_response(body, 200, KEY)

    assert answer.kind is AnswerKind.ACCEPTED
    assert answer.model_dump_json()
