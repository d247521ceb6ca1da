"""What a click does to its place, before the tenant hears of it."""

import json
from datetime import datetime, timedelta
from gettext import gettext as _

from approvals_core.errors import (
    ActionNotOffered,
    AlreadyActedOn,
    StaleCard,
    UnknownApproval,
)
from approvals_core.models import (
    Approval,
    Change,
    Decision,
    Entries,
    EventKind,
    Job,
    JobKind,
    Lane,
    Person,
    Place,
    PlaceState,
    Record,
    Refusal,
)
from approvals_core.ports import NotFound
from approvals_core.rules import closing
from approvals_core.rules.draft import Draft, Stamp
from approvals_core.rules.filling import fill, kept
from approvals_core.rules.new_approver import Candidate, check_new_approver
from approvals_core.rules.standing import holder, may_see, name_of, offered, who_did
from approvals_core.tenant import Action, Tenant

POST_LEASE = 20.0  # seconds; renewed while the call to the tenant runs
ANSWERED_WITHIN = 2.0  # seconds in which every click is answered
QUIET = 2.0  # seconds after an answer in which the clicked card is left alone
TO_READ = 4.0  # seconds for reading why a click was refused


class Click(Record):
    """What came in from a card: where it was, what it showed, and what was typed."""

    seat: int
    round: int
    revision: int
    attempt: int
    action: str
    comment: str = ""
    entries: Entries = Entries()
    channel: str


def check(approval: Approval, click: Click, *, by: Person, tenant: Tenant) -> tuple[Place, Action]:
    """
    Return the place and the action, if *by* may do now what he clicked.

    Raises:
        UnknownApproval: He may not even see the request.

        StaleCard: His card shows an older round, revision or attempt.

        AlreadyActedOn: He, or somebody who holds his place, decided before.

        ActionNotOffered: The tenant does not offer the action here.

        ActionIncomplete: Something that it asks for is missing, too long, or not offered.
    """
    place = _place_of(approval, click.seat, by)
    if place is None or not may_see(approval, by.id):
        raise UnknownApproval(_("This request is not available to you."))
    _check_standing(approval, place, click, tenant)
    action = _check_action(approval, click, tenant)
    fill(action, click.comment, click.entries, approval.content)
    return place, action


def decide(
    approval: Approval,
    click: Click,
    *,
    by: Person,
    tenant: Tenant,
    decision: str,
    stamp: Stamp,
    candidate: Candidate | None = None,
) -> Change:
    """
    Take the place for the decision with id *decision*, and hold the right to post it.

    While a closed tenant lets decisions wait, nobody holds that right: there is no claim.

    *candidate* is the new approver, looked up, where the action asks for one.

    Raises:
        ApprovalError: As `check` does; the tenant takes no decisions now; and for a candidate who may not be it, or is missing.
    """
    place, action = check(approval, click, by=by, tenant=tenant)
    if not by.name and place.person is not None:
        by = place.person  # Outlook's token proves who it is, and has no name
    draft = Draft(approval, stamp)
    named = _named(approval, place, action, candidate, tenant)
    made = _decision(approval, click, action, by=by, decision=decision, stamp=stamp, named=named)
    closed = closing.check_open(tenant, stamp.at)
    if closed is not None:
        made = closing.kept(made, closed, stamp.at)
    pushed = click.channel in tenant.pushed
    placed = draft.put(
        place,
        state=PlaceState.SUBMITTING if closed is None else PlaceState.RETRYING,
        decision=made,
        refusal=None,
        # Where he reads our answer. No card of his that is pushed was clicked elsewhere.
        quiet_until=stamp.at + timedelta(seconds=ANSWERED_WITHIN + QUIET) if pushed else None,
    )
    draft.note(
        EventKind.DECIDED,
        {
            "seat": place.seat,
            "action": action.code,
            "decision": decision,
            "channel": made.channel,
            "reason": made.reason_code,
            "placement": made.placement,
        },
        {"by": str(by.id), "name": by.name, "comment": made.comment, **_private(made)},
    )
    job = post_job(draft, place, made, number=1, due=made.due or stamp.at)
    if closed is None:
        draft.claim(job, seconds=POST_LEASE)
    draft.converge(channels=tenant.pushed, after=ANSWERED_WITHIN)
    if not pushed:
        draft.converge_one(placed, channels=tenant.pushed, due=stamp.at)
    return draft.change()


def leave_alone(
    approval: Approval, click: Click, *, by: Person, tenant: Tenant, stamp: Stamp
) -> Change | None:
    """Push the card that *by* clicked no earlier than he can have read why the click was refused."""
    place = _place_of(approval, click.seat, by) if click.channel in tenant.pushed else None
    until = stamp.at + timedelta(seconds=TO_READ)
    if place is None or (place.quiet_until is not None and place.quiet_until >= until):
        return None
    draft = Draft(approval, stamp)
    draft.put(place, quiet_until=until)
    return draft.change()


