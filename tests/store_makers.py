"""Makes what stores are asked to keep."""

from datetime import UTC, datetime, timedelta

from approvals_core.models import (
    Approval,
    ApprovalKey,
    Change,
    Contact,
    Disposition,
    EventKind,
    HistoryEvent,
    Job,
    JobKind,
    Lane,
    Lease,
    Letter,
    LetterState,
    Mark,
    Occasion,
    Operation,
    Payload,
    Person,
    PersonId,
    Place,
    PlaceState,
    Receipt,
    ReceiptState,
    tenant_scope,
)

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TENANT = "93f9b688-ddc3-43aa-b617-c05a415d1612"
SCOPE = tenant_scope(TENANT)
KEY = ApprovalKey(TENANT, "REQ-1", "2025")
ANN = Person(directory="d1", object_id="ann", name="Ann")


def a_place(**changes: object) -> Place:
    fields: dict[str, object] = {
        "seat": 0,
        "alias": "ann",
        "names": ("ann",),
        "person": ANN,
        "mark": Mark(1, 1),
        "state": PlaceState.PENDING,
        "asked_at": NOON,
    }
    return Place.model_validate(fields | changes)


def an_approval(**changes: object) -> Approval:
    fields: dict[str, object] = {
        "key": KEY,
        "id": "pr-one",
        "version": 1,
        "display_number": "REQ-1",
        "opened_at": NOON,
        "places": (a_place(),),
    }
    return Approval.model_validate(fields | changes)


def numbered(number: str, **changes: object) -> Approval:
    """An approval of its own for each number."""
    return an_approval(key=KEY._replace(number=number), id=f"pr-{number}", **changes)


def a_change(approval: Approval | None = None, **changes: object) -> Change:
    fields: dict[str, object] = {"scope": SCOPE, "approval": approval or an_approval()}
    fields["id"] = f"{fields['approval']!r}"[:200]
    return Change.model_validate(fields | changes)


def jobs_change(*jobs: Job, **changes: object) -> Change:
    """A change that does nothing but ask for jobs."""
    fields: dict[str, object] = {"id": "jobs", "scope": SCOPE, "jobs": jobs}
    return Change.model_validate(fields | changes)


def a_job(key: str = "job", **changes: object) -> Job:
    fields: dict[str, object] = {
        "key": key,
        "kind": JobKind.CARD,
        "lane": Lane.CARD,
        "due": NOON,
        "approval": KEY,
    }
    return Job.model_validate(fields | changes)


def a_lease(job: str = "job", **changes: object) -> Lease:
    return Lease(SCOPE, job, "mine", NOON + MINUTE)._replace(**changes)


def an_event(seq: int = 0) -> HistoryEvent:
    return HistoryEvent(seq=seq, kind=EventKind.RECEIVED, at=NOON, facts={"n": str(seq)})


def a_receipt(**changes: object) -> Receipt:
    fields: dict[str, object] = {
        "approval": KEY,
        "round": 1,
        "person": ANN.id,
        "channel": "teams",
        "state": ReceiptState.SHOWN,
        "address": "here",
        "at": NOON,
    }
    return Receipt.model_validate(fields | changes)


def a_letter(**changes: object) -> Letter:
    fields: dict[str, object] = {
        "approval": KEY,
        "id": "0" * 32,
        "notification": "payload-1",
        "occasion": Occasion.ASKED,
        "address": "ann@contoso.com",
        "round": 1,
        "seat": 0,
        "person": ANN.id,
        "state": LetterState.SENDING,
        "attempts": 1,
        "at": NOON,
    }
    return Letter.model_validate(fields | changes)


def a_payload(**changes: object) -> Payload:
    fields: dict[str, object] = {
        "id": "payload-1",
        "approval": KEY,
        "digest": "d1",
        "operation": Operation.CREATE,
        "received_at": NOON,
        "disposition": Disposition.APPLIED,
    }
    return Payload.model_validate(fields | changes)


def a_contact(**changes: object) -> Contact:
    fields: dict[str, object] = {"person": ANN.id, "version": 1, "name": "Ann", "at": NOON}
    return Contact.model_validate(fields | changes)


def someone(name: str) -> PersonId:
    return PersonId("d1", name)
