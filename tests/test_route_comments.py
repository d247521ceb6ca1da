"""What earlier approvers wrote stands under their step of the route: short, inert, once, and never too much for a card."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from approvals_core.models import ActionTaken, Level, Named, PlaceState
from approvals_core.ports import View
from approvals_core.rules.erasure import ERASED
from cards.approval import approval_card
from cards.elements import LIMIT_IN_BYTES
from cards.html.request import request_html
from cards.outlook import LIMIT_IN_BYTES as LIMIT_OF_OUTLOOK
from tests.card_faces import views
from tests.card_makers import (
    ASKED_AT,
    BY_LINE_MANAGER,
    VIEWER,
    a_content,
    a_place,
    a_view,
    an_approval,
    decided,
    later,
    taken,
)
from tests.card_reading import assert_inert, texts
from tests.card_schema import problems
from tests.html_reading import read_html
from tests.mail_faces import a_mail
from tests.outlook_faces import in_mail
from tests.test_card_hostile import STRESS

GONE = PlaceState.REMOVED
OWN = "Fine for Q4, budget line is confirmed."
LONGEST = 4000  # characters of a comment


def commented(words: str, *places: Any, **fields: Any) -> View:
    """Return the view of the first of *places* after the line manager wrote *words*."""
    by_manager = BY_LINE_MANAGER.model_copy(update={"comment": words})
    return a_view(an_approval(*places, taken=(by_manager, *fields.pop("more", ())), **fields))


def cards_of(view: View) -> list[dict[str, Any]]:
    return [approval_card(view, VIEWER).to_dict(), in_mail(view)]


@pytest.mark.parametrize("where", [0, 1], ids=["Teams", "Outlook"])
def test_the_next_approver_reads_what_the_one_before_wrote_under_his_step(where: int) -> None:
    said = texts(cards_of(commented("Fits\nthe *plan*"))[where]).split("\n")

    step = next(at for at, line in enumerate(said) if line.startswith("Line manager — "))
    assert said[step + 1] == "“Fits the \\*plan\\*”"


def test_where_nothing_was_written_stands_nothing() -> None:
    gone = a_place(1, person=None, state=GONE, names=(), alias=ERASED, erased=True)
    erased = BY_LINE_MANAGER.model_copy(update={"by": ERASED, "comment": ""})

    for view in (commented(" \n"), a_view(an_approval(a_place(), gone, taken=(erased,)))):
        assert all("“" not in texts(card) for card in cards_of(view))


@pytest.mark.parametrize("where", [0, 1], ids=["Teams", "Outlook"])
def test_who_decides_reads_the_beginning_of_a_long_one(where: int) -> None:
    card = cards_of(commented("word " * 800))[where]

    [said] = [line for line in texts(card).split("\n") if line.startswith("“word")]
    assert said.endswith("word…”")
    assert len(said) <= 202


def test_who_opens_the_details_afterwards_reads_more_of_it() -> None:
    view = commented("word " * 800, decided(PlaceState.ACCEPTED), a_place(1, state=GONE))

    [said] = [line for line in texts(cards_of(view)[0]).split("\n") if line.startswith("“word")]
    assert 500 < len(said) <= 602


def test_page_and_mail_have_all_of_it() -> None:
    view = commented("word " * 700 + "end")

    page = read_html(str(request_html(view, VIEWER))).text
    mail = a_mail(view)

    for told in (page, mail.html, mail.text):
        assert "word end" in " ".join(told.replace("\n  > ", " ").split())


@pytest.mark.parametrize("name", ["approved", "held-approved", "done", "done-so-far", "rejected"])
def test_what_the_card_tells_above_is_not_told_under_its_step(name: str) -> None:
    view = views()[name]
    words = view.approval.taken[-1].comment.split("\n")[0]

    for card in cards_of(view):
        assert texts(card).count(words) == 1


def test_a_question_that_stands_above_is_not_told_under_its_step() -> None:
    for card in cards_of(views()["question-open"]):
        assert texts(card).count("Which line?") == 1


def test_equal_words_of_another_are_told_nevertheless() -> None:
    accepted = decided(PlaceState.ACCEPTED, comment="Ok")
    view = commented("Ok", accepted, a_place(1, state=GONE), more=(taken(comment="Ok"),))

    for card in cards_of(view):
        assert "“Ok”" in texts(card)
    assert a_mail(view).text.split().count("Ok") == 2


def test_what_was_written_before_it_was_opened_again_is_in_no_route() -> None:
    before = taken(1, comment="Of the round before")
    view = a_view(an_approval(a_place(round=2), taken=(before,), round=2))

    for card in cards_of(view):
        assert "Of the round before" not in texts(card)


@pytest.mark.parametrize("words", STRESS)
def test_whatever_was_written_does_nothing(words: str) -> None:
    card = approval_card(commented(words), VIEWER)

    assert problems(card.to_dict()) == []
    assert_inert(card.to_dict())


def of_twenty_steps(words: str, *, over: bool) -> View:
    """Return what the last of twenty-one approvers sees, all before whom wrote *words*."""
    at = range(1, 21)
    mine = a_place(state=GONE) if over else a_place()
    places = [
        a_place(1, state=GONE).model_copy(
            update={"seat": n, "alias": f"user{n}", "names": (f"user{n}",)}
        )
        for n in at
    ]
    levels = tuple(Level(kind=f"Step {n}", approvers=(Named(alias=f"user{n}"),)) for n in at)
    done = [
        ActionTaken(
            by=f"user{n}",
            action="Approve",
            at=ASKED_AT + timedelta(minutes=n),
            comment=words,
            seat=n,
            round=1,
        )
        for n in at
    ]
    if over:
        done += [taken(comment=words, at=later(1))]
    content = a_content(hierarchy=levels, notes=words)
    return a_view(an_approval(mine, *places, content=content, taken=tuple(done)))


@pytest.mark.parametrize("over", [False, True], ids=["asking", "over"])
@pytest.mark.parametrize("character", ["w ", "\U0001f600", '"', "\\", "<x", "界"])
def test_twenty_long_comments_still_fit(character: str, over: bool) -> None:  # noqa: FBT001
    view = of_twenty_steps((character * LONGEST)[:LONGEST], over=over)

    card, in_outlook = approval_card(view, VIEWER), in_mail(view)

    assert card.size <= LIMIT_IN_BYTES
    assert len(orjson.dumps(in_outlook)) <= LIMIT_OF_OUTLOOK


def test_ordinary_comments_of_twenty_steps_take_no_room_from_the_items() -> None:
    for over in (False, True):
        card = approval_card(of_twenty_steps("word " * 800, over=over), VIEWER)

        assert "USB-C dock" in texts(card.to_dict())
        assert texts(card.to_dict()).count("“word") == 7 + over
