"""The lists in which approvals are found."""

from datetime import datetime
from typing import NamedTuple

from approvals_core.models.approval import Approval, Place, PlaceState
from approvals_core.models.identity import PersonId


class IndexEntry(NamedTuple):
    """An approval's row in one list of its scope, sorted by time, then key."""

    list: str
    at: datetime


OPEN = "open"  # the list of a tenant's open requests
ATTENTION = "attention"  # the list of what waits for an operator
CLOSED = "closed"  # the list of closed requests, by when they were last heard of


def queue_of(person: PersonId) -> str:
    """Name the list of what waits for a person."""
    return f"queue/{person}"


def queue_of_alias(alias: str) -> str:
    """Name the list of what waits for somebody not found yet."""
    return f"queue/alias/{alias.strip().casefold()}"


def numbered(number: str) -> str:
    """Name the list of the requests with this display or document number."""
    return f"number/{number.strip().casefold()}"


def entries(approval: Approval) -> tuple[IndexEntry, ...]:
    """Return the lists this approval stands in; a store keeps exactly these."""
    listed = {
        IndexEntry(_queue(place), place.asked_at)
        for place in approval.places
        if place.state is PlaceState.PENDING and place.asked_at is not None
    }
    if approval.opened_at is not None:
        numbers = {approval.display_number, approval.key.number}
        listed |= {IndexEntry(numbered(number), approval.opened_at) for number in numbers}
    if approval.open and approval.opened_at is not None:
        listed.add(IndexEntry(OPEN, approval.opened_at))
        listed |= {
            IndexEntry(ATTENTION, approval.opened_at)
            for place in approval.places
            if needs_operator(place)
        }
        if approval.unclear:
            listed.add(IndexEntry(ATTENTION, approval.opened_at))
    ended = ended_at(approval)
    if ended is not None:
        listed.add(IndexEntry(CLOSED, ended))
    return tuple(sorted(listed))


def ended_at(approval: Approval) -> datetime | None:
    """Return when a request that asks nobody was closed or last heard of, None if one does."""
    times = [at for at in (approval.closed_at, approval.heard_at) if at is not None]
    return None if approval.open else max(times, default=None)


def needs_operator(place: Place) -> bool:
    """Tell whether nothing but a person can move this place on."""
    if place.state is PlaceState.REMOVED:
        return False
    if place.unbound:
        return True
    if place.state is PlaceState.UNCONFIRMED:
        waits = place.decision is not None and (place.decision.due or place.decision.look_up)
        return place.decision is not None and not waits
    return place.decision is not None and place.decision.overdue


def _queue(place: Place) -> str:
    return queue_of(place.person.id) if place.person else queue_of_alias(place.alias)