def not_recorded(
    approval: Approval, click: Click, *, by: Person, why: str, tenant: Tenant, stamp: Stamp
) -> Change | None:
    """
    Show the card of *by* anew, which says that his decision is being recorded: it was not.

    If he can still decide what he saw, *why* stands on it with what he had typed.
    None: it is not his place.
    """
    place = _place_of(approval, click.seat, by) or approval.place_of(by.id)
    if place is None:
        return None
    draft = Draft(approval, stamp)
    shown: dict[str, object] = {"shown_anew": place.shown_anew + 1, "quiet_until": None}
    same = (place.seat, place.attempt) == (click.seat, click.attempt)
    if same and place.state is PlaceState.PENDING:
        action = tenant.action(click.action)  # nothing of the click was checked: keep what could be
        shown["refusal"] = Refusal(
            action=action.code if action else "",
            message=why,
            comment=click.comment.strip()[: action.comment_length if action else 0],
            at=stamp.at,
            entries=kept(action, click.entries) if action else Entries(),
        )
    placed = draft.put(place, **shown)
    draft.note(EventKind.NOT_RECORDED, {"seat": place.seat}, {"why": why})
    for round_ in {placed.round, click.round} - {
        0
    }:  # the card he clicked may be of an earlier round
        card = placed.model_copy(update={"round": round_})
        draft.converge_one(card, channels=tenant.pushed, due=stamp.at)
    return draft.change()


def post_job(draft: Draft, place: Place, decision: Decision, *, number: int, due: datetime) -> Job:
    """Leave the job that makes attempt *number* to tell the tenant."""
    return draft.job(
        f"post/{decision.id}/{number}",
        JobKind.POST,
        Lane.DECISION,
        due=due,
        seat=place.seat,
        decision=decision.id,
        number=number,
    )


def _place_of(approval: Approval, seat: int, by: Person) -> Place | None:
    place = approval.place(seat)
    mine = place is not None and place.person is not None and place.person.id == by.id
    return place if mine else None


def _check_standing(approval: Approval, place: Place, click: Click, tenant: Tenant) -> None:
    if place.decision is not None and click.attempt == place.attempt:
        raise AlreadyActedOn(_("You have decided on this request already."))
    held_by = holder(approval, place, tenant)
    if held_by is not None:
        who = name_of(held_by)
        raise AlreadyActedOn(_("{who} was faster: see below what was decided.").format(who=who))
    if place.state is PlaceState.REMOVED:
        raise AlreadyActedOn(who_did(approval, tenant))
    if not place.state.known:
        raise AlreadyActedOn(_("This request is not waiting for you now."))
    shown = (click.round, click.revision, click.attempt)
    if shown != (place.round, approval.revision, place.attempt):
        raise StaleCard(_("The request changed since this card was made. Please look again."))


def _check_action(approval: Approval, click: Click, tenant: Tenant) -> Action:
    wanted = click.action.casefold()
    action = next((a for a in offered(approval, tenant) if a.code.casefold() == wanted), None)
    if action is None:
        raise ActionNotOffered(_not_offered(tenant.action(click.action)))
    return action


def _not_offered(action: Action | None) -> str:
    if action is None:
        return _("This action is not offered for this request.")
    said = _("“{action}” is not offered for this request. Its own card shows what is.")
    return said.format(action=action.label)


def _named(
    approval: Approval, place: Place, action: Action, candidate: Candidate | None, tenant: Tenant
) -> Person | None:
    if not action.new_approver:
        return None
    unknown = Candidate(found=NotFound.UNKNOWN)
    return check_new_approver(approval, place, candidate or unknown, tenant)


def _decision(
    approval: Approval,
    click: Click,
    action: Action,
    *,
    by: Person,
    decision: str,
    stamp: Stamp,
    named: Person | None,
) -> Decision:
    filled = fill(action, click.comment, click.entries, approval.content)
    return Decision(
        id=decision,
        action=action.code,
        comment=filled.comment,
        reason_code=filled.justification.code if filled.justification else "",
        reason_text=filled.justification.text if filled.justification else "",
        new_approver=named,
        approver_type=action.approver_type or "" if named else "",
        placement=filled.placement.code if filled.placement else "",
        inputs=filled.inputs,
        by=by,
        at=stamp.at,
        channel=click.channel,
        round=approval.round,
        revision=approval.revision,
        trace=stamp.trace,
        attempted_at=stamp.at,
    )


def _private(made: Decision) -> dict[str, str]:
    """Return what of a decision the history keeps beside its chain, so that it can be erased."""
    named = made.new_approver
    return {
        "reason": made.reason_text,
        "new_approver": f"{named.name} ({named.id})" if named else "",
        "inputs": json.dumps(made.inputs, ensure_ascii=False) if made.inputs else "",
    }
