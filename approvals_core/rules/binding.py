"""Who sits on a place: the person found for it, once, and two names that are one person."""

from approvals_core.models import Approval, Change, EventKind, Lease, Person, Place, PlaceState
from approvals_core.ports import NotFound
from approvals_core.rules.draft import Draft, Stamp
from approvals_core.rules.intake import ask, open_or_close, remove
from approvals_core.tenant import Tenant


def bind(
    approval: Approval,
    seat: int,
    found: Person | NotFound,
    *,
    tenant: Tenant,
    stamp: Stamp,
    finish: Lease | None,
) -> Change | None:
    """
    Seat the person found for a place, or say why there is none.

    None if somebody sits there already: a person once found stays. Two places
    that turn out to be one person become the older one.
    """
    place = approval.place(seat)
    if place is None or place.person is not None:
        return None
    draft = Draft(approval, stamp)
    if isinstance(found, NotFound):
        draft.put(place, unbound=found.value)
        draft.note(EventKind.BOUND, {"seat": seat, "unbound": found.value})
        return draft.change(finish=finish)
    draft.note(EventKind.BOUND, {"seat": seat}, {"person": str(found.id), "name": found.name})
    seated = approval.place_of(found.id)
    if seated is None:
        draft.put(place, person=found, unbound="")
    else:
        _merge(draft, seated, place)
    draft.converge(channels=tenant.channels)
    return draft.change(finish=finish)


def _merge(draft: Draft, seated: Place, other: Place) -> None:
    """Make two names of one person one place: the newer word about either counts."""
    before = draft.approval
    names = (*seated.names, *(name for name in other.names if name not in seated.names))
    joined = draft.put(seated, names=names, round=max(seated.round, other.round))
    draft.put(other, state=PlaceState.REMOVED, names=(), unbound="", asked_at=None, round=0)
    if other.state is PlaceState.REMOVED:
        if other.mark > seated.mark:  # of one ARX, Approvers counts after DeleteFor
            remove(draft, joined, other.mark)
    elif other.mark >= seated.mark:
        _ask(draft, joined, other)
    open_or_close(draft, before)


def _ask(draft: Draft, joined: Place, other: Place) -> None:
    """Ask the person as the other place did, unless his decision was accepted since then."""
    words = {"alias": other.alias, "original_approvers": other.original_approvers}
    named = joined.model_copy(update=words | {"name": other.name or joined.name})
    accepted_at = joined.decision.answered_at if joined.decision else None
    if accepted_at is not None and other.asked_at is not None and other.asked_at <= accepted_at:
        draft.put(named, mark=other.mark)
    else:
        ask(draft, named, other.mark)
