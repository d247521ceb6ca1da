"""How a place is asked and asked no longer, and with the last of them a round ends."""

from datetime import timedelta

from approvals_core.arx import fold
from approvals_core.models import Approval, EventKind, JobKind, Lane, Mark, Place, PlaceState
from approvals_core.rules import reminding
from approvals_core.rules.answering import pending_again
from approvals_core.rules.draft import Draft
from approvals_core.tenant import AliasIs, Tenant

# After closing: a late ARX may open the request again, and cards still show them.
KEEP_BODIES = timedelta(hours=1)


def open_or_close(draft: Draft, before: Approval) -> None:
    """Begin the next round if *before* asked nobody, or end it if nobody is left."""
    if draft.approval.open and not before.open:
        draft.set(round=before.round + 1, opened_at=draft.at, closed_at=None)
        if not before.round:  # what was told before anybody was asked belongs to the first round
            first = [taken.model_copy(update={"round": 1}) for taken in draft.approval.taken]
            draft.set(taken=tuple(first))
    elif before.open and not draft.approval.open:
        draft.set(closed_at=draft.at)
        clean_up(draft)
        reminding.end(draft, before)
    elif not draft.approval.open:
        clean_up(draft)  # what came too late has a text, too
    for place in draft.approval.places:
        if place.state is not PlaceState.REMOVED and place.round != draft.approval.round:
            draft.put(place, round=draft.approval.round)


def remove(draft: Draft, place: Place, mark: Mark) -> Place:
    """Take a place out of everybody's queue; an open decision is settled by it."""
    note_settled(draft, place)
    gone = {"state": PlaceState.REMOVED, "decision": None, "refusal": None}
    return draft.put(place, mark=mark, told=told_now(draft), **gone)


def ask(draft: Draft, place: Place, mark: Mark) -> Place:
    """Ask the approver of *place*; one who decided and was not accepted yet stays so."""
    marked = place.model_copy(update={"mark": mark, "told": told_now(draft) + 1})
    if place.state is PlaceState.REMOVED:
        return pending_again(draft, marked.model_copy(update={"asked_at": draft.at}))
    if place.state is PlaceState.ACCEPTED:
        note_settled(draft, place)
        return pending_again(draft, marked.model_copy(update={"asked_at": draft.at}))
    return draft.put(marked)


def is_named(place: Place, folded: str, tenant: Tenant) -> bool:
    """Tell whether a name of the tenant's, in the form of `fold`, is of this place's approver."""
    if folded in place.names:
        return True
    person, people = place.person, tenant.people
    if person is None:
        return False
    by_prefix = people.alias_is is AliasIs.UPN_PREFIX
    upn = fold(person.upn, people.mail_domains if by_prefix else ())
    return folded in (person.object_id, upn)


def new_place(draft: Draft, name: str, mark: Mark, tenant: Tenant) -> Place:
    """Return a new place, not asked yet, and leave the job that finds its person."""
    alias = name.strip()
    place = Place(
        seat=len(draft.approval.places),
        alias=alias,
        names=(fold(alias, tenant.people.mail_domains),),
        mark=mark,
        told=told_now(draft),
        state=PlaceState.REMOVED,
    )
    look_up(draft, draft.put(place))
    return place


def look_up(draft: Draft, place: Place) -> None:
    """Leave the job that finds the person of *place*."""
    draft.job(
        f"resolve/{draft.approval.id}/{place.seat}",
        JobKind.RESOLVE,
        Lane.CARD,
        due=draft.at,
        seat=place.seat,
    )


def told_now(draft: Draft) -> int:
    """Return the order of arrival of a word about a place; who is asked counts after who is removed."""
    return 2 * draft.approval.version


def note_settled(draft: Draft, place: Place) -> None:
    """Record that the tenant's word ended an open decision."""
    if place.decision is not None:
        facts = {"seat": place.seat, "decision": place.decision.id, "was": place.state}
        draft.note(EventKind.SETTLED, facts)


def clean_up(draft: Draft) -> None:
    """Leave the job that drops the bodies, if the request stays closed."""
    draft.job(
        f"clean/{draft.approval.id}/{draft.approval.round}",
        JobKind.CLEAN_UP,
        Lane.DIGEST,
        due=draft.at + KEEP_BODIES,
        round=draft.approval.round,
    )
