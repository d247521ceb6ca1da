"""What becomes of a decision on its way to the tenant: attempts, answers, and no answer."""

from datetime import datetime, timedelta
from gettext import gettext as _
from typing import NamedTuple

from approvals_core.models import (
    ActionTaken,
    Approval,
    Change,
    Decision,
    Entries,
    EventKind,
    JobKind,
    Lane,
    Lease,
    Place,
    PlaceState,
    Refusal,
)
from approvals_core.ports import Answer, AnswerKind
from approvals_core.rules import closing
from approvals_core.rules.deciding import ANSWERED_WITHIN, QUIET, post_job
from approvals_core.rules.doubting import backoff, doubt, used_up
from approvals_core.rules.draft import Draft, Stamp
from approvals_core.rules.standing import name_of
from approvals_core.tenant import Tenant

NOTHING_FILLED = Entries()


class Post(NamedTuple):
    """Which attempt of which decision a job is about."""

    seat: int
    decision: str
    number: int


def pending_again(
    draft: Draft,
    place: Place,
    *,
    why: str = "",
    comment: str = "",
    action: str = "",
    entries: Entries = NOTHING_FILLED,
    reason: str = "",
) -> Place:
    """
    Give a place back to its approver; *why* stands on the card with what he had filled in.

    *reason* is for the tenant and operators: what its answer was, without its words.
    """
    refusal = None
    if why:
        refusal = Refusal(
            action=action,
            message=why,
            comment=comment,
            at=draft.at,
            reason=reason,
            entries=entries,
        )
    return draft.put(
        place,
        state=PlaceState.PENDING,
        decision=None,
        refusal=refusal,
        attempt=place.attempt + 1,
        asked_at=place.asked_at or draft.at,
    )


def give_back(
    draft: Draft, place: Place, decision: Decision, why: str, *, reason: str = ""
) -> Place:
    """End *decision* as not taken by the tenant; *reason* as for `pending_again`."""
    facts = {"seat": place.seat, "decision": decision.id}
    draft.note(EventKind.RETURNED, facts | ({"reason": reason} if reason else {}), {"why": why})
    return _back_with(draft, place, decision, why=why, reason=reason)


def _back_with(draft: Draft, place: Place, decision: Decision, *, why: str, reason: str) -> Place:
    return pending_again(
        draft,
        place,
        why=why,
        comment=decision.comment,
        action=decision.action,
        entries=decision.entries,
        reason=reason,
    )


def stale_decision() -> str:
    """Say why a decision on older content is not sent."""
    return _("The request changed before your decision was sent. Please look again.")


def answered(
    approval: Approval,
    post: Post,
    answer: Answer,
    *,
    tenant: Tenant,
    stamp: Stamp,
    finish: Lease | None,
) -> Change:
    """
    Take in what the tenant said to one attempt.

    An answer to a decision that is no longer open is recorded and changes nothing
    else. *finish* is None if the right to finish the attempt was lost meanwhile:
    then it counts only where nobody knows what became of the attempt.
    """
    draft = Draft(approval, stamp)
    place, decision = open_decision(approval, post)
    counts = finish is not None or _doubted(place, decision, post, answer)
    if place is None or decision is None or not counts:
        draft.note(EventKind.LATE_ANSWER, {"decision": post.decision, "answer": answer.kind})
        return draft.change(finish=finish)
    placed = _take(draft, place, decision, answer, tenant)
    read = decision.channel in tenant.pushed  # our answer, on the card he clicked
    if read and stamp.at - decision.at < timedelta(seconds=ANSWERED_WITHIN):
        draft.put(placed, quiet_until=stamp.at + timedelta(seconds=QUIET))
    draft.converge(channels=tenant.pushed)
    return draft.change(finish=finish)


