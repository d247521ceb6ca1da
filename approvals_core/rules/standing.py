"""Who may do what now: asked by the rules before a decision and by the cards before a button."""

from collections.abc import Sequence
from datetime import timedelta
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


def ended_by(approval: Approval, tenant: Tenant) -> ActionTaken | None:
    """
    Return the decision that ended a closed request, or None: the tenant took it back, or ended it otherwise.

    It did if the payload that closed the request told of it, or if nobody was asked after it. Where
    each decides for himself, everybody must have decided then.
    """
    done = [taken for taken in approval.taken if taken.round == approval.round and not taken.failed]
    if approval.open or not done:
        return None
    last = done[-1]
    action = tenant.action(last.action)
    if action is not None and not action.holds:  # a question ends nothing
        return None
    if last.heard_at is not None and last.heard_at == approval.closed_at:
        return last
    asked = [place for place in approval.places if place.round == approval.round]
    if tenant.concurrency is Concurrency.ALL and not {p.seat for p in asked} <= _deciders(done):
        return None
    return last if all(is_since_asked(last, place) for place in asked) else None


def _deciders(done: Sequence[ActionTaken]) -> set[int | None]:
    return {taken.seat for taken in done}


def is_since_asked(taken: ActionTaken, place: Place, allowance: float = 0.0) -> bool:
    """
    Tell whether something was done after *place* was asked, and not in order to ask it.

    *allowance* (seconds) is how late the tenant's clock may be, whose time is all that older
    records have.
    """
    if place.asked_at is None:
        return True
    if taken.heard_at is not None:
        return taken.heard_at > place.asked_at
    return taken.at >= place.asked_at - timedelta(seconds=allowance)


def who_did(approval: Approval, tenant: Tenant) -> str:
    """Say in one sentence what was done last, for somebody who comes too late."""
    taken = last_taken(approval)
    if taken is None:
        return _("This request is no longer waiting for a decision.")
    action = tenant.action(taken.action)
    return _("{who}: {what}.").format(
        who=taken.name or taken.by, what=action.past if action else taken.action
    )
