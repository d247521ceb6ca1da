"""Who sits on a place: the person found for it, or put there by hand, and two names that are one person."""

from approvals_core.errors import NotRebound
from approvals_core.models import (
    Approval,
    Change,
    EventKind,
    Lease,
    Notification,
    Person,
    Place,
    PlaceState,
)
from approvals_core.ports import NotFound
from approvals_core.rules import reminding
from approvals_core.rules.answering import pending_again
from approvals_core.rules.asking import ask, open_or_close, remove
from approvals_core.rules.draft import Draft, Stamp
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
        draft.converge(channels=tenant.pushed)  # the route says so to the others
        return draft.change(finish=finish)
    draft.note(EventKind.BOUND, {"seat": seat}, {"person": str(found.id), "name": found.name})
    seated = approval.place_of(found.id)
    if seated is None:
        draft.put(place, person=found, unbound="")
    else:
        _merge(draft, seated, place)
    draft.converge(channels=tenant.pushed)
    return draft.change(finish=finish)


def rebind(
    approval: Approval, seat: int, person: Person, *, by: str, tenant: Tenant, stamp: Stamp
) -> Change:
    """
    Put *person* on a place that waits for its approver, as the operator *by* says.

    Whoever sat there gets a place of his own that asks nothing: so his card can say so,
    and what he did stays his. If *person* is asked already, both places become one.

    Raises:
        NotRebound: It cannot be done; the message says why.
    """
    place = approval.place(seat)
    if place is None:
        raise NotRebound(f"{approval.id} has no place {seat}.")
    if why := _why_not_he(place, person, tenant) or _why_not_there(place, tenant):
        raise NotRebound(why)
    draft, former = Draft(approval, stamp), place.person
    told = {"by": by, "person": str(person.id), "name": person.name}
    draft.note(EventKind.REBOUND, {"seat": seat}, told | {"was": str(former.id) if former else ""})
    if former is not None:
        place = _vacate(draft, place, former, tenant)
    seated = draft.approval.place_of(person.id)
    if seated is None:
        pending_again(draft, place.model_copy(update={"person": person, "unbound": ""}))
    else:
        # The operator's word is the newest about both.
        newest = {"mark": max(seated.mark, place.mark), "told": max(seated.told, place.told)}
        _merge(draft, seated, place.model_copy(update=newest))
    draft.converge(channels=tenant.pushed)
    return draft.change()


def _why_not_he(place: Place, person: Person, tenant: Tenant) -> str:
    if person.directory != tenant.people.directory:
        return f"{person.name} is not in the directory of {tenant.name}."
    if place.person is not None and place.person.id == person.id:
        return f"{person.name} sits on place {place.seat} already."
    return ""


def _why_not_there(place: Place, tenant: Tenant) -> str:
    if not place.names:
        return f"Place {place.seat} is one with the place of the same person: name that one."
    match place.state:
        case PlaceState.PENDING:
            return ""
        case PlaceState.REMOVED:
            return f"Nothing is asked on place {place.seat}, so nobody can be put there."
        case PlaceState.ACCEPTED:
            return (
                f"The decision made on place {place.seat} was accepted. Somebody else can be put"
                f" there once {tenant.name} asks there again."
            )
        case _:
            return (
                f"A decision made on place {place.seat} is on its way to {tenant.name}"
                f" ({place.state}). Wait for its end, or settle it."
            )


def _vacate(draft: Draft, place: Place, former: Person, tenant: Tenant) -> Place:
    """Move whoever sat on *place*, and what he did there, to a place of his own at the end."""
    own = Place(
        seat=len(draft.approval.places),
        alias=former.upn or former.object_id,
        names=(former.object_id,),
        name=former.name,
        person=former,
        mark=place.mark,
        state=PlaceState.REMOVED,
        # Whoever acted here may see it, so his card goes on with the others'.
        round=place.round if any(t.seat == place.seat for t in draft.approval.taken) else 0,
    )
    draft.put(own)
    taken = (
        each.model_copy(update={"seat": own.seat}) if each.seat == place.seat else each
        for each in draft.approval.taken
    )
    draft.set(taken=tuple(taken))
    draft.converge_one(place, channels=tenant.pushed, due=draft.at)
    return draft.put(place, person=None, refusal=None, quiet_until=None)


def _merge(draft: Draft, seated: Place, other: Place) -> None:
    """Make two names of one person one place: the newer word about either counts."""
    before = draft.approval
    names = (*seated.names, *(name for name in other.names if name not in seated.names))
    joined = draft.put(seated, names=names, round=max(seated.round, other.round))
    draft.put(other, state=PlaceState.REMOVED, names=(), unbound="", asked_at=None, round=0)
    if other.state is PlaceState.REMOVED:
        if _outranks(other, seated):
            remove(draft, joined, max(seated.mark, other.mark))
    elif _outranks(other, seated):
        _ask(draft, joined, other)
    open_or_close(draft, before)
    asked = tuple(_moved(each, other.seat, seated.seat) for each in draft.approval.notifications)
    draft.set(notifications=asked)
    reminding.schedule(draft)  # what asked there says from now on when he is reminded here


def _moved(notification: Notification, former: int, seat: int) -> Notification:
    """Let what asks on the seat *former* ask on *seat*."""
    if notification.seats is None or former not in notification.seats:
        return notification
    seats = {seat if each == former else each for each in notification.seats}
    return notification.model_copy(update={"seats": tuple(sorted(seats))})


def _outranks(other: Place, seated: Place) -> bool:
    """Tell whether the newest word about *other* counts after that about *seated*."""
    if other.mark == seated.mark or 0 in (other.mark.ticks, seated.mark.ticks):
        return other.told >= seated.told  # without a stamp, words count in order of arrival
    return other.mark > seated.mark


def _ask(draft: Draft, joined: Place, other: Place) -> None:
    """Ask the person as the other place did, unless his decision was accepted since then."""
    words = {"alias": other.alias, "original_approvers": other.original_approvers}
    named = joined.model_copy(update=words | {"name": other.name or joined.name})
    accepted_at = joined.decision.answered_at if joined.decision else None
    if accepted_at is not None and other.asked_at is not None and other.asked_at <= accepted_at:
        draft.put(named, mark=max(joined.mark, other.mark))
    else:
        ask(draft, named, max(joined.mark, other.mark))
