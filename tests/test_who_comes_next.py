"""Who is asked now and who comes next: a card says it only where it is sure."""

from typing import Any

import pytest

from approvals_core.models import Level, Named, PlaceState
from approvals_core.ports import Store, View
from approvals_core.tenant import Action, Concurrency, Style
from cards.approval.badge import badge_words
from cards.approval.route import Step, asked_now, comes_next, route, who
from cards.approval.standing import standing
from cards.together import Told, results
from playground.reading import words
from tests.card_makers import (
    BY_LINE_MANAGER,
    VIEWER,
    a_content,
    a_place,
    a_tenant,
    a_view,
    an_approval,
    decided,
    taken,
)
from tests.makers import MARIA, Core, create, delete, done_by, update

ALL = a_tenant(concurrency=Concurrency.ALL)
ACCEPTED = PlaceState.ACCEPTED


def plan(*levels: tuple[str, str]) -> Any:
    """Return what has a plan of these steps, each a kind and one alias."""
    known = {"johndoe2": "Jonas Berg", "johndoe3": "Priya Nair"}
    return a_content(
        hierarchy=tuple(
            Level(kind=kind, approvers=(Named(alias=alias, name=known.get(alias, "")),))
            for kind, alias in levels
        )
    )


def approved(*others: Any, content: Any = None, tenant: Any = None, **fields: Any) -> View:
    """Return what Maria sees once her approval was taken."""
    usual: dict[str, Any] = {"taken": (taken(),)} | ({"content": content} if content else {})
    return a_view(an_approval(decided(ACCEPTED), *others, **usual | fields), tenant=tenant)


def test_the_step_behind_the_one_decided_comes_next() -> None:
    view = approved(content=plan(("A", "johndoe1"), ("B", "johndoe2"), ("C", "johndoe3")))

    assert comes_next(view) == "Comes next: B — Jonas Berg."


def test_nothing_is_said_where_one_person_has_two_steps_of_the_plan() -> None:
    steps = ("A", "johndoe1"), ("B", "johndoe2"), ("C", "johndoe1"), ("D", "johndoe3")

    assert comes_next(approved(content=plan(*steps))) == ""
    assert comes_next(approved(content=plan(*steps[:3]))) == ""


def test_nothing_comes_next_once_another_of_all_has_rejected() -> None:
    content = plan(("A", "johndoe1"), ("B", "johndoe3"))
    rejected = decided(ACCEPTED, seat=1, action="Reject")

    assert comes_next(approved(rejected, content=content, tenant=ALL)) == ""
    assert comes_next(approved(a_place(1), content=content, tenant=ALL)).startswith("Asked now:")


def test_nothing_comes_next_where_what_was_done_brings_in_one_more() -> None:
    add = Action(code="Add", label="Add", past="Approved", style=Style.POSITIVE, new_approver=True)
    tenant = a_tenant(actions=(add,))
    content = plan(("A", "johndoe1"), ("B", "johndoe2"))
    place = decided(ACCEPTED, action="Add")
    approval = an_approval(place, taken=(taken(action="Add"),), content=content)

    assert comes_next(a_view(approval, tenant=tenant)) == ""


def test_whoever_is_held_by_anothers_decision_is_not_asked_now() -> None:
    jonas, priya = decided(ACCEPTED, seat=1, action="Reject"), a_place(2)
    maria = a_place(0, state=PlaceState.REMOVED)

    assert asked_now(a_view(an_approval(maria, jonas, priya))) == ""
    assert "Priya Nair" in asked_now(a_view(an_approval(maria, jonas, priya), tenant=ALL))
    assert "Priya Nair" in asked_now(a_view(an_approval(maria, a_place(1), priya)))


def test_whose_decision_is_on_its_way_is_not_asked_now() -> None:
    jonas = decided(PlaceState.SUBMITTING, seat=1)

    said = asked_now(a_view(an_approval(a_place(), jonas, a_place(2)), tenant=ALL))

    assert "Priya Nair" in said
    assert "Jonas Berg" not in said


@pytest.mark.parametrize(
    "view",
    [
        approved(content=plan(("A", "johndoe1"), ("B", "johndoe2"))),
        approved(a_place(1), tenant=ALL),
    ],
    ids=["comes next", "asked now"],
)
def test_results_that_nobody_draws_anew_do_not_say_who_is_asked(view: View) -> None:
    card = results("pr", [Told("key", view)], VIEWER).to_dict()

    assert "refresh" not in card
    assert standing(view, VIEWER).notes != ()
    assert "Approved by you" in words(card)
    assert "next" not in words(card)
    assert "Asked now" not in words(card)


def test_what_nobody_is_named_for_is_nobodys_of_the_plan() -> None:
    nobody = taken(seat=None, by="", name="", action="TAKEBACK")
    board = Level(kind="Board", approvers=(Named(alias="", name="Carla Board"),))
    content = a_content(hierarchy=(board,))
    approval = an_approval(a_place(), taken=(BY_LINE_MANAGER, nobody), content=content)

    assert who(approval, nobody) == ""
    steps = [(row.step, row.kind) for row in route(a_view(approval))]
    assert (Step.NEXT, "Board") in steps
    assert (Step.DONE, "Board") not in steps


@pytest.mark.parametrize("name", ["", " ", "\u200b", "you", "You", "y\u200bou"])
def test_no_name_in_the_badge_reads_as_the_readers_own(name: str) -> None:
    said = badge_words("Approved", name, mine=False, is_verdict=True)

    assert said == "Approved by others"


@pytest.mark.parametrize(
    ("delegate", "badge"),
    [("bob", "Approved by others"), ("JohnDoe1", "Approved by you"), ("", "Approved by you")],
)
async def test_what_somebody_else_did_for_the_viewer_is_not_his_own(
    store: Store, delegate: str, badge: str
) -> None:
    core = Core(store)
    await core.open(create("johndoe1"))
    action = done_by("johndoe1", delegate=delegate)
    await core.receive(update("johndoe3", at=2, removes=("johndoe1",), action=action))
    approval = await core.approval()
    place = approval.place_of(MARIA.id)
    assert place is not None

    now = standing(core.approvals.view_of(approval, place.seat), VIEWER)

    assert now.badge == badge
    ending = done_by("johndoe3", "Reject")
    await core.receive(delete("johndoe3", at=3, action=ending))
    ended = standing(core.approvals.view_of(await core.approval(), place.seat), VIEWER)
    assert ended.badge == "Rejected"
    assert ended.before is not None
    assert ended.before.deed is not None
    assert (ended.before.deed.who == "you") == (badge == "Approved by you")


@pytest.mark.parametrize("name", ["", "\u200b", " \u2060 "])
@pytest.mark.parametrize("state", [ACCEPTED, PlaceState.SUBMITTING])
def test_who_decided_is_never_called_by_a_name_that_shows_nothing(
    state: PlaceState, name: str
) -> None:
    nameless = MARIA.model_copy(update={"name": name})
    view = a_view(an_approval(decided(state, by=nameless), a_place(1)), seat=1)

    deed = standing(view, VIEWER).deed

    assert deed is not None
    assert deed.who == "Maria Keller"
