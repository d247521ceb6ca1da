"""Takes a person's names and words out of what is stored, so that every history stays verifiable."""

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from approvals_core.models import (
    ActionTaken,
    Approval,
    EventKind,
    HistoryEvent,
    Letter,
    Notification,
    Payload,
    Person,
    PersonId,
    Place,
    Receipt,
    entries,
)
from approvals_core.models.archived import Archived
from approvals_core.models.held import Document, Held, Whole
from approvals_core.rules.draft import Draft, Stamp

ERASED = "(erased)"  # stands where his name stood
SHORTEST = 3  # characters of a name that is looked for within texts

# What names no person, whatever it says: an alias may be a word like "approve".
_MACHINES = frozenset(
    [
        "action",
        "approval",
        "channel",
        "decision",
        "details_digest",
        "digest",
        "disposition",
        "display_number",
        "facts",
        "hash",
        "head",
        "id",
        "key",
        "kind",
        "last_change",
        "notification",
        "operation",
        "previous",
        "salt",
        "state",
        "xcv",
    ]
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Erasure:
    """All that one person is known by, and what is done about it."""

    def __init__(self, person: PersonId, names: Collection[str] = ()) -> None:
        """*names* are whatever he is called; the shortest ones are looked for as whole texts only."""
        self.person = person
        known = {name.strip() for name in (*names, person.object_id)} - {"", ERASED}
        self.names = frozenset(known)
        self._folded = frozenset(name.casefold() for name in known)
        within = sorted((n for n in known if len(n) >= SHORTEST), key=len, reverse=True)
        self._within = re.compile(
            rf"(?<!\w)(?:{'|'.join(re.escape(name) for name in within)})(?!\w)", re.IGNORECASE
        )

    def may_be_in(self, text: str) -> bool:
        """Tell quickly whether he could be named in a stored text; True may be wrong."""
        folded = text.casefold()
        return any(name in folded or _in_json(name) in folded for name in self._folded)

    def text(self, text: str) -> str:
        """Return *text* without him."""
        if text.strip().casefold() in self._folded:
            return ERASED
        return self._within.sub(ERASED, text)

    def value(self, value: Any, field: str = "") -> Any:
        """Return what was read from JSON without him."""
        if field in _MACHINES:
            return value
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.value(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
            case dict():
                return {name: self.value(each, str(name)) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            case _:
                return value


class Erased(NamedTuple):
    """A request without the person, and its history."""

    approval: Approval
    events: tuple[HistoryEvent, ...]


def names_in(approval: Approval, person: PersonId) -> frozenset[str]:
    """
    Return what a request calls the person.

    An alias of a place on which he sits counts only if it is one of his own: an operator may
    have put him on somebody else's.
    """
    found = [each for each in _people(approval) if each.id == person]
    own = {name for each in found for name in _names_of(each)}
    folded = {name.casefold() for name in own}
    for place in approval.places:
        if place.alias.strip().casefold() in folded:
            own |= {place.alias, place.name}
    for taken in approval.taken:
        if taken.by.strip().casefold() in folded:
            own |= {taken.by, taken.name}
    return frozenset(own)


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
        _erase_taken(before, after, his=before.seat in seats)
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
    """Return what lies in the archive without the person; that he was erased is its last event."""
    erased = _with_event(
        erase_approval(archived.approval, erasure),
        erase_events(archived.approval, archived.events, erasure),
        by=by,
        stamp=stamp,
    )
    payloads = tuple(_erase_payload(each, erasure) for each in archived.payloads)
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
    draft.note(EventKind.ERASED, {"what": "a person"}, {"by": by})
    change = draft.change()
    return Erased(change.approval or approval, (*events, *change.events))


def _seats(approval: Approval, erasure: Erasure) -> frozenset[int]:
    return frozenset(
        place.seat
        for place in approval.places
        if (place.person is not None and place.person.id == erasure.person)
        or (place.person is None and erasure.text(place.alias) == ERASED)
    )


def _erase_place(before: Place, after: Place, *, his: bool) -> Place:
    if his:
        gone = {"person": None, "names": (), "name": "", "refusal": None, "original_approvers": ()}
        return after.model_copy(update=gone | {"unbound": "", "erased": True})
    return after.model_copy(update={"erased": before.erased or before.names != after.names})


def _erase_taken(before: ActionTaken, after: ActionTaken, *, his: bool) -> ActionTaken:
    if his or before.by != after.by:
        return after.model_copy(update={"by": ERASED, "name": "", "comment": ""})
    return after


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
    named = any(erasure.may_be_in(text) for text in event.personal.values())
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
    return Receipt.model_validate_json(record).person == erasure.person or erasure.may_be_in(record)


def _is_his_mail(record: str, erasure: Erasure) -> bool:
    return Letter.model_validate_json(record).person == erasure.person or erasure.may_be_in(record)


def _people(approval: Approval) -> list[Person]:
    """Return everybody of a directory whom the request names."""
    found = [place.person for place in approval.places]
    for place in approval.places:
        if place.decision is not None:
            found += [place.decision.by, place.decision.new_approver]
    return [person for person in found if person is not None]


def _names_of(person: Person) -> Collection[str]:
    names = {person.name, person.upn, person.upn.partition("@")[0], person.nickname}
    return {name for name in names if name.strip()}


def _lists(approval: Approval) -> tuple[tuple[str, int], ...]:
    micro = timedelta(microseconds=1)
    return tuple(sorted((each.list, (each.at - _EPOCH) // micro) for each in entries(approval)))


def _in_json(name: str) -> str:
    """Return a name as it stands within a text of JSON, whose marks and backslashes are escaped."""
    return name.replace("\\", "\\\\").replace('"', '\\"')
