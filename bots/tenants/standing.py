"""What a tenant is told of its requests: who is asked, who can be reached, and what was decided."""

from collections.abc import Iterable
from datetime import UTC, datetime

from approvals_core.ledger import Delivery, deliveries
from approvals_core.models import (
    Approval,
    Contact,
    Decision,
    Letter,
    Payload,
    Person,
    PersonId,
    Place,
    PlaceState,
    Receipt,
    ReceiptState,
)
from approvals_core.ports import Store

Told = dict[str, object]


async def request_told(store: Store, approval: Approval, now: datetime) -> Told:
    """Return one request as its tenant sees it, who counts on what he is told."""
    await store.settled(approval)
    receipts = await store.receipts(approval.key)
    mails = await deliveries(store, approval)
    known = {place.person.id: place.person for place in approval.places if place.person}
    contacts = {who: await store.contact(who) for who in known}
    return {
        "DocumentTypeId": approval.key.tenant,
        "DocumentNumber": approval.key.number,
        "FiscalYear": approval.key.year,
        "DisplayDocumentNumber": approval.display_number,
        "Id": approval.id,
        "Open": approval.open,
        "Round": approval.round,
        "Revision": approval.revision,
        "OpenedAt": written(approval.opened_at),
        "ClosedAt": written(approval.closed_at),
        "Approvers": [
            _approver(place, _cards(receipts, approval, place), contacts, now)
            | {"Mails": [_mail(each) for each in mails if _is_his(each.letter, place)]}
            for place in approval.places
        ],
        "Mails": [_mail(each) for each in mails if each.letter.person is None],
    }


def payload_told(payload: Payload) -> Told:
    """Return what became of one payload."""
    return {
        "PayloadId": payload.id,
        "DocumentTypeId": payload.approval.tenant,
        "DocumentNumber": payload.approval.number,
        "FiscalYear": payload.approval.year,
        "Operation": int(payload.operation),
        "ReceivedAt": written(payload.received_at),
        "Disposition": payload.disposition.value,
        "Skipped": list(payload.skipped),
        "Warnings": list(payload.warnings),
    }


def written(at: datetime | None) -> str | None:
    """Return a time as it stands in answers: ISO 8601, UTC, milliseconds."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cards(receipts: Iterable[Receipt], approval: Approval, place: Place) -> list[Receipt]:
    person = place.person
    return [
        receipt
        for receipt in receipts
        if person and receipt.person == person.id and receipt.round == approval.round
    ]


def _approver(
    place: Place,
    cards: list[Receipt],
    contacts: dict[PersonId, Contact | None],
    now: datetime,
) -> Told:
    why_not = _unreachable(place, cards, contacts)
    return {
        "Alias": place.alias,
        "Name": place.name,
        "State": place.state.value,
        "AskedAt": written(place.asked_at),
        "Attempt": place.attempt,
        "Reachable": None if place.state is PlaceState.REMOVED else not why_not,
        "Reason": why_not or None,
        "Person": _person(place.person),
        "Cards": [_card(card, now) for card in cards],
        "Decision": _decision(place.decision, place),
        "LastRefusal": _refusal(place),
    }


def _unreachable(
    place: Place, cards: list[Receipt], contacts: dict[PersonId, Contact | None]
) -> str:
    if place.unbound:
        return place.unbound
    if place.person is None:
        return "not looked up yet"
    contact = contacts.get(place.person.id)
    if contact is not None and contact.closed:
        return contact.closed
    failed = (card.reason for card in cards if card.state is ReceiptState.UNREACHABLE)
    return next(failed, "")


def _person(person: Person | None) -> Told | None:
    if person is None:
        return None
    return {"ObjectId": person.object_id, "Name": person.name}


def _card(card: Receipt, now: datetime) -> Told:
    return {
        "Channel": card.channel,
        "State": card.state.value,
        "Reason": card.reason or None,
        "At": written(card.at),
        "AgeSeconds": max(0, round((now - card.at).total_seconds())),
    }


def _is_his(letter: Letter, place: Place) -> bool:
    """Tell whether a mail has, or would have had, the card of this place's person."""
    return place.person is not None and letter.person == place.person.id


def _mail(delivery: Delivery) -> Told:
    letter, job = delivery
    return {
        "Address": letter.address,
        "Occasion": letter.occasion.value,
        "State": letter.state.value,
        "Reason": letter.reason or None,
        "NextAttemptAt": written(job.next) if job else None,
        "SentAt": written(letter.sent_at),
        "SeenAt": written(letter.seen_at),
    }


def _decision(decision: Decision | None, place: Place) -> Told | None:
    if decision is None:
        return None
    return {
        "Id": decision.id,
        "Action": decision.action,
        "State": place.state.value,
        "At": written(decision.at),
        "Attempts": decision.attempts,
        "AttemptedAt": written(decision.attempted_at),
        "NextAttemptAt": written(decision.due),
        "AnsweredAt": written(decision.answered_at),
        "LastAnswer": decision.trouble or None,
        "Overdue": decision.overdue,
    }


def _refusal(place: Place) -> Told | None:
    refusal = place.refusal
    if refusal is None:
        return None
    return {
        "Action": refusal.action,
        "Message": refusal.message,
        "Reason": refusal.reason or None,
        "At": written(refusal.at),
    }
