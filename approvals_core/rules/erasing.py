"""Takes a person's names and words out of what is stored, so that every history stays verifiable."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from approvals_core.models import (
    ActionTaken,
    Approval,
    EventKind,
    HistoryEvent,
    Job,
    Letter,
    Notification,
    Payload,
    Place,
    Receipt,
    entries,
)
from approvals_core.models.archived import Archived
from approvals_core.models.held import Document, Held, Whole
from approvals_core.rules.draft import ERASED_FROM, Draft, Stamp
from approvals_core.rules.erasure import ERASED, Erasure

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Erased(NamedTuple):
    """A request without the person, and its history."""

    approval: Approval
    events: tuple[HistoryEvent, ...]


def is_about(document: Document, erasure: Erasure) -> bool:
    """
    Tell whether a request, its history or what lies beside it names the person, or is his.

    Raises:
        ValidationError: This program cannot read it.
    """
    approval = Approval.model_validate_json(document.record)
    events = [HistoryEvent.model_validate_json(each) for each in document.events]
    return (
        _names_him(approval, events, erasure)
        or any(_is_his_card(each[-1], erasure) for each in document.receipts)
        or any(_is_his_mail(each[-1], erasure) for each in document.letters)
        or any(erasure.is_in(text) for _name, text in document.bodies)
    )


def _names_him(approval: Approval, events: Sequence[HistoryEvent], erasure: Erasure) -> bool:
    told = [each.id for each in approval.notifications]
    if erase_approval(approval, erasure, told) != approval:
        return True
    return erase_events(approval, events, erasure) != tuple(events)


def erase_approval(approval: Approval, erasure: Erasure, awaited: Collection[str] = ()) -> Approval:
    """
    Return the request without the person; who sat where stays as a place of nobody.

    *awaited* are the ids of the notifications of which a mail is still to be sent.
    """
    seats = _seats(approval, erasure)
    read = Approval.model_validate(erasure.value(approval.model_dump(mode="json")))
    places = [
        _erase_place(before, after, his=before.seat in seats)
        for before, after in zip(approval.places, read.places, strict=True)
    ]
    taken = [
        _erase_taken(after, his=before.seat in seats or erasure.is_called(before.by))
        for before, after in zip(approval.taken, read.taken, strict=True)
    ]
    # No address is needed any more, but for mails to others that wait to be sent.
    told = [
        _erase_notification(before, after)
        for before, after in zip(approval.notifications, read.notifications, strict=True)
        if before.id in awaited
    ]
    fields = {"places": tuple(places), "taken": tuple(taken), "notifications": tuple(told)}
    return read.model_copy(update=fields)


def erase_events(
    approval: Approval, events: Collection[HistoryEvent], erasure: Erasure
) -> tuple[HistoryEvent, ...]:
    """Return the history with all personal texts gone of each event that is about him."""
    seats = {str(seat) for seat in _seats(approval, erasure)}
    return tuple(_erase_event(event, erasure, seats) for event in events)


def erase_archived(archived: Archived, erasure: Erasure, *, by: str, stamp: Stamp) -> Archived:
    """
    Return what lies in the archive without the person; that he was erased is its last event.

    What does not name him is returned as it is.
    """
    payloads = tuple(_erase_payload(each, erasure) for each in archived.payloads)
    named = _names_him(archived.approval, archived.events, erasure)
    if not named and payloads == archived.payloads:
        return archived
    erased = _with_event(
        erase_approval(archived.approval, erasure),
        erase_events(archived.approval, archived.events, erasure),
        by=by,
        stamp=stamp,
    )
    update = {"approval": erased.approval, "events": erased.events, "payloads": payloads}
    return archived.model_copy(update=update)


def erase_whole(
    whole: Whole, erasure: Erasure, *, by: str, stamp: Stamp, awaited: Collection[str] = ()
) -> Whole:
    """
    Return a closed request without the person, as it is to be stored.

    Its texts, which would go within the hour, and the cards and mails that are his go now.
    *awaited*: see `erase_approval`.
    """
    document = whole.document
    approval = Approval.model_validate_json(document.record)
    events = [HistoryEvent.model_validate_json(each) for each in document.events]
    erased = _with_event(
        erase_approval(approval, erasure, awaited),
        erase_events(approval, events, erasure),
        by=by,
        stamp=stamp,
    )
    return Whole(
        Document(
            key=document.key,
            id=document.id,
            version=erased.approval.version,
            last_change=erased.approval.last_change,
            record=erased.approval.model_dump_json(),
            lists=_lists(erased.approval),
            events=tuple(each.model_dump_json() for each in erased.events),
            receipts=tuple(
                each for each in document.receipts if not _is_his_card(each[-1], erasure)
            ),
            letters=tuple(each for each in document.letters if not _is_his_mail(each[-1], erasure)),
        ),
        tuple(erase_held_payload(each, erasure) for each in whole.payloads),
    )


def _with_event(
    approval: Approval, events: tuple[HistoryEvent, ...], *, by: str, stamp: Stamp
) -> Erased:
    draft = Draft(approval, stamp)
    blank = ",".join(str(each.seq) for each in events if each.digest and not each.salt)
    draft.note(EventKind.ERASED, {"what": "a person", ERASED_FROM: blank}, {"by": by})
    change = draft.change()
    return Erased(change.approval or approval, (*events, *change.events))


def _seats(approval: Approval, erasure: Erasure) -> frozenset[int]:
    return frozenset(
        place.seat
        for place in approval.places
        if (place.person is not None and place.person.id == erasure.person)
        or (place.person is None and erasure.is_called(place.alias))
    )


def _erase_place(before: Place, after: Place, *, his: bool) -> Place:
    if his:
        gone = {"person": None, "names": (), "name": "", "refusal": None, "original_approvers": ()}
        return after.model_copy(update=gone | {"unbound": "", "erased": True})
    return after.model_copy(update={"erased": before.erased or before.names != after.names})


def _erase_taken(taken: ActionTaken, *, his: bool) -> ActionTaken:
    gone = {"by": ERASED, "name": "", "comment": ""}
    return taken.model_copy(update=gone) if his else taken


def _erase_notification(before: Notification, after: Notification) -> Notification:
    """Leave out each address that names him; the others stay as they are."""
    kept = {
        "to": _in_both(before.to, after.to),
        "cc": _in_both(before.cc, after.cc),
        "bcc": _in_both(before.bcc, after.bcc),
    }
    return after.model_copy(update=kept)


def _in_both(before: Collection[str], after: Collection[str]) -> tuple[str, ...]:
    return tuple(one for one, other in zip(before, after, strict=True) if one == other)


def _erase_event(event: HistoryEvent, erasure: Erasure, seats: Collection[str]) -> HistoryEvent:
    named = erasure.value(event.personal) != event.personal
    if named or event.facts.get("seat") in seats:
        return event.model_copy(update={"personal": {}, "salt": ""})
    return event


def _erase_payload(payload: Payload, erasure: Erasure) -> Payload:
    return Payload.model_validate(erasure.value(payload.model_dump(mode="json")))


def erase_held_payload(held: Held, erasure: Erasure) -> Held:
    """Return the record of a payload without the person."""
    *values, record = held.values
    payload = _erase_payload(Payload.model_validate_json(str(record)), erasure)
    return held._replace(values=(*values, payload.model_dump_json()))


def _is_his_card(record: str, erasure: Erasure) -> bool:
    return Receipt.model_validate_json(record).person == erasure.person


def _is_his_mail(record: str, erasure: Erasure) -> bool:
    letter = Letter.model_validate_json(record)
    return letter.person == erasure.person or erasure.is_called(letter.address)


def is_his_job(job: Job, erasure: Erasure) -> bool:
    """Tell whether a job is there for nobody but the person: his card, or a mail to him."""
    return job.person == erasure.person or erasure.is_called(job.address)


def _lists(approval: Approval) -> tuple[tuple[str, int], ...]:
    micro = timedelta(microseconds=1)
    return tuple(sorted((each.list, (each.at - _EPOCH) // micro) for each in entries(approval)))