def attempt(
    approval: Approval, post: Post, *, tenant: Tenant, stamp: Stamp, finish: Lease
) -> Change | None:
    """
    Begin the attempt a due job asks for, or say what stands against it.

    The change begins the attempt if its place is `SUBMITTING`, or `UNCONFIRMED`
    with ``decision.attempts == post.number``; else it ends the job. None: there
    is nothing to do.
    """
    place, decision = open_decision(approval, post)
    if place is None or decision is None or not _wants(place, decision, post):
        return None
    draft = Draft(approval, stamp)
    if decision.attempts == post.number:
        doubt(draft, place, decision, tenant, "we stopped during the attempt")
        draft.converge(channels=tenant.pushed)
        return draft.change(finish=finish)
    closed = tenant.closed(stamp.at)
    if closed is not None and decision.revision == approval.revision:
        return closing.hold(draft, place, decision, closed, tenant=tenant, finish=finish)
    return _begin(draft, place, post, tenant=tenant, finish=finish)


def _doubted(place: Place | None, decision: Decision | None, post: Post, answer: Answer) -> bool:
    """Tell whether nobody knows yet what became of the attempt; a yes is never too late."""
    if place is None or decision is None:
        return False
    under_way = place.state is PlaceState.SUBMITTING and decision.attempts == post.number
    yes = answer.kind is AnswerKind.ACCEPTED
    return under_way or yes or place.state is PlaceState.UNCONFIRMED


def _wants(place: Place, decision: Decision, post: Post) -> bool:
    """Tell whether the job is about the attempt under way, or the one that is next."""
    if decision.attempts == post.number:
        return place.state in (PlaceState.SUBMITTING, PlaceState.UNCONFIRMED)
    waiting = (PlaceState.RETRYING, PlaceState.UNCONFIRMED)
    return decision.attempts + 1 == post.number and place.state in waiting


def begun(change: Change) -> bool:
    """Tell whether *change*, made by `attempt`, begins the attempt."""
    return change.finish is None


def under_way(approval: Approval, post: Post) -> bool:
    """Tell whether this attempt still counts: nobody took it for one that died, or ended it."""
    place, decision = open_decision(approval, post)
    if place is None or decision is None:
        return False
    return place.state is PlaceState.SUBMITTING and decision.attempts == post.number


def open_decision(approval: Approval, post: Post) -> tuple[Place | None, Decision | None]:
    """Return place and decision if that decision is still on its way."""
    place = approval.place(post.seat)
    if place is None or place.decision is None or place.decision.id != post.decision:
        return None, None
    return place, place.decision


def _take(draft: Draft, place: Place, decision: Decision, answer: Answer, tenant: Tenant) -> Place:
    if place.state is PlaceState.ACCEPTED:
        draft.note(EventKind.LATE_ANSWER, {"decision": decision.id, "answer": answer.kind})
        return place
    if answer.kind is AnswerKind.ACCEPTED:
        return accept(draft, place, decision, answer, tenant)
    if answer.kind is AnswerKind.REFUSED:
        return refuse(draft, place, decision, answer, tenant)
    if not answer.tried:
        decision = decision.model_copy(update={"untried": decision.untried + 1})
    doubtful = place.state is PlaceState.UNCONFIRMED or answer.kind is AnswerKind.UNKNOWN
    if doubtful:
        # What another attempt met says nothing about where the first one went.
        return doubt(draft, place, decision, tenant, answer.reason)
    if answer.kind is AnswerKind.AGAIN:
        return _again(draft, place, decision, answer, tenant)
    why = answer.message or _not_taken(tenant)
    return give_back(draft, place, decision, why, reason=answer.reason)


def accept(draft: Draft, place: Place, decision: Decision, answer: Answer, tenant: Tenant) -> Place:
    draft.note(
        EventKind.ACCEPTED,
        {"seat": place.seat, "decision": decision.id, "action": decision.action},
        {"message": answer.message},
    )
    draft.set(taken=(*draft.approval.taken, _taken(place, decision, draft.at)))
    action = tenant.action(decision.action)
    if action is not None and not action.holds:
        return pending_again(draft, place)
    _await_arx(draft, place, decision, tenant)
    said = {"answered_at": draft.at, "message": answer.message, "trouble": ""}
    said |= {"due": None, "look_up": None}
    return draft.put(place, state=PlaceState.ACCEPTED, decision=decision.model_copy(update=said))


