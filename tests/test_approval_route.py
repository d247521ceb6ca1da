"""The approval route on a card: who decided, who is asked now, who comes next."""

from typing import Any

from approvals_core.models import Level, Named, PlaceState
from cards.approval.route import Row, Step, route
from tests.card_makers import DECIDED_AT, a_content, a_place, a_view, an_approval, decided, taken


def a_level(kind: str, *aliases: str) -> Level:
    return Level(kind=kind, approvers=tuple(Named(alias=alias) for alias in aliases))


def rows(*places: Any, levels: tuple[Level, ...] = (), done: Any = (), seat: int = 0) -> Any:
    approval = an_approval(*places, content=a_content(hierarchy=levels), taken=done)
    return route(a_view(approval, seat=seat))


def test_a_plan_is_told_as_done_now_and_next():
    levels = (
        a_level("Manager", "johndoe2"),
        a_level("Finance", "JohnDoe1 "),
        a_level("CFO", "boss"),
    )
    removed = a_place(1, state=PlaceState.REMOVED)

    assert rows(a_place(), removed, levels=levels, done=(taken(1),)) == (
        Row(Step.DONE, "Manager", ("Jonas Berg",), action="Approve", at=DECIDED_AT),
        Row(Step.NOW, "Finance", (), viewer=True),
        Row(Step.NEXT, "CFO", ("boss",)),
    )


def test_a_step_with_one_done_and_one_still_asked_has_two_rows():
    levels = (a_level("Interim", "johndoe1", "johndoe2"),)
    removed = a_place(state=PlaceState.REMOVED)

    assert rows(removed, a_place(1), levels=levels, done=(taken(),), seat=1) == (
        Row(Step.DONE, "Interim", ("Maria Keller",), action="Approve", at=DECIDED_AT),
        Row(Step.NOW, "Interim", (), viewer=True),
    )


def test_who_is_in_no_plan_is_told_too():
    levels = (a_level("CFO", "boss"),)
    done = (taken(None, by="auditor", name="Ada"),)

    assert rows(a_place(), a_place(1), levels=levels, done=done) == (
        Row(Step.DONE, "", ("Ada",), action="Approve", at=DECIDED_AT),
        Row(Step.NOW, "", ("Jonas Berg",), viewer=True),
        Row(Step.NEXT, "CFO", ("boss",)),
    )


def a_named_level(kind: str, alias: str, name: str) -> Level:
    return Level(kind=kind, approvers=(Named(alias=alias, name=name),))


def test_whom_the_tenant_only_ever_took_out_is_called_as_the_plan_calls_him():
    levels = (a_level("Manager", "johndoe1"), a_named_level("CFO", "Lena5 ", "Lena Voss"))
    taken_out = a_place(
        1, alias="lena5", names=("lena5",), person=None, state=PlaceState.REMOVED, round=0
    )

    assert rows(a_place(), taken_out, levels=levels)[1:] == (Row(Step.NEXT, "CFO", ("Lena Voss",)),)


def test_a_name_that_came_with_the_decision_is_better_than_an_alias():
    unknown = a_place(1, alias="lena5", names=("lena5",), person=None, state=PlaceState.REMOVED)
    done = (taken(1, by="lena5", name="Lena Voss"),)

    assert rows(a_place(), unknown, done=done)[0].names == ("Lena Voss",)


def test_whose_person_was_erased_gets_no_name_back_from_the_plan():
    gone = a_place(1, alias="x", names=(), person=None, state=PlaceState.REMOVED, erased=True)
    levels = (a_level("Manager", "johndoe1"), a_named_level("CFO", "x", "Lena Voss"))

    found = rows(a_place(), gone, levels=levels, done=(taken(1, by="x"),))

    assert "Lena Voss" not in str(found)


def test_an_accepted_decision_is_done_and_not_asked():
    found = rows(decided(PlaceState.ACCEPTED), a_place(1), done=(taken(decision="d1"),))

    assert [(row.step, row.names) for row in found] == [
        (Step.DONE, ("Maria Keller",)),
        (Step.NOW, ("Jonas Berg",)),
    ]


def test_what_failed_or_belongs_to_an_older_round_is_not_told():
    done = (taken(failed="No budget"), taken(round=0))

    assert rows(a_place(), a_place(1), done=done) == (
        Row(Step.NOW, "", ("Jonas Berg",), viewer=True),
    )


def test_one_approver_without_a_plan_needs_no_route():
    assert rows(a_place()) == ()
