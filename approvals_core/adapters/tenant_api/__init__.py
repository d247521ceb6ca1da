"""The tenants' own APIs: tells them what was decided, and reads what they know (assent-app WIKI.md)."""

import json
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime

import aiohttp
from aiohttp.abc import AbstractResolver

from approvals_core.adapters.answers import retry_after
from approvals_core.adapters.tenant_api.bulkhead import PATIENCE, NotMade, NoTurn
from approvals_core.adapters.tenant_api.calls import (
    UNAUTHORIZED,
    Call,
    Calls,
    NoAnswer,
    NotAllowed,
    Reply,
    TenantTokens,
)
from approvals_core.adapters.tenant_api.files import as_file, fetched_file
from approvals_core.adapters.tenant_api.paths import (
    NoPath,
    fill,
    header,
    headers,
    trace_of,
    traceparent,
    url_of,
)
from approvals_core.adapters.tenant_api.reading import fetched, unusable
from approvals_core.arx import approval_request, read_response
from approvals_core.arx.bulk import approval_requests, read_responses
from approvals_core.models import Approval, Attachment
from approvals_core.ports import Answer, AnswerKind, Fetched, FetchedFile, FetchedKind, Posted
from approvals_core.tenant import Submission, Tenant

__all__ = ["ANSWER", "HttpTenantApi", "TenantTokens", "fill", "traceparent"]

ANSWER = 1_048_576  # bytes of an answer to decisions that are read

_OK = 200
_NOT_FOUND = 404

Read = Callable[[Reply], Sequence[Answer]]


def _no_trace() -> str | None:
    return None


class HttpTenantApi:
    """
    Calls the tenants' APIs over HTTP; see `Calls` for what keeps one from costing another.

    *current_trace* returns the W3C traceparent of what is being done, if there is one;
    *trace_configs* are told of every request. *patience* is the seconds for which a call
    waits for one of its tenant's slots.
    """

    def __init__(
        self,
        tokens: TenantTokens,
        *,
        clock: Callable[[], datetime],
        loopback: bool = False,
        resolver: AbstractResolver | None = None,
        current_trace: Callable[[], str | None] = _no_trace,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
        patience: float = PATIENCE,
    ) -> None:
        self._clock = clock
        self._current_trace = current_trace
        self._calls = Calls(
            tokens,
            clock=clock,
            loopback=loopback,
            resolver=resolver,
            trace_configs=trace_configs,
            patience=patience,
        )

    async def post_decision(self, tenant: Tenant, posted: Posted) -> Answer:
        """
        Post one decision once, and say what came of it; twice only after a 401.

        Ends within the tenant's `answer_within`, and the time a slot takes to come free.
        """
        if tenant.api.submission is Submission.BULK:
            return (await self.post_decisions(tenant, [posted]))[0]
        key = posted.approval.key
        request = approval_request(tenant, posted.approval, posted.place, posted.decision)

        def read(reply: Reply) -> Sequence[Answer]:
            return [read_response(reply.body, reply.status, key)]

        return (await self._post(tenant, [posted], request, read))[0]

    async def post_decisions(self, tenant: Tenant, posted: Sequence[Posted]) -> Sequence[Answer]:
        """Post several decisions once, as one array; return their answers in the same order."""

        def read(reply: Reply) -> Sequence[Answer]:
            return read_responses(reply.body, reply.status, posted)

        return await self._post(tenant, posted, approval_requests(tenant, posted), read)

    async def decision_status(self, tenant: Tenant, posted: Posted) -> Answer:
        """
        Ask what became of a decision. Only HTTP 200 with its ApprovalResponse, or 404, say it.

        A transient refusal (ErrorType 3) says nothing for good, and is UNKNOWN.
        """
        template = tenant.api.decision_status
        if template is None:
            return _unknown("the tenant's file names no decision_status")
        decision = posted.decision
        try:
            path = fill(template, posted.approval, {"DecisionId": decision.id})
            call = self._reading(tenant, posted.approval, path, tcv=decision.id)
            reply = await self._calls.make(tenant, call)
        except (NotMade, NoAnswer) as problem:
            return _unknown(f"not known: {problem}")
        if reply.status == _NOT_FOUND:
            return Answer(kind=AnswerKind.NOT_TAKEN, reason="the tenant never got it (HTTP 404)")
        if reply.status != _OK:
            return _unknown(f"HTTP {reply.status}")
        answer = read_response(reply.body, reply.status, posted.approval.key)
        if answer.kind in (AnswerKind.ACCEPTED, AnswerKind.REFUSED):
            return answer
        return _unknown(answer.reason)

    async def summary(self, tenant: Tenant, approval: Approval) -> Fetched:
        """Read the newest SummaryData; unusable where the tenant has no Summary API."""
        return await self._read(tenant, approval, tenant.api.summary)

    async def details(self, tenant: Tenant, approval: Approval, operation: str) -> Fetched:
        """Read one operation of the details; unusable where the tenant has none of that name."""
        return await self._read(tenant, approval, tenant.api.details.get(operation))

    async def attachment(
        self,
        tenant: Tenant,
        approval: Approval,
        attachment: Attachment,
        *,
        user_assertion: str | None,
    ) -> FetchedFile:
        """Read a file of the request; unusable where the tenant has no Attachment API."""
        template = tenant.api.attachment
        if template is None or not attachment.id:
            return as_file(unusable("the tenant's file or the request names no such address"))
        try:
            path = fill(template, approval, {"AttachmentId": attachment.id})
            call = self._reading(tenant, approval, path, tcv=str(uuid.uuid4()))
            call.headers["Accept"] = "*/*"
            call.limit = tenant.limits.attachment_bytes
            call.user_assertion = user_assertion
            reply = await self._calls.make(tenant, call)
        except (NotMade, NoAnswer) as problem:
            return as_file(_not_read(problem))
        return fetched_file(reply, attachment, now=self._clock())

    def paused(self) -> dict[str, bool]:
        """Return of each tenant that was called, by code, whether its breaker is open."""
        return self._calls.paused()

    async def close(self) -> None:
        """Let go of every connection."""
        await self._calls.close()

    async def _post(
        self, tenant: Tenant, posted: Sequence[Posted], body: object, read: Read
    ) -> Sequence[Answer]:
        try:
            call = self._posting(tenant, posted[0], body, key=_key_of(posted))
        except NoPath as problem:
            return [_not_answered(problem)] * len(posted)
        call.unauthorized = lambda reply: (
            reply.status == UNAUTHORIZED
            and all(answer.kind is AnswerKind.AGAIN for answer in read(reply))
        )
        try:
            reply = await self._calls.make(tenant, call)
        except (NotMade, NoAnswer) as problem:
            return [_not_answered(problem)] * len(posted)
        after = retry_after(reply.headers, now=self._clock())
        answers = [_with_time(answer, after) for answer in read(reply)]
        return [_after_lost(answer) for answer in answers] if call.lost else answers

    async def _read(self, tenant: Tenant, approval: Approval, template: str | None) -> Fetched:
        if template is None:
            return unusable("the tenant's file names no such address")
        tcv = str(uuid.uuid4())
        try:
            call = self._reading(tenant, approval, fill(template, approval), tcv=tcv)
            reply = await self._calls.make(tenant, call)
        except (NotMade, NoAnswer) as problem:
            return _not_read(problem)
        return fetched(reply, now=self._clock())

    def _posting(self, tenant: Tenant, first: Posted, body: object, *, key: str) -> Call:
        """Return the call for decisions; several go out under the path and names of the first."""
        approval, decision = first.approval, first.decision
        trace = traceparent(decision, self._current_trace())
        return Call(
            "POST",
            url_of(tenant, fill(tenant.api.action, approval)),
            {
                "Content-Type": "application/json",
                **headers(approval, tcv=decision.id, trace=trace),
                "Idempotency-Key": header(key),
            },
            within=tenant.api.answer_within,
            limit=ANSWER,
            body=json.dumps(body).encode(),
            decides=True,
        )

    def _reading(self, tenant: Tenant, approval: Approval, path: str, *, tcv: str) -> Call:
        trace = trace_of(approval.id, tcv, self._current_trace())
        return Call(
            "GET",
            url_of(tenant, path),
            headers(approval, tcv=tcv, trace=trace),
            within=tenant.api.read_within,
            limit=tenant.limits.answer_bytes,
        )


