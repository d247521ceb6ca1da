"""Says in sentences why a place stands as it does: what it waits for, who can move it on, and what comes next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from approvals_core.models import (
    Approval,
    Contact,
    Decision,
    Place,
    PlaceState,
    QueuedJob,
    Receipt,
    ReceiptState,
)
from approvals_core.ports import NotFound
from approvals_core.rules.closing import CLOSED
from approvals_core.rules.standing import holder, name_of, offered
from approvals_core.tenant import AliasIs, Closed, Tenant, WhileClosed
from approvals_core.worker import MOST_FAILURES
from bots.cli.telling import PROGRAM, at, from_now, plain, span


@dataclass(frozen=True)
class Card:
    """One channel's card of a place's person: what is known of it, and the job that is about it."""

    channel: str
    receipt: Receipt | None
    job: QueuedJob | None


@dataclass(frozen=True)
class Seen:
    """
    A place and all that its explanation is made from.

    *needed* tells whether it must have a job; *job* is that job, None if there is none.
    """

    approval: Approval
    tenant: Tenant
    place: Place
    now: datetime
    needed: bool = False
    job: QueuedJob | None = None
    contact: Contact | None = None
    cards: tuple[Card, ...] = ()


def explained(seen: Seen) -> Iterator[str]:
    """Yield the explanation of one place, a sentence or a command a line."""
    yield from _standing(seen)
    if seen.needed and not _said(seen):
        yield _job(seen)
    for card in seen.cards:
        yield from _card(seen, card)


def _standing(seen: Seen) -> Iterator[str]:
    place, decision = seen.place, seen.place.decision
    if not place.names and place.erased:
        yield "The person who sat here was erased. Nothing is asked here, and nothing will be."
    elif not place.names:
        yield "It turned out to be the same person as another place, and is one with it."
    elif place.state is PlaceState.REMOVED:
        yield "Nothing is asked here. An ARX that names him in Approvers asks him again."
    elif place.unbound:
        yield from _unbound(seen)
    elif not place.state.known:
        yield "Only a newer version of the service knows what that is. Ask with that one."
    elif decision is not None:
        yield from _decided(seen, decision)
    elif place.person is None:
        yield f"Is being looked up in the directory {seen.tenant.people.directory}."
    else:
        yield from _pending(seen)


def _pending(seen: Seen) -> Iterator[str]:
    place, tenant = seen.place, seen.tenant
    since = f"since {at(place.asked_at)}"
    held_by = holder(seen.approval, place, tenant)
    if held_by is not None:
        yield (
            f"Asked {since}, and held by the decision of place {held_by.seat}: the first one"
            " decides for all. It can be decided again once that decision comes back."
        )
    else:
        waits = f"Waits for {plain(name_of(place))} to decide, {since}."
        yield f"{waits} Until then only an ARX of {tenant.name} changes what is asked."
    if place.refusal is not None:
        why = f" ({plain(place.refusal.reason)})" if place.refusal.reason else ""
        yield (
            f"His last decision came back at {at(place.refusal.at)}{why}. What was said: see"
            f" `{PROGRAM} requests show {seen.approval.id} --comments`."
        )
    yield from _hindrances(seen)


def _hindrances(seen: Seen) -> Iterator[str]:
    if (closed := seen.tenant.closed(seen.now)) is not None:
        yield _closed(seen.tenant, closed)
    if not offered(seen.approval, seen.tenant):
        allowed = seen.approval.content.actions if seen.approval.content else ()
        yield (
            f"Nobody can decide: the ARX allows {', '.join(map(plain, allowed))}, and the file of"
            f" {seen.tenant.name} has none of these actions."
        )


def _closed(tenant: Tenant, closed: Closed) -> str:
    until = f" until {at(closed.until)}" if closed.until else ""
    said = f"{tenant.name} takes no decisions{until}: see `{PROGRAM} tenants list`."
    if closed.decisions is WhileClosed.WAIT:
        return f"{said} He can decide, and it is kept until then."
    return f"Nobody can decide: {said}"


def _unbound(seen: Seen) -> Iterator[str]:
    place, tenant = seen.place, seen.tenant
    yield (
        f"Waits for you, since {at(place.asked_at)}: nobody can act here, because"
        f" {_why_unbound(place, tenant)}."
    )
    yield (
        f"Mend the directory or the file of {tenant.name}; the next ARX that asks him looks again."
    )
    rebind = f"{PROGRAM} rebind {seen.approval.id} {place.seat} PERSON --by YOU"
    yield f"Or put somebody there yourself: {rebind}"


def _why_unbound(place: Place, tenant: Tenant) -> str:
    people = tenant.people
    if people.alias_is is AliasIs.MAIL_NICKNAME or "@" in place.alias:
        looked = ""
    else:
        looked = ", nor as " + " or ".join(f"{plain(place.alias)}@{d}" for d in people.mail_domains)
    reasons = {
        NotFound.UNKNOWN.value: (
            f"the directory {people.directory} knows nobody as {plain(place.alias)}"
            f"{looked if people.mail_domains else ''}"
        ),
        NotFound.SEVERAL.value: (
            f"the directory {people.directory} knows several people as {plain(place.alias)}"
        ),
        NotFound.DISABLED.value: f"the account of {plain(place.alias)} is disabled",
        NotFound.GUEST.value: (
            f"{plain(place.alias)} is a guest, and `people.guests` of {tenant.name} is not set"
        ),
    }
    return reasons.get(place.unbound, plain(place.unbound))


def _decided(seen: Seen, decision: Decision) -> Iterator[str]:
    by = f"{plain(decision.by.name)} decided at {at(decision.at)} ({plain(decision.action)})"
    match seen.place.state:
        case PlaceState.SUBMITTING:
            yield f"{by}, and {seen.tenant.name} is being told: {_attempts(seen, decision)}."
            yield f"It has {seen.tenant.api.answer_within:g} seconds to answer."
        case PlaceState.RETRYING if decision.trouble == CLOSED:
            yield f"{by}. {_why_kept(seen)}"
            yield _next(seen, decision)
        case PlaceState.RETRYING:
            yield f"{by}. {seen.tenant.name} did not take it yet: {_attempts(seen, decision)}."
            yield f"{_next(seen, decision)} After the last one it goes back to him."
        case PlaceState.UNCONFIRMED:
            yield f"{by}. Nobody knows whether {seen.tenant.name} has it: {_attempts(seen, decision)}."
            yield from _unconfirmed(seen, decision)
        case _:
            yield from _accepted(seen, decision, by)


def _attempts(seen: Seen, decision: Decision) -> str:
    of = f"attempt {decision.attempts} of at most {seen.tenant.limits.posts}"
    met = f" and met {plain(decision.trouble)}" if decision.trouble else ""
    return f"{of} was begun at {at(decision.attempted_at)}{met}"


def _why_kept(seen: Seen) -> str:
    if seen.tenant.closed(seen.now) is not None:
        return f"It is kept, because {seen.tenant.name} takes no decisions now."
    return f"It was kept while {seen.tenant.name} took no decisions; it takes them again."


def _next(seen: Seen, decision: Decision) -> str:
    left = max(0, seen.tenant.limits.posts - decision.attempts)
    when = from_now(decision.due, seen.now) if decision.due else "?"
    posted = "The same is posted again" if decision.attempts else "It is posted"
    lasts = f"; {left} attempt{'' if left == 1 else 's'} left" if decision.attempts else ""
    if seen.tenant.closed(seen.now) is not None:
        once = f"once {seen.tenant.name} takes decisions again"
        return f"{posted} {once}; that is looked at next at {when}{lasts}."
    return f"{posted} at {when}{lasts}."


def _unconfirmed(seen: Seen, decision: Decision) -> Iterator[str]:
    approval, place, tenant = seen.approval, seen.place, seen.tenant
    if decision.look_up is not None:
        when = from_now(decision.look_up, seen.now)
        yield f"{tenant.name} is asked what became of it at {when}; asked {decision.looked_up} times so far."
        return
    if decision.due is not None:
        yield f"{tenant.name} counts the same id once, so it is safe to ask again."
        yield _next(seen, decision)
        return
    yield f"Waits for you: {_why_not_again(seen, decision)}."
    settle = f"{PROGRAM} settle {approval.id} {place.seat}"
    yield f"Look into {tenant.name} for the decision of {plain(place.alias)}, then say what is so:"
    yield f"  it is there:         {settle} accepted --by YOU"
    yield f"  it is not:           {settle} not-taken --by YOU"
    yield f"  twice does no harm:  {settle} post-again --by YOU"
    yield f"An ARX that names {plain(place.alias)} ends it, too."


def _why_not_again(seen: Seen, decision: Decision) -> str:
    if not seen.tenant.api.idempotent:
        return f"{seen.tenant.name} might count the same decision twice, so it is not posted again"
    if decision.revision != seen.approval.revision:
        return "the request changed since, so it is not posted again"
    return "all attempts are used up, or the job was given up"


def _accepted(seen: Seen, decision: Decision, by: str) -> Iterator[str]:
    tenant, alias = seen.tenant, plain(seen.place.alias)
    yield f"{by}, and {tenant.name} accepted at {at(decision.answered_at)}."
    if not decision.overdue:
        yield "It owes the ARX that moves the request on; if none comes, it is put before you."
        return
    yield (
        f"Waits for you: the ARX it owes did not come within {tenant.reconcile.after:g} seconds."
    )
    if decision.trouble:
        yield f"What is known beside that: {plain(decision.trouble)}."
    yield (
        f"Have {tenant.name} post one with {alias} in DeleteFor or ActionDetail, or in Approvers"
        " if he is asked again."
    )


def _said(seen: Seen) -> bool:
    """Tell whether the place's job is due just when its decision says, as it should be."""
    decision, job = seen.place.decision, seen.job
    if decision is None or job is None or job.job is None or job.failures or job.leased:
        return False
    return seen.now < job.next == decision.due


