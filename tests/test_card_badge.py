"""What stands in the badge: true of the whole request, and of what the viewer did; the rest says who comes next."""

from typing import Any

import pytest

from approvals_core.models import Approval, PlaceState
from approvals_core.ports import Store, View
from approvals_core.tenant import Action, Concurrency, Style
from cards.approval import approval_card
from cards.approval.badge import MOST
from cards.approval.standing import BAD, GOOD, Standing, standing
from cards.html.request import request_html
from cards.together import Told, results
from tests.card_faces import views
from tests.card_makers import (
    BY_LINE_MANAGER,
    JONAS,
    VIEWER,
    a_person,
    a_place,
    a_tenant,
    a_view,
    an_approval,
    decided,
    later,
    taken,
)
from tests.html_reading import read_html
from tests.mail_faces import a_mail
from tests.makers import JONAS as JONAS_OF_CORE
from tests.makers import MARIA, Core, create, delete, done_by, update
from tests.makers import a_tenant as the_tenant
from tests.outlook_faces import in_mail
from tests.test_mails import A_MOMENT, opened

VIEWS = views()
GONE = PlaceState.REMOVED


def said(view: View) -> Standing:
    return standing(view, VIEWER)


def accepted(*others: Any, seat: int = 0, tenant: Any = None, **decision: Any) -> View:
    """Return what is seen from *seat* once the tenant took Maria's decision."""
    place = decided(PlaceState.ACCEPTED, **decision)
    done = taken(**{name: value for name, value in decision.items() if name == "action"})
    approval = an_approval(place, *others, taken=(BY_LINE_MANAGER, done))
    return a_view(approval, seat=seat, tenant=tenant)


# -- while the request goes on ----------------------------------------------------


def test_who_approved_his_step_is_not_told_that_all_is_approved() -> None:
    now = said(VIEWS["done-so-far"])

    assert now.badge == "Approved by you"
    assert now.notes == ("Asked now: CFO — Priya Nair.", "Nothing more for you to do.")


def test_what_the_tenant_has_accepted_is_not_yet_how_the_request_stands() -> None:
    now = said(VIEWS["approved"])

    assert now.badge == "Approved by you"
    assert now.notes == ("Comes next: CFO — Priya Nair.",)


@pytest.mark.parametrize(
    ("name", "badge"),
    [("Maria Keller", "Approved by others"), ("Anna", "Approved by Anna")],
    ids=["too long for a phone", "short"],
)
def test_the_others_of_a_step_read_who_it_was_where_that_fits(name: str, badge: str) -> None:
    view = accepted(a_place(1), seat=1, by=a_person(name).model_copy(update={"object_id": "9"}))

    assert said(view).badge == badge


def test_what_somebody_else_did_at_the_viewers_place_was_not_the_viewer() -> None:
    assert said(accepted(by=JONAS)).badge == "Approved by others"


@pytest.mark.parametrize("seat", [0, 1])
def test_after_a_rejection_nobody_is_said_to_come_next(seat: int) -> None:
    now = said(accepted(a_place(1), seat=seat, action="Reject"))

    assert now.badge == ("Rejected by you", "Rejected by others")[seat]
    assert now.notes == ()


def test_where_each_decides_for_himself_the_others_are_asked_now() -> None:
    view = accepted(a_place(1), tenant=a_tenant(concurrency=Concurrency.ALL))

    assert said(view).notes == ("Asked now: Line manager — Jonas Berg.",)


def test_who_decides_outside_the_plan_hears_of_nobody_next() -> None:
    approval = an_approval(decided(PlaceState.ACCEPTED), taken=())

    assert said(a_view(approval)).notes == ()


def test_of_many_asked_now_three_are_named() -> None:
    gone = a_place(state=GONE)
    named = ("Ada", "Ben", "Cy", "Di", "Eve")
    asked = [
        a_place(1).model_copy(update={"seat": at, "person": None, "alias": name, "name": name})
        for at, name in enumerate(named, 1)
    ]
    several = [each.model_copy(update={"names": (each.alias,)}) for each in asked]
    approval = an_approval(gone, *several, taken=(taken(),), content=None)

    assert said(a_view(approval)).notes[0] == "Asked now: Ada, Ben, Cy, and 2 more."


