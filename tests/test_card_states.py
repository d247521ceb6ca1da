"""Every state of a request on the card: what it says, what to do, and all that is asked for in each."""

import json
from datetime import timedelta
from typing import Any

import pytest

from approvals_core.models import PlaceState
from cards.approval import Aside, approval_card
from tests.card_faces import REFUSED, faces, views
from tests.card_makers import (
    BY_LINE_MANAGER,
    DECIDED_AT,
    VIEWER,
    a_content,
    a_place,
    a_tenant,
    a_view,
    an_approval,
    decided,
    later,
    taken,
)
from tests.card_reading import offered, texts
from tests.card_schema import walk

VIEWS = views()
WITHOUT_CONTENT = {"bare", "maximal", "opened-again", "opened-again-for-others"}
OF_THEIR_OWN = WITHOUT_CONTENT | {name for name in VIEWS if name.startswith("details-")}
FULL = sorted(name for name in VIEWS if name not in OF_THEIR_OWN)
SECOND = a_place(1)


def card_of(view: Any, aside: Aside = Aside(), **fields: Any) -> dict[str, Any]:  # noqa: B008
    return approval_card(view, VIEWER, aside, **fields).to_dict()


@pytest.mark.parametrize("name", FULL)
def test_every_state_shows_items_attachments_and_route(name):
    said = texts(card_of(VIEWS[name]))

    for part in ("Items (", "Attachments (", "Approval route"):
        assert part in said


@pytest.mark.parametrize("name", VIEWS)
def test_only_who_may_decide_now_is_offered_to(name):
    card = card_of(VIEWS[name])

    asks = "waits for your decision" in str(card["speak"])
    assert bool(offered(card)) == asks
    assert ("Input.Text" in json.dumps(card)) == asks


@pytest.mark.parametrize("name", faces())
def test_every_link_is_https(name):
    card = faces()[name].to_dict()

    assert [
        p["url"] for _, p in walk(card) if not p.get("url", "https:").startswith("https:")
    ] == []


# -- waiting for the tenant -------------------------------------------------------


def retrying(**wait: float) -> str:
    due = DECIDED_AT + timedelta(**wait)
    return texts(card_of(a_view(an_approval(decided(PlaceState.RETRYING, due=due), SECOND))))


@pytest.mark.parametrize("seconds", [0, 5, 59])
def test_a_time_that_would_read_as_now_is_called_shortly(seconds):
    assert "We try again shortly." in retrying(seconds=seconds)


def test_a_later_time_is_told():
    assert "We try again on Fri, 20 Nov 2026 11:32." in retrying(seconds=60)
    assert "We try again on Sat, 21 Nov 2026 09:31." in retrying(hours=22)


def test_the_wait_counts_from_the_last_attempt_not_from_the_click():
    place = decided(
        PlaceState.RETRYING, due=later(90), attempted_at=later(90) - timedelta(seconds=20)
    )

    assert "We try again shortly." in texts(card_of(a_view(an_approval(place, SECOND))))


def test_who_decided_is_told_to_look_when_nobody_knows():
    approval = an_approval(decided(PlaceState.UNCONFIRMED), SECOND)

    mine, other = (texts(card_of(a_view(approval, seat=seat))) for seat in (0, 1))

    assert "Please look there before you do anything." in mine
    assert "Please look there" not in other
    assert "This card changes as soon as we know." in other


def test_nobody_needs_to_look_while_the_same_is_sent_again():
    approval = an_approval(decided(PlaceState.UNCONFIRMED, due=later(1)), SECOND)

    for seat in (0, 1):
        said = texts(card_of(a_view(approval, seat=seat)))
        assert "it counts once. There is nothing for you to do." in said
        assert "Please look there" not in said


# -- cannot be decided ------------------------------------------------------------


def test_a_request_that_offers_nothing_says_where_to_decide():
    content = a_content(actions=("Escalate",))

    said = texts(card_of(a_view(an_approval(a_place(), content=content))))

    assert "This request cannot be decided here. Please decide in Contoso Purchasing." in said
    assert "Open in Contoso Purchasing" in said


def test_a_place_that_nobody_was_found_for_offers_nothing():
    place = a_place(person=None, name="Maria K.", unbound="no such person")

    card = card_of(a_view(an_approval(place)))

    assert "Contoso Purchasing asks Maria K., and nobody of that name can be found" in texts(card)
    assert offered(card) == []


def test_the_others_see_who_cannot_be_found():
    approval = an_approval(a_place(), a_place(1, person=None, unbound="several people"))

    assert "johndoe2 (cannot be found)" in texts(card_of(a_view(approval)))


# -- over -------------------------------------------------------------------------


def over(*places: Any, **fields: Any) -> str:
    return texts(card_of(a_view(an_approval(*places, **fields))))


