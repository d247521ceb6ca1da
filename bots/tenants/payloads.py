"""Takes what a tenant posts: reads no more than agreed, answers as Assent's clients expect."""

import logging
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from aiohttp import web

from approvals_core.arx import Arx, parse_arx
from approvals_core.errors import InvalidArx
from approvals_core.log_context import note
from approvals_core.models import Payload
from approvals_core.telemetry import Span
from approvals_core.tenant import Tenant
from bots.tenants.large import LargePayloads
from bots.web import check_media_type, read_body, refused

READ_WITHIN = 30.0  # seconds for the whole body

log = logging.getLogger(__name__)


class Receives(Protocol):
    """The use case behind the payload receiver."""

    async def receive(self, arx: Arx, tenant: Tenant) -> Payload:
        """Apply a payload, once."""
        ...


async def take_payload(
    request: web.Request,
    tenant: Tenant,
    approvals: Receives,
    clock: Callable[[], datetime],
    span: Span,
    *,
    large: LargePayloads,
) -> web.Response:
    """Answer POST PayloadReceiver for a caller who may speak for *tenant*; *span* is told of it."""
    check_media_type(request)
    body = await read_body(request, limit=tenant.limits.payload_bytes, within=READ_WITHIN)
    async with large.turn(tenant.document_type_id, len(body)):
        try:
            arx = parse_arx(body, tenant_id=tenant.document_type_id, now=clock())
        except InvalidArx as invalid:
            raise _invalid(invalid, tenant) from None
        note(xcv=arx.xcv, tcv=arx.tcv)
        span.tell(operation=arx.operation.name.lower())
        payload = await approvals.receive(arx, tenant)
    span.tell(outcome=payload.disposition.value)
    log.info("payload_taken", extra=_about(payload, tenant))
    return web.json_response(_taken(payload, tenant))


def _about(payload: Payload, tenant: Tenant) -> dict[str, str]:
    operation, disposition = payload.operation.name.lower(), payload.disposition.value
    ids = {"tenant": tenant.code, "payload": payload.id}
    return ids | {"operation": operation, "disposition": disposition}


def _taken(payload: Payload, tenant: Tenant) -> dict[str, object]:
    answer: dict[str, object] = {
        "PayloadProcessingResult": _result(payload.id, None, tenant),
        "Disposition": payload.disposition.value,
    }
    if payload.skipped:
        answer["Skipped"] = list(payload.skipped)
    if payload.warnings:
        answer["Warnings"] = list(payload.warnings)
    return answer


def _invalid(invalid: InvalidArx, tenant: Tenant) -> web.HTTPException:
    payload_id = str(uuid.uuid4())  # Assent gives one too; it stands in our log
    log.warning(
        "payload_invalid",
        extra={"tenant": tenant.code, "payload": payload_id, "problems": len(invalid.problems)},
    )
    results = [
        {"MemberNames": list(problem.members), "ErrorMessage": problem.message}
        for problem in invalid.problems
    ]
    return refused(
        400,
        "The payload cannot be taken. Nothing of it was applied.",
        errors=[
            {"pointer": problem.pointer, "detail": problem.told} for problem in invalid.problems
        ],
        PayloadProcessingResult=_result(payload_id, results, tenant),
    )


def _result(payload_id: str, results: object, tenant: Tenant) -> dict[str, object]:
    return {
        "PayloadId": payload_id,
        "PayloadValidationResults": results,
        "ReconciliationAwaitTime": int(tenant.reconcile.after),
    }