def _key_of(posted: Sequence[Posted]) -> str:
    """Return the Idempotency-Key: another one for each other set of decisions."""
    ids = [each.decision.id for each in posted]
    return ids[0] if len(ids) == 1 else str(uuid.uuid5(uuid.NAMESPACE_OID, " ".join(sorted(ids))))


def _not_read(problem: NotMade | NoAnswer) -> Fetched:
    if isinstance(problem, NoPath):
        return Fetched(kind=FetchedKind.REFUSED, reason=str(problem))
    if isinstance(problem, NotMade):
        return Fetched(
            kind=FetchedKind.UNAVAILABLE, reason=str(problem), retry_after=problem.retry_after
        )
    kind = FetchedKind.UNUSABLE if problem.too_long else FetchedKind.UNAVAILABLE
    return Fetched(kind=kind, reason=f"no usable answer: {problem}")


def _not_answered(problem: NotMade | NoAnswer) -> Answer:
    if isinstance(problem, NoAnswer):
        return Answer(kind=AnswerKind.UNKNOWN, reason=f"no usable answer: {problem}")
    if isinstance(problem, NotAllowed | NoPath):
        return Answer(kind=AnswerKind.NOT_TAKEN, reason=str(problem))
    return Answer(
        kind=AnswerKind.AGAIN,
        reason=str(problem),
        retry_after=problem.retry_after,
        tried=not isinstance(problem, NoTurn),
    )


def _with_time(answer: Answer, after: float | None) -> Answer:
    if answer.kind is not AnswerKind.AGAIN or answer.retry_after is not None:
        return answer
    return answer.model_copy(update={"retry_after": after})


def _after_lost(answer: Answer) -> Answer:
    """Return what the second time says of both: only a word about the decision counts for the first."""
    if answer.kind in (AnswerKind.ACCEPTED, AnswerKind.REFUSED):
        return answer
    return _unknown(f"sent twice, the first answer was lost: {answer.reason}")


def _unknown(reason: str) -> Answer:
    return Answer(kind=AnswerKind.UNKNOWN, reason=reason)
