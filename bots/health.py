"""What a load balancer and an operator ask first: do we live, and can we do our work."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from aiohttp import web

from approvals_core.errors import StoreError
from approvals_core.keeping.clocks import BEARABLE
from approvals_core.models import MAIL_LANES, Lane
from approvals_core.worker import Lateness


class Missing(NamedTuple):
    """
    The issuers without keys; *bearable* if what they sign is not all that one door takes.

    *never*: those of them whose keys were not fetched once since we began.
    """

    issuers: Sequence[str]
    bearable: bool
    never: Sequence[str] = ()


# Mails are not late while they wait for their mailbox: it takes only so many a minute.
PROMPT = tuple(lane for lane in Lane if lane not in MAIL_LANES)


async def none_missing() -> Missing:
    """Say that no keys are missing, where nobody is let in by any."""
    return Missing((), bearable=True)


class Health:
    """
    GET /livez: the process runs, and its worker. GET /readyz: the store answers and takes what is
    written, we have the keys with which callers are known, and what is late.

    *unwritable* says why nothing can be written to the store, "" if it can be; it raises a
    StoreError if the store does not answer. *ahead* is by how many seconds this machine's clock is
    ahead of the store's: told, once it is too many. *keys* returns the issuers whose keys are missing, and
    whether we can do without them for now. *ending* tells that we were asked to end: then no load balancer should send
    anything more. *may_lose* says what the store may lose though it was acknowledged, if it is set
    up so: that is told, and no reason to send nothing. Tenants are not asked: if one is down, no other of us could do better. Late
    are jobs that are due and in nobody's hands, and cards that are not current: those that were
    begun and could not be sent or changed yet, whichever process began them.
    """

    def __init__(
        self,
        *,
        lateness: Lateness,
        unwritable: Callable[[], Awaitable[str]],
        custom_issuers: Sequence[str],
        works: Callable[[], bool],
        keys: Callable[[], Awaitable["Missing"]],
        closed_directories: Callable[[], Sequence[str]],
        may_lose: Sequence[str] = (),
        ending: Callable[[], bool] = lambda: False,
        ahead: Callable[[], float] = lambda: 0.0,
        store_answers_within: float,
    ) -> None:
        self._store_answers_within = store_answers_within  # seconds
        self._lateness = lateness
        self._unwritable = unwritable
        self._custom_issuers = custom_issuers
        self._works = works
        self._keys = keys
        self._closed_directories = closed_directories
        self._may_lose = may_lose
        self._ending = ending
        self._ahead = ahead

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the addresses of this channel."""
        return [web.get("/livez", self._live), web.get("/readyz", self._ready)]

    async def _live(self, _request: web.Request) -> web.Response:
        if not self._works():
            return web.json_response({"live": False, "worker": "ended"}, status=503)
        return web.json_response({"live": True})

    def _set_up(self) -> dict[str, object]:
        """Return what is told however we are: how this installation is set up."""
        said: dict[str, object] = {"ready": True}
        if self._custom_issuers:
            said["custom_issuers"] = list(self._custom_issuers)
        if self._may_lose:
            said["may_lose"] = list(self._may_lose)
        return said

    async def _ready(self, _request: web.Request) -> web.Response:
        said = self._set_up()
        if self._ending():
            return web.json_response(said | {"ready": False, "ending": True}, status=503)
        if not self._works():
            return web.json_response(said | {"ready": False, "worker": "ended"}, status=503)
        store = await self._told_by_store()
        if "store" in store:
            return web.json_response(said | {"ready": False} | store, status=503)
        if abs(ahead := self._ahead()) > BEARABLE:
            said["clock_ahead_of_store_seconds"] = round(ahead, 1)
        missing = await self._keys()
        if missing.issuers:
            said["issuers_without_keys"] = list(missing.issuers)
        if missing.never:
            said["keys_never_fetched"] = list(missing.never)
        if not missing.bearable:
            return web.json_response(said | {"ready": False, "keys": "missing"}, status=503)
        if closed := self._closed_directories():
            said["closed_directories"] = list(closed)
        return web.json_response(said | store)

    async def _told_by_store(self) -> dict[str, object]:
        """Return what is late; under "store" alone why we cannot work, if so."""
        try:
            async with asyncio.timeout(self._store_answers_within):
                if why := await self._unwritable():  # first: another store answers, too
                    return {"store": why}
                job_late = await self._lateness.of_jobs(PROMPT)
                card_late = await self._lateness.of_cards()
        except (TimeoutError, StoreError):
            return {"store": "no answer"}
        return {
            "oldest_job_late_seconds": round(job_late, 1),
            "oldest_card_not_current_seconds": round(card_late, 1),
        }
