"""
One card of every kind, for the golden files and for looking at.

``python -m tests.card_faces`` writes the golden files anew. Do it only for a change
whose pictures you have looked at.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from approvals_core.models import PlaceState, Refusal
from approvals_core.ports import View
from cards import notices
from cards.approval import Aside, approval_card
from cards.elements import Card
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
REFUSED = Refusal(
    action="Approve",
    message="The budget of 4210 is used up. See https://erp.example.com/budgets/4210 for details.",
    comment="Fine for Q4.\nPlease order before the 27th.",
    at=DECIDED_AT,
)


def _states() -> Mapping[str, View]:
    rejection: dict[str, Any] = {"action": "Reject", "comment": "The quote is older than 30 days."}
    return {
        "pending": a_view(),
        "pending-refused": a_view(an_approval(a_place(refusal=REFUSED, attempt=2), REMOVED)),
        "sending": a_view(an_approval(decided(PlaceState.SUBMITTING), REMOVED)),
        "retrying": a_view(an_approval(decided(PlaceState.RETRYING, due=later(5)), REMOVED)),
        "unconfirmed": a_view(an_approval(decided(PlaceState.UNCONFIRMED), REMOVED)),
        "approved": a_view(_with_taken(decided(PlaceState.ACCEPTED), taken())),
        "rejected": a_view(
            _with_taken(decided(PlaceState.ACCEPTED, **rejection), taken(**rejection))
        ),
        "question-asked": a_view(
            _with_taken(
                decided(PlaceState.ACCEPTED, action="NeedMoreInformation", comment="Which line?"),
                taken(action="NeedMoreInformation", comment="Which line?"),
            )
        ),
        "question-open": a_view(
            _with_taken(a_place(), taken(action="NeedMoreInformation", comment="Which line?")),
            tenant=a_tenant(
                actions=(APPROVE, REJECT, NEED_INFO.model_copy(update={"holds": False}))
            ),
        ),
        "held-sending": a_view(
            an_approval(decided(PlaceState.SUBMITTING), REMOVED, SECOND), seat=2
        ),
        "held-unconfirmed": a_view(
            an_approval(decided(PlaceState.UNCONFIRMED), REMOVED, SECOND), seat=2
        ),
        "held-approved": a_view(
            _with_taken(decided(PlaceState.ACCEPTED), taken(), other=SECOND), seat=2
        ),
        "done": a_view(_with_taken(a_place(state=PlaceState.REMOVED), taken())),
        "withdrawn": a_view(
            an_approval(a_place(state=PlaceState.REMOVED), REMOVED, taken=()),
        ),
        "no-longer-asked": a_view(
            an_approval(a_place(state=PlaceState.REMOVED), REMOVED, SECOND, taken=())
        ),
        "opened-again": a_view(_with_taken(a_place(round=2), taken(), round=2), round=1),
        "tenant-closed": a_view(tenant=a_tenant(enabled=False)),
        "bare": a_view(
            an_approval(
                a_place(),
                content=a_content(
                    title="",
                    detail_page_url="",
                    submitted="",
                    company_code="",
                    custom_attribute=None,
                    hierarchy=(),
                    additional={},
                    attachments=(),
                    notes="",
                ),
                taken=(),
            ),
            details={},
        ),
    }


def _with_taken(place: Any, done: Any, *, other: Any = None, **fields: Any) -> Any:
    places = (place, REMOVED, *([other] if other else []))
    return an_approval(*places, taken=(BY_LINE_MANAGER, done), **fields)


def _answers() -> Mapping[str, Card]:
    needs_comment = Aside(problem="“Reject” needs a comment. Please say why.", typed="Hm, ")
    faster = Aside(said="Maria Keller was faster: see below what was decided.")
    held = a_view(_with_taken(decided(PlaceState.ACCEPTED), taken(), other=SECOND), seat=2)
    return {
        "pending-incomplete": approval_card(a_view(), VIEWER, needs_comment),
        "recording": approval_card(a_view(), VIEWER, Aside(recording="Approve")),
        "too-late": approval_card(held, VIEWER, faster),
        "playground": approval_card(a_view(), VIEWER, notice_line="Playground: not a real request"),
    }


def _notices() -> Mapping[str, Card]:
    waiting = [
        notices.Waiting(a_tenant(), an_approval(), a_place()),
        notices.Waiting(a_tenant(), an_approval(display_number="PR-2"), a_place()),
    ]
    return {
        "welcome": notices.welcome(),
        "help": notices.help_card(),
        "out-of-date": notices.out_of_date(),
        "not-available": notices.not_available(),
        "cannot-be-reached": notices.cannot_be_reached(),
        "list": notices.pending_list(waiting, VIEWER, after="b3BhcXVl"),
        "list-empty": notices.pending_list([], VIEWER),
    }


def faces() -> dict[str, Card]:
    states = {name: approval_card(view, VIEWER) for name, view in _states().items()}
    return {**states, **_answers(), **_notices()}


def written(card: Card) -> str:
    return json.dumps(card.to_dict(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for face, card in faces().items():
        (GOLDEN / f"{face}.json").write_text(written(card), encoding="utf-8")
