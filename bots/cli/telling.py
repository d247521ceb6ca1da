"""What operators read: requests, places, cards and history as lines of plain text, times in UTC."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from approvals_core.leases import silence_of
from approvals_core.models import (
    Approval,
    ApprovalKey,
    Decision,
    DetailState,
    HistoryEvent,
    Payload,
    Place,
    PlaceState,
    QueuedJob,
    Receipt,
    ReceiptState,
    needs_operator,
)
from approvals_core.models.archived import Archived
from approvals_core.rules.closing import CLOSED
from approvals_core.rules.settling import Settlement
from approvals_core.rules.standing import holder, name_of
from approvals_core.tenant import Tenant
from approvals_core.worker import MOST_FAILURES
from cards.text import clean, cut

PROGRAM = "python -m bots.cli"
LONGEST = 300  # characters of one text from outside
# What history keeps of people beside their words.
NAMES = frozenset({"by", "name", "person", "was"})


def in_one_line(approval: Approval, receipts: Sequence[Receipt]) -> str:
    """Say who is asked in which request, who has no card, and whether it waits for an operator."""
    asked = [place for place in approval.places if place.state is not PlaceState.REMOVED]
    states = ", ".join(
        f"{plain(name_of(place))} {place.state.value}{_without_card(place, receipts)}"
        for place in asked
    )
    line = f"{approval.id}  {plain(approval.display_number)}  since {at(approval.opened_at)}"
    return f"{line}  {states}{_calls(approval, asked)}"


def unreadable_line(key: ApprovalKey) -> str:
    """Say that a request's record cannot be read by this program."""
    year = f" ({plain(key.year)})" if key.year else ""
    return f"?  {plain(key.number)}{year}  cannot be read: was it written by a newer program?"


def _calls(approval: Approval, asked: Sequence[Place]) -> str:
    """Return a remark on a request that waits for an operator, and why, where its places do not say."""
    unclear = f"not reconciled, {plain(approval.unclear)}" if approval.unclear else ""
    whys = [unclear] if unclear and approval.open else []
    if any(needs_operator(place) for place in asked):
        return f"  (waits for you{''.join(f'; {why}' for why in whys)})"
    return "".join(f"  (waits for you: {why})" for why in whys)


def _without_card(place: Place, receipts: Sequence[Receipt]) -> str:
    """Return a remark about somebody who is asked and could not be told so."""
    if place.person is None or place.state is not PlaceState.PENDING:
        return ""
    mine = [r for r in receipts if r.person == place.person.id and r.round >= place.round]
    unseen = mine and all(r.state is not ReceiptState.SHOWN and not r.address for r in mine)
    return " (has no card)" if unseen else ""


def header(approval: Approval, tenant: Tenant) -> Iterator[str]:
    """Yield what names a request and how it stands."""
    year = f" ({plain(approval.key.year)})" if approval.key.year else ""
    number = f"{tenant.request_word} {plain(approval.display_number)}{year}"
    yield f"{approval.id}: {number} of {tenant.name}"
    stands = f"open since {at(approval.opened_at)}"
    if not approval.open:
        stands = f"closed since {at(approval.closed_at)}"
    counts = f"round {approval.round}, revision {approval.revision}"
    yield f"{stands}, {counts}, Xcv {plain(approval.xcv)}"
    yield from _details(approval)
    if approval.reconciled_at is not None:
        yield f"compared with {tenant.name} {at(approval.reconciled_at)}"
    if approval.unclear and approval.open:
        yield f"waits for you: not reconciled, {plain(approval.unclear)}"


def _details(approval: Approval) -> Iterator[str]:
    """Yield which details are not here; nobody waits for them."""
    for detail in approval.details:
        if detail.state is DetailState.FETCHING:
            yield f"details {plain(detail.name)}: asked for since {at(detail.asked_at)}"
        elif detail.state is DetailState.MISSING:
            yield f"details {plain(detail.name)}: not to be had, {plain(detail.reason)}"


def place_lines(
    approval: Approval, place: Place, tenant: Tenant, *, comments: bool
) -> Iterator[str]:
    """Yield who sits on a place, what it waits for, and what was decided there."""
    who = who_sits(place)
    asked = f", asked {at(place.asked_at)}" if place.asked_at else ""
    yield f"{place.seat}  {place.state.value:11}  {who}{asked}"
    yield f"   {waits_for(approval, place, tenant)}"
    if place.decision is not None:
        yield f"   {_decision(place.decision)}"
        if comments and place.decision.comment:
            yield f"   comment: {plain(place.decision.comment)}"
    if place.refusal is not None:
        said = f": {plain(place.refusal.message)}" if comments else ""
        why = f", {plain(place.refusal.reason)}" if place.refusal.reason else ""
        yield f"   {plain(place.refusal.action)} came back {at(place.refusal.at)}{why}{said}"


def waits_for(approval: Approval, place: Place, tenant: Tenant) -> str:
    """Say what has to happen next, and who has to do it."""
    if needs_operator(place):
        return f"waits for you: {_wanted(approval, place, tenant)}"
    match place.state:
        case PlaceState.PENDING:
            return _pending(approval, place, tenant)
        case PlaceState.SUBMITTING:
            return f"is being posted to {tenant.name}"
        case PlaceState.RETRYING | PlaceState.UNCONFIRMED:
            return _comes_again(place.decision, tenant)
        case PlaceState.ACCEPTED:
            return f"waits for the next ARX of {tenant.name}"
        case _:
            return _asks_nothing(place)


