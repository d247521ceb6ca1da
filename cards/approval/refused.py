"""What a card says of a click that was not taken, in whatever channel it came."""

from approvals_core.errors import (
    ActionIncomplete,
    ActionNotOffered,
    ApprovalError,
    NotLookedUp,
    TenantClosed,
)
from approvals_core.rules.deciding import Click
from cards.approval import Aside

# What the person can put right on the card that he has: his words stay on it.
MENDABLE = (ActionIncomplete, ActionNotOffered, NotLookedUp, TenantClosed)


def aside_of(problem: ApprovalError, click: Click) -> Aside:
    """Return why *click* was not taken, and what came with it, so that nothing is typed twice."""
    said, wrong = ("", str(problem)) if isinstance(problem, MENDABLE) else (str(problem), "")
    return Aside(
        said=said,
        problem=wrong,
        tried=click.action,
        typed=click.comment,
        entries=click.entries,
    )
