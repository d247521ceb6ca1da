"""Who may do what now: asked by the rules before a decision and by the cards before a button."""

from gettext import gettext as _

from approvals_core.models import ActionTaken, Approval, PersonId, Place, PlaceState
from approvals_core.rules.filling import can_be_filled
from approvals_core.tenant import Action, Concurrency, Tenant
from approvals_core.tenant.conditions import holding

HOLDING = frozenset(
    {PlaceState.SUBMITTING, PlaceState.RETRYING, PlaceState.UNCONFIRMED, PlaceState.ACCEPTED}
)


def holder(approval: Approval, place: Place, tenant: Tenant) -> Place | None:
    """
    Return the other place whose decision holds this one, or None.

    With any-of, one decision holds everybody until the tenant moves the request
    on; with all-of, each holds only himself.
    """
    if tenant.concurrency is Concurrency.ALL:
        return None
    others = (p for p in approval.places if p.seat != place.seat)
    return next((p for p in others if holds(p)), None)


def holds(place: Place) -> bool:
    """Tell whether something is decided there. What only a newer program knows may be just that."""
    return place.state in HOLDING or not place.state.known


def offered(approval: Approval, tenant: Tenant) -> tuple[Action, ...]:
    """Return the actions of this request: the tenant's, narrowed by what is true of it and by the ARX."""
    content = approval.content
    codes = {code.casefold() for code in content.actions} if content else set[str]()
    enabled = [a for a in tenant.actions if a.enabled and can_be_filled(a, content)]
    return holding([a for a in enabled if not codes or a.code.casefold() in codes], content)


def may_decide(approval: Approval, place: Place, tenant: Tenant) -> bool:
    """Tell whether the person of this place has something to decide now."""
    return (
        place.state is PlaceState.PENDING
        and place.person is not None
        and holder(approval, place, tenant) is None
    )


def may_see(approval: Approval, person: PersonId) -> bool:
    """Tell whether *person* may know of the request: asked now or in this round, or decider."""
    place = approval.place_of(person)
    if place is None:
        return False
    asked = place.round == approval.round and place.round > 0
    return asked or any(taken.seat == place.seat for taken in approval.taken)


def as_seen(approval: Approval, place: Place, round_: int) -> Approval:
    """
    Return what the person of *place* may see on his card of this round.

    Whoever was asked in an earlier round only may not see what the newest one is about,
    and whoever was replaced by an operator sees that it is over, and nothing else.
    """
    if round_ != approval.round:
        before = tuple(taken for taken in approval.taken if taken.round <= round_)
        return approval.model_copy(update={"content": None, "taken": before})
    if place.person is None or not may_see(approval, place.person.id):
        return approval.model_copy(update={"content": None, "taken": ()})
    return approval


def name_of(place: Place) -> str:
    """Return what to call the person of a place: as the directory, else as the tenant does."""
    if place.person is not None and place.person.name:
        return place.person.name
    return place.name or place.alias


def last_taken(approval: Approval) -> ActionTaken | None:
    """Return the newest thing done in this round, or None."""
    this_round = [t for t in approval.taken if t.round == approval.round]
    return this_round[-1] if this_round else None


def who_did(approval: Approval, tenant: Tenant) -> str:
    """Say in one sentence what was done last, for somebody who comes too late."""
    taken = last_taken(approval)
    if taken is None:
        return _("This request is no longer waiting for a decision.")
    action = tenant.action(taken.action)
    return _("{who}: {what}.").format(
        who=taken.name or taken.by, what=action.past if action else taken.action
    )
