"""What holds while a tenant takes no decisions: clicks are refused or kept, and nothing is posted."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from gettext import gettext as _

from approvals_core.errors import TenantClosed
from approvals_core.models import (
    Approval,
    Change,
    Decision,
    EventKind,
    Job,
    JobKind,
    Lane,
    Lease,
    Place,
    PlaceState,
)
from approvals_core.rules.draft import Draft
from approvals_core.tenant import Closed, Tenant, WhileClosed

ASK_AGAIN = 300.0  # seconds between two looks whether a tenant is open again, if nobody knows when
CLOSED = "the tenant takes no decisions now"  # a decision's trouble while it waits for that

_WAITING = (PlaceState.RETRYING, PlaceState.UNCONFIRMED)


def check_open(tenant: Tenant, at: datetime) -> Closed | None:
    """
    Return why a decision made now has to wait, or None if it can go out.

    Raises:
        TenantClosed: The tenant takes no decisions now, and none are kept for it.
    """
    closed = tenant.closed(at)
    if closed is not None and closed.decisions is WhileClosed.REFUSE:
        raise TenantClosed(
            _("{tenant} takes no decisions at the moment.").format(tenant=tenant.name)
        )
    return closed


def next_look(closed: Closed, at: datetime) -> datetime:
    """Return when what waits is tried again: when the tenant opens, if anybody knows."""
    return closed.until or at + timedelta(seconds=ASK_AGAIN)


def kept(decision: Decision, closed: Closed, at: datetime) -> Decision:
    """Return a decision that nobody was told yet, and that waits for the tenant to open."""
    waits = {"attempts": 0, "due": next_look(closed, at), "trouble": CLOSED}
    return decision.model_copy(update=waits)


def hold(
    draft: Draft,
    place: Place,
    decision: Decision,
    closed: Closed,
    *,
    tenant: Tenant,
    finish: Lease,
) -> Change:
    """Leave a due attempt for when the tenant is open again; it is not counted."""
    due = next_look(closed, draft.at)
    if decision.trouble != CLOSED:  # told once, however often it is looked again
        facts = {"seat": place.seat, "decision": decision.id, "due": due.isoformat()}
        draft.note(EventKind.POSTPONED, facts | {"reason": CLOSED})
        draft.converge(channels=tenant.pushed)
    draft.put(place, decision=decision.model_copy(update={"due": due, "trouble": CLOSED}))
    draft.leave(_post(draft.approval, place, decision, due))
    return draft.change(finish=finish)


def let_out(approval: Approval, *, tenant: Tenant, at: datetime) -> Sequence[Job]:
    """Return the jobs of the decisions that waited for the tenant to open, due now if it is."""
    if tenant.closed(at) is not None:
        return ()
    return [
        _post(approval, place, place.decision, at)
        for place in approval.places
        if place.decision is not None and _waits(place, place.decision, at)
    ]


def _waits(place: Place, decision: Decision, at: datetime) -> bool:
    later = decision.due is not None and decision.due > at
    return later and place.state in _WAITING and decision.trouble == CLOSED


def _post(approval: Approval, place: Place, decision: Decision, due: datetime) -> Job:
    return Job(
        key=f"post/{decision.id}/{decision.attempts + 1}",
        kind=JobKind.POST,
        lane=Lane.DECISION,
        due=due,
        approval=approval.key,
        seat=place.seat,
        decision=decision.id,
        number=decision.attempts + 1,
    )
