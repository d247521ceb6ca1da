"""What becomes of a decision by what its tenant says when it is asked about it."""

from datetime import datetime
from gettext import gettext as _

from approvals_core.models import (
    Approval,
    Change,
    Decision,
    EventKind,
    Lease,
    Place,
    PlaceState,
)
from approvals_core.ports import Answer, AnswerKind
from approvals_core.rules.answering import (
    Post,
    accept,
    give_back,
    open_decision,
    postpone,
    refuse,
    stale_decision,
)
from approvals_core.rules.doubting import next_way, over_at, status_job
from approvals_core.rules.draft import Draft, Stamp
from approvals_core.tenant import Tenant


def wanted(approval: Approval, post: Post) -> tuple[Place, Decision] | None:
    """Return the place and the decision that the tenant is to be asked about; None: not any more."""
    place, decision = open_decision(approval, post)
    if place is None or decision is None or place.state is not PlaceState.UNCONFIRMED:
        return None
    return None if decision.look_up is None else (place, decision)


def looked_up(
    approval: Approval,
    post: Post,
    answer: Answer,
    *,
    asked_at: datetime,
    tenant: Tenant,
    stamp: Stamp,
    finish: Lease,
) -> Change | None:
    """
    Take in what the tenant, asked at *asked_at*, said became of a decision.

    A yes counts whenever it comes. Anything else counts only where nobody knows better,
    and only if no attempt could still arrive when it was asked: else it is asked again
    then. None: there is nothing to do.
    """
    draft = Draft(approval, stamp)
    facts = {"seat": post.seat, "decision": post.decision, "answer": answer.kind}
    place, decision = open_decision(approval, post)
    if place is None or decision is None:
        if answer.kind is AnswerKind.UNKNOWN:
            return None
        draft.note(EventKind.LATE_ANSWER, facts)
        return draft.change(finish=finish)
    early = asked_at < over_at(decision, tenant)
    if not _counts(place, decision, answer, early=early):
        return None
    draft.note(EventKind.LOOKED_UP, facts | {"reason": answer.reason})
    _take(draft, place, decision, answer, tenant, early=early)
    draft.converge(channels=tenant.pushed)
    return draft.change(finish=finish)


def _counts(place: Place, decision: Decision, answer: Answer, *, early: bool) -> bool:
    if answer.kind is AnswerKind.ACCEPTED:
        return place.state is not PlaceState.ACCEPTED
    says_nothing = early or answer.kind is AnswerKind.UNKNOWN
    if says_nothing and decision.look_up is None:
        return False  # somebody went the next way already
    return place.state is PlaceState.UNCONFIRMED


def _take(
    draft: Draft,
    place: Place,
    decision: Decision,
    answer: Answer,
    tenant: Tenant,
    *,
    early: bool,
) -> None:
    if answer.kind is AnswerKind.ACCEPTED:
        accept(draft, place, decision, answer, tenant)
    elif answer.kind is AnswerKind.UNKNOWN:
        asked = decision.model_copy(update={"looked_up": decision.looked_up + 1})
        next_way(draft, place, asked, tenant, after=answer.retry_after)
    elif early:
        # An attempt may be on its way yet, and change what the tenant would say.
        again = over_at(decision, tenant)
        status_job(draft, place, decision, due=again)
        draft.put(place, decision=decision.model_copy(update={"look_up": again}))
    elif answer.kind is AnswerKind.REFUSED:
        refuse(draft, place, decision, answer, tenant)
    else:
        _never_arrived(draft, place, decision, answer, tenant)


def _never_arrived(
    draft: Draft, place: Place, decision: Decision, answer: Answer, tenant: Tenant
) -> None:
    if decision.revision != draft.approval.revision:
        give_back(draft, place, decision, stale_decision())
    elif decision.attempts >= tenant.limits.posts:
        why = _("Your decision did not reach {tenant}. Please decide again.")
        give_back(draft, place, decision, why.format(tenant=tenant.name), reason=answer.reason)
    else:
        postpone(draft, place, decision, due=draft.at, reason=answer.reason)