def _job(seen: Seen) -> str:
    if seen.job is None:
        return "Its job is missing. The hourly look for such places writes it anew."
    if seen.job.job is None:
        return "Its job cannot be read by this program. The hourly look for such places mends it."
    failed = ""
    if seen.job.failures:
        left = MOST_FAILURES - seen.job.failures
        failed = f" It failed {seen.job.failures} times; after {left} more it is a dead letter."
    return f"{_when(seen.job, seen.now)}{failed}"


def _when(job: QueuedJob, now: datetime) -> str:
    if job.leased and job.next > now:
        return f"Its job is under way; if that process died, another one begins at {at(job.next)}."
    if job.next <= now:
        late = span(now - job.next)
        return f"Its job is due, and late by {late}. Is the service running?"
    return f"Its job is due at {from_now(job.next, now)}."


def _card(seen: Seen, card: Card) -> Iterator[str]:
    name, receipt = f"The card in {card.channel}", card.receipt
    again = f" Next look: {from_now(card.job.next, seen.now)}." if card.job else ""
    why = f": {plain(receipt.reason)}" if receipt and receipt.reason else ""
    if receipt is None:
        yield f"{name} was not sent yet.{again or ' Nothing sends it: the next ARX does.'}"
    elif receipt.state is ReceiptState.SHOWN and not why:
        older = " It is about to change." if card.job else " It shows what is true."
        yield f"{name} was last written at {at(receipt.at)}.{older}{again}"
    elif receipt.state is ReceiptState.GONE:
        yield f"{name} is gone since {at(receipt.at)}{why}."
    else:
        shows = "shows an older state" if receipt.address else "could not be shown"
        yield f"{name} {shows}, seen at {at(receipt.at)}{why}.{again}"
        yield from _reachable(seen)


def _reachable(seen: Seen) -> Iterator[str]:
    who, contact = plain(name_of(seen.place)), seen.contact
    if contact is None or not contact.conversation:
        yield f"{who} has no chat with the bot. Once he installs the app, the card comes."
    elif contact.closed:
        yield (
            f"The chat of {who} is closed: {plain(contact.closed)}. Once he writes to the bot or"
            " installs it again, the card comes."
        )
