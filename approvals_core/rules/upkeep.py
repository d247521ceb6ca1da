"""What keeps approvals healthy: bodies dropped, jobs given up or restored, and operators called."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from approvals_core.errors import NotReplayed
from approvals_core.models import (
    Approval,
    Change,
    DeadLetter,
    Decision,
    DetailState,
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
from approvals_core.rules import details, reminding
from approvals_core.rules.deciding import post_job
from approvals_core.rules.doubting import status_key
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
    draft.set(details=(), details_digest="")
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
    detail = details.wanted(approval, job) if job.kind is JobKind.DETAILS else None
    if detail is not None:
        details.miss(draft, detail, error)
    draft.note(EventKind.DEAD_LETTER, {"job": _named(job), "error": error})
    if job.kind is not JobKind.CARD:  # else the job that is given up would begin anew at once
        draft.converge(channels=tenant.pushed)
    letter = DeadLetter(id=stamp.change, scope=lease.scope, job=job, error=error, at=stamp.at)
    return draft.change(finish=lease).model_copy(update={"dead": letter})


def _give_up_decision(draft: Draft, place: Place, decision: Decision, job: Job) -> None:
    accepted = place.state is PlaceState.ACCEPTED
    if accepted and job.kind is JobKind.AWAIT_ARX:
        draft.put(place, decision=decision.model_copy(update={"overdue": True}))
    elif not accepted and job.kind in (JobKind.POST, JobKind.ASK_STATUS):
        doubted = decision.model_copy(update={"due": None, "look_up": None})
        draft.put(place, state=PlaceState.UNCONFIRMED, decision=doubted)


def _named(job: Job) -> str:
    """Return the job's key without its person: what the history hashes cannot be erased."""
    return job.key.replace(str(job.person), "his") if job.person else job.key


class Replayed(NamedTuple):
    """What dealing with a dead letter comes to: *moved_on* says why its job is not put back."""

    change: Change
    moved_on: str = ""


def replay(
    approval: Approval, letter: DeadLetter, *, by: str, tenant: Tenant, stamp: Stamp
) -> Replayed:
    """
    Put the job of a dead letter back, due now, as the operator *by* asks; the letter goes.

    It only goes if what the job was for came about, or ended, meanwhile.

    Raises:
        NotReplayed: It would post a decision that may have arrived, or an outdated one.
    """
    job, draft = letter.job, Draft(approval, stamp)
    moved_on = _moved_on(approval, job)
    facts = {"letter": letter.id, "job": _named(job), "done": "removed" if moved_on else "put back"}
    draft.note(EventKind.REPLAYED, facts, {"by": by})
    if not moved_on:
        _put_back(draft, job, tenant)
    change = draft.change().model_copy(update={"answers": letter.id})
    return Replayed(change, moved_on)


def replay_alone(letter: DeadLetter, *, stamp: Stamp) -> Change:
    """Put the job of a dead letter back that is about no request."""
    job = letter.job.model_copy(update={"due": stamp.at})
    return Change(id=stamp.change, scope=letter.scope, jobs=(job,), answers=letter.id)


def _moved_on(approval: Approval, job: Job) -> str:
    """Say why the job has nothing to do any more, or ""."""
    place = approval.place(job.seat) if job.seat is not None else None
    match job.kind:
        case JobKind.POST | JobKind.AWAIT_ARX | JobKind.ASK_STATUS:
            return _decision_moved_on(place, job)
        case JobKind.RESOLVE:
            return _person_moved_on(place)
        case JobKind.DETAILS:
            return _detail_moved_on(approval, job)
        case JobKind.REMIND | JobKind.MAIL:
            return _notification_moved_on(approval, job)
        case JobKind.CARD:
            known = job.person is not None and approval.place_of(job.person) is not None
            return "" if known else "the person has no place in the request any more"
        case _:
            closed = not approval.open and approval.round == job.round
            return "" if closed else "the request was opened again meanwhile"


def _person_moved_on(place: Place | None) -> str:
    if place is None or place.person is not None or not place.names:
        return "the person was found meanwhile"
    return "" if place.unbound else "the person is being looked up already"


def _notification_moved_on(approval: Approval, job: Job) -> str:
    if job.kind is JobKind.MAIL:
        asked_for = any(each.id == job.notification for each in approval.notifications)
        return "" if asked_for else "newer mails took its place"
    needed = reminding.job_needed(approval, now=job.due)
    to_come = needed is not None and needed.key == job.key
    return "" if to_come else "no reminder of that round is to come any more"


def _detail_moved_on(approval: Approval, job: Job) -> str:
    detail = approval.detail(job.operation)
    if not approval.open or detail is None:
        return "the request was closed meanwhile"
    missing = detail.state is DetailState.MISSING and detail.asked == job.number
    return "" if missing else "the details came meanwhile, or are read by another job"


