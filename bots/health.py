"""What a load balancer and an operator ask first: do we live, and can we do our work."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from aiohttp import web

from approvals_core.errors import StoreError
from approvals_core.models import MAIL_LANES, Lane
from approvals_core.ports import Store

STORE_ANSWERS_WITHIN = 2.0  # seconds


class Missing(NamedTuple):
    """The issuers without keys; *bearable* if what they sign is not all that one door takes."""

    issuers: Sequence[str]
    bearable: bool


# Mails are not late while they wait for their mailbox: it takes only so many a minute.
PROMPT = tuple(lane for lane in Lane if lane not in MAIL_LANES)


async def none_missing() -> Missing:
    """Say that no keys are missing, where nobody is let in by any."""
    return Missing((), bearable=True)


class Health:
    """
    GET /livez: the process runs, and its worker. GET /readyz: the store answers, we have
    the keys with which callers are known, and what is late.

    *keys* returns the issuers whose keys are missing, and whether we can do without them
    for now. *ending* tells that we were asked to end: then no load balancer should send
    anything more. Tenants are not asked: if one is down, no other of us could do better. Late are jobs that are due and not begun, and cards that are not current (*behind*,
    in seconds): those that were begun and could not be sent or changed yet.
    """

    def __init__(
        self,
        *,
        store: Store,
        now: Callable[[], datetime],
        custom_issuers: Sequence[str],
        works: Callable[[], bool],
        keys: Callable[[], Awaitable["Missing"]],
        behind: Callable[[], float],
        closed_directories: Callable[[], Sequence[str]],
        ending: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._now = now
        self._custom_issuers = custom_issuers
        self._works = works
        self._keys = keys
        self._behind = behind
        self._closed_directories = closed_directories
        self._ending = ending

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the addresses of this channel."""
        return [web.get("/livez", self._live), web.get("/readyz", self._ready)]

    async def _live(self, _request: web.Request) -> web.Response:
        if not self._works():
            return web.json_response({"live": False, "worker": "ended"}, status=503)
        return web.json_response({"live": True})

    async def _ready(self, _request: web.Request) -> web.Response:
        said: dict[str, object] = {"ready": True}
        if self._custom_issuers:
            said["custom_issuers"] = list(self._custom_issuers)
        if self._ending():
            return web.json_response(said | {"ready": False, "ending": True}, status=503)
        if not self._works():
            return web.json_response(said | {"ready": False, "worker": "ended"}, status=503)
        try:
            async with asyncio.timeout(STORE_ANSWERS_WITHIN):
                due = await self._store.next_due(PROMPT)
        except (TimeoutError, StoreError):
            return web.json_response(said | {"ready": False, "store": "no answer"}, status=503)
        missing = await self._keys()
        if missing.issuers:
            said["issuers_without_keys"] = list(missing.issuers)
        if not missing.bearable:
            return web.json_response(said | {"ready": False, "keys": "missing"}, status=503)
        late = (self._now() - due).total_seconds() if due else 0.0
        if closed := self._closed_directories():
            said["closed_directories"] = list(closed)
        said["oldest_job_late_seconds"] = max(0.0, round(late, 1))
        said["oldest_card_not_current_seconds"] = round(self._behind(), 1)
        return web.json_response(said)
