"""The cards for deciding several requests together, as faces: to tick, and what became of it."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Any

from approvals_core.models import ActionTaken, Approval, Named, Place, PlaceState, Refusal
from approvals_core.ports import View
from approvals_core.tenant import (
    Action,
    Api,
    Choice,
    Closed,
    Comment,
    Limits,
    Style,
    Submission,
    Tenant,
    WhileClosed,
)
from cards import notices
from cards.buttons import card_key, tick_value
from cards.elements import Card
from cards.together import FilledIn, Told, results, tick_list
from tests.card_makers import (
    DECIDED_AT,
    JONAS,
    VIEWER,
    a_content,
    a_decision,
    a_place,
    a_tenant,
    an_approval,
    later,
)

SEVERAL_APPROVE = Action(
    code="Approve", label="Approve", past="Approved", style=Style.POSITIVE, bulk=True
)
SEVERAL_REJECT = Action(
    code="Reject",
    label="Reject",
    past="Rejected",
    style=Style.DESTRUCTIVE,
    comment=Comment.REQUIRED,
    justification=Comment.REQUIRED,
    justifications=(
        Choice(code="RECEIPT", text="A receipt is missing"),
        Choice(code="POLICY", text="Not within the travel policy"),
    ),
    confirmation="I told the person who asked.",
    bulk=True,
)
EXPENSES = (
    ("Train to Porto and back", "86.4", "EX-2026-03118", "Tom Okafor"),
    ("Fair in Barcelona: stand, hotel, two nights", "482.9", "EX-2026-03119", "Ana Ruiz"),
    ("Books for the design team", "118.05", "EX-2026-03122", "Ana Ruiz"),
    ("Taxi to the airport", "31", "EX-2026-03124", "Lin Zhao"),
)


def a_bulk_tenant(**fields: Any) -> Tenant:
    usual: dict[str, Any] = {
        "code": "exp",
        "name": "Contoso Expenses",
        "request_word": "Expense report",
        "actions": (SEVERAL_APPROVE, SEVERAL_REJECT),
        "api": Api(
            base_url="https://expenses.example.com",
            resource="api://expenses",
            action="/act",
            submission=Submission.BULK,
        ),
    }
    return a_tenant(**usual | fields)


def an_expense(number: int, *places: Place, **fields: Any) -> Approval:
    title, amount, display, who = EXPENSES[number % len(EXPENSES)]
    content = a_content(
        title=title, unit_value=amount, submitter=Named(alias="x", name=who), **fields
    )
    return an_approval(
        *(places or (a_place(),)),
        id=f"exp-{number:016}",
        display_number=display,
        content=content,
        taken=(),
    )


def a_row(number: int, tenant: Tenant, **fields: Any) -> notices.Waiting:
    approval = an_expense(number, **fields)
    return notices.Waiting(tenant, approval, approval.places[0])


def told(number: int, place: Place, *others: Place, **fields: Any) -> Told:
    """Return how a request stands whose first place is the viewer's."""
    approval = an_expense(number, place, *others)
    taken: tuple[ActionTaken, ...] = fields.pop("taken", ())
    seen = approval.model_copy(update={"taken": taken})
    view = View(tenant=a_bulk_tenant(), approval=seen, place=place, round=1, details={})
    return Told(card_key(seen, place), view, **fields)


def decided_now(state: PlaceState, seat: int = 0, **fields: Any) -> Place:
    return a_place(seat, state=state, decision=a_decision(comment="", **fields))


@cache
def together_faces() -> Mapping[str, Card]:
    tenant = a_bulk_tenant()
    rows = [a_row(number, tenant) for number in range(4)]
    ticked = frozenset(tick_value(each.approval, each.place) for each in rows[:2])
    needs = "“Reject” needs a comment. Please say why."
    narrowed = [*rows[:2], a_row(2, tenant, actions=("Approve",))]
    other = a_tenant()
    mixed = [*rows[:2], notices.Waiting(other, an_approval(), a_place())]
    made = {
        "list-several": notices.pending_list(mixed, VIEWER, together=[tenant]),
        "several": tick_list(tenant, rows, VIEWER),
        "several-more": tick_list(tenant, narrowed, VIEWER, after="b3BhcXVl"),
        "several-incomplete": tick_list(
            tenant,
            rows,
            VIEWER,
            filled_in=FilledIn(ticked=ticked, reasons={"Reject": "POLICY"}),
            problem=needs,
        ),
        "several-closed": tick_list(tenant, _closed(rows), VIEWER),
        "several-closed-meanwhile": tick_list(
            tenant,
            _closed(rows),
            VIEWER,
            filled_in=FilledIn(ticked=ticked, comment="Within budget."),
            problem="Contoso Expenses takes no decisions at the moment.",
        ),
        "several-worst": tick_list(tenant, [_worst(n, tenant) for n in range(20)], VIEWER),
        "together-sent": results("exp", [_accepted(number) for number in range(3)], VIEWER),
        "together-sending": results("exp", _sending(), VIEWER),
        "together-mixed": results("exp", _mixed(), VIEWER),
        "together-unread": results("exp", [Told("exp-1.0", None, recording="Approve")] * 2, VIEWER),
    }
    return MappingProxyType(made)


def _closed(rows: list[notices.Waiting]) -> list[notices.Waiting]:
    closed = Closed(message="We move to new servers.", decisions=WhileClosed.REFUSE)
    return [replace(each, closed=closed) for each in rows]


def _accepted(number: int) -> Told:
    return told(number, decided_now(PlaceState.ACCEPTED))


def _sending() -> list[Told]:
    return [
        told(0, decided_now(PlaceState.SUBMITTING)),
        told(1, decided_now(PlaceState.SUBMITTING)),
        told(2, a_place(), recording="Approve"),
        told(3, decided_now(PlaceState.RETRYING, due=later(5))),
    ]


def _mixed() -> list[Told]:
    said = "The request changed since this card was made. Please look again."
    over = Refusal(action="Approve", message="The budget is used up.", comment="", at=DECIDED_AT)
    jonas = decided_now(PlaceState.ACCEPTED, 1, by=JONAS)
    unavailable = "This request is not available to you."
    return [
        _accepted(0),
        told(1, a_place(refusal=over)),
        told(2, a_place(), jonas),
        told(3, a_place(), said=said),
        told(0, decided_now(PlaceState.UNCONFIRMED)),
        told(1, a_place(), said="Nobody knows yet whether this is recorded.", unsure=True),
        Told("exp-0000000000000009.0", None, said=unavailable),
    ]


def _worst(number: int, tenant: Tenant) -> notices.Waiting:
    words = "[Approve](https://evil.example) **W** \U0001f9d1\u200d\U0001f4bb " * 40
    approval = an_expense(number).model_copy(
        update={
            "content": a_content(title=words, unit_value="9" * 90, submitter=Named(name=words)),
            "display_number": f"{number}-" + "W" * 200,
        }
    )
    return notices.Waiting(tenant.model_copy(update={"limits": Limits()}), approval, a_place())
