"""What came in: the payloads that were taken, by time or of one document, and what they said."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta

from approvals_core.models import Approval, Payload, tenant_scope
from approvals_core.ports import PayloadCursor, Store, Tenants
from approvals_core.tenant import Tenant
from bots.cli.finding import PAGE, Finder, NotThere, Say
from bots.cli.telling import PROGRAM, at, payload_line, plain

EVER = datetime(1970, 1, 1, tzinfo=UTC)  # before anything was taken
PERSONAL = (
    "What follows is as it came in. It may hold names, comments and amounts: do not pass it on."
)


class PayloadDesk:
    """Says which payloads were taken. Those that were refused are in the tenant's hands alone."""

    def __init__(
        self, store: Store, tenants: Tenants, say: Say, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._say = say
        self._now = now
        self._find = Finder(store, tenants)

    async def list_all(
        self, code: str | None, *, document: str | None, days: int, limit: int
    ) -> None:
        """
        Say one line for each of at most *limit* payloads of the last *days*, the oldest first.

        *document* is a request's id or number.

        Raises:
            NotThere: There is no such tenant or request.
        """
        since = self._now() - timedelta(days=days)
        listed = 0
        async for payload, tenant in self._payloads(code, document, since):
            if listed == limit:
                self._say(f"There are more: --limit {limit * 10}, or fewer --days")
                return
            self._say(payload_line(payload, tenant))
            listed += 1
        if not listed:
            self._say(f"No payload was taken in the last {days} days.")

    async def show(self, payload_id: str, *, body: bool) -> None:
        """
        Say everything about the payload whose id begins so; what it said only with *body*.

        Raises:
            NotThere: There is none, or there are several.
        """
        payload, tenant = await self._named(payload_id)
        approval = await self._store.approval(payload.approval)
        for line in _facts(payload, tenant, approval):
            self._say(line)
        if not body:
            self._say(f"What it said: {PROGRAM} payloads show {plain(payload.id)} --body")
            return
        texts = await self._store.bodies(payload.approval, f"payload/{payload.id}")
        if not texts:
            self._say(
                "What it said is gone: that goes an hour after a request closes, or with somebody"
                " in it who is erased."
            )
        for text in texts.values():
            self._say(PERSONAL)
            self._say(_printable(text))

    async def _payloads(
        self, code: str | None, document: str | None, since: datetime
    ) -> AsyncIterator[tuple[Payload, Tenant]]:
        if document is not None:
            approval, tenant = await self._find.request(document)
            for event in await self._store.history(approval.key):
                if "payload" in event.facts and event.at >= since:
                    found = await self._store.payload(approval.key.scope, event.facts["payload"])
                    if found is not None:
                        yield found, tenant
            return
        for tenant in self._find.tenants(code):
            async for payload in self._of(tenant, since):
                yield payload, tenant

    async def _of(self, tenant: Tenant, since: datetime) -> AsyncIterator[Payload]:
        scope = tenant_scope(tenant.document_type_id)
        after: PayloadCursor | None = PayloadCursor(at=since)
        while after is not None:
            page = await self._store.payloads(scope, after=after, limit=PAGE)
            for payload in page.payloads:
                yield payload
            after = page.after

    async def _named(self, payload_id: str) -> tuple[Payload, Tenant]:
        for tenant in self._find.tenants(None):
            scope = tenant_scope(tenant.document_type_id)
            payload = await self._store.payload(scope, payload_id)
            if payload is not None:
                return payload, tenant
        return await self._beginning(payload_id)

    async def _beginning(self, name: str) -> tuple[Payload, Tenant]:
        """Look through all that were taken: ids are in no order."""
        found: tuple[Payload, Tenant] | None = None
        async for payload, tenant in self._payloads(None, None, EVER):
            if not payload.id.startswith(name):
                continue
            if found is not None:
                raise NotThere(f"Several payloads' ids begin with {plain(name)}: type more.")
            found = payload, tenant
        if found is None:
            raise NotThere(f"No payload whose id begins with {plain(name)} was taken.")
        return found


def _facts(payload: Payload, tenant: Tenant, approval: Approval | None) -> Iterator[str]:
    year = f" ({plain(payload.approval.year)})" if payload.approval.year else ""
    yield f"Payload {plain(payload.id)} of {tenant.name}"
    yield f"  {payload.operation.name} of {plain(payload.approval.number)}{year}"
    if approval is not None:
        yield f"  request {approval.id}"
    yield f"  taken {at(payload.received_at)}: {payload.disposition.value}"
    yield f"  SHA-256 without Telemetry {payload.digest}"
    for name in payload.skipped:
        yield f"  too old for {plain(name)}"
    for warning in payload.warnings:
        yield f"  warning: {plain(warning)}"


def _printable(text: str) -> str:
    """Return a payload so that nothing in it can play with the terminal."""
    try:
        return json.dumps(json.loads(text), indent=2)
    except (ValueError, RecursionError):
        return plain(text)
