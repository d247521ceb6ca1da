"""What follows when that changes which an approver decides on."""

from approvals_core.models import PlaceState
from approvals_core.rules.answering import give_back, stale_decision
from approvals_core.rules.draft import Draft


def revise(draft: Draft) -> None:
    """Raise the revision, and give back what waits to be told to the tenant again."""
    draft.set(revision=draft.approval.revision + 1)
    for place in draft.approval.places:
        if place.state is PlaceState.RETRYING and place.decision is not None:
            give_back(draft, place, place.decision, stale_decision())
