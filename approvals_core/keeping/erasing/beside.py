"""Erases a person from what lies beside requests: payloads, jobs and dead letters."""

from pydantic import ValidationError

from approvals_core.keeping.erasing.known import PAGE
from approvals_core.models import ApprovalKey, DeadLetter, Job, Payload
from approvals_core.models.held import Held, Kind
from approvals_core.ports import Store
from approvals_core.rules.erasing import erase_held_payload, is_his_job
from approvals_core.rules.erasure import Erasure


class Beside:
    """What lies beside the requests of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def erase(self, scope: str, erasure: Erasure) -> None:
        """Erase him from payloads, and take away jobs about him, unless their requests are open."""
        await self._erase_payloads(scope, erasure)
        for kind in (Kind.JOB, Kind.DEAD_LETTER):
            after: str | None = ""
            while after is not None:
                found = await self._store.holdings.names(scope, kind, after=after, limit=PAGE)
                held = await self._store.holdings.read(scope, kind, found.names)
                gone = [each.name for each in held if await self._is_his_and_over(each, erasure)]
                await self._store.holdings.remove(scope, kind, gone)
                after = found.after

    async def _erase_payloads(self, scope: str, erasure: Erasure) -> None:
        after: str | None = ""
        while after is not None:
            found = await self._store.holdings.names(scope, Kind.PAYLOAD, after=after, limit=PAGE)
            for held in await self._store.holdings.read(scope, Kind.PAYLOAD, found.names):
                if not erasure.may_be_in(str(held.values[-1])):
                    continue
                if await is_over(self._store, _request_of(held)):
                    erased = erase_held_payload(held, erasure)
                    await self._store.holdings.write(scope, held=[erased])
            after = found.after

    async def _is_his_and_over(self, held: Held, erasure: Erasure) -> bool:
        """Tell whether a job or dead letter is his, and about a request that is not open."""
        try:
            job = _job_of(held)
        except ValidationError:
            return False
        his = job.approval is not None and is_his_job(job, erasure)
        return his and await is_over(self._store, job.approval)


async def is_over(store: Store, key: ApprovalKey | None) -> bool:
    """Tell whether nobody is asked any more; also of what is not in the store."""
    approval = await store.approval(key) if key else None
    return approval is None or not approval.open


def _request_of(held: Held) -> ApprovalKey | None:
    """Return the request that a payload is about."""
    return Payload.model_validate_json(str(held.values[-1])).approval


def _job_of(held: Held) -> Job:
    """Return a job, or the one that a dead letter is about."""
    record = str(held.values[-1])
    if held.kind is Kind.DEAD_LETTER:
        return DeadLetter.model_validate_json(record).job
    return Job.model_validate_json(record)
