"""The tenants' door: PayloadReceiver, and what became of payloads and requests."""

import asyncio
import base64
import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from aiohttp import web

from approvals_core.adapters.tokens import Claims, TokenVerifier
from approvals_core.models import OPEN, Approval, ApprovalKey, numbered, tenant_scope
from approvals_core.ports import Cursor, Store, Tenants
from approvals_core.telemetry import NO_TELEMETRY, Span, Telemetry, Work
from approvals_core.tenant import Tenant
from bots.tenants.callers import is_given, query, tenant_asked_for, tenants_of
from bots.tenants.large import LargePayloads
from bots.tenants.payloads import Receives, take_payload
from bots.tenants.quota import Quota
from bots.tenants.standing import Told, payload_told, request_told
from bots.web import bearer_claims, refused

PAGE = 50  # requests of one answer
MOST = 200

_NO_PAYLOAD = "No payload of yours has this id."
_NO_REQUEST = "No request of yours has this number and fiscal year."
_NO_NUMBER = "No request of yours has this number."


class TenantsDoor:
    """What the tenants' applications call, each with a token of its own."""

    def __init__(
        self,
        *,
        approvals: Receives,
        store: Store,
        tenants: Tenants,
        verifier: TokenVerifier,
        clock: Callable[[], datetime],
        quota: Quota,
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        self._approvals = approvals
        self._store = store
        self._tenants = tenants
        self._verifier = verifier
        self._clock = clock
        self._quota = quota
        self._telemetry = telemetry
        self._large = LargePayloads()

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the addresses of this channel."""
        return [
            web.post("/api/v1/PayloadReceiver", self._receive),
            web.get("/api/v1/payloads/{payload_id}", self._payload),
            web.get("/api/v1/requests", self._requests),
        ]

    async def _receive(self, request: web.Request) -> web.Response:
        with self._telemetry.span(Work.INTAKE) as span:
            try:
                return await self._take(request, span)
            except web.HTTPException as refusal:
                span.tell(outcome=str(refusal.status))
                raise

    async def _take(self, request: web.Request, span: Span) -> web.Response:
        claims = await bearer_claims(request, self._verifier)
        tenant = tenant_asked_for(request, claims, self._tenants)
        span.tell(tenant=tenant.code)
        await self._quota.take(tenant)
        return await take_payload(
            request, tenant, self._approvals, self._clock, span, large=self._large
        )

    async def _payload(self, request: web.Request) -> web.Response:
        claims = await bearer_claims(request, self._verifier)
        told = await self._find_payload(claims, request.match_info["payload_id"])
        if told is None:
            raise refused(404, _NO_PAYLOAD)
        return web.json_response(told)

    async def _requests(self, request: web.Request) -> web.Response:
        claims = await bearer_claims(request, self._verifier)
        tenant = tenant_asked_for(request, claims, self._tenants)
        number = query(request, "DocumentNumber")
        if not number:
            return await self._listed(request, tenant, OPEN)
        if is_given(request, "FiscalYear"):
            key = ApprovalKey(tenant.document_type_id, number, query(request, "FiscalYear"))
            return await self._one_request(key)
        return await self._listed(request, tenant, numbered(number), number)

    async def _one_request(self, key: ApprovalKey) -> web.Response:
        told = await self._request(key)
        if told is not None:
            return web.json_response({"Requests": [told], "Next": None})
        page = await self._store.page(tenant_scope(key.tenant), numbered(key.number), limit=MOST)
        years = sorted({a.key.year or "none" for a in page.approvals if a.key.number == key.number})
        others = f" The number exists with FiscalYear: {', '.join(years)}." if years else ""
        raise refused(404, _NO_REQUEST + others)

    async def _find_payload(self, claims: Claims, payload_id: str) -> Told | None:
        for tenant in tenants_of(claims, self._tenants):
            scope = tenant_scope(tenant.document_type_id)
            payload = await self._store.payload(scope, payload_id)
            if payload is not None:
                return payload_told(payload) | {"Request": await self._request(payload.approval)}
        return None

    async def _request(self, key: ApprovalKey) -> Told | None:
        approval = await self._store.approval(key)
        if approval is None:
            return None
        return await request_told(self._store, approval, self._clock())

    async def _listed(
        self, request: web.Request, tenant: Tenant, name: str, number: str = ""
    ) -> web.Response:
        """Answer with a list, the oldest first, a page at a time; of *number* alone if it is given."""
        after, limit = _cursor(query(request, "After")), _limit(query(request, "Limit"))
        scope, found = tenant_scope(tenant.document_type_id), list[Approval]()
        while True:
            page = await self._store.page(scope, name, after=after, limit=limit)
            # The list of a number has those that only show it, too.
            found += [each for each in page.approvals if number in ("", each.key.number)]
            if found or page.after is None:
                break
            after = page.after
        if number and not found:
            raise refused(404, _NO_NUMBER)
        now = self._clock()
        told = [request_told(self._store, approval, now) for approval in found]
        answer = {"Requests": await asyncio.gather(*told), "Next": _next(page.after)}
        return web.json_response(answer)


def _limit(sent: str) -> int:
    if not sent:
        return PAGE
    if not re.fullmatch(r"[0-9]{1,3}", sent) or not 1 <= int(sent) <= MOST:
        raise refused(400, f"Limit is a number from 1 to {MOST}.")
    return int(sent)


def _next(after: Cursor | None) -> str | None:
    if after is None:
        return None
    where = json.dumps([after.at.isoformat(), *after.key]).encode()
    return base64.urlsafe_b64encode(where).decode()


def _cursor(sent: str) -> Cursor | None:
    if not sent:
        return None
    try:
        at, *key = json.loads(base64.urlsafe_b64decode(sent))
        return Cursor(at=datetime.fromisoformat(at).astimezone(UTC), key=ApprovalKey(*key))
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise refused(400, "After is the Next of an answer, as it was.") from None