def _asks_nothing(place: Place) -> str:
    if not place.state.known:
        return "stands as only a newer version of the service knows"
    if place.names or place.erased:
        return "nothing is asked here"
    return "is one with another place of the same person"


def _comes_again(decision: Decision | None, tenant: Tenant) -> str:
    asked = decision.look_up if decision else None
    due = at(decision.due if decision else None)
    if asked:
        return f"{tenant.name} is asked at {at(asked)} what became of it"
    if decision is not None and decision.trouble == CLOSED:
        return f"is kept until {tenant.name} takes decisions again; looked at next at {due}"
    return f"is posted to {tenant.name} again at {due}"


def _wanted(approval: Approval, place: Place, tenant: Tenant) -> str:
    if place.unbound:
        return f"nobody can act here ({place.unbound}); an ARX that asks him looks again"
    if place.state is PlaceState.ACCEPTED:
        why = place.decision.trouble if place.decision else ""
        known = f" ({plain(why)})" if why else ""
        return f"{tenant.name} accepted, and its next ARX is overdue{known}; have it posted"
    return f"has {tenant.name} got this decision? Look there, then: {settle_line(approval, place)}"


def settle_line(approval: Approval, place: Place) -> str:
    """Return the command that ends the unconfirmed decision of a place."""
    return f"{PROGRAM} settle {approval.id} {place.seat} {'|'.join(Settlement)} --by YOU"


def _pending(approval: Approval, place: Place, tenant: Tenant) -> str:
    if place.person is None:
        return "is being looked up in the directory"
    held_by = holder(approval, place, tenant)
    return f"held by the decision of place {held_by.seat}" if held_by else "waits for the approver"


def _decision(decision: Decision) -> str:
    by = f"{plain(decision.action)} by {plain(decision.by.name)} at {at(decision.at)}"
    tried = f"attempt {decision.attempts} at {at(decision.attempted_at)}"
    met = f" met {plain(decision.trouble)}" if decision.trouble else ""
    return f"{by}, {tried}{met}, decision {decision.id}"


def card_line(approval: Approval, receipt: Receipt) -> str:
    """Say what became of one person's card."""
    place = approval.place_of(receipt.person)
    who = plain(name_of(place)) if place else str(receipt.person)
    why = f": {plain(receipt.reason)}" if receipt.reason else ""
    where = f"{receipt.channel}, round {receipt.round}"
    return f"{who}, {where}: {receipt.state.value} at {at(receipt.at)}{why}"


def event_line(event: HistoryEvent, *, comments: bool) -> str:
    """Say what happened; what people and tenants wrote only with *comments*."""
    named = {name: text for name, text in event.personal.items() if comments or name in NAMES}
    told = "  ".join(f"{name}={plain(text)}" for name, text in (event.facts | named).items())
    return f"{at(event.at)}  {event.kind.value:11}  {told}".rstrip()


def archived_in(line: str) -> Archived | None:
    """Return the request of a line of the archive; None if this program cannot read it."""
    try:
        return Archived.model_validate_json(line)
    except ValidationError:
        return None


def counted(count: int, one: str, many: str = "") -> str:
    """Return how many there are, "1 request" or "2 requests"."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def who_sits(place: Place) -> str:
    """Return who sits on a place, and what the tenant calls him."""
    if place.erased and not place.names:
        return "somebody who was erased"
    return f"{plain(name_of(place))} ({plain(place.alias)})"


def plain(text: str) -> str:
    """Return a text from outside as one line that cannot play with the terminal."""
    return cut(" ".join(clean(text).split()), LONGEST)


def at(moment: datetime | None) -> str:
    """Return a time as operators compare it with the log's."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "?"


def span(time: timedelta) -> str:
    """Return a length of time in the unit that says most."""
    seconds = round(time.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}s"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def from_now(moment: datetime, now: datetime) -> str:
    """Return when something is, and how far that is away."""
    if moment >= now:
        return f"{at(moment)}, in {span(moment - now)}"
    return f"{at(moment)}, {span(now - moment)} ago"


def job_line(queued: QueuedJob, scope: str, now: datetime) -> str:
    """Say how a job of the queue stands; *scope* is what to call where it lies."""
    kind = queued.job.kind.value if queued.job else "?"
    about = plain(queued.job.approval.number) if queued.job and queued.job.approval else "-"
    parts = [at(queued.next), f"{plain(scope)}", f"{kind:9}", about, _stands(queued, now)]
    if queued.failures:
        parts.append(f"failed {queued.failures} of {MOST_FAILURES} times")
    return "  ".join([*parts, plain(queued.key)])


def _stands(queued: QueuedJob, now: datetime) -> str:
    if queued.job is None:
        return "cannot be read; tried again then, and written anew when it is asked for again"
    if silence := silence_of(queued, now):
        return f"its worker is silent for {span(silence)}: another one takes it then"
    if queued.leased and queued.next > now:
        return "under way, leased until then"
    if queued.next > now:
        return f"in {span(queued.next - now)}"
    return f"late by {span(now - queued.next)}"


def payload_line(payload: Payload, tenant: Tenant | None = None) -> str:
    """Say what became of one payload of a *tenant*, if that is to be named, and for whom it was too old."""
    whose = f"{tenant.code}  " if tenant else ""
    skipped = f"  too old for: {', '.join(map(plain, payload.skipped))}" if payload.skipped else ""
    number = plain(payload.approval.number)
    year = f" ({plain(payload.approval.year)})" if payload.approval.year else ""
    what = f"{payload.disposition.value:10}  {payload.operation.name:6}"
    return f"{whose}{at(payload.received_at)}  {what}  {number}{year}  {payload.id}{skipped}"
