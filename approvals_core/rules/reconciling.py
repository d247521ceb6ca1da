"""What is healed when a request differs from what its tenant has, and what only an operator can judge."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from approvals_core.arx import ArxApprover, fold
from approvals_core.arx.summary_api import SummaryRead, read_summary_answer
from approvals_core.models import (
    Approval,
    Change,
    EventKind,
    Job,
    JobKind,
    Lane,
    Lease,
    Mark,
    Place,
    PlaceState,
)
from approvals_core.ports import Fetched, FetchedKind
from approvals_core.rules import details
from approvals_core.rules.asking import ask, is_named, look_up, new_place, open_or_close, remove
from approvals_core.rules.doubting import next_way
from approvals_core.rules.draft import Draft, Stamp
from approvals_core.rules.revising import revise
from approvals_core.rules.settling import is_owed, mark_overdue
from approvals_core.tenant import Tenant


class Occasion(StrEnum):
    """Why a request is compared with what its tenant has."""

    OWED = "owed"  # the ARX that should follow an accepted decision did not come
    NIGHTLY = "nightly"  # nothing was heard of it for long
    OPERATOR = "operator"  # somebody asked for it


class Owed(NamedTuple):
    """The accepted decision whose ARX is owed, and what its tenant says when asked about it."""

    seat: int
    decision: str
    reason: str = ""


class Finding(NamedTuple):
    """
    What the tenant has of a request that stood as *before* when it was asked.

    *gone* says what tells that nobody is asked any more, "" if nothing does. *unclear*
    says what was not understood; *away* that the tenant did not answer at all.
    """

    before: Approval
    read: SummaryRead = SummaryRead()
    gone: str = ""
    unclear: str = ""
    away: bool = False


class Healing(NamedTuple):
    """What comes of a finding: *healed* says it for operators, "" each if all is as it was."""

    change: Change
    healed: tuple[str, ...]
    unclear: str


def find(before: Approval, fetched: Fetched, *, tenant: Tenant) -> Finding:
    """Understand an answer of the Summary API, by what the tenant's file says and nothing else."""
    rule = tenant.reconcile
    match fetched.kind:
        case FetchedKind.UNAVAILABLE:
            return Finding(before, unclear=_answered(fetched, "did not answer"), away=True)
        case FetchedKind.UNUSABLE:
            return Finding(before, unclear=_answered(fetched, "gave nothing that can be used"))
        case FetchedKind.REFUSED if fetched.status in rule.gone_statuses:
            return Finding(before, gone=f"HTTP {fetched.status}")
        case FetchedKind.REFUSED:
            said = f"answered HTTP {fetched.status}, and the tenant's file does not say what that means"
            return Finding(before, unclear=f"the Summary API {said}")
        case _:
            return _understood(before, fetched.body, tenant)


def moved(now: Approval, before: Approval) -> bool:
    """Tell whether something happened since that makes what the tenant said then worthless."""
    return _moves(now) != _moves(before)


def reconcile(
    approval: Approval,
    finding: Finding,
    *,
    occasion: Occasion,
    tenant: Tenant,
    stamp: Stamp,
    finish: Lease | None = None,
    owed: Owed | None = None,
    again: Job | None = None,
) -> Healing:
    """
    Heal what the finding is clear about, and put the rest before an operator.

    An equal summary changes nothing but when that was found. Decisions that are on
    their way are left alone: their answers say more. What *approval* is may not have
    `moved` since the finding. *again* is the job for a tenant that did not answer.
    """
    draft = Draft(approval, stamp)
    healed = _heal(draft, finding, tenant) if approval.open else ()
    if occasion is Occasion.OPERATOR:
        healed += _ask_again(draft, tenant)
    unclear = finding.unclear
    if owed is not None and is_owed(draft.approval, owed.seat, owed.decision):
        mark_overdue(draft, owed.seat, "; ".join(filter(None, (owed.reason, unclear))))
    if healed or unclear != approval.unclear:
        facts = {"occasion": occasion, "healed": "; ".join(healed), "unclear": unclear}
        draft.note(EventKind.RECONCILED, facts | ({"gone": finding.gone} if healed else {}))
    if healed:
        draft.converge(channels=tenant.pushed)
    said = {"unclear": unclear} if finding.away else {"unclear": unclear, "reconciled_at": stamp.at}
    draft.set(**said)
    if finding.away and again is not None:
        draft.leave(again)
    return Healing(draft.change(finish=finish), healed, unclear)


