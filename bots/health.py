"""What a load balancer and an operator ask first: do we live, and can we do our work."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from aiohttp import web

from approvals_core.errors import StoreError
from approvals_core.models import Lane
from approvals_core.ports import Store

STORE_ANSWERS_WITHIN = 2.0  # seconds


class Health:
    """GET /livez: the process runs. GET /readyz: the store answers, and how late its jobs are."""

    def __init__(
        self, *, store: Store, now: Callable[[], datetime], custom_issuers: Sequence[str]
    ) -> None:
        self._store = store
        self._now = now
        self._custom_issuers = custom_issuers

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the addresses of this channel."""
        return [web.get("/livez", self._live), web.get("/readyz", self._ready)]

    async def _live(self, _request: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def _ready(self, _request: web.Request) -> web.Response:
        said: dict[str, object] = {"ready": True}
        if self._custom_issuers:
            said["custom_issuers"] = list(self._custom_issuers)
        try:
            async with asyncio.timeout(STORE_ANSWERS_WITHIN):
                due = await self._store.next_due(tuple(Lane))
        except (TimeoutError, StoreError):
            return web.json_response(said | {"ready": False, "store": "no answer"}, status=503)
        late = (self._now() - due).total_seconds() if due else 0.0
        return web.json_response(said | {"oldest_job_late_seconds": max(0.0, round(late, 1))})
