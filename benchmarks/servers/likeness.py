"""Requests like one that was taken in by the rules, made by the hundred thousand: pending, with people and cards."""

import secrets
from base64 import b32encode
from collections.abc import Sequence
from datetime import UTC, datetime

from approvals_core.models import (
    ApprovalKey,
    Change,
    JobKind,
    Person,
    Receipt,
    ReceiptState,
)
from approvals_core.rules.draft import seal

DIGEST = "0" * 64  # of a face: any will do


class Likeness:
    """
    Makes pending requests like the one of *change*, which must be new.

    Each differs in all that makes a request another one: number, ids, history, payload.
    Its approvers are known, and their cards are shown. Of the jobs only a reminder is left, due
    in days, as it is for a request that waits. Rules and parser are not asked again.
    """

    def __init__(self, change: Change) -> None:
        assert change.approval is not None
        assert change.payload is not None
        self._change = change
        self._approval = change.approval
        self._payload = change.payload
        self._reminders = [job for job in change.jobs if job.kind is JobKind.REMIND]
        self._bodies = {
            name.replace(change.id, "@id@"): (text or "").split(self._approval.key.number)
            for name, text in change.bodies.items()
        }

    def another(self, number: str, people: Sequence[Person]) -> Change:
        """Return the request with this document number, of these approvers."""
        change_id, now = secrets.token_hex(16), datetime.now(UTC)
        own = f"{self._approval.id.partition('-')[0]}-{_name()}"
        key = ApprovalKey(self._approval.key.tenant, number, self._approval.key.year)
        event = self._change.events[0]
        event = seal(
            event.model_copy(
                update={"at": now, "facts": event.facts | {"payload": change_id}, "hash": ""}
            ),
            salt=change_id,
        )
        places = tuple(
            place.model_copy(update={"person": person, "asked_at": now})
            for place, person in zip(self._approval.places, people, strict=True)
        )
        approval = self._approval.model_copy(
            update={
                "key": key,
                "id": own,
                "display_number": number,
                "xcv": number,
                "places": places,
                "opened_at": now,
                "heard_at": now,
                "last_change": change_id,
                "head": event.hash,
            }
        )
        payload = self._payload.model_copy(
            update={"id": change_id, "approval": key, "digest": change_id * 2, "received_at": now}
        )
        return self._change.model_copy(
            update={
                "id": change_id,
                "approval": approval,
                "events": (event,),
                "bodies": {
                    name.replace("@id@", change_id): number.join(parts)
                    for name, parts in self._bodies.items()
                },
                "payload": payload,
                "receipts": tuple(_shown(key, person, now) for person in people),
                "jobs": tuple(
                    job.model_copy(
                        update={"key": job.key.replace(self._approval.id, own), "approval": key}
                    )
                    for job in self._reminders
                ),
            }
        )


def _name() -> str:
    return b32encode(secrets.token_bytes(10)).decode().lower()


def _shown(key: ApprovalKey, person: Person, now: datetime) -> Receipt:
    return Receipt(
        approval=key,
        round=1,
        person=person.id,
        channel="teams",
        state=ReceiptState.SHOWN,
        address=f'["{person.id}", "a:{person.object_id}", "1700000000000"]',
        face=DIGEST,
        at=now,
    )
