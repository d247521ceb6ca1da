"""Several decisions in one array: what we post, and what each answer to it means for each of them."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals_core.arx import approval_requests, read_responses
from approvals_core.arx.bulk import ENTRIES_EACH, ENTRIES_LEAST
from approvals_core.models import ApprovalKey, Content
from approvals_core.ports import Answer, AnswerKind, Posted
from tests.test_wire_out import TENANT, a_decision, a_place, a_tenant, an_approval

GOLDEN = Path(__file__).parent / "golden" / "wiki"
FIRST = "23c899a5-0db0-4744-bc94-beecc401655a"
SECOND = "23c899a5-0db0-4744-bc94-beecc401655b"
ACCEPTED, REFUSED, AGAIN = AnswerKind.ACCEPTED, AnswerKind.REFUSED, AnswerKind.AGAIN
UNKNOWN, NOT_TAKEN = AnswerKind.UNKNOWN, AnswerKind.NOT_TAKEN


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_bytes())


def posted(number: str = FIRST, year: str = "2020", **changes: Any) -> Posted:
    approval = an_approval(key=ApprovalKey(TENANT, number, year), **changes)
    return Posted(approval=approval, place=a_place(), decision=a_decision())


def said(number: str, *, result: Any = True, year: str | None = "2020", **fields: Any) -> Any:
    """Return one ApprovalResponse."""
    identifier = {"DocumentNumber": number} | ({"FiscalYear": year} if year is not None else {})
    return {"ActionResult": result, "ApprovalIdentifier": identifier, **fields}


def read(answer: Any, *decisions: Posted, status: int = 200) -> list[Answer]:
    return read_responses(json.dumps(answer).encode(), status, decisions or BOTH)


def kinds(answer: Any, *decisions: Posted, status: int = 200) -> list[AnswerKind]:
    return [each.kind for each in read(answer, *decisions, status=status)]


BOTH = (posted(FIRST), posted(SECOND))


# -- out ------------------------------------------------------------------


def test_the_array_is_the_documented_one_field_for_field():
    documented = golden("requests")
    named = {"name": "TenantName", "document_type_id": TENANT}
    tenant = a_tenant(echo_additional_data=True).model_copy(update=named)
    decisions = [
        Posted(
            approval=an_approval(
                key=ApprovalKey(TENANT, each["ApprovalIdentifier"]["DocumentNumber"], "2020"),
                display_number=each["ApprovalIdentifier"]["DisplayDocumentNumber"],
                xcv=each["Telemetry"]["Xcv"],
                content=Content(additional=each["AdditionalData"]),
            ),
            place=a_place(),
            decision=a_decision(id=each["Telemetry"]["Tcv"]),
        )
        for each in documented
    ]

    sent = approval_requests(tenant, decisions)

    assert sent == documented
    assert [list(each) for each in sent] == [list(each) for each in documented]


# -- back -----------------------------------------------------------------


def test_the_documented_answer_is_yes_to_one_and_no_to_the_other():
    first, second = read(golden("responses"))

    assert (first.kind, second.kind) == (ACCEPTED, REFUSED)
    assert first.message == "The submitted action was processed successfully."
    assert second.message.startswith("You do not have Safe Limits")
    assert second.errors[0].startswith("Code_SL001")


def test_answers_in_another_order_count_for_their_documents():
    first, second = read(list(reversed(golden("responses"))))

    assert (first.kind, second.kind) == (ACCEPTED, REFUSED)


def test_the_xcv_of_an_answer_says_nothing():
    answers = [
        said(FIRST, Telemetry={"Xcv": SECOND}),
        said(SECOND, result=False, Telemetry={"Xcv": FIRST}),
    ]

    assert kinds(answers) == [ACCEPTED, REFUSED]


def test_of_a_missing_answer_nobody_knows():
    first, second = read([said(FIRST)])

    assert (first.kind, second.kind) == (ACCEPTED, UNKNOWN)
    assert second.reason == "HTTP 200, the array has no answer for this document"


def test_a_missing_answer_is_not_known_either_where_another_was_refused():
    assert kinds([said(FIRST, result=False)], status=400) == [REFUSED, UNKNOWN]


def test_answers_to_others_are_left_out_and_logged(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        found = kinds([said("foreign"), said(FIRST), {"ActionResult": True}, said(SECOND)])

    assert found == [ACCEPTED, ACCEPTED]
    [record] = caplog.records
    assert (record.message, record.__dict__["count"]) == ("foreign_answers", 2)


def test_an_array_about_others_only_says_nothing_of_ours():
    assert kinds([said("foreign")]) == [UNKNOWN, UNKNOWN]


def test_two_equal_answers_for_one_document_count():
    assert kinds([said(FIRST), said(SECOND, result=False), said(FIRST)]) == [ACCEPTED, REFUSED]


def test_two_answers_that_contradict_each_other_are_unusable():
    first, second = read([said(FIRST), said(SECOND), said(FIRST, result=False)])

    assert (first.kind, second.kind) == (UNKNOWN, ACCEPTED)
    assert "contradict" in first.reason


def test_of_two_times_to_try_again_the_later_one_counts():
    error = {"ErrorType": 3, "RetryInterval": 2}
    later = error | {"RetryInterval": 9}
    answers = [
        said(FIRST, result=False, E2EErrorInformation=error),
        said(FIRST, result=False, E2EErrorInformation=later),
    ]

    first, _second = read(answers)

    assert (first.kind, first.retry_after) == (AGAIN, 540.0)


def test_one_answer_that_fits_two_documents_counts_for_neither():
    same = (posted(FIRST, "2020"), posted(FIRST, "2021"))

    assert kinds([said(FIRST, year=None)], *same) == [UNKNOWN, UNKNOWN]
    assert kinds([said(FIRST, year="2021"), said(FIRST, year="2020", result=False)], *same) == [
        REFUSED,
        ACCEPTED,
    ]


def test_a_missing_year_is_no_contradiction():
    assert kinds([said(FIRST, year=None), said(SECOND, year="")]) == [ACCEPTED, ACCEPTED]


def test_an_answer_for_another_tenants_document_is_foreign():
    other = "00000000-0000-4000-8000-000000000000"

    assert kinds([said(FIRST, DocumentTypeID=other), said(SECOND)]) == [UNKNOWN, ACCEPTED]


def test_a_single_answer_counts_for_its_document_alone():
    assert kinds(said(FIRST)) == [ACCEPTED, UNKNOWN]


def test_a_single_answer_that_names_no_document_says_nothing_of_several():
    assert kinds({"ActionResult": True}) == [UNKNOWN, UNKNOWN]
    assert kinds({"ActionResult": False}) == [UNKNOWN, UNKNOWN]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, UNKNOWN), (500, UNKNOWN), (408, UNKNOWN), (400, NOT_TAKEN), (401, AGAIN), (429, AGAIN)],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'"x"', b"[1, null]"])
def test_where_nothing_is_about_a_document_the_status_counts(
    body: bytes, status: int, kind: AnswerKind
):
    assert [each.kind for each in read_responses(body, status, BOTH)] == [kind, kind]


def test_yes_with_an_error_status_is_unusable():
    assert kinds([said(FIRST), said(SECOND, result=False)], status=400) == [UNKNOWN, REFUSED]


def test_a_result_that_is_no_truth_value_is_unusable():
    assert kinds([said(FIRST, result="true"), said(SECOND)]) == [UNKNOWN, ACCEPTED]


def test_a_single_decision_is_read_as_ever():
    assert kinds({"ActionResult": True}, posted()) == [ACCEPTED]
    assert kinds([said(FIRST)], posted()) == [ACCEPTED]
    assert kinds([], posted()) == [UNKNOWN]


def test_no_decision_has_no_answer():
    assert read_responses(b"[]", 200, []) == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
about = st.builds(
    said,
    st.sampled_from([FIRST, SECOND, "other", ""]),
    result=st.booleans() | st.none() | st.text(max_size=4),
    year=st.sampled_from(["2020", "2021", "", None]),
)


@given(st.lists(about | anything, max_size=6), st.sampled_from([200, 207, 400, 401, 500]))
def test_no_order_of_the_answers_changes_what_they_mean(answers: list[Any], status: int):
    found = read(answers, status=status)

    assert len(found) == 2
    assert kinds(list(reversed(answers)), status=status) == [each.kind for each in found]


@given(anything, st.integers(100, 599))
def test_a_document_is_never_accepted_that_no_answer_names(answer: Any, status: int):
    assert AnswerKind.ACCEPTED not in kinds(answer, status=status)


# -- far too many -----------------------------------------------------------------


class CountedKey(str):
    """A document number that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        CountedKey.compared += 1
        return super().__eq__(other)

    __hash__ = str.__hash__

    def strip(self, chars: str | None = None, /) -> str:
        return self


def test_an_array_with_far_more_entries_than_decisions_says_nothing(
    caplog: pytest.LogCaptureFixture,
):
    most = ENTRIES_LEAST + 2 * ENTRIES_EACH
    answers = [said(FIRST), said(SECOND), *[{}] * (most - 2)]

    assert kinds(answers) == [ACCEPTED, ACCEPTED]
    first, second = read([*answers, {}])
    assert (first.kind, second.kind) == (UNKNOWN, UNKNOWN)
    assert first.reason == f"HTTP 200, the array has {most + 1} answers"


def test_each_entry_is_held_against_the_decisions_of_its_number_only():
    numbers = [f"d-{n}" for n in range(100)]
    keys = [ApprovalKey(TENANT, CountedKey(number), "2020") for number in numbers]
    decisions = [
        each.model_copy(update={"approval": each.approval.model_copy(update={"key": key})})
        for each, key in zip(map(posted, numbers), keys, strict=True)
    ]
    CountedKey.compared = 0

    found = kinds([said(number) for number in numbers], *decisions)

    assert found == [ACCEPTED] * 100
    assert 0 < CountedKey.compared < 10 * len(numbers)  # not one for each pair
