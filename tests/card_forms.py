"""Cards whose actions ask for more than a comment, for the golden files and for looking at."""

from collections.abc import Mapping
from typing import Any

from approvals_core.models import ActionTaken, Entries, PlaceState, Refusal
from approvals_core.ports import View
from approvals_core.tenant import Action, Choice, Comment, Input, InputKind, Style
from cards.approval import Aside, approval_card
from cards.elements import Card
from tests.card_makers import (
    APPROVE,
    BY_LINE_MANAGER,
    DECIDED_AT,
    NEED_INFO,
    PRIYA,
    REJECT,
    VIEWER,
    a_place,
    a_tenant,
    a_view,
    an_approval,
    decided,
    taken,
)

REASONED = Action(
    code="Reject",
    label="Reject",
    past="Rejected",
    style=Style.DESTRUCTIVE,
    justification=Comment.REQUIRED,
    justifications=(
        Choice(code="PRICE", text="Too expensive"),
        Choice(code="SCOPE", text="Not needed this year"),
        Choice(code="OTHER", text="Something else, see the comment"),
    ),
)
ADD_APPROVER = Action(
    code="AddApprover",
    label="Add approver",
    past="Approver added",
    hint="The request comes back to you if you add somebody before you.",
    new_approver=True,
    approver_type="Interim",
    placements=(
        Choice(code="Before", text="Before me"),
        Choice(code="After", text="After me"),
        Choice(code="End", text="At the end"),
    ),
)
REASSIGN = Action(
    code="Reassign",
    label="Reassign",
    past="Reassigned",
    primary=False,
    new_approver=True,
    comment=Comment.REQUIRED,
)
DELEGATE_DATE = "2026-12-24"
WITH_INPUTS = Action(
    code="Release",
    label="Release payment",
    past="Payment released",
    style=Style.POSITIVE,
    comment=Comment.NONE,
    inputs=(
        Input(code="Reference", label="Payment reference", required=True, length=35),
        Input(code="Note", label="Note to the bank", length=2000),
        Input(code="ValueDate", label="Value date", kind=InputKind.DATE, required=True),
        Input(
            code="Account",
            label="From account",
            kind=InputKind.CHOICE,
            required=True,
            choices=(
                Choice(code="DE01", text="Main account, Frankfurt"),
                Choice(code="PT01", text="Lisbon"),
            ),
        ),
        Input(code="Urgent", label="Same-day transfer", kind=InputKind.CHECKBOX),
    ),
)
CONFIRMED = Action(
    code="WriteOff",
    label="Write off",
    past="Written off",
    style=Style.DESTRUCTIVE,
    comment=Comment.NONE,
    confirmation="I know that this cannot be undone, and that it is told to the auditors.",
)
FORWARD = Action(code="Forward", label="Forward", past="Forwarded", primary=False)
HOLD = Action(code="Hold", label="Put on hold", past="Put on hold", primary=False)
FILLED = Entries(
    justification="SCOPE",
    placement="After",
    new_approver=PRIYA.object_id,
    inputs={
        "Reference": "LIS-2026-00417",
        "Note": "First half now.\nThe rest follows.",
        "ValueDate": DELEGATE_DATE,
        "Account": "PT01",
        "Urgent": "true",
    },
)


def refused(action: Action, *, comment: str = "") -> Refusal:
    return Refusal(
        action=action.code,
        message="The posting period is closed.",
        comment=comment,
        at=DECIDED_AT,
        entries=FILLED,
    )


def asks(*actions: Action, **place: Any) -> View:
    """Return what Maria sees while these actions are offered."""
    removed = a_place(1, state=PlaceState.REMOVED)
    return a_view(an_approval(a_place(**place), removed), tenant=a_tenant(actions=actions))


def form_views() -> Mapping[str, View]:
    more = (APPROVE, REJECT, NEED_INFO, REASSIGN, FORWARD, HOLD)
    return {
        "form-reason": asks(APPROVE, REASONED),
        "form-new-approver": asks(APPROVE, REJECT, ADD_APPROVER),
        "form-inputs": asks(WITH_INPUTS, REJECT),
        "form-confirmation": asks(APPROVE, CONFIRMED),
        "form-more": asks(*more),
        "form-refused": asks(WITH_INPUTS, REJECT, attempt=2, refusal=refused(WITH_INPUTS)),
        "form-refused-more": asks(
            *more, attempt=2, refusal=refused(REASSIGN, comment="You know the vendor.")
        ),
        "form-reason-given": _rejected(),
        "form-approver-added": _added(),
    }


def form_answers() -> Mapping[str, Card]:
    """Return what a click is answered with that lacked something."""
    problem = "“Reject” needs a reason. Please choose one."
    typed = "The price is last year's."
    aside = Aside(problem=problem, tried="Reject", typed=typed)
    return {"form-incomplete": approval_card(asks(APPROVE, REASONED), VIEWER, aside)}


def _rejected() -> View:
    given: dict[str, Any] = {
        "action": "Reject",
        "comment": "The quote is from last year.",
    }
    place = decided(PlaceState.ACCEPTED, reason_code="PRICE", reason_text="Too expensive", **given)
    return _done(place, taken(reason="Too expensive", **given), APPROVE, REASONED)


def _added() -> View:
    given: dict[str, Any] = {"action": "AddApprover", "comment": "You know the vendor."}
    place = decided(PlaceState.ACCEPTED, new_approver=PRIYA, placement="After", **given)
    return _done(place, taken(new_approver=PRIYA.name, **given), APPROVE, ADD_APPROVER)


def _done(place: Any, done: ActionTaken, *actions: Action) -> View:
    removed = a_place(1, state=PlaceState.REMOVED)
    approval = an_approval(place, removed, taken=(BY_LINE_MANAGER, done))
    return a_view(approval, tenant=a_tenant(actions=actions))
