"""What is done about a decision of which nobody knows whether it arrived: ask, repeat, or call an operator."""

from datetime import datetime, timedelta

from approvals_core.models import (
    Decision,
    EventKind,
    Job,
    JobKind,
    Lane,
    Place,
    PlaceState,
)
from approvals_core.rules.deciding import post_job
from approvals_core.rules.draft import Draft
from approvals_core.tenant import Tenant

FIRST_BACKOFF = 5.0  # seconds; doubles with each attempt
LONGEST_BACKOFF = 300.0  # seconds
LOOK_UPS = 8  # after one attempt: with the backoff about twenty minutes
BEGUN_WITHIN = 30.0  # seconds from an attempt's commit to its first byte; else it is not made
MARGIN = 30.0  # seconds for clocks that differ, and for what lies in the tenant's own queues
LONGEST_WAIT = 3600.0  # seconds for which a decision waits for its turn, beside its attempts
AN_HOUR = 3600.0  # seconds: the longest that a tenant can put a look-up off


def doubt(draft: Draft, place: Place, decision: Decision, tenant: Tenant, reason: str) -> Place:
    """Nobody knows whether *decision* arrived; *reason* is for operators."""
    facts = {"seat": place.seat, "decision": decision.id, "reason": reason}
    draft.note(EventKind.UNCONFIRMED, facts)
    doubted = decision.model_copy(update={"trouble": reason})
    return next_way(draft, place, doubted, tenant)


def next_way(
    draft: Draft, place: Place, decision: Decision, tenant: Tenant, *, after: float | None = None
) -> Place:
    """
    Let the tenant be asked; else the same id be posted again if that is safe; else call an operator.

    *after* in seconds is when a tenant wants to be asked again, None: as we think fit.
    """
    look_up = due = None
    if tenant.api.decision_status is not None and decision.looked_up < LOOK_UPS:
        wait = max(backoff(decision.looked_up + 1), min(AN_HOUR, after or 0.0))
        look_up = draft.at + timedelta(seconds=wait)
        status_job(draft, place, decision, due=look_up)
    elif _may_repeat(draft, decision, tenant):
        due = draft.at + timedelta(seconds=backoff(decision.attempts))
        post_job(draft, place, decision, number=decision.attempts + 1, due=due)
    waits = decision.model_copy(update={"due": due, "look_up": look_up})
    return draft.put(place, state=PlaceState.UNCONFIRMED, decision=waits)


def status_job(draft: Draft, place: Place, decision: Decision, *, due: datetime) -> Job:
    """Leave the job that asks the tenant what became of *decision*."""
    return draft.job(
        status_key(decision),
        JobKind.ASK_STATUS,
        Lane.TENANT,
        due=due,
        seat=place.seat,
        decision=decision.id,
    )


def status_key(decision: Decision) -> str:
    """Name the one job that asks the tenant what became of a decision."""
    return f"status/{decision.id}"


def over_at(decision: Decision, tenant: Tenant) -> datetime:
    """Return when no attempt of *decision* can reach the tenant any more: its last began latest."""
    longest = BEGUN_WITHIN + tenant.api.answer_within + MARGIN
    return decision.attempted_at + timedelta(seconds=longest)


def used_up(decision: Decision, at: datetime, tenant: Tenant) -> bool:
    """Tell whether the attempts are used up, or so much time that nobody waits for it any more."""
    return decision.tried >= tenant.limits.posts or (
        decision.untried > 0 and at - decision.at >= timedelta(seconds=LONGEST_WAIT)
    )


def backoff(attempts: int) -> float:
    """Return the seconds to wait after this many attempts; the worker adds jitter."""
    return min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (attempts - 1))


def _may_repeat(draft: Draft, decision: Decision, tenant: Tenant) -> bool:
    current = decision.revision == draft.approval.revision
    return tenant.api.idempotent and current and not used_up(decision, draft.at, tenant)