def _taken(place: Place, decision: Decision, at: datetime) -> ActionTaken:
    taken = ActionTaken(
        by=place.alias,
        name=name_of(place),
        action=decision.action,
        at=decision.at,
        heard_at=at,
        comment=decision.comment,
        seat=place.seat,
        decision=decision.id,
        round=decision.round,
    )
    return taken.model_copy(update=chosen(decision))


def chosen(decision: Decision) -> dict[str, str]:
    """Return the fields of an `ActionTaken` that only the decision knows."""
    return {
        "reason": decision.reason_text,
        "new_approver": decision.new_approver.name if decision.new_approver else "",
        "placement": decision.placement,
    }


def _await_arx(draft: Draft, place: Place, decision: Decision, tenant: Tenant) -> None:
    draft.job(
        f"await/{decision.id}",
        JobKind.AWAIT_ARX,
        Lane.TENANT,
        due=draft.at + timedelta(seconds=tenant.reconcile.after),
        seat=place.seat,
        decision=decision.id,
    )


def refuse(draft: Draft, place: Place, decision: Decision, answer: Answer, tenant: Tenant) -> Place:
    why = answer.message or _("{tenant} did not accept this.").format(tenant=tenant.name)
    draft.note(
        EventKind.REFUSED,
        {"seat": place.seat, "decision": decision.id, "reason": answer.reason},
        {"message": why, "errors": "\n".join(answer.errors)},
    )
    return _back_with(draft, place, decision, why=why, reason=answer.reason)


def _again(draft: Draft, place: Place, decision: Decision, answer: Answer, tenant: Tenant) -> Place:
    if decision.revision != draft.approval.revision:
        return give_back(draft, place, decision, stale_decision())
    if used_up(decision, draft.at, tenant):
        why = answer.message or _not_taken(tenant)
        return give_back(draft, place, decision, why, reason=answer.reason)
    due = draft.at + timedelta(seconds=answer.retry_after or backoff(decision.attempts))
    if (closed := tenant.closed(draft.at)) is not None:
        due = max(due, closing.next_look(closed, draft.at))
        return postpone(draft, place, decision, due=due, reason=closing.CLOSED)
    return postpone(draft, place, decision, due=due, reason=answer.reason)


def postpone(
    draft: Draft, place: Place, decision: Decision, *, due: datetime, reason: str = ""
) -> Place:
    """Leave the next attempt of *decision* for when it is *due*; *reason* is for operators."""
    facts = {"seat": place.seat, "decision": decision.id, "due": due.isoformat(), "reason": reason}
    draft.note(EventKind.POSTPONED, facts)
    post_job(draft, place, decision, number=decision.attempts + 1, due=due)
    asks_no_more = {"look_up": None, "looked_up": 0}
    waiting = decision.model_copy(update={"due": due, "trouble": reason} | asks_no_more)
    return draft.put(place, state=PlaceState.RETRYING, decision=waiting)


def _begin(draft: Draft, place: Place, post: Post, *, tenant: Tenant, finish: Lease) -> Change:
    decision = place.decision
    assert decision is not None
    current = decision.revision == draft.approval.revision
    doubted = place.state is PlaceState.UNCONFIRMED
    if not current and not doubted:
        give_back(draft, place, decision, stale_decision())
    elif not current:
        draft.put(place, decision=decision.model_copy(update={"due": None}))
    else:
        trying = {"attempts": post.number, "attempted_at": draft.at, "due": None, "looked_up": 0}
        if doubted:
            trying["due"] = draft.at  # on the wire: not an operator's, whenever it was let out
        state = PlaceState.UNCONFIRMED if doubted else PlaceState.SUBMITTING
        draft.put(place, state=state, decision=decision.model_copy(update=trying))
        draft.note(
            EventKind.ATTEMPTED,
            {"seat": place.seat, "decision": decision.id, "attempt": post.number},
        )
        draft.converge(channels=tenant.pushed, after=QUIET)
        return draft.change()
    draft.converge(channels=tenant.pushed)
    return draft.change(finish=finish)


def _not_taken(tenant: Tenant) -> str:
    return _("{tenant} could not be reached, so nothing was decided. Please try again.").format(
        tenant=tenant.name
    )