# -- once it is over --------------------------------------------------------------


def test_what_ended_as_the_viewer_decided_says_so_of_all() -> None:
    assert said(VIEWS["done"]).badge == "Approved"


def in_words(now: Standing | None) -> str:
    deed = now.deed if now else None
    return f"{deed.words.format(what=deed.what, who=deed.who)}: {deed.comment}" if deed else ""


def test_what_ended_otherwise_says_how_and_why_before_what_the_viewer_did() -> None:
    now = said(VIEWS["ended-otherwise"])

    assert (now.badge, now.look) == ("Rejected", BAD)
    assert in_words(now) == "Rejected by Priya Nair: The quote is older than 30 days."
    assert now.notes == ("Nothing more for you to do.",)
    assert in_words(now.before).startswith("Before that: Approved by you: Fine for Q4")


def test_who_approved_before_the_one_whose_approval_was_the_end_reads_both() -> None:
    gone = (a_place(state=GONE), a_place(2, state=GONE, asked_at=later(1)))
    now = said(a_view(an_approval(*gone, taken=(taken(), taken(2, at=later(2), comment="Ok")))))

    assert (now.badge, now.look) == ("Approved", GOOD)
    assert in_words(now) == "Approved by Priya Nair: Ok"
    assert in_words(now.before).startswith("Before that: Approved by you: Fine for Q4")


def test_who_ended_it_had_done_nothing_before() -> None:
    twice = (taken(comment="First step."), taken(at=later(2)))
    now = said(a_view(an_approval(a_place(state=GONE), taken=twice)))

    assert in_words(now).startswith("Approved by Maria Keller: Fine for Q4")
    assert now.before is None


def test_who_was_asked_and_had_not_decided_reads_the_end_alone() -> None:
    gone = (a_place(state=GONE), a_place(2, state=GONE))
    now = said(a_view(an_approval(*gone, taken=(taken(2, action="Reject"),))))

    assert (now.badge, now.before) == ("Rejected", None)


def test_what_was_opened_again_does_not_say_how_the_newer_round_ended() -> None:
    gone = (a_place(state=GONE), a_place(2, state=GONE, round=2, asked_at=later(1)))
    ended = (taken(), taken(2, action="Reject", at=later(2), round=2))
    now = said(a_view(an_approval(*gone, taken=ended, round=2), round=1))

    assert (now.badge, now.before) == ("Approved by you", None)


def standing_of(approval: Approval) -> Standing:
    maria = approval.place_of(MARIA.id)
    assert maria is not None
    return said(a_view(approval, seat=maria.seat, details={}, tenant=the_tenant()))


def badge_of(approval: Approval) -> str:
    return standing_of(approval).badge


async def test_who_approved_what_the_next_one_rejects_reads_why_once_it_is_over(
    store: Store,
) -> None:
    core, badges = Core(store), list[str]()
    await opened(core, create("johndoe1"))
    await core.click(MARIA, "Approve", comment="Fits the plan")
    moved = update("johndoe2", at=2, removes=("johndoe1",), action=done_by("johndoe1"))
    await core.receive(moved)
    await core.pass_time(A_MOMENT)
    badges.append(badge_of(await core.approval()))

    await core.click(JONAS_OF_CORE, "Reject", comment="No money left")
    await core.pass_time(A_MOMENT)
    badges.append(badge_of(await core.approval()))
    await core.receive(delete("johndoe2", at=3, action=done_by("johndoe2", "Reject")))
    now = standing_of(await core.approval())

    assert badges == ["Approved by you", "Approved by you"]
    assert (now.badge, now.look) == ("Rejected", BAD)
    assert in_words(now) == f"Rejected by {JONAS_OF_CORE.name}: No money left"
    assert in_words(now.before) == "Before that: Approved by you: Fits the plan"


