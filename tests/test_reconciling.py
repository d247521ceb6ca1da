"""What is healed when a request differs from what its tenant has, and what an operator must judge."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals_core.arx.summary_api import read_summary_answer
from approvals_core.models import ATTENTION, Approval, Content, Named, PlaceState, entries
from approvals_core.ports import Fetched, FetchedKind
from approvals_core.rules import reconciling
from approvals_core.rules.intake import receive
from approvals_core.rules.reconciling import Healing, Occasion
from approvals_core.tenant import Reconcile
from tests.card_makers import a_decision
from tests.makers import KEY, START, a_stamp, a_tenant, create, update

SUMMARY: dict[str, Any] = {
    "DocumentTypeId": KEY.tenant,
    "Title": "Laptops",
    "UnitValue": "100",
    "UnitOfMeasure": "EUR",
    "ApprovalIdentifier": {
        "DisplayDocumentNumber": "REQ-1",
        "DocumentNumber": "REQ-1",
        "FiscalYear": "2026",
    },
    "AdditionalData": {"Status": "Open"},
    "Approvers": [{"Alias": "johndoe1"}, {"Alias": "JohnDoe2@organization.com"}],
}
CONTENT = Content(
    title="Laptops", unit_value="100", unit_of_measure="EUR", additional={"Status": "Open"}
)
TELLS = Reconcile(
    gone_statuses=(404,),
    state="AdditionalData.Status",
    gone_states=("Cancelled",),
    approvers="Approvers",
)


def an_approval(*asks: str, content: Content = CONTENT) -> Approval:
    arx = create(*(asks or ("johndoe1", "johndoe2")), content=content)
    received = receive(None, arx, tenant=a_tenant(), payload_id="p", stamp=a_stamp())
    assert received.change.approval is not None
    return received.change.approval


def found(**changes: Any) -> Fetched:
    return Fetched(kind=FetchedKind.FOUND, body=json.dumps(SUMMARY | changes), status=200)


def healed(
    fetched: Fetched, *, rule: Reconcile = TELLS, approval: Approval | None = None
) -> Healing:
    before, tenant = approval or an_approval(), a_tenant(reconcile=rule)
    finding = reconciling.find(before, fetched, tenant=tenant)
    return reconciling.reconcile(
        *(before, finding), occasion=Occasion.NIGHTLY, tenant=tenant, stamp=a_stamp(2)
    )


def after(healing: Healing) -> Approval:
    assert healing.change.approval is not None
    return healing.change.approval


def states(healing: Healing) -> list[str]:
    return [place.state.value for place in after(healing).places]


def test_an_equal_summary_changes_nothing_but_when_that_was_found() -> None:
    before = an_approval()

    healing = healed(found(), approval=before)

    same = {"version", "last_change", "reconciled_at"}
    assert after(healing).model_dump(exclude=same) == before.model_dump(exclude=same)
    assert after(healing).reconciled_at == START
    assert (healing.change.jobs, healing.change.events, healing.healed) == ((), (), ())


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
CONTENTS = st.builds(
    Content,
    title=TEXTS,
    unit_value=TEXTS.filter(str.strip),
    unit_of_measure=TEXTS.filter(str.strip),
    submitter=st.builds(Named, alias=TEXTS.map(str.strip), name=TEXTS),
    additional=st.dictionaries(TEXTS.filter(bool), TEXTS, max_size=4),
    notes=TEXTS,
)


@given(content=CONTENTS, wrapped=st.sampled_from(["itself", "inside", "text", "list"]))
def test_whatever_stands_and_however_it_is_wrapped_the_same_heals_nothing(
    content: Content, wrapped: str
) -> None:
    before = an_approval(content=content)
    summary = SUMMARY | {
        "Title": content.title,
        "UnitValue": content.unit_value,
        "UnitOfMeasure": content.unit_of_measure,
        "Submitter": content.submitter.model_dump(by_alias=False),
        "AdditionalData": content.additional,
        "ApproverNotes": content.notes,
    }
    whole: dict[str, Any] = {
        "itself": summary,
        "inside": {"SummaryData": summary, "Operation": 1},
        "text": {"summaryData": json.dumps(summary)},
        "list": [summary],
    }
    fetched = Fetched(kind=FetchedKind.FOUND, body=json.dumps(whole[wrapped]))

    healing = healed(fetched, rule=Reconcile(), approval=before)

    assert after(healing).content == before.content
    assert (healing.healed, healing.unclear) == ((), "")
    assert after(healing).revision == before.revision


def test_changed_content_is_taken_and_raises_the_revision() -> None:
    before = an_approval()

    healing = healed(found(Title="More laptops"), approval=before)

    content = after(healing).content
    assert content is not None
    assert content.title == "More laptops"
    assert after(healing).revision == before.revision + 1
    assert after(healing).content_mark == before.content_mark  # the next ARX still wins
    (event,) = healing.change.events
    assert (event.kind, event.facts["healed"]) == ("reconciled", "content")
    assert event.previous == before.head


@pytest.mark.parametrize(
    "fetched",
    [
        Fetched(kind=FetchedKind.REFUSED, status=404, reason="HTTP 404"),
        found(AdditionalData={"Status": " cancelled "}),
        Fetched(kind=FetchedKind.FOUND, body='{"AdditionalData": {"status": "Cancelled"}}'),
        found(Approvers=[]),
    ],
)
def test_what_the_file_says_is_gone_asks_nobody_any_more(fetched: Fetched) -> None:
    healing = healed(fetched)

    assert states(healing) == ["removed", "removed"]
    assert not after(healing).open
    assert after(healing).closed_at == START


@pytest.mark.parametrize(
    ("fetched", "rule", "why"),
    [
        (
            Fetched(kind=FetchedKind.REFUSED, status=404, reason="HTTP 404"),
            Reconcile(),
            "answered HTTP 404, and the tenant's file does not say what that means",
        ),
        (
            Fetched(kind=FetchedKind.REFUSED, status=403, reason="HTTP 403"),
            TELLS,
            "answered HTTP 403",
        ),
        (
            Fetched(kind=FetchedKind.UNUSABLE, reason="HTML"),
            TELLS,
            "nothing that can be used (HTML)",
        ),
        (Fetched(kind=FetchedKind.FOUND, body="[]"), TELLS, "it is no object"),
        (Fetched(kind=FetchedKind.FOUND, body="{"), TELLS, "no JSON"),
        (found(ApprovalIdentifier={"DocumentNumber": "REQ-2"}), TELLS, "another document"),
        (
            found(ApprovalIdentifier={"DocumentNumber": "REQ-1", "FiscalYear": "2025"}),
            TELLS,
            "another document",
        ),
        (found(DocumentTypeId="00000000-1111-2222-3333-444444444444"), TELLS, "another document"),
        (found(UnitValue=""), TELLS, "/SummaryData/UnitValue"),
        (found(AdditionalData={}), TELLS, "has no AdditionalData.Status"),
        (found(Approvers="a\u200bb"), TELLS, "no list of aliases at Approvers"),
        (found(Approvers=[{"Name": "Ann"}]), TELLS, "no list of aliases at Approvers"),
        (found(Approvers={"Alias": "johndoe1"}), TELLS, "no list of aliases at Approvers"),
    ],
)
def test_what_is_not_clear_is_put_before_an_operator(
    fetched: Fetched, rule: Reconcile, why: str
) -> None:
    healing = healed(fetched, rule=rule)

    assert states(healing) == ["pending", "pending"]
    assert why in healing.unclear
    assert why in after(healing).unclear
    assert ATTENTION in {entry.list for entry in entries(after(healing))}
    assert healing.change.events[-1].facts["unclear"] == healing.unclear


def test_another_document_heals_nothing_though_it_says_that_it_is_gone() -> None:
    other = {"ApprovalIdentifier": {"DocumentNumber": "REQ-2"}}

    healing = healed(found(AdditionalData={"Status": "Cancelled"}, Approvers=[], **other))

    assert states(healing) == ["pending", "pending"]


def test_the_same_unclear_answer_is_written_down_once() -> None:
    fetched = Fetched(kind=FetchedKind.UNUSABLE, reason="HTML")
    first = after(healed(fetched))

    second = healed(fetched, approval=first)

    assert second.change.events == ()
    assert after(second).unclear == first.unclear


def test_the_next_arx_takes_what_was_unclear_away() -> None:
    unclear = after(healed(Fetched(kind=FetchedKind.UNUSABLE, reason="HTML")))

    arx = update("johndoe1", removes=("johndoe2",), content=CONTENT)
    received = receive(unclear, arx, tenant=a_tenant(), payload_id="q", stamp=a_stamp(3))

    assert received.change.approval is not None
    assert received.change.approval.unclear == ""
    assert received.change.approval.heard == unclear.heard + 1


@pytest.mark.parametrize(
    "listed",
    [
        [{"Alias": "johndoe2"}, {"alias": "johndoe3", "name": "Priya"}],
        ["johndoe2", "johndoe3"],
        "JOHNDOE2@organization.com; johndoe3",
        "johndoe2,johndoe3",
    ],
)
def test_a_request_that_moved_is_moved_here_as_an_update_would(listed: object) -> None:
    healing = healed(found(Approvers=listed))

    assert states(healing) == ["removed", "pending", "pending"]
    new = after(healing).places[2]
    assert (new.alias, new.round) == ("johndoe3", 1)
    assert "resolve/" in "".join(job.key for job in healing.change.jobs)
    assert after(healing).round == 1


def test_without_a_word_in_the_file_nobody_is_moved() -> None:
    healing = healed(found(Approvers=["johndoe3"]), rule=Reconcile())

    assert states(healing) == ["pending", "pending"]
    assert healing.healed == ()


def test_somebody_asked_again_has_his_place_again() -> None:
    first = after(healed(found(Approvers=["johndoe2"])))

    healing = healed(found(), approval=first)

    assert states(healing) == ["pending", "pending"]
    assert after(healing).places[0].attempt > first.places[0].attempt


@pytest.mark.parametrize("state", [PlaceState.SUBMITTING, PlaceState.UNCONFIRMED])
def test_a_decision_on_its_way_is_left_alone(state: PlaceState) -> None:
    approval = an_approval()
    made = a_decision(attempted_at=START, due=START)
    place = approval.places[0].model_copy(update={"state": state, "decision": made})
    approval = approval.model_copy(update={"places": (place, approval.places[1])})

    healing = healed(Fetched(kind=FetchedKind.REFUSED, status=404), approval=approval)

    assert states(healing) == [state.value, "removed"]


def test_an_arx_or_an_answer_since_the_reading_makes_it_worthless() -> None:
    before = an_approval()
    heard = before.model_copy(update={"heard": before.heard + 1})
    attempted = before.places[0].model_copy(update={"attempt": 2})
    clicked = before.model_copy(update={"places": (attempted, before.places[1])})
    bound = before.places[0].model_copy(update={"unbound": "unknown alias"})
    looked_up = before.model_copy(update={"places": (bound, before.places[1]), "version": 9})

    assert reconciling.moved(heard, before)
    assert reconciling.moved(clicked, before)
    assert not reconciling.moved(looked_up, before)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("AdditionalData.Status", "Open"),
        ("additionaldata.STATUS", "Open"),
        ("Route.Now", "Level 2"),
        ("Title.Deeper", None),
        ("Approvers", None),
    ],
)
def test_a_path_begins_in_the_summary_or_in_the_whole(path: str, said: str | None) -> None:
    whole = {"SummaryData": SUMMARY, "Route": {"Now": "Level 2"}}

    read = read_summary_answer(json.dumps(whole), KEY, state=path)

    assert read.state == said


def test_an_answer_is_read_without_what_names_the_document() -> None:
    bare = {name: SUMMARY[name] for name in ("Title", "UnitValue", "UnitOfMeasure")}

    read = read_summary_answer(json.dumps(bare | {"ApprovalIdentifier": None}), KEY)

    assert read.content is not None
    assert (read.content.title, read.problem) == ("Laptops", "")