def over(approval: Approval, job: Job) -> str:
    """Say why a queued job about a decision will find nothing to do, or ""; others are not looked at."""
    if job.kind not in (JobKind.POST, JobKind.AWAIT_ARX, JobKind.ASK_STATUS):
        return ""
    return _decision_over(approval.place(job.seat) if job.seat is not None else None, job)


def _decision_over(place: Place | None, job: Job) -> str:
    decision = place.decision if place else None
    if place is None or decision is None or decision.id != job.decision:
        return "the decision it is about has come to its end"
    if (place.state is PlaceState.ACCEPTED) is not (job.kind is JobKind.AWAIT_ARX):
        return "the tenant has accepted the decision"
    return ""


def _decision_moved_on(place: Place | None, job: Job) -> str:
    if why := _decision_over(place, job):
        return why
    return "" if place and needs_operator(place) else "another job is at it already"


def _put_back(draft: Draft, job: Job, tenant: Tenant) -> None:
    place = draft.approval.place(job.seat) if job.seat is not None else None
    decision = place.decision if place else None
    if place is not None and decision is not None and job.kind is JobKind.POST:
        _post_again(draft, place, decision, tenant)
        return
    if place is not None and decision is not None and job.kind is JobKind.AWAIT_ARX:
        draft.put(place, decision=decision.model_copy(update={"overdue": False}))
    if place is not None and decision is not None and job.kind is JobKind.ASK_STATUS:
        asked = decision.model_copy(update={"look_up": draft.at, "looked_up": 0})
        draft.put(place, decision=asked)
        draft.converge(channels=tenant.pushed)
    if place is not None and job.kind is JobKind.RESOLVE:
        draft.put(place, unbound="")
        draft.converge(channels=tenant.pushed)
    if job.kind is JobKind.DETAILS:
        details.fetch_again(draft, job)
        draft.converge(channels=tenant.pushed)
    draft.again(job)


def _post_again(draft: Draft, place: Place, decision: Decision, tenant: Tenant) -> None:
    """Let the worker post the same decision once more, as it does by itself to such a tenant."""
    if not tenant.api.idempotent:
        raise NotReplayed(
            f"The decision may have reached {tenant.name}, which might count it twice. So it is"
            " never posted again by a replay. Look there what became of it, then settle it."
        )
    if decision.revision != draft.approval.revision:
        raise NotReplayed(
            "The request changed since the decision was made, so it is not posted again."
            f" Look into {tenant.name} what became of it, then settle it."
        )
    post_job(draft, place, decision, number=decision.attempts + 1, due=draft.at)
    draft.put(place, decision=decision.model_copy(update={"due": draft.at}))
    draft.converge(channels=tenant.pushed)


def jobs_needed(approval: Approval, *, now: datetime) -> Sequence[Needed]:
    """
    Return the jobs that must be alive for this approval, by DESIGN's "nothing waits on nobody".

    A place that is neither pending nor removed has one, unless an operator has it;
    a place without a person is being looked up, and so are details that are to come. The
    next reminder waits, too.
    """
    found = (job_of(approval, place, now=now) for place in approval.places)
    reads = (Needed(job) for job in details.jobs_needed(approval, now=now))
    reminder = reminding.job_needed(approval, now=now)
    reminds = () if reminder is None else (Needed(reminder),)
    return [*(needed for needed in found if needed is not None), *reads, *reminds]


def restore_jobs(approval: Approval, jobs: Sequence[Job], *, stamp: Stamp) -> Change:
    """Write the jobs that were found missing."""
    draft = Draft(approval, stamp)
    draft.note(EventKind.DEAD_LETTER, {"restored": ", ".join(map(_named, jobs))})
    return draft.change().model_copy(update={"jobs": tuple(jobs)})


def job_of(approval: Approval, place: Place, *, now: datetime) -> Needed | None:
    """Return the job that must be alive for one place, or None if it needs none."""
    if place.person is None and place.names and not place.unbound:
        key = f"resolve/{approval.id}/{place.seat}"
        return Needed(_job(approval, place, key, kind=JobKind.RESOLVE, lane=Lane.CARD, due=now))
    decision = place.decision
    if decision is None or place.state is PlaceState.REMOVED or needs_operator(place):
        return None
    if not place.state.known:
        return None  # its job is of a newer program, too; one of ours might post what was posted
    if place.state is PlaceState.ACCEPTED:
        key = f"await/{decision.id}"
        return Needed(_job(approval, place, key, kind=JobKind.AWAIT_ARX, lane=Lane.TENANT, due=now))
    if place.state is PlaceState.UNCONFIRMED and decision.look_up is not None:
        asking = _job(
            *(approval, place, status_key(decision)),
            kind=JobKind.ASK_STATUS,
            lane=Lane.TENANT,
            due=decision.look_up,
        )
        return Needed(asking, (f"post/{decision.id}/{decision.attempts}",))
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
