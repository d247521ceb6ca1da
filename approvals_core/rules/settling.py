"""How a decision ends that the tenant leaves open: by an operator's word, or before him."""

from enum import StrEnum
from gettext import gettext as _

from approvals_core.errors import NotSettled
from approvals_core.models import Approval, Change, EventKind, Lease, PlaceState
from approvals_core.ports import Answer, AnswerKind
from approvals_core.rules.answering import Post, accept, give_back, open_decision, postpone
from approvals_core.rules.draft import Draft, Stamp
from approvals_core.tenant import Tenant


class Settlement(StrEnum):
    """What an operator found out about an unconfirmed decision."""

    ACCEPTED = "accepted"
    NOT_TAKEN = "not-taken"
    POST_AGAIN = "post-again"


def settle(
    approval: Approval, seat: int, found: Settlement, *, by: str, tenant: Tenant, stamp: Stamp
) -> Change:
    """
    End an unconfirmed decision by what the operator *by* found out.

    Raises:
        NotSettled: The place has no unconfirmed decision.
    """
    place = approval.place(seat)
    if place is None or place.state is not PlaceState.UNCONFIRMED or place.decision is None:
        raise NotSettled(f"Place {seat} of {approval.id} has no unconfirmed decision.")
    due = place.decision.due
    if due is not None and place.decision.attempted_at >= due:
        # An attempt is on the wire: deciding otherwise now could reach the tenant too.
        raise NotSettled(f"Place {seat} of {approval.id} is being posted again just now; wait.")
    draft, decision = Draft(approval, stamp), place.decision
    facts = {"seat": seat, "decision": decision.id, "found": found}
    draft.note(EventKind.SETTLED, facts, {"by": by})
    match found:
        case Settlement.ACCEPTED:
            accept(draft, place, decision, Answer(kind=AnswerKind.ACCEPTED), tenant)
        case Settlement.NOT_TAKEN:
            why = _("Your decision did not reach {tenant}. Please decide again.")
            give_back(draft, place, decision, why.format(tenant=tenant.name))
        case Settlement.POST_AGAIN:
            postpone(draft, place, decision, due=stamp.at)
    draft.converge(channels=tenant.pushed)
    return draft.change()


def overdue(
    approval: Approval, seat: int, decision: str, *, stamp: Stamp, finish: Lease, reason: str = ""
) -> Change | None:
    """Put before an operator that the ARX owed did not come; *reason* is what else is known."""
    if not is_owed(approval, seat, decision):
        return None
    draft = Draft(approval, stamp)
    mark_overdue(draft, seat, reason)
    return draft.change(finish=finish)


def is_owed(approval: Approval, seat: int, decision: str) -> bool:
    """Tell whether the ARX for this accepted decision is owed, and nobody was told yet."""
    place, made = open_decision(approval, Post(seat, decision, 0))
    if place is None or made is None or place.state is not PlaceState.ACCEPTED:
        return False
    return not made.overdue


def mark_overdue(draft: Draft, seat: int, reason: str) -> None:
    """Put the place of an accepted decision before an operator."""
    place = draft.approval.places[seat]
    assert place.decision is not None
    late = place.decision.model_copy(update={"overdue": True, "trouble": reason})
    draft.put(place, decision=late)
    facts = {"seat": seat, "decision": late.id, "reason": reason}
    draft.note(EventKind.OVERDUE, facts)
