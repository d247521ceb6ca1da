"""The page of the playground: its files, its JSON API, its events. It acts for people, so it answers nobody but itself."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from zoneinfo import available_timezones

from aiohttp import web

from playground.faults import Fault, FaultKind
from playground.names import DIRECTORY
from playground.outlook import Outlook
from playground.page_events import Things, shown, stream
from playground.page_mails import MailRooms
from playground.page_requests import bad, body_of, object_in, own_page_only
from playground.page_tenants import HERE_GOES_THE_ARX, TenantDesks
from playground.records import Json
from playground.teams import Answer, Teams
from playground.tenant import SampleTenant
from playground.world import World

HERE = Path(__file__).parent
FILES = HERE / "page"
ICONS = HERE / "tenants" / "icons"
NODE_MODULES = HERE.parent / "web" / "node_modules"
LIBRARIES = {
    "adaptivecards.js": "adaptivecards/dist/adaptivecards.min.js",
    "markdown-it.js": "markdown-it/dist/browser/markdown-it.umd.min.js",
}
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}

# The renderer sets styles through the DOM only, which style-src does not touch: no inline style is needed.
PICTURES = "img-src 'self' data: https:"
POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self'; {PICTURES}; connect-src 'self'; "
    "frame-src 'self'; "  # the mails' HTML, in frames without scripts
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


class Page:
    """
    Shows *world* and lets the reader act: in the chats through *teams*, in the inboxes through *outlook*, and as the
    *tenants*, by code.

    A story that runs by itself pauses *pause* seconds before each press.
    """

    def __init__(
        self,
        world: World,
        teams: Teams,
        outlook: Outlook,
        tenants: Mapping[str, SampleTenant],
        *,
        libraries: Path = NODE_MODULES,
        pause: float = 0.0,
    ) -> None:
        self._world = world
        self._teams = teams
        self._libraries = libraries
        self._things = Things(world, outlook, tenants.values())
        self._mails = MailRooms(world, outlook, self._things)
        self._desks = TenantDesks(world, teams, tenants, self._things, pause=pause)

    def routes(self) -> Iterable[web.RouteDef]:
        api = "/page/api"
        return [
            web.get("/", self._index),
            web.get("/page/lib/{name}", self._library),
            web.get("/page/icons/{name}", self._icon),
            web.get(f"{api}/setup", self._setup),
            web.get(f"{api}/events", self._events),
            web.post(f"{api}/reader", own_page_only(self._meet_reader)),
            web.post(f"{api}/click", own_page_only(self._click)),
            web.post(f"{api}/refresh", own_page_only(self._refresh)),
            web.post(f"{api}/opened", own_page_only(self._opened)),
            web.post(f"{api}/say", own_page_only(self._say)),
            web.post(f"{api}/app", own_page_only(self._set_app)),
            *self._desks.routes(api),
            *self._mails.routes(api),
            web.get("/page/{path:.+}", self._file),
        ]

    async def stop(self) -> None:
        await self._desks.stop()

    # -- files ----------------------------------------------------------------

    async def _index(self, request: web.Request) -> web.StreamResponse:
        response = _served(FILES / "index.html")
        # Teams and Outlook load what cards show from anywhere; the service is on loopback, without https.
        pictures = f"{PICTURES} {self._teams.bot}".rstrip()
        response.headers["Content-Security-Policy"] = POLICY.replace(PICTURES, pictures)
        return response

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

    async def _icon(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if "/" in name or not name.endswith(".png"):
            raise web.HTTPNotFound
        return _served(ICONS / name)

    # -- what there is --------------------------------------------------------

    async def _setup(self, request: web.Request) -> web.Response:
        people = [
            {"alias": one.alias, "name": one.name, "upn": one.user_principal_name}
            for one in self._world.people.values()
        ]
        return web.json_response(
            {
                "people": people,
                "directory": self._directory(),
                "chats": [person.alias for person in shown(self._world)],
                "tenants": self._desks.described(),
                "curl_placeholder": HERE_GOES_THE_ARX,
            },
            headers=HEADERS,
        )

    def _directory(self) -> list[Json]:
        """Return whom Teams finds in the organization: guests too, no account that is disabled."""
        everybody = self._world.people.values()
        found = [one for one in everybody if one.directory == DIRECTORY and one.enabled]
        return [{"id": one.object_id, "name": one.name} for one in found]

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await stream(request, self._world, self._things)

    async def _meet_reader(self, request: web.Request) -> web.Response:
        """Let the people of the chats live where the reader does: the cards' times are then his own clock's."""
        asked = await body_of(request)
        zone, locale = str(asked.get("zone", "")), str(asked.get("locale", ""))
        if zone not in available_timezones() or not LOCALE.fullmatch(locale):
            raise bad("this is no time zone, or no locale")
        for person in shown(self._world):
            there = person.model_copy(update={"zone": zone, "locale": locale})
            self._world.people[person.alias] = there
        return web.json_response({})

    # -- what people do -------------------------------------------------------

    async def _click(self, request: web.Request) -> web.Response:
        asked = await body_of(request)
        alias, message = self._message(asked)
        action, inputs = object_in(asked, "action"), object_in(asked, "inputs")
        press = self._teams.submit if action.get("type") == "Action.Submit" else self._teams.click
        return self._answered(alias, message, await press(alias, message, action, inputs))

    async def _refresh(self, request: web.Request) -> web.Response:
        alias, message = self._message(await body_of(request))
        return self._answered(alias, message, await self._teams.refresh(alias, message))

    async def _opened(self, request: web.Request) -> web.Response:
        """Let Teams refresh by itself a card that came into sight; nobody is told if that fails."""
        alias, message = self._message(await body_of(request))
        await self._teams.opened(alias, message)
        return self._answered(alias, message, None)

    async def _say(self, request: web.Request) -> web.Response:
        asked = await body_of(request)
        alias, text = self._alias(asked), str(asked.get("text", "")).strip()
        if not text:
            raise bad("there is no text to send")
        return web.json_response({"toast": _toast(await self._teams.say(alias, text))})

    async def _set_app(self, request: web.Request) -> web.Response:
        """Let somebody block the bot, remove its app, or have it as everybody does."""
        asked = await body_of(request)
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
                raise bad("an app is installed, blocked or removed")
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
            raise bad("nobody of this name has a chat here")
        return alias

    def _message(self, asked: Json) -> tuple[str, str]:
        alias, message_id = self._alias(asked), str(asked.get("message", ""))
        chat = self._world.chat_of(alias)
        if chat is None or chat.message(message_id) is None:
            raise bad("this message is no longer in the chat")
        return alias, message_id


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
    kind = TYPES[path.suffix]
    headers = {**HEADERS, "Content-Type": kind if kind == "image/png" else f"{kind}; charset=utf-8"}
    return web.FileResponse(path, headers=headers)
