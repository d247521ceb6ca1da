"""A change being written: the rules note what happens, and it becomes one value."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from approvals_core.models import (
    Approval,
    Change,
    EventKind,
    HistoryEvent,
    Job,
    JobKind,
    Lane,
    Lease,
    Payload,
    PersonId,
    Place,
    Trace,
)

ERASED_FROM = (
    "events"  # fact of `EventKind.ERASED`: numbers of the events whose texts are gone, with commas
)


class Stamp(NamedTuple):
    """What a rule cannot know by itself: the time, three names nobody can guess, and the trace."""

    at: datetime
    change: str  # id of the change
    salt: str  # hex, for the digests of personal texts
    name: str  # for a new approval: 80 random bits, base32 in lower case
    trace: Trace = Trace()  # in which the change is made


class Draft:
    """One step of one approval in the making. Not shared, not kept."""

    def __init__(self, approval: Approval, stamp: Stamp) -> None:
        self.approval = approval
        self.stamp = stamp
        self._events: list[HistoryEvent] = []
        self._jobs: dict[str, Job] = {}
        self._bodies: dict[str, str | None] = {}
        self._payload: Payload | None = None
        self._claim: Lease | None = None

    @property
    def at(self) -> datetime:
        """Return the time of this step."""
        return self.stamp.at

    def set(self, **fields: object) -> None:
        """Replace fields of the approval."""
        self.approval = self.approval.model_copy(update=fields)

    def put(self, place: Place, **fields: object) -> Place:
        """Save *place* with these fields replaced; a new seat is added at the end."""
        placed = place.model_copy(update=fields)
        places = list(self.approval.places)
        places[placed.seat : placed.seat + 1] = [placed]
        self.set(places=tuple(places))
        return placed

    def note(
        self,
        kind: EventKind,
        facts: Mapping[str, object] | None = None,
        personal: Mapping[str, str] | None = None,
    ) -> None:
        """Add an event to the history's chain; empty values are left out."""
        event = HistoryEvent(
            seq=self.approval.events,
            kind=kind,
            at=self.at,
            facts={k: str(v) for k, v in (facts or {}).items() if v not in ("", None)},
            personal={k: v for k, v in (personal or {}).items() if v},
            previous=self.approval.head,
        )
        linked = seal(event, salt=self.stamp.salt)
        self._events.append(linked)
        self.set(events=linked.seq + 1, head=linked.hash)

    def job(self, key: str, kind: JobKind, lane: Lane, *, due: datetime, **about: object) -> Job:
        """Leave something to do."""
        job = Job.model_validate(
            {"key": key, "kind": kind, "lane": lane, "due": due, "approval": self.approval.key}
            | about,
            extra="forbid",
        )
        self._jobs[key] = job
        return job

    def leave(self, job: Job) -> None:
        """Leave *job* to be done when it is due."""
        self._jobs[job.key] = job

    def again(self, job: Job) -> None:
        """Leave *job* to be done now, once more."""
        self._jobs[job.key] = job.model_copy(update={"due": self.at})

    def claim(self, job: Job, *, seconds: float) -> Lease:
        """Hand *job* to the process that commits this, for *seconds*."""
        until = self.at + timedelta(seconds=seconds)
        self._claim = Lease(self.approval.key.scope, job.key, self.stamp.change, until)
        return self._claim

    def body(self, name: str, text: str | None) -> None:
        """Put a text beside the approval; None takes it away."""
        self._bodies[name] = text

    def keep(self, payload: Payload) -> None:
        """Remember the payload that caused this step."""
        self._payload = payload

    def converge(self, *, channels: tuple[str, ...], after: float = 0.0) -> None:
        """Ask for every card of this round to show what is true, in *after* seconds."""
        for place in self.approval.places:
            if place.round == self.approval.round and place.round:
                self.converge_one(place, channels=channels, due=self.at + timedelta(seconds=after))

    def converge_one(self, place: Place, *, channels: tuple[str, ...], due: datetime) -> None:
        """Ask for one person's cards; one who is not known yet gets his once found."""
        if place.person is None:
            return
        if place.quiet_until is not None:
            due = max(due, place.quiet_until)
        for channel in channels:
            job = card_job(self.approval, place.round, place.person.id, channel, due=due)
            self._jobs[job.key] = job

    def change(self, *, finish: Lease | None = None) -> Change:
        """Return the step as one value, with the version raised."""
        self.set(version=self.approval.version + 1, last_change=self.stamp.change)
        return Change(
            id=self.stamp.change,
            scope=self.approval.key.scope,
            approval=self.approval,
            events=tuple(self._events),
            bodies=self._bodies,
            payload=self._payload,
            jobs=tuple(self._jobs.values()),
            claim=self._claim,
            finish=finish,
        )


def card_job_key(approval: Approval, round_: int, person: PersonId, channel: str) -> str:
    """Name the one job that makes a person's card of a round converge."""
    return f"card/{approval.id}/{round_}/{person}/{channel}"


def card_job(
    approval: Approval, round_: int, person: PersonId, channel: str, *, due: datetime
) -> Job:
    """Return the job that makes a person's card of a round converge."""
    return Job(
        key=card_job_key(approval, round_, person, channel),
        kind=JobKind.CARD,
        lane=Lane.CARD,
        due=due,
        approval=approval.key,
        person=person,
        channel=channel,
        round=round_,
    )


def seal(event: HistoryEvent, *, salt: str) -> HistoryEvent:
    """Return *event* with its salted digest and its hash, linked to the one before."""
    digest = ""
    if event.personal:
        digest = _sha256(salt + _canonical(event.personal))
    named = event.model_copy(update={"salt": salt if digest else "", "digest": digest})
    return named.model_copy(update={"hash": link(named)})


def link(event: HistoryEvent) -> str:
    """Compute the hash of an event from what it links: never from the personal texts."""
    linked = {
        "seq": event.seq,
        "kind": event.kind,
        "at": event.at.isoformat(),
        "facts": event.facts,
        "digest": event.digest,
        "previous": event.previous,
    }
    return _sha256(_canonical(linked))


def chain_is_sound(events: tuple[HistoryEvent, ...], *, head: str) -> bool:
    """
    Tell whether *events* are the whole history that ends in *head*, unaltered.

    Personal texts may be gone only where a later event says that somebody was erased, and
    that it was from there. (Older ones do not say from where.)
    """
    previous, blanked = "", _blanked(events)
    for number, event in enumerate(events):
        gone = not event.salt and not event.personal
        told = event.digest == (
            _sha256(event.salt + _canonical(event.personal)) if not gone else ""
        )
        told = told or (gone and number in blanked)
        if event.seq != number or event.previous != previous or not told:
            return False
        if event.hash != link(event):
            return False
        previous = event.hash
    return previous == head


def _blanked(events: Sequence[HistoryEvent]) -> Collection[int]:
    """Return the numbers of the events of which later ones say that their texts were erased."""
    found = set[int]()
    for event in events:
        if event.kind is EventKind.ERASED:
            named = event.facts.get(ERASED_FROM)
            earlier = range(event.seq)
            found |= {n for n in earlier if named is None or str(n) in named.split(",")}
    return found


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _canonical(value: object) -> str:
    return _CANONICAL.encode(value)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
