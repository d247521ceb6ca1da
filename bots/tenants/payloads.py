"""Takes what a tenant posts: reads no more than agreed, answers as Assent's clients expect."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from aiohttp import web

from approvals_core.arx import Arx, parse_arx
from approvals_core.errors import InvalidArx
from approvals_core.models import Payload
from approvals_core.tenant import Tenant
from bots.web import refused

READ_WITHIN = 30.0  # seconds for the whole body

log = logging.getLogger(__name__)


class Receives(Protocol):
    """The use case behind the payload receiver."""

    async def receive(self, arx: Arx, tenant: Tenant) -> Payload:
        """Apply a payload, once."""
        ...


async def take_payload(
    request: web.Request, tenant: Tenant, approvals: Receives, clock: Callable[[], datetime]
) -> web.Response:
    """Answer POST PayloadReceiver for a caller who may speak for *tenant*."""
    _check_media_type(request)
    body = await _body(request, tenant.limits.payload_bytes)
    try:
        arx = parse_arx(body, tenant_id=tenant.document_type_id, now=clock())
    except InvalidArx as invalid:
        raise _invalid(invalid, tenant) from None
    payload = await approvals.receive(arx, tenant)
    return web.json_response(_taken(payload, tenant))


def _check_media_type(request: web.Request) -> None:
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise refused(415, "Send the payload uncompressed.")
    media_type = request.content_type.lower()
    is_json = media_type == "application/json" or media_type.endswith("+json")
    if "Content-Type" in request.headers and not is_json:
        raise refused(415, "Send the payload as application/json.")


async def _body(request: web.Request, limit: int) -> bytes:
    """Return the body; a longer one is refused unread, as far as its length is known."""
    too_long = f"A payload of this tenant has at most {limit} bytes."
    if (request.content_length or 0) > limit:
        raise refused(413, too_long)
    body = bytearray()
    try:
        async with asyncio.timeout(READ_WITHIN):
            async for part in request.content.iter_any():
                body += part
                if len(body) > limit:
                    raise refused(413, too_long)
    except TimeoutError:
        raise refused(408, "The payload did not arrive in time.") from None
    return bytes(body)


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
            {"pointer": problem.pointer, "detail": problem.message} for problem in invalid.problems
        ],
        PayloadProcessingResult=_result(payload_id, results, tenant),
    )


def _result(payload_id: str, results: object, tenant: Tenant) -> dict[str, object]:
    return {
        "PayloadId": payload_id,
        "PayloadValidationResults": results,
        "ReconciliationAwaitTime": int(tenant.limits.reconcile_after),
    }
