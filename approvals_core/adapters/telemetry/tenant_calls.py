"""Tells telemetry of each call of a tenant, whoever makes it."""

from collections.abc import Sequence

from approvals_core.models import Approval, Attachment
from approvals_core.ports import Answer, Fetched, FetchedFile, Posted, TenantApi
from approvals_core.telemetry import Span, Telemetry, Work
from approvals_core.tenant import Tenant

MIXED = "mixed"  # the outcome of an array whose answers differ


class ToldTenantApi:
    """A `TenantApi` that is *api* with a span around each call."""

    def __init__(self, api: TenantApi, telemetry: Telemetry) -> None:
        self._api = api
        self._telemetry = telemetry

    async def post_decision(self, tenant: Tenant, posted: Posted) -> Answer:
        about = _about(tenant, "decision", posted.approval, attempt=posted.decision.attempts)
        with self._telemetry.span(Work.TENANT_CALL, **about) as span:
            return _told(span, await self._api.post_decision(tenant, posted))

    async def post_decisions(self, tenant: Tenant, posted: Sequence[Posted]) -> Sequence[Answer]:
        about = _about(tenant, "decisions", posted[0].approval, items=len(posted))
        with self._telemetry.span(Work.TENANT_CALL, **about) as span:
            answers = await self._api.post_decisions(tenant, posted)
            kinds = {answer.kind for answer in answers}
            span.tell(outcome=kinds.pop().value if len(kinds) == 1 else MIXED)
            return answers

    async def decision_status(self, tenant: Tenant, posted: Posted) -> Answer:
        about = _about(tenant, "status", posted.approval, attempt=posted.decision.attempts)
        with self._telemetry.span(Work.TENANT_CALL, **about) as span:
            return _told(span, await self._api.decision_status(tenant, posted))

    async def summary(self, tenant: Tenant, approval: Approval) -> Fetched:
        about = _about(tenant, "summary", approval)
        with self._telemetry.span(Work.TENANT_CALL, **about) as span:
            return _read(span, await self._api.summary(tenant, approval))

    async def details(self, tenant: Tenant, approval: Approval, operation: str) -> Fetched:
        about = _about(tenant, "details", approval)
        with self._telemetry.span(Work.TENANT_CALL, **about) as span:
            return _read(span, await self._api.details(tenant, approval, operation))

    async def attachment(
        self,
        tenant: Tenant,
        approval: Approval,
        attachment: Attachment,
        *,
        user_assertion: str | None,
    ) -> FetchedFile:
        about = _about(tenant, "attachment", approval)
        with self._telemetry.span(Work.TENANT_CALL, **about) as span:
            given = await self._api.attachment(
                tenant, approval, attachment, user_assertion=user_assertion
            )
            span.tell(outcome=given.kind.value)
            return given


def _about(tenant: Tenant, call: str, approval: Approval, **more: int) -> dict[str, str | int]:
    return {"tenant": tenant.code, "call": call, "approval": approval.id, **more}


def _told(span: Span, answer: Answer) -> Answer:
    span.tell(outcome=answer.kind.value)
    return answer


def _read(span: Span, fetched: Fetched) -> Fetched:
    span.tell(outcome=fetched.kind.value)
    return fetched
