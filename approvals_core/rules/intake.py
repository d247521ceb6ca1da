"""What a payload does to an approval: who is asked, who no longer, and what about."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from approvals_core.arx import Arx, ArxApprover, fold
from approvals_core.models import (
    Approval,
    Change,
    Disposition,
    EventKind,
    Mark,
    Operation,
    Payload,
    Place,
)
from approvals_core.rules import details, reminding
from approvals_core.rules.asking import ask, is_named, look_up, new_place, open_or_close, remove
from approvals_core.rules.draft import Draft, Stamp
from approvals_core.rules.notifying import Word, notify
from approvals_core.rules.recording import Recording
from approvals_core.rules.revising import revise
from approvals_core.tenant import Tenant

_NONE: Mapping[str, str] = MappingProxyType({})

TICKS = 10_000_000  # per second: OperationDateTime counts 100 ns


class Received(NamedTuple):
    """What `receive` made of a payload."""

    change: Change
    payload: Payload


def receive(
    approval: Approval | None,
    arx: Arx,
    *,
    tenant: Tenant,
    payload_id: str,
    stamp: Stamp,
    stored: Mapping[str, str] = _NONE,
    archived_to: int = 0,
) -> Received:
    """
    Apply *arx* to the approval, or to a new one.

    *stored* are the texts of the details by operation, where `needs_stored`. *archived_to* is
    for a new one: in ticks, up to when a request of the same document was heard of that is in
    the archive. What is not newer belongs to that one, which was decided long ago.

    Order is kept per approver: an entry that is older than what was applied for
    its approver is skipped, and the payload says so.
    """
    reading = _Reading(approval or _new(arx, tenant, stamp, archived_to), arx, tenant, stamp)
    details.remember(reading.draft, stored)
    reading.known = reading.draft.approval.details
    reading.apply()
    return reading.finish(payload_id)


class _Reading:
    """One payload being applied to one approval."""

    def __init__(self, approval: Approval, arx: Arx, tenant: Tenant, stamp: Stamp) -> None:
        self.draft = Draft(approval, stamp)
        self.arx = arx
        self.tenant = tenant
        self.before = approval
        self.known = approval.details
        # Without OperationDateTime there is nothing to compare: our clock would make old what is not.
        self.mark = Mark(0, 0) if arx.ticks is None else Mark(arx.ticks, arx.operation)
        self.anew = _starts_anew(approval, arx)
        self.archived = arx.ticks is not None and arx.ticks <= approval.archived_to
        self.skipped: list[str] = []
        self.asked: set[int] = set()  # seats
        self.applied = 0

    def apply(self) -> None:
        """Do all that this payload says and that is not older than what stands."""
        recording = self._recording()
        acted = recording.record() if recording else None
        for name in self.arx.delete_for:
            self._remove(name)
        if self.arx.operation is not Operation.DELETE:
            for approver in self.arx.approvers:
                self._ask(approver)
        if recording is not None and acted is not None:
            recording.settle(acted)
        self._take_content()
        brought = self._take_details()
        open_or_close(self.draft, self.before)
        self._ask_for_details(brought)
        self._revise()

    def finish(self, payload_id: str) -> Received:
        """Return the change, with the payload's record in it."""
        draft, arx = self.draft, self.arx
        disposition = self._disposition()
        superseded, traced = disposition is Disposition.SUPERSEDED, draft.stamp.trace
        # What is old asks for mails about what is old.
        told = () if superseded else self._notify(payload_id)
        reminding.schedule(
            draft
        )  # by what came now, or before: whoever is asked again is reminded again
        payload = Payload(
            id=payload_id,
            approval=arx.key,
            digest=arx.digest,
            operation=arx.operation,
            received_at=draft.at,
            disposition=disposition,
            skipped=tuple(self.skipped),
            warnings=(*arx.warnings, *told),
        )
        kind = EventKind.SUPERSEDED if superseded else EventKind.RECEIVED
        draft.note(kind, {"operation": arx.operation.name, "payload": payload_id})
        draft.set(
            newest=max(self.before.newest, self.mark.ticks),
            created=self.before.created or arx.operation is Operation.CREATE,
            xcv=arx.xcv or self.before.xcv,
            heard=self.before.heard + 1,
            heard_at=draft.at,
            unclear="",
            trace=self.before.trace if superseded or not traced.parent else traced,
        )
        draft.keep(payload)
        draft.body(f"payload/{payload_id}", arx.raw)
        draft.converge(channels=self.tenant.pushed)
        return Received(draft.change(), payload)

    def _notify(self, payload_id: str) -> tuple[str, ...]:
        seats = tuple(sorted(self.asked)) if self.arx.approvers else None
        word = Word(payload_id, mark=self._mark_of_mails(), seats=seats)
        return notify(self.draft, self.arx, word, tenant=self.tenant)

    def _mark_of_mails(self) -> Mark | None:
        """Return how new it is that somebody is asked: as at his place, it counts though it came late."""
        if self.arx.ticks is None:
            return None
        places = self.draft.approval.places
        return max((self.mark, *(places[seat].mark for seat in self.asked)))

    def _disposition(self) -> Disposition:
        if not self.skipped:
            return Disposition.APPLIED
        return Disposition.PARTIAL if self.applied else Disposition.SUPERSEDED

    def _recording(self) -> Recording | None:
        action = self.arx.action
        if action is None or self.archived:
            return None
        place = self._find(action.by.alias) if action.by.alias else None
        return Recording(self.draft, action, place, self.tenant, applies=self._applies)

    # -- places -------------------------------------------------------------

    def _find(self, name: str) -> Place | None:
        wanted = fold(name, self.tenant.people.mail_domains)
        places = self.draft.approval.places
        return next((p for p in places if is_named(p, wanted, self.tenant)), None)

    def _applies(self, place: Place) -> bool:
        """Tell whether this payload is not older than what was applied to *place*."""
        if self.arx.ticks is None or self.anew or self.mark >= place.mark:
            return True
        allowance = int(self.tenant.limits.clock_allowance * TICKS)
        return place.decision is not None and self.mark.ticks >= place.mark.ticks - allowance

    def _newer(self, mark: Mark | None) -> bool:
        if self.archived:
            return False
        return mark is None or self.arx.ticks is None or self.anew or self.mark >= mark

    def _before_erasing(self) -> bool:
        """Tell whether this is older than what an approver was told whose names are known no more."""
        marks = [place.mark for place in self.draft.approval.places if place.erased]
        return bool(marks) and not self._newer(max(marks))

    def _is_late(self, place: Place | None) -> bool:
        """Tell whether this is older than what was applied to *place*; None: to nobody known."""
        if self.archived:
            return True
        if place is None:
            return self._before_erasing()
        return not self._applies(place)

    def _raised(self, mark: Mark) -> Mark:
        return max(mark, self.mark)

    def _remove(self, name: str) -> None:
        place = self._find(name)
        if self._is_late(place):
            self.skipped.append(name)
            return
        self.applied += 1
        if place is None:
            new_place(self.draft, name, self.mark, self.tenant)
        else:
            remove(self.draft, place, self._raised(place.mark))

    def _ask(self, approver: ArxApprover) -> None:
        place = self._find(approver.alias)
        if self._is_late(place):
            self.skipped.append(approver.alias)
            return
        is_new = place is None
        if place is None:
            place = new_place(self.draft, approver.alias, self.mark, self.tenant)
        self.applied += 1
        named = self.draft.put(
            place,
            alias=approver.alias,
            name=approver.name or place.name,
            original_approvers=approver.original_approvers,
        )
        self.asked.add(named.seat)
        ask(self.draft, named, self._raised(place.mark))
        if named.person is None and not is_new:  # else that is left to do already
            look_up(self.draft, self.draft.put(self.draft.approval.places[named.seat], unbound=""))

    # -- content ------------------------------------------------------------

    def _take_content(self) -> None:
        arx, draft = self.arx, self.draft
        if arx.content is None:
            return
        if not self._newer(draft.approval.content_mark):
            self.skipped.append("SummaryData")
            return
        self.applied += 1
        mark = max(draft.approval.content_mark or self.mark, self.mark)
        draft.set(content=arx.content, content_mark=mark, display_number=arx.display_number)

    def _take_details(self) -> frozenset[str]:
        """Take in the details this payload brings, and return which it brought."""
        arx, draft = self.arx, self.draft
        keeps = arx.operation is not Operation.CREATE and not arx.refresh_details
        if not arx.details or keeps or not self._newer(draft.approval.details_mark):
            return frozenset()
        return details.bring(draft, arx.details, self.mark, tenant=self.tenant, newer=self._newer)

    def _ask_for_details(self, brought: frozenset[str]) -> None:
        """
        Have read what a CREATE did not bring, and what an UPDATE says is not as it was.

        An UPDATE without RefreshDetails says that they are. Whatever it says, what was
        never heard of is read, and all of it where a new round begins.
        """
        arx, draft = self.arx, self.draft
        if not draft.approval.open:
            return
        is_news = arx.operation is Operation.CREATE or (
            arx.operation is Operation.UPDATE and arx.refresh_details
        )
        begins = draft.approval.round != self.before.round

        def again(mark: Mark) -> bool:
            newer = self._newer(draft.approval.details_mark) and self._newer(mark)
            return begins or (is_news and newer)

        details.ask(draft, self.mark, tenant=self.tenant, brought=brought, again=again)

    def _revise(self) -> None:
        draft, before = self.draft, self.before
        content = draft.approval.content != before.content
        other_round = draft.approval.round != before.round
        if content or other_round or details.changed(self.known, draft.approval):
            revise(draft)


def needs_stored(approval: Approval | None) -> bool:
    """Tell whether the record is of a version that did not know which details are beside it."""
    return approval is not None and bool(approval.details_digest)


def _starts_anew(approval: Approval, arx: Arx) -> bool:
    """A CREATE for a closed request that had one starts it again, whatever its marks say."""
    if arx.operation is not Operation.CREATE or approval.open or not approval.created:
        return False
    return arx.ticks is None or arx.ticks >= approval.newest


def _new(arx: Arx, tenant: Tenant, stamp: Stamp, archived_to: int) -> Approval:
    return Approval(
        key=arx.key,
        id=f"{tenant.code}-{stamp.name}",
        display_number=arx.display_number,
        archived_to=archived_to,
    )