async def test_through_two_steps_the_first_reads_approved_only_in_the_end(store: Store) -> None:
    core, badges = Core(store), list[str]()
    await opened(core, create("johndoe1"))
    await core.click(MARIA, "Approve")
    badges.append(badge_of(await core.approval()))

    moved = update("johndoe2", at=2, removes=("johndoe1",), action=done_by("johndoe1"))
    await core.receive(moved)
    await core.pass_time(A_MOMENT)
    badges.append(badge_of(await core.approval()))
    await core.receive(delete("johndoe2", at=3, action=done_by("johndoe2")))
    badges.append(badge_of(await core.approval()))

    assert badges == ["Approved by you", "Approved by you", "Approved"]


def test_what_the_tenant_took_back_is_closed_and_not_approved() -> None:
    gone = (a_place(state=GONE), a_place(2, state=GONE, asked_at=later(1)))
    now = said(a_view(an_approval(*gone, taken=(taken(),))))

    assert now.badge == "Approved by you"
    assert now.notes[0] == "Contoso Purchasing closed this request."


# -- its words --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("past", "style", "mine", "others"),
    [
        ("Paid", Style.POSITIVE, "Paid by you", "Paid by others"),
        ("Released for payment", Style.POSITIVE, "Decided by you", "Decided by others"),
        ("Sent back to the buyer", Style.DESTRUCTIVE, "Decided by you", "Decided by others"),
        ("Information asked for", Style.DEFAULT, "Information asked for", "Information asked for"),
    ],
)
def test_a_verdict_names_nobody_only_if_there_is_no_room(
    past: str, style: Style, mine: str, others: str
) -> None:
    tenant = a_tenant(actions=(Action(code="Approve", label="Go", past=past, style=style),))

    found = [said(accepted(a_place(1), seat=seat, tenant=tenant)).badge for seat in (0, 1)]

    assert found == [mine, others]
    assert style is Style.DEFAULT or all(len(each) <= MOST for each in found)


# -- everywhere -------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["approved", "held-approved", "done-so-far", "done", "ended-otherwise"]
)
def test_card_mail_and_page_say_the_same(name: str) -> None:
    view = VIEWS[name]
    badge = said(view).badge

    mail, page = a_mail(view), read_html(str(request_html(view, VIEWER)))

    assert badge in _texts(approval_card(view, VIEWER).to_dict()["body"])
    assert badge in _texts(in_mail(view)["body"])
    assert f"State: {badge}" in mail.text
    assert f">{badge}</span>" in mail.html
    assert page.one("header").text.rstrip().endswith(badge)


def test_card_mail_page_and_the_results_of_several_tell_the_end_and_what_came_before_it() -> None:
    view = VIEWS["ended-otherwise"]
    mail, page = a_mail(view), str(request_html(view, VIEWER))
    told = results("pr", [Told("key", view)], VIEWER).to_dict()

    for told_html in (mail.html, page):
        read = read_html(told_html).text
        assert _in_order(read, *(REJECTED, REASON, BEFORE, OWN_COMMENT, "Nordlicht"))
        assert read.count(REASON) == read.count(OWN_COMMENT) == 1
    assert _in_order(mail.text, REJECTED, REASON, BEFORE, OWN_COMMENT)
    assert _in_order("\n".join(_texts(told["body"])), REJECTED, BEFORE)
    for card in (approval_card(view, VIEWER).to_dict(), in_mail(view)):
        said = "\n".join(_texts(card["body"])).replace("**", "")
        assert _in_order(said, REJECTED, REASON, BEFORE, OWN_COMMENT, "Nordlicht")
        assert said.count(REASON) == said.count(OWN_COMMENT) == 1


REJECTED, BEFORE = "Rejected by Priya Nair", "Before that: Approved by you"
REASON, OWN_COMMENT = "The quote is older than 30 days.", "Fine for Q4, budget line is confirmed."


def _in_order(said: str, *parts: str) -> bool:
    found = [said.find(part) for part in parts]
    return -1 not in found and found == sorted(found)


def _texts(piece: Any) -> list[str]:
    if isinstance(piece, dict):
        return [*filter(None, [piece.get("text")]), *_texts(list(piece.values()))]
    return [text for each in piece for text in _texts(each)] if isinstance(piece, list) else []
