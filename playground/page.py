"""The page of the playground: its files, its JSON API, its events. It acts for people, so it answers nobody but itself."""

import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from zoneinfo import available_timezones

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from playground.faults import Fault, FaultKind
from playground.page_events import Things, shown, stream
from playground.page_samples import samples
from playground.records import Json
from playground.teams import Answer, Teams
from playground.tenant import SampleTenant
from playground.world import World

HERE = Path(__file__).parent
FILES = HERE / "page"
NODE_MODULES = HERE.parent / "web" / "node_modules"
LIBRARIES = {
    "adaptivecards.js": "adaptivecards/dist/adaptivecards.min.js",
    "markdown-it.js": "markdown-it/dist/browser/markdown-it.umd.min.js",
}
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}

# The renderer sets styles through the DOM only, which style-src does not touch: no inline style is needed.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
OK = 200
BAD_REQUEST = 400
LOCALE = re.compile(r"en(-[A-Z]{2})?")  # the page is English; how dates are written differs
HERE_GOES_THE_ARX = "@@ARX@@"


class Page:
    """Shows *world* and lets the reader act: in the chats through *teams*, and as the tenant."""

    def __init__(
        self, world: World, teams: Teams, tenant: SampleTenant, *, libraries: Path = NODE_MODULES
    ) -> None:
        self._world = world
        self._teams = teams
        self._tenant = tenant
        self._libraries = libraries
        self._things = Things(world, tenant)

    def routes(self) -> Iterable[web.RouteDef]:
        api = "/page/api"
        return [
            web.get("/", self._index),
            web.get("/page/lib/{name}", self._library),
            web.get(f"{api}/setup", self._setup),
            web.get(f"{api}/events", self._events),
            web.post(f"{api}/reader", own_page_only(self._meet_reader)),
            web.post(f"{api}/click", own_page_only(self._click)),
            web.post(f"{api}/refresh", own_page_only(self._refresh)),
            web.post(f"{api}/opened", own_page_only(self._opened)),
            web.post(f"{api}/say", own_page_only(self._say)),
            web.post(f"{api}/app", own_page_only(self._set_app)),
            web.get(f"{api}/request", own_page_only(self._request)),
            web.post(f"{api}/arx", own_page_only(self._send_arx)),
            web.post(f"{api}/fault", own_page_only(self._set_fault)),
            web.post(f"{api}/keys", own_page_only(self._set_keys)),
            web.post(f"{api}/release", own_page_only(self._release)),
            web.get("/page/{path:.+}", self._file),
        ]

    # -- files ----------------------------------------------------------------

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return _served(FILES / "index.html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = (FILES / request.match_info["path"]).resolve()
        if not path.is_relative_to(FILES.resolve()):
            raise web.HTTPNotFound
        return _served(path)

    async def _library(self, request: web.Request) -> web.StreamResponse:
        inside = LIBRARIES.get(request.match_info["name"])
        if inside is None:
            raise web.HTTPNotFound
        return _served(self._libraries / inside)

    # -- what there is --------------------------------------------------------

    async def _setup(self, request: web.Request) -> web.Response:
        people = [
            {"alias": one.alias, "name": one.name, "upn": one.user_principal_name}
            for one in self._world.people.values()
        ]
        return web.json_response(
            {
                "people": people,
                "chats": [person.alias for person in shown(self._world)],
                "tenant": {"code": self._tenant.book.code, "name": self._tenant_name()},
                "samples": samples(),
                "curl": self._tenant.curl(HERE_GOES_THE_ARX),
                "curl_placeholder": HERE_GOES_THE_ARX,
            },
            headers=HEADERS,
        )

    def _tenant_name(self) -> str:
        for path in (HERE / "tenants").glob("*.toml"):
            known = tomllib.loads(path.read_text(encoding="utf-8"))
            if known.get("code") == self._tenant.book.code:
                return str(known["name"])
        return self._tenant.book.code

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await stream(request, self._world, self._things)

    async def _meet_reader(self, request: web.Request) -> web.Response:
        """Let the people of the chats live where the reader does: the cards' times are then his own clock's."""
        asked = await _body(request)
        zone, locale = str(asked.get("zone", "")), str(asked.get("locale", ""))
        if zone not in available_timezones() or not LOCALE.fullmatch(locale):
            raise _bad("this is no time zone, or no locale")
        for person in shown(self._world):
            there = person.model_copy(update={"zone": zone, "locale": locale})
            self._world.people[person.alias] = there
        return web.json_response({})

    # -- what people do -------------------------------------------------------

    async def _click(self, request: web.Request) -> web.Response:
        asked = await _body(request)
        alias, message = self._message(asked)
        action, inputs = _object(asked, "action"), _object(asked, "inputs")
        press = self._teams.submit if action.get("type") == "Action.Submit" else self._teams.click
        return self._answered(alias, message, await press(alias, message, action, inputs))

    async def _refresh(self, request: web.Request) -> web.Response:
        alias, message = self._message(await _body(request))
        return self._answered(alias, message, await self._teams.refresh(alias, message))

    async def _opened(self, request: web.Request) -> web.Response:
        """Let Teams refresh by itself a card that came into sight; nobody is told if that fails."""
        alias, message = self._message(await _body(request))
        await self._teams.opened(alias, message)
        return self._answered(alias, message, None)

    async def _say(self, request: web.Request) -> web.Response:
        asked = await _body(request)
        alias, text = self._alias(asked), str(asked.get("text", "")).strip()
        if not text:
            raise _bad("there is no text to send")
        return web.json_response({"toast": _toast(await self._teams.say(alias, text))})

    async def _set_app(self, request: web.Request) -> web.Response:
        """Let somebody block the bot, remove its app, or have it as everybody does."""
        asked = await _body(request)
        alias, place = self._alias(asked), f"connector/{self._alias(asked)}"
        match asked.get("state"):
            case "blocked":
                self._world.set_installed(alias, installed=True)
                self._world.clear_fault(place)
                self._world.set_fault(place, Fault(kind=FaultKind.BLOCKED))
            case "removed":
                await self._teams.uninstall(alias)
            case "installed":
                self._world.clear_fault(place)
                await self._teams.install(alias)
            case _:
                raise _bad("an app is installed, blocked or removed")
        return web.json_response({})

    def _answered(self, alias: str, message_id: str, answer: Answer | None) -> web.Response:
        """Return the message as it is now, so that the page need not wait for the event, and what to tell."""
        key = f"chat/{alias}/{message_id}"
        source = self._things.sources().get(key)
        changed = [self._things.rendered(key, source)] if source is not None else []
        toast = _toast(answer) if answer is not None else None
        return web.json_response({"changed": changed, "toast": toast})

    def _alias(self, asked: Json) -> str:
        alias = str(asked.get("person", ""))
        if alias not in {person.alias for person in shown(self._world)}:
            raise _bad("nobody of this name has a chat here")
        return alias

    def _message(self, asked: Json) -> tuple[str, str]:
        alias, message_id = self._alias(asked), str(asked.get("message", ""))
        chat = self._world.chat_of(alias)
        if chat is None or chat.message(message_id) is None:
            raise _bad("this message is no longer in the chat")
        return alias, message_id

    # -- what the tenant does -------------------------------------------------

    async def _send_arx(self, request: web.Request) -> web.Response:
        sent = await self._tenant.send(str((await _body(request)).get("body", "")))
        key = f"sent/{self._tenant.book.code}/{sent.number}"
        return web.json_response({"sent": self._things.rendered(key, sent)})

    async def _request(self, request: web.Request) -> web.Response:
        """Return what the service tells the tenant of a request; null: it knows none of this number."""
        number, year = request.query.get("number", ""), request.query.get("year", "")
        return web.json_response({"told": await self._tenant.look_up(number, year)})

    async def _set_fault(self, request: web.Request) -> web.Response:
        """Put one switch on, in place of those that are; null switches all off."""
        wanted = (await _body(request)).get("fault")
        place = f"tenant/{self._tenant.book.code}"
        try:
            fault = None if wanted is None else Fault.model_validate(wanted)
        except ValidationError as problem:
            raise _bad(f"no such switch: {problem.errors()[0]['msg']}") from None
        self._world.clear_fault(place)
        if fault is not None:
            self._world.set_fault(place, fault)
        return web.json_response({})

    async def _set_keys(self, request: web.Request) -> web.Response:
        self._tenant.book.honours_keys = bool((await _body(request)).get("honours"))
        self._world.book_changed(self._tenant.book)
        return web.json_response({})

    async def _release(self, request: web.Request) -> web.Response:
        self._tenant.release()
        return web.json_response({})


def own_page_only(handler: Handler) -> Handler:
    """
    Refuse whoever does not send the page's own header.

    No other site's page can: a header of one's own needs a preflight, which is never answered here.
    """

    async def guarded(request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        foreign = origin is not None and origin != f"{request.scheme}://{request.host}"
        if foreign or request.headers.get("X-Playground") != "page":
            why = {"error": "Only the playground's own page may do this."}
            raise web.HTTPForbidden(text=json.dumps(why), content_type="application/json")
        return await handler(request)

    return guarded


async def _body(request: web.Request) -> Json:
    try:
        body = await request.json()
    except ValueError:
        raise _bad("the request is not JSON") from None
    if not isinstance(body, dict):
        raise _bad("the request is not a JSON object")
    return body


def _object(asked: Json, name: str) -> Json:
    value = asked.get(name, {})
    if not isinstance(value, dict):
        raise _bad(f"{name} is not a JSON object")
    return value


def _bad(why: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=json.dumps({"error": why}), content_type="application/json")


def _toast(answer: Answer) -> Json | None:
    """Return what Teams would tell beside the chat, with the reason where Teams would hide it."""
    if answer.status is None:
        return {"kind": "error", "text": f"{answer.toast} (The bot did not answer.)".strip()}
    if answer.status >= BAD_REQUEST:
        return {
            "kind": "error",
            "text": f"{answer.toast} (The bot answered {answer.status}.)".strip(),
        }
    inner = answer.body.get("statusCode", OK) if isinstance(answer.body, dict) else OK
    if not answer.toast:
        return None
    return {"kind": "info" if inner == OK else "error", "text": answer.toast}


def _served(path: Path) -> web.StreamResponse:
    if not path.is_file() or path.suffix not in TYPES:
        raise web.HTTPNotFound
    headers = {**HEADERS, "Content-Type": f"{TYPES[path.suffix]}; charset=utf-8"}
    return web.FileResponse(path, headers=headers)
