"""
One card of every kind, for the golden files and for looking at.

``python -m tests.card_faces`` writes the golden files anew. Do it only for a change
whose pictures you have looked at.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from approvals_core.models import Content, PlaceState, Refusal
from approvals_core.ports import View
from approvals_core.rules.answering import stale_decision
from approvals_core.tenant import Action, Comment, Concurrency
from cards import notices
from cards.approval import Aside, approval_card
from cards.elements import Card
from tests.card_closed import closed_views
from tests.card_details import details_views
from tests.card_extremes import many_approvers, stress_views
from tests.card_faces_together import together_faces
from tests.card_forms import form_answers, form_views
from tests.card_makers import (
    APPROVE,
    BY_LINE_MANAGER,
    DECIDED_AT,
    NEED_INFO,
    REJECT,
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

GOLDEN = Path(__file__).parent / "golden"

REMOVED = a_place(1, state=PlaceState.REMOVED)
SECOND = a_place(2)
COMMENT = "Fine for Q4.\nPlease order before the 27th."
REFUSED = Refusal(
    action="Approve",
    message="The budget of 4210 is used up. See https://erp.example.com/budgets/4210 for details.",
    comment=COMMENT,
    at=DECIDED_AT,
)
TWO_PLACES = REFUSED.model_copy(
    update={
        "message": "No safe limit. Ask for one at https://limits.example.com/new?for=4210, or read "
        "https://wiki.example.com/limits first. https://third.example.com gets no button."
    }
)
CHANGED = REFUSED.model_copy(update={"message": stale_decision()})
OTHER_ACTIONS = (
    Action(code="Ack", label="Acknowledge", past="Acknowledged", comment=Comment.REQUIRED),
    Action(code="SendBack", label="Send back to Ana", past="Sent back", comment=Comment.REQUIRED),
    Action(code="Escalate", label="Escalate to the board", past="Escalated", comment_length=4000),
    Action(code="Later", label="Not this year", past="Postponed", comment=Comment.NONE),
)
COMMENTED = BY_LINE_MANAGER.model_copy(
    update={
        "comment": "Fits the plan; the old machines go to the interns.\nPlease make sure that the "
        "order goes out before the price rises on 27 November, and that the docks are the new ones: "
        "with the old ones the second screen stays black, as we saw in Porto in spring."
    }
)
QUESTION: dict[str, Any] = {"action": "NeedMoreInformation", "comment": "Which line?"}
REJECTION: dict[str, Any] = {"action": "Reject", "comment": "The quote is older than 30 days."}


def _asking() -> Mapping[str, View]:
    """States in which something can be decided."""
    asks_only = NEED_INFO.model_copy(update={"holds": False})
    return {
        "pending": a_view(),
        "pending-refused": a_view(an_approval(a_place(refusal=REFUSED, attempt=2), REMOVED)),
        "pending-refused-links": a_view(an_approval(a_place(refusal=TWO_PLACES), REMOVED)),
        "pending-changed": a_view(an_approval(a_place(refusal=CHANGED, attempt=2), REMOVED)),
        "question-open": a_view(
            _with_taken(a_place(), taken(**QUESTION)),
            tenant=a_tenant(actions=(APPROVE, REJECT, asks_only)),
        ),
        "other-actions": a_view(tenant=a_tenant(actions=OTHER_ACTIONS)),
        "comment-needed": a_view(tenant=a_tenant(actions=OTHER_ACTIONS[:2])),
        "each-for-himself": a_view(
            _with_taken(a_place(), taken(2), other=decided(PlaceState.ACCEPTED, 2)),
            tenant=a_tenant(concurrency=Concurrency.ALL),
        ),
        "second-round": a_view(
            _with_taken(a_place(round=2, attempt=3), taken(**REJECTION), round=2, revision=5)
        ),
        "colleague-not-found": a_view(
            an_approval(a_place(), REMOVED, a_place(2, person=None, unbound="no such person"))
        ),
        "many-approvers": many_approvers(),
        "commented": a_view(an_approval(taken=(COMMENTED,))),
        "bare": a_view(an_approval(a_place(), content=_bare(), taken=()), details={}),
    }


def _decided() -> Mapping[str, View]:
    """States in which a decision is on its way, or was taken: the viewer's, or another's."""
    tomorrow = later(60 * 22)
    states = {
        "sending": decided(PlaceState.SUBMITTING),
        "retrying": decided(PlaceState.RETRYING, due=later(5)),
        "retrying-shortly": decided(PlaceState.RETRYING, due=later(0) + timedelta(seconds=20)),
        "retrying-tomorrow": decided(PlaceState.RETRYING, due=tomorrow, **REJECTION),
        "unconfirmed": decided(PlaceState.UNCONFIRMED),
        "unconfirmed-again": decided(PlaceState.UNCONFIRMED, due=later(1)),
        "unconfirmed-asked": decided(PlaceState.UNCONFIRMED, look_up=later(1)),
    }
    mine = {name: a_view(an_approval(place, REMOVED)) for name, place in states.items()}
    held = {
        f"held-{name}": a_view(an_approval(place, REMOVED, SECOND), seat=2)
        for name, place in states.items()
    }
    accepted = decided(PlaceState.ACCEPTED)
    with_words = decided(PlaceState.ACCEPTED, message="Order 4711 was placed.")
    return {
        **mine,
        "approved": a_view(_with_taken(accepted, taken())),
        "approved-with-words": a_view(_with_taken(with_words, taken())),
        "rejected": a_view(
            _with_taken(decided(PlaceState.ACCEPTED, **REJECTION), taken(**REJECTION))
        ),
        "question-asked": a_view(
            _with_taken(decided(PlaceState.ACCEPTED, **QUESTION), taken(**QUESTION))
        ),
        **held,
        "held-approved": a_view(_with_taken(accepted, taken(), other=SECOND), seat=2),
        "held-rejected": a_view(
            _with_taken(
                decided(PlaceState.ACCEPTED, **REJECTION), taken(**REJECTION), other=SECOND
            ),
            seat=2,
        ),
    }


def _over() -> Mapping[str, View]:
    """States in which nothing can be decided any more, or not here."""
    gone = a_place(state=PlaceState.REMOVED)
    asked_later = gone.model_copy(update={"asked_at": BY_LINE_MANAGER.at + timedelta(hours=1)})
    content = a_content(actions=("SomethingElse",))
    return {
        "done": a_view(_with_taken(gone, taken())),
        "done-so-far": a_view(_with_taken(gone, taken(), other=a_place(2, asked_at=later(1)))),
        "ended-otherwise": a_view(
            an_approval(
                gone,
                REMOVED,
                a_place(2, state=PlaceState.REMOVED, asked_at=later(1)),
                taken=(BY_LINE_MANAGER, taken(), taken(2, **REJECTION, at=later(2))),
            )
        ),
        "withdrawn": a_view(an_approval(asked_later, REMOVED)),
        "no-longer-asked": a_view(an_approval(asked_later, REMOVED, SECOND)),
        "removed-while-held": a_view(
            an_approval(asked_later, REMOVED, decided(PlaceState.UNCONFIRMED, 2))
        ),
        "opened-again": a_view(_with_taken(a_place(round=2), taken(), round=2), round=1),
        "opened-again-for-others": a_view(
            _with_taken(gone, taken(), other=a_place(2, round=2), round=2), round=1
        ),
        "tenant-closed": a_view(tenant=a_tenant(enabled=False)),
        "nothing-offered": a_view(an_approval(a_place(), REMOVED, content=content)),
        "not-found": a_view(
            an_approval(a_place(person=None, name="Maria Keller", unbound="no such person"))
        ),
    }


def _bare() -> Content:
    return a_content(
        title="",
        detail_page_url="",
        submitted="",
        company_code="",
        custom_attribute=None,
        hierarchy=(),
        additional={},
        attachments=(),
        notes="",
    )


def _with_taken(place: Any, done: Any, *, other: Any = None, **fields: Any) -> Any:
    places = (place, REMOVED, *([other] if other else []))
    return an_approval(*places, taken=(BY_LINE_MANAGER, done), **fields)


def _answers() -> Mapping[str, Card]:
    needs_comment = Aside(problem="“Reject” needs a comment. Please say why.", typed="Hm, ")
    changed = Aside(
        said="The request changed since this card was made. Please look again.", typed=COMMENT
    )
    faster = Aside(said="Maria Keller was faster: see below what was decided.")
    held = a_view(_with_taken(decided(PlaceState.ACCEPTED), taken(), other=SECOND), seat=2)
    return {
        "pending-incomplete": approval_card(a_view(), VIEWER, needs_comment),
        "changed-since": approval_card(a_view(), VIEWER, changed),
        "recording": approval_card(a_view(), VIEWER, Aside(recording="Approve")),
        "too-late": approval_card(held, VIEWER, faster),
        "playground": approval_card(a_view(), VIEWER, notice_line="Playground: not a real request"),
    }


def _notices() -> Mapping[str, Card]:
    leave = a_content(title="Leave from 3 to 14 August", unit_value="", unit_of_measure="")
    other = a_tenant(code="hr", name="People & Culture", request_word="Leave")
    waiting = [
        notices.Waiting(a_tenant(), an_approval(), a_place()),
        notices.Waiting(other, an_approval(display_number="L-2", content=leave), a_place()),
        notices.Waiting(a_tenant(), stress_views()["stress-words"].approval, a_place()),
    ]
    return {
        "welcome": notices.welcome(),
        "help": notices.help_card(),
        "out-of-date": notices.out_of_date(),
        "not-available": notices.not_available(),
        "not-available-number": notices.not_available(number="REQ-2026-00418"),
        "cannot-be-reached": notices.cannot_be_reached(VIEWER),
        "cannot-be-reached-again": notices.cannot_be_reached(VIEWER, key="pr-abc.0"),
        "recording-unread": notices.recording(VIEWER, key="pr-abc.0"),
        "list": notices.pending_list(waiting, VIEWER, after="b3BhcXVl"),
        "list-empty": notices.pending_list([], VIEWER),
    }


@cache  # dozens of tests ask for one of them each
def faces() -> Mapping[str, Card]:
    made = {name: approval_card(view, VIEWER) for name, view in views().items()}
    others = {**_answers(), **form_answers(), **_notices(), **together_faces()}
    return MappingProxyType({**made, **others})


@cache
def views() -> Mapping[str, View]:
    """Return the stored states by the name of their face, the worst texts last."""
    return MappingProxyType(
        {
            **_asking(),
            **_decided(),
            **_over(),
            **closed_views(),
            **form_views(),
            **details_views(),
            **stress_views(),
        }
    )


def written(card: Card) -> str:
    return json.dumps(card.to_dict(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for old in GOLDEN.glob("*.json"):
        old.unlink()
    for face, card in faces().items():
        (GOLDEN / f"{face}.json").write_text(written(card), encoding="utf-8")