def look_job(approval: Approval, *, due: datetime, number: int = 0) -> Job:
    """Return the job that compares a request; *number* counts the times nobody answered, 0: asked for."""
    return Job(
        key=f"reconcile/{approval.id}",
        kind=JobKind.RECONCILE,
        lane=Lane.TENANT,
        due=due,
        approval=approval.key,
        number=number,
    )


def _answered(fetched: Fetched, how: str) -> str:
    return f"the Summary API {how}" + (f" ({fetched.reason})" if fetched.reason else "")


def _understood(before: Approval, body: str, tenant: Tenant) -> Finding:
    rule = tenant.reconcile
    read = read_summary_answer(body, before.key, state=rule.state, approvers=rule.approvers)
    states = {state.strip().casefold() for state in rule.gone_states}
    if read.state is not None and read.state.casefold() in states:
        return Finding(before, read, gone=f"{rule.state} says so")
    missing: list[str] = [f"its summary cannot be read: {read.problem}"] if read.problem else []
    if rule.state is not None and read.state is None:
        missing.append(f"its summary has no {rule.state}")
    if rule.approvers is not None and read.approvers is None:
        missing.append(f"its summary has no list of aliases at {rule.approvers}")
    return Finding(before, read, unclear="; ".join(missing))


def _moves(approval: Approval) -> object:
    """Return what an ARX, a click or an answer changes."""
    places = [(p.state, p.attempt, p.told, _decided(p)) for p in approval.places]
    return (approval.heard, approval.round, approval.content, places)


def _decided(place: Place) -> object:
    made = place.decision
    return made and (made.id, made.attempts, made.answered_at)


def _heal(draft: Draft, finding: Finding, tenant: Tenant) -> tuple[str, ...]:
    before, read = draft.approval, finding.read
    healed: list[str] = []
    if finding.gone:
        healed += _remove(draft, lambda _place: False)
    elif read.approvers is not None:
        asked = [fold(each.alias, tenant.people.mail_domains) for each in read.approvers]
        healed += _ask(draft, read.approvers, tenant)
        healed += _remove(draft, lambda p: any(is_named(p, name, tenant) for name in asked))
    if read.content is not None and read.content != before.content and not finding.gone:
        draft.set(content=read.content)
        healed.append("content")
    open_or_close(draft, before)
    if "content" in healed:
        mark = draft.approval.content_mark or Mark(0, 0)
        details.ask(draft, mark, tenant=tenant, brought=(), again=lambda _mark: True)
        revise(draft)
    return tuple(healed)


def _remove(draft: Draft, stays: Callable[[Place], bool]) -> list[str]:
    """Ask everybody no longer who is not to stay; who waits for the tenant's answer keeps waiting."""
    removed: list[str] = []
    for place in draft.approval.places:
        asked = place.state is not PlaceState.REMOVED and not _under_way(place)
        if asked and place.names and not stays(place):
            remove(draft, place, place.mark)
            removed.append(f"place {place.seat} no longer asked")
    return removed


def _ask(draft: Draft, approvers: tuple[ArxApprover, ...], tenant: Tenant) -> list[str]:
    """Ask, as an UPDATE would, who is asked at the tenant and not here."""
    asked: list[str] = []
    for approver in approvers:
        name = fold(approver.alias, tenant.people.mail_domains)
        found = next((p for p in draft.approval.places if is_named(p, name, tenant)), None)
        if found is not None and found.state is not PlaceState.REMOVED:
            continue
        # Every ARX is newer than this: it orders their words, and this is none of them.
        place = found or new_place(draft, approver.alias, Mark(0, 0), tenant)
        named = draft.put(place, alias=approver.alias, name=approver.name or place.name)
        ask(draft, named, place.mark)
        if named.person is None:
            look_up(draft, draft.put(draft.approval.places[named.seat], unbound=""))
        asked.append(f"place {named.seat} asked")
    return asked


def _ask_again(draft: Draft, tenant: Tenant) -> tuple[str, ...]:
    """Ask once more what became of decisions that wait for an operator: he may have mended the tenant."""
    if tenant.api.decision_status is None:
        return ()
    asked: list[str] = []
    for place in draft.approval.places:
        made = place.decision
        waits = made is not None and not (made.due or made.look_up)
        if made is not None and waits and place.state is PlaceState.UNCONFIRMED:
            next_way(draft, place, made.model_copy(update={"looked_up": 0}), tenant)
            asked.append(f"place {place.seat}: the tenant is asked about its decision again")
    return tuple(asked)


def _under_way(place: Place) -> bool:
    made = place.decision
    if place.state is PlaceState.SUBMITTING or made is None:
        return place.state is PlaceState.SUBMITTING
    again = made.due is not None and made.attempted_at >= made.due
    return place.state is PlaceState.UNCONFIRMED and again
