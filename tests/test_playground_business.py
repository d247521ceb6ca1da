"""Sample tenants that go on by themselves: the wiki's seven steps, and what follows from each action."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from approvals_core.models import ApprovalKey
from playground import names
from playground.business import details_of, fresh, next_arx
from playground.faults import Fault, FaultKind
from playground.page_samples import beginnings
from playground.records import Json
from playground.story import COMMENTS, Story
from tests.failing import all_due, converged
from tests.running import Running
from tests.seven_steps import SEVEN_STEPS

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CAPEX = names.CAPEX.document_type
[TEMPLATE] = beginnings(CAPEX)
NUMBER = json.loads(TEMPLATE)["ApprovalIdentifier"]["DocumentNumber"]


def a_decision(action: str = "Approve", by: str = "johndoe1", **details: str) -> Json:
    return {
        "Action": action,
        "ActionByAlias": by,
        "ActionDetails": {"Comment": "fine", "ActionDate": "2026-11-21T08:59:00.000Z"} | details,
        "Telemetry": {"Tcv": "d1"},
    }


def after(newest: Json, decision: Json) -> Any:
    return next_arx(newest, decision, name_of=str.title, at=AT)


# -- what follows from a decision ---------------------------------------------


def test_the_first_level_is_followed_by_the_second() -> None:
    arx = after(json.loads(TEMPLATE), a_decision())

    assert (arx["Operation"], arx["DeleteFor"]) == (2, ["johndoe1"])
    assert [one["Alias"] for one in arx["Approvers"]] == ["johndoe3"]
    done = arx["ActionDetail"]
    assert (done["Name"], done["Comment"]) == ("Approve", "fine")
    assert done["ActionBy"] == {"Alias": "johndoe1", "Name": "Johndoe1"}
    assert (done["NewApprover"]["Alias"], done["Placement"]) == ("johndoe3", "After")
    assert arx["OperationDateTime"] == "2026-11-21T09:00:00.000000Z"


def test_after_the_last_level_nobody_is_asked() -> None:
    second = after(json.loads(TEMPLATE), a_decision())

    arx = after(second, a_decision(by="johndoe3"))

    assert (arx["Operation"], arx["Approvers"], arx["DeleteFor"]) == (3, None, ["johndoe3"])
    assert arx["ActionDetail"]["ActionBy"]["Alias"] == "johndoe3"
    assert after(arx, a_decision(by="johndoe3")) is None


def test_each_level_is_asked_by_mail_and_who_began_it_is_told_of_the_end() -> None:
    first = json.loads(TEMPLATE)
    second = after(first, a_decision())
    ended = after(second, a_decision(by="johndoe3"))

    wanted = [arx["NotificationDetail"] for arx in (first, second, ended)]
    assert [(one["TemplateKey"], one["To"]) for one in wanted] == [
        ("PendingApproval", "johndoe1@organization.com"),
        ("PendingApproval", "johndoe3@organization.com"),
        ("ApprovalComplete", "johndoe11@organization.com"),
    ]


def test_what_asked_for_no_mails_goes_on_without() -> None:
    silent = {**json.loads(TEMPLATE), "NotificationDetail": None}

    assert after(silent, a_decision())["NotificationDetail"] is None


def test_a_rejection_ends_it_at_any_level() -> None:
    arx = after(json.loads(TEMPLATE), a_decision("Reject"))

    assert (arx["Operation"], arx["DeleteFor"]) == (3, ["johndoe1"])


def test_a_question_moves_nothing() -> None:
    assert after(json.loads(TEMPLATE), a_decision("AskForReceipt")) is None


def test_who_it_is_handed_to_stands_at_the_same_level() -> None:
    arx = after(json.loads(TEMPLATE), a_decision("Reassign", NewApproverAlias="johndoe2"))
    following = after(arx, a_decision(by="johndoe2"))

    assert (arx["DeleteFor"], arx["Approvers"][0]["Alias"]) == (["johndoe1"], "johndoe2")
    assert following["Approvers"][0]["Alias"] == "johndoe3"


@pytest.mark.parametrize(
    ("placement", "route"),
    [
        ("Before", ["johndoe2", "johndoe1", "johndoe3"]),
        ("After", ["johndoe1", "johndoe2", "johndoe3"]),
    ],
)
def test_one_more_approver_comes_before_or_after(placement: str, route: list[str]) -> None:
    arx = json.loads(TEMPLATE)
    arx = after(arx, a_decision("AddApprover", NewApproverAlias="johndoe2", SequenceID=placement))
    asked: list[str] = []
    while arx["Operation"] != 3:
        asked.append(arx["Approvers"][0]["Alias"])
        arx = after(arx, a_decision(by=asked[-1]))

    assert asked == route


def test_a_request_of_its_own_has_a_number_of_its_own() -> None:
    first, second = (json.loads(fresh(TEMPLATE, at=AT)) for _ in range(2))

    number = first["ApprovalIdentifier"]["DocumentNumber"]
    assert number != second["ApprovalIdentifier"]["DocumentNumber"]
    assert number.startswith("CX-2026-")
    assert NUMBER not in json.dumps(first)
    assert first["OperationDateTime"] == "2026-11-21T09:00:00.000000Z"


def test_details_that_no_arx_carries_follow_from_the_summary() -> None:
    plan = details_of("PLAN", json.loads(TEMPLATE)["SummaryData"])

    assert plan is not None
    # The card writes the total alike; and what is asked for in 2026 is not spent before.
    assert plan["Quarters"][0] == {"Quarter": "Q1 2027", "Amount": "€46,000.00"}
    assert plan["Quarters"][3]["Quarter"] == "Q4 2027"
    assert details_of("LINE", {}) is None


@pytest.mark.parametrize(
    ("unit", "year", "row"),
    [
        ("CHF", "2026", {"Quarter": "Q1 2027", "Amount": "25.00 CHF"}),
        ("", "", {"Quarter": "Q1", "Amount": "25.00"}),
        ("EUR", "FY26", {"Quarter": "Q1", "Amount": "€25.00"}),
    ],
)
def test_a_plan_says_no_more_than_its_summary_tells(unit: str, year: str, row: Json) -> None:
    summary = {
        "UnitValue": "100",
        "UnitOfMeasure": unit,
        "ApprovalIdentifier": {"FiscalYear": year},
    }

    plan = details_of("PLAN", summary)

    assert plan is not None
    assert plan["Quarters"][0] == row


def test_a_requisitions_head_follows_from_the_summary() -> None:
    summary = {"AdditionalData": {"Cost centre": "4210", "DecideBy": "2026-11-24T17:00:00Z"}}
    head = details_of("DT1", summary | {"UnitOfMeasure": "EUR"})

    assert head is not None
    assert (head["Cost centre"], head["CurrencyCode"]) == ("4210", "EUR")
    assert "DecideBy" not in head
    assert "" not in head


# -- the whole life -----------------------------------------------------------


async def test_the_wikis_seven_steps_run_by_themselves(running: Running) -> None:
    capital, teams = running.playground.tenants["capex"], running.playground.teams

    steps: list[Sequence[str]] = []
    story = Story(running.playground.world, teams, capital, tell=lambda _, done: steps.append(done))
    number = await story.live(TEMPLATE)
    await converged(running)

    # 1, 4 and 7: what the tenant sent; 2 and 5 are the clicks; 3 and 6: what it was told.
    sent = [(one.arx or {})["Operation"] for one in capital.book.sent]
    assert (sent, {one.status for one in capital.book.sent}) == ([1, 2, 3], {200})
    assert [len(done) for done in steps] == [1, 2, 3, 4, 5, 6, 7]
    assert steps[-1] == SEVEN_STEPS
    told = [(one.body["ActionByAlias"], one.body["Action"]) for one in capital.actions()]
    assert told == [("johndoe1", "Approve"), ("johndoe3", "Approve")]
    running.number = number
    assert not running.can_decide("johndoe1")
    assert not running.can_decide("johndoe3")
    history = await running.house.store.history(ApprovalKey(CAPEX, number, "2026"))
    said = [value for event in history for value in event.personal.values()]
    for comment in COMMENTS:
        assert comment in said
    asked = await capital.look_up(number, "2026")
    assert asked is not None
    assert {one["Alias"]: one["State"] for one in asked["Approvers"]} == {
        "johndoe1": "removed",
        "johndoe3": "removed",
    }


async def test_the_second_level_reads_who_went_before(running: Running) -> None:
    capital = running.playground.tenants["capex"]
    sent = await capital.start_request(TEMPLATE)
    running.number = (sent.arx or {})["ApprovalIdentifier"]["DocumentNumber"]
    await running.asked("johndoe1")

    await running.click("johndoe1", "Approve", "The line is full")

    await running.asked("johndoe3")
    await running.says("johndoe3", "Plant manager — Maria Keller", "When it is spent")


async def test_a_decision_taken_while_the_service_is_away_is_followed_up_once(
    running: Running,
) -> None:
    capital = running.playground.tenants["capex"]
    sent = await capital.start_request(TEMPLATE)
    running.number = (sent.arx or {})["ApprovalIdentifier"]["DocumentNumber"]
    await running.asked("johndoe1")
    running.playground.world.set_fault("tenant/capex", Fault(kind=FaultKind.LOST_ANSWER, times=1))

    await running.click("johndoe1", "Approve", "once")
    await running.asked("johndoe3")
    await all_due(running)

    # If the tenant's next word takes long, the same decision is told once more: it is known there.
    assert all(one.applied or one.repeated for one in capital.actions())
    assert [one.applied for one in capital.actions()].count(True) == 1
    assert [(one.arx or {})["Operation"] for one in capital.book.sent] == [1, 2]


async def test_purchasing_waits_for_the_reader(running: Running) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1")

    await running.click("johndoe1", "Approve")
    await converged(running)

    assert len(running.playground.tenant.book.sent) == 1
    assert running.playground.tenant.book.owed == []
