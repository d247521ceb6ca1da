"""
What our buttons carry, written and read in one place.

    act      {"k", "r", "v", "t", "a"}  card key, round, revision, attempt, the action's code
    refresh  {"k"}                      as show: the current face of one card
    show     {"k"}
    pending  {"c"}                      where the next page of the list begins

A Submit, which older clients send instead of an Execute, has the same data and no
verb; the keys tell them apart. What was typed is added under the input's own id.
"""

import re
from typing import Final

from approvals_core.models import Approval, Place
from approvals_core.tenant import Action

ACT: Final = "act"
REFRESH: Final = "refresh"
SHOW: Final = "show"
PENDING: Final = "pending"
COMMENT: Final = "comment"  # id of the comment's input

_CARD_KEY = re.compile(r"([A-Za-z0-9_-]{1,64})\.(\d{1,4})", re.ASCII)


def card_key(approval: Approval, place: Place) -> str:
    """Return what finds this place's card again: an address, no authority."""
    return f"{approval.id}.{place.seat}"


def read_card_key(key: object) -> tuple[str, int] | None:
    """Return the public id and the seat that *key* names, or None if it is no card key."""
    match = _CARD_KEY.fullmatch(key) if isinstance(key, str) else None
    return (match[1], int(match[2])) if match else None


def act_data(approval: Approval, place: Place, action: Action) -> dict[str, object]:
    return {
        "k": card_key(approval, place),
        "r": place.round,
        "v": approval.revision,
        "t": place.attempt,
        "a": action.code,
    }
