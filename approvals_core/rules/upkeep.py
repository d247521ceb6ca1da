"""What keeps approvals healthy: bodies dropped, jobs given up or restored, and operators called."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from approvals_core.models import (
    Approval,
    Change,
    DeadLetter,
    Decision,
    EventKind,
    Job,
    JobKind,
    Lane,
    Lease,
    LeasedJob,
    Place,
    PlaceState,
    needs_operator,
)
from approvals_core.rules.draft import Draft, Stamp
from approvals_core.tenant import Tenant


class Needed(NamedTuple):
    """The job a place waits on; *others* are keys under which it may be waiting as well."""

    job: Job
    others: tuple[str, ...] = ()


def forget_bodies(
    approval: Approval, round_: int, names: Collection[str], *, stamp: Stamp, finish: Lease
) -> Change | None:
    """Drop the texts beside a request that stayed closed since *round_*; None if it did not."""
    if approval.open or approval.round != round_ or not names:
        return None
    draft = Draft(approval, stamp)
    for name in names:
        draft.body(name, None)
    return draft.change(finish=finish)


def give_up(
    approval: Approval, leased: LeasedJob, error: str, *, tenant: Tenant, stamp: Stamp
) -> Change:
    """
    Put a job that keeps failing before an operator.

    Its place then waits on him: one nobody was found for stays without a person, a
    decision that could not be posted stands unconfirmed.
    """
    job, lease, _failures = leased
    draft = Draft(approval, stamp)
    place = approval.place(job.seat) if job.seat is not None else None
    if place is not None and job.kind is JobKind.RESOLVE and place.person is None:
        draft.put(place, unbound="the directory could not be asked")
    if place is not None and place.decision is not None and place.decision.id == job.decision:
        _give_up_decision(draft, place, place.decision, job)
    draft.note(EventKind.DEAD_LETTER, {"job": job.key, "error": error})
    if job.kind is not JobKind.CARD:  # else the job that is given up would begin anew at once
        draft.converge(channels=tenant.channels)
    letter = DeadLetter(id=stamp.change, scope=lease.scope, job=job, error=error, at=stamp.at)
    return draft.change(finish=lease).model_copy(update={"dead": letter})


def _give_up_decision(draft: Draft, place: Place, decision: Decision, job: Job) -> None:
    accepted = place.state is PlaceState.ACCEPTED
    if accepted and job.kind is JobKind.AWAIT_ARX:
        draft.put(place, decision=decision.model_copy(update={"overdue": True}))
    elif not accepted and job.kind is JobKind.POST:
        doubted = decision.model_copy(update={"due": None})
        draft.put(place, state=PlaceState.UNCONFIRMED, decision=doubted)


def jobs_needed(approval: Approval, *, now: datetime) -> Sequence[Needed]:
    """
    Return the jobs that must be alive for this approval, by DESIGN's "nothing waits on nobody".

    A place that is neither pending nor removed has one, unless an operator has it;
    a place without a person is being looked up.
    """
    return [needed for place in approval.places if (needed := _needed(approval, place, now))]


def restore_jobs(approval: Approval, jobs: Sequence[Job], *, stamp: Stamp) -> Change:
    """Write the jobs that were found missing."""
    draft = Draft(approval, stamp)
    draft.note(EventKind.DEAD_LETTER, {"restored": ", ".join(job.key for job in jobs)})
    return draft.change().model_copy(update={"jobs": tuple(jobs)})


def _needed(approval: Approval, place: Place, now: datetime) -> Needed | None:
    if place.person is None and place.names and not place.unbound:
        key = f"resolve/{approval.id}/{place.seat}"
        return Needed(_job(approval, place, key, kind=JobKind.RESOLVE, lane=Lane.CARD, due=now))
    decision = place.decision
    if decision is None or place.state is PlaceState.REMOVED or needs_operator(place):
        return None
    if place.state is PlaceState.ACCEPTED:
        key = f"await/{decision.id}"
        return Needed(
            _job(approval, place, key, kind=JobKind.AWAIT_ARX, lane=Lane.REMINDER, due=now)
        )
    number = decision.attempts + (place.state is not PlaceState.SUBMITTING)
    keys = [f"post/{decision.id}/{n}" for n in (number, decision.attempts)]
    job = _job(
        approval, place, keys[0], kind=JobKind.POST, lane=Lane.DECISION, due=decision.due or now
    )
    others = (keys[1],) if place.state is PlaceState.UNCONFIRMED else ()
    return Needed(job.model_copy(update={"number": number}), others)


def _job(
    approval: Approval, place: Place, key: str, *, kind: JobKind, lane: Lane, due: datetime
) -> Job:
    return Job(
        key=key,
        kind=kind,
        lane=lane,
        due=due,
        approval=approval.key,
        seat=place.seat,
        decision=place.decision.id if place.decision else "",
    )
