"""The page's JSON API for what tenants do: post, be asked what became of it, misbehave, and go on by themselves."""

import asyncio
import logging
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from playground import names
from playground.page_events import Things
from playground.page_requests import bad, body_of, own_page_only, switch
from playground.page_samples import beginnings, samples
from playground.records import Json, Sent
from playground.story import Story, StoryStuck, Telling
from playground.teams import Teams
from playground.tenant import SampleTenant
from playground.world import World

log = logging.getLogger(__name__)

FILES = Path(__file__).parent / "tenants"
HERE_GOES_THE_ARX = "@@ARX@@"


class TenantDesks:
    """One desk for each tenant: the reader sits at all of them."""

    def __init__(
        self,
        world: World,
        teams: Teams,
        tenants: Mapping[str, SampleTenant],
        things: Things,
        *,
        pause: float,
    ) -> None:
        self._world = world
        self._teams = teams
        self._tenants = tenants
        self._things = things
        self._pause = pause
        self._begun: dict[str, int] = {}  # requests started, by tenant: each from the next sample
        self._stories: dict[str, asyncio.Task[Any]] = {}

    def routes(self, api: str) -> Iterable[web.RouteDef]:
        return [
            web.get(f"{api}/request", own_page_only(self._request)),
            web.post(f"{api}/arx", own_page_only(self._send_arx)),
            web.post(f"{api}/start", own_page_only(self._start)),
            web.post(f"{api}/story", own_page_only(self._live_through)),
            web.post(f"{api}/fault", own_page_only(self._set_fault)),
            web.post(f"{api}/keys", own_page_only(self._set_keys)),
            web.post(f"{api}/by-itself", own_page_only(self._set_by_itself)),
            web.post(f"{api}/release", own_page_only(self._release)),
        ]

    def described(self) -> list[Json]:
        """Return what the page has to know of each tenant."""
        return [self._described(tenant) for tenant in self._tenants.values()]

    def _described(self, tenant: SampleTenant) -> Json:
        known = _file_of(tenant.registered.code)
        icon = str(known.get("icons", {}).get("large", "")).rpartition("/")[2]
        return {
            "code": tenant.registered.code,
            "name": known.get("name", tenant.registered.code),
            "icon": f"/page/icons/{icon}" if icon else None,
            "samples": samples(tenant.registered.document_type),
            "curl": tenant.curl(HERE_GOES_THE_ARX),
            "bulk": known.get("api", {}).get("submission") == "bulk",
            "lives": tenant.registered.code == names.CAPEX.code,
        }

    # -- what the reader does there -------------------------------------------

    async def _send_arx(self, request: web.Request) -> web.Response:
        asked = await body_of(request)
        tenant = self._tenant(asked)
        return self._told(tenant, await tenant.send(str(asked.get("body", ""))))

    async def _start(self, request: web.Request) -> web.Response:
        tenant = self._tenant(await body_of(request))
        return self._told(tenant, await tenant.start_request(self._next_sample(tenant)))

    async def _live_through(self, request: web.Request) -> web.Response:
        """Let a request live from its CREATE to its DELETE while the reader looks on."""
        tenant = self._tenant(await body_of(request))
        code = tenant.registered.code
        under_way = self._stories.get(code)
        if under_way is not None and not under_way.done():
            raise bad("it is under way already")
        begun = self._things.tellings.get(code)
        self._tell(tenant, Telling(begun.run + 1 if begun else 1))
        self._stories[code] = asyncio.create_task(self._live(tenant))
        return web.json_response({})

    async def _live(self, tenant: SampleTenant) -> None:
        code, stuck = tenant.registered.code, ""

        def tell(number: str, steps: Sequence[str]) -> None:
            newest = replace(self._things.tellings[code], number=number, steps=tuple(steps))
            self._tell(tenant, newest)

        story = Story(self._world, self._teams, tenant, tell=tell, pause=self._pause)
        try:
            await story.live(self._next_sample(tenant))
        except (StoryStuck, LookupError) as problem:
            log.warning("story_stuck: %s", problem)
            stuck = str(problem)
        ended = replace(self._things.tellings[code], under_way=False, stuck=stuck)
        self._tell(tenant, ended)

    def _tell(self, tenant: SampleTenant, telling: Telling) -> None:
        self._things.tellings[tenant.registered.code] = telling
        self._world.changed("tenant", tenant.registered.code)

    async def stop(self) -> None:
        """End the stories that are under way."""
        for story in self._stories.values():
            story.cancel()
        await asyncio.gather(*self._stories.values(), return_exceptions=True)

    async def _request(self, request: web.Request) -> web.Response:
        """Return what the service tells the tenant of a request; null: it knows none of this number."""
        tenant = self._tenant(dict(request.query))
        number, year = request.query.get("number", ""), request.query.get("year", "")
        return web.json_response({"told": await tenant.look_up(number, year)})

    async def _set_fault(self, request: web.Request) -> web.Response:
        """Let the tenant go wrong at its Action API, or wherever it is only read."""
        asked = await body_of(request)
        reads = "/reads" if asked.get("of") == "reads" else ""
        place = f"tenant/{self._tenant(asked).registered.code}{reads}"
        return switch(self._world, place, asked.get("fault"))

    async def _set_keys(self, request: web.Request) -> web.Response:
        asked = await body_of(request)
        book = self._tenant(asked).book
        book.honours_keys = bool(asked.get("honours"))
        self._world.book_changed(book)
        return web.json_response({})

    async def _set_by_itself(self, request: web.Request) -> web.Response:
        asked = await body_of(request)
        book = self._tenant(asked).book
        book.by_itself = bool(asked.get("on"))
        self._world.book_changed(book)
        return web.json_response({})

    async def _release(self, request: web.Request) -> web.Response:
        self._tenant(await body_of(request)).release()
        return web.json_response({})

    # -- of which tenant ------------------------------------------------------

    def _tenant(self, asked: Json) -> SampleTenant:
        tenant = self._tenants.get(str(asked.get("tenant", names.PURCHASING.code)))
        if tenant is None:
            raise bad("there is no such tenant here")
        return tenant

    def _next_sample(self, tenant: SampleTenant) -> str:
        found = beginnings(tenant.registered.document_type)
        at = self._begun.get(tenant.registered.code, 0)
        self._begun[tenant.registered.code] = at + 1
        return found[at % len(found)]

    def _told(self, tenant: SampleTenant, sent: Sent) -> web.Response:
        key = f"sent/{tenant.registered.code}/{sent.number}"
        return web.json_response({"sent": self._things.rendered(key, sent)})


def _file_of(code: str) -> Json:
    """Return the tenant's file."""
    files = (tomllib.loads(path.read_text(encoding="utf-8")) for path in FILES.glob("*.toml"))
    return next((one for one in files if one.get("code") == code), {})