def test_what_was_done_before_somebody_was_asked_is_no_answer_to_him():
    asked_at = BY_LINE_MANAGER.at + timedelta(hours=1)
    removed = a_place(state=PlaceState.REMOVED, asked_at=asked_at)

    said = over(removed, a_place(1, state=PlaceState.REMOVED))

    assert "Contoso Purchasing closed this request." in said
    assert "Approved by" not in said


def test_what_another_did_since_is_told():
    removed = a_place(state=PlaceState.REMOVED)

    assert "Approved by **Jonas Berg**" in over(removed, a_place(1, state=PlaceState.REMOVED))


def test_a_tenants_slow_clock_hides_nothing():
    asked_at = BY_LINE_MANAGER.at + timedelta(minutes=4)
    removed = a_place(state=PlaceState.REMOVED, asked_at=asked_at)

    assert "Approved by **Jonas Berg**" in over(removed, a_place(1, state=PlaceState.REMOVED))


def test_nobody_comes_next_once_a_request_is_closed():
    said = over(a_place(state=PlaceState.REMOVED), a_place(1, state=PlaceState.REMOVED))

    assert "CFO" not in said
    assert "Line manager" in said


@pytest.mark.parametrize(
    ("asked_again", "said"),
    [(True, "A newer card shows it."), (False, "It was opened again, without asking you")],
)
def test_an_older_card_says_where_the_newer_one_is_if_there_is_one(asked_again, said):
    place = a_place(round=2) if asked_again else a_place(state=PlaceState.REMOVED, round=1)
    approval = an_approval(place, a_place(1, round=2), round=2, taken=(taken(),))

    found = texts(card_of(a_view(approval, round=1)))

    assert said in found
    assert "Laptops" not in found  # what it is about now is not for who was asked before


# -- given back -------------------------------------------------------------------


def test_a_decision_that_came_back_says_which_and_when():
    said = texts(card_of(a_view(an_approval(a_place(refusal=REFUSED), SECOND))))

    assert "Your “Approve” came back on Fri, 20 Nov 2026 11:31." in said


def test_a_click_of_which_nothing_could_be_read_says_only_that_it_came_back():
    nameless = REFUSED.model_copy(update={"action": ""})

    said = texts(card_of(a_view(an_approval(a_place(refusal=nameless), SECOND))))

    assert "Your decision came back on Fri, 20 Nov 2026 11:31." in said


def test_an_answer_to_this_very_click_needs_no_date():
    assert "came back" not in texts(card_of(a_view(), Aside(problem="Please say why.")))


# -- for those who hear it, and for older clients ---------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pending", "from Ana Ruiz over €12,480.00 waits for your decision."),
        ("approved", "PR-2026-00417: Approved by Maria Keller."),
        ("retrying", "Approve — Maria Keller. Contoso Purchasing cannot take this at the moment."),
        ("unconfirmed", "Please look there before you do anything."),
        ("tenant-closed", "takes no decisions at the moment."),
        ("withdrawn", "PR-2026-00417: Closed."),
    ],
)
def test_the_card_is_told_in_words_too(name, said):
    card = card_of(VIEWS[name])

    assert said in str(card["speak"])
    assert said in str(card["fallbackText"])


@pytest.mark.parametrize(
    "aside", [Aside(said="You <were> late."), Aside(problem="You <were> late.")]
)
def test_an_older_client_hears_why_its_click_did_nothing(aside):
    card = card_of(a_view(), aside)

    assert str(card["fallbackText"]).startswith("You <\u200bwere> late. Purchase requisition")
    assert str(card["speak"]).startswith("You  were  late. ")


# -- much -------------------------------------------------------------------------


def test_who_is_asked_now_is_seen_however_many_came_before():
    said = texts(card_of(VIEWS["many-approvers"]))

    assert "8 earlier steps" in said
    assert "**Board** — you, " in said
    assert "and 2 more" in said
    assert "1 later step" in said


def test_a_tenants_own_actions_are_offered_in_its_words():
    card = card_of(VIEWS["other-actions"])

    titles = [p["title"] for p in offered(card)]
    assert titles == ["Acknowledge", "Send back to Ana", "Escalate to the board", "Not this year"]
    assert (
        "Optional for Escalate to the board. Needed for Acknowledge or Send back to Ana."
        in texts(card)
    )


def test_a_card_without_an_icon_says_whose_request_it_is_but_not_twice():
    named, told = (
        texts({"body": card_of(a_view(tenant=tenant))["body"][:1]}).split("\n")
        for tenant in (a_tenant(), a_tenant(name="Fleet", request_word="Fleet request"))
    )

    assert named[:2] == ["Contoso Purchasing", "Purchase requisition"]
    assert told[0] == "Fleet request"


def test_a_number_stands_on_a_line_of_its_own():
    card = card_of(a_view(tenant=a_tenant(request_word="Requisition")))

    header = texts({"body": card["body"][:1]}).split("\n")
    assert header[:2] == ["Contoso Purchasing", "Requisition"]
    assert header[2].startswith("[PR-2026-00417](")
