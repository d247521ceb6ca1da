"""The far side of Microsoft Graph: the people of a directory, and apps installed for them."""

import asyncio
import re
import secrets
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from playground import names
from playground.doors import claims_of
from playground.faults import FaultKind
from playground.issuer import Issuer
from playground.people import Person
from playground.records import Json
from playground.world import World

_FILTER = re.compile(r"^\s*(\w+)\s+eq\s+'((?:[^']|'')*)'\s*$")  # OData doubles a quote
_FILTERED = ("mailNickname", "userPrincipalName", "mail", "id")
_ANY_ADDRESS = re.compile(r"^\s*proxyAddresses/any\((\w+):\1 eq '((?:[^']|'')*)'\)\s*$")
# Without $select Graph leaves out the rest: who asks whether an account is enabled has to select it.
_DEFAULT = ("id", "displayName", "userPrincipalName", "mail")
INSTALL_ROLE = "TeamsAppInstallation.ReadWriteSelfForUser.All"
_CONTEXT = "https://graph.microsoft.com/v1.0/$metadata#users"

# The account behind a shared mailbox: nobody signs in with it.
_SHARED_MAILBOX = {
    "id": "88888888-aaaa-4aaa-8aaa-888888888888",
    "displayName": "Approvals",
    "userPrincipalName": names.MAIL_FROM,
    "mail": names.MAIL_FROM,
}


class Graph:
    """
    Serves `/graph/v1.0/users`; faults at "graph".

    *on_install* is what Teams does once an app is installed for somebody, by alias.
    """

    def __init__(
        self, world: World, issuer: Issuer, on_install: Callable[[str], Coroutine[Any, Any, object]]
    ) -> None:
        self._world = world
        self._issuer = issuer
        self._on_install = on_install
        self._telling: set[asyncio.Task[object]] = set()

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/graph/v1.0/users", self._list),
            web.get("/graph/v1.0/appCatalogs/teamsApps", self._catalogue),
            web.get("/graph/v1.0/users/{name}", self._get),
            web.post("/graph/v1.0/users/{name}/teamwork/installedApps", self._install),
        ]

    async def stop(self) -> None:
        """Let Teams finish what it tells the bot."""
        await asyncio.gather(*self._telling)

    async def _get(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request, "User.Read.All")
        if refusal is not None:
            return refusal
        name = request.match_info["name"]
        wanted = name.casefold()
        for one in self._members():
            if wanted in (one.object_id, one.user_principal_name.casefold()):
                return web.json_response({"@odata.context": _CONTEXT, **_selected(one, request)})
        if wanted == names.MAIL_FROM:
            return web.json_response({"@odata.context": _CONTEXT, **_SHARED_MAILBOX})
        # The text is Graph's own, sic.
        why = (
            f"Resource '{name}' does not exist or one of its queried reference-property"
            " objects are not present."
        )
        return _error(404, "Request_ResourceNotFound", why)

    async def _list(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request, "User.Read.All")
        if refusal is not None:
            return refusal
        fits = _fitting(request.query.get("$filter", ""))
        if fits is None:
            return _error(400, "Request_UnsupportedQuery", "Unsupported or missing $filter.")
        found = [one for one in self._members() if fits(one)]
        values = [_selected(one, request) for one in found]
        return web.json_response({"@odata.context": _CONTEXT, "value": values})

    async def _catalogue(self, request: web.Request) -> web.Response:
        """List the organization's apps with the manifest's id that the filter names."""
        refusal = self._refusal(request, "AppCatalog.Read.All")
        if refusal is not None:
            return refusal
        wanted = _FILTER.match(request.query.get("$filter", ""))
        if wanted is None or wanted[1] != "externalId":
            return _error(400, "BadRequest", "Unsupported or missing $filter.")
        versions = [one for app, one in self._world.catalogue.items() if app == wanted[2]]
        values = [
            {
                "id": names.CATALOG_APP,
                "externalId": wanted[2],
                "distributionMethod": "organization",
                "appDefinitions": [{"version": version, "publishingState": "published"}],
            }
            for version in versions
        ]
        return web.json_response({"value": values})

    async def _install(self, request: web.Request) -> web.Response:
        """Install the app, and let Teams tell the bot so; faults of its own at "graph/install"."""
        refusal = self._fault("graph/install") or self._refusal(request, INSTALL_ROLE)
        if refusal is not None:
            return refusal
        wanted = request.match_info["name"].casefold()
        person = next((one for one in self._members() if wanted == one.object_id), None)
        if person is None or not person.enabled:
            return _error(404, "NotFound", "User not found.")
        if await _bound_app(request) != names.CATALOG_APP:
            return _error(404, "NotFound", "The app is not in the organization's catalogue.")
        if self._world.is_installed(person.alias):
            return _error(409, "Conflict", "The app is already installed for the user.")
        self._world.set_installed(person.alias, installed=True)
        self._tell(person.alias)
        return web.Response(status=201)

    def _tell(self, alias: str) -> None:
        task = asyncio.create_task(self._on_install(alias))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    def _members(self) -> list[Person]:
        everybody = self._world.people.values()
        return [one for one in everybody if one.directory == names.DIRECTORY]

    def _refusal(self, request: web.Request, role: str) -> web.Response | None:
        self._world.changed("traffic", "graph", path=request.path_qs)
        failure = self._fault("graph")
        if failure is not None:
            return failure
        claims = claims_of(request, self._issuer, audience=names.GRAPH)
        if claims is None or claims.get("appid") != names.BOT_APP:
            return _error(401, "InvalidAuthenticationToken", "Access token validation failure.")
        if role not in claims.get("roles", []):
            why = "Insufficient privileges to complete the operation."
            return _error(403, "Authorization_RequestDenied", why)
        return None

    def _fault(self, place: str) -> web.Response | None:
        fault = self._world.take_fault(place, FaultKind.THROTTLED, FaultKind.STATUS)
        if fault is not None and fault.kind is FaultKind.THROTTLED:
            answer = _error(429, "TooManyRequests", "Too many requests.")
            answer.headers["Retry-After"] = f"{fault.seconds:g}"
            return answer
        return _error(fault.status, "ServiceNotAvailable", "Told to fail.") if fault else None


async def _bound_app(request: web.Request) -> str:
    """Return the id of the app that an installation names, "" if it names none."""
    try:
        body = await request.json()
    except ValueError:
        return ""
    bound = body.get("teamsApp@odata.bind") if isinstance(body, dict) else None
    path, _, app = str(bound or "").rpartition("/")
    return app if path.endswith("/appCatalogs/teamsApps") else ""


def _fitting(asked: str) -> Callable[[Person], bool] | None:
    """Return what tells whom a $filter asks for, None if it is none that is served here."""
    if (by_address := _ANY_ADDRESS.match(asked)) is not None:
        address = _unquoted(by_address[2])
        return lambda one: address in [each.casefold() for each in _fields(one)["proxyAddresses"]]
    wanted = _FILTER.match(asked)
    if wanted is None or wanted[1] not in _FILTERED:
        return None
    name, value = wanted[1], _unquoted(wanted[2])
    return lambda one: _fields(one)[name].casefold() == value


def _unquoted(value: str) -> str:
    return value.replace("''", "'").casefold()


def _fields(person: Person) -> Json:
    return {
        "id": person.object_id,
        "displayName": person.name,
        "userPrincipalName": person.user_principal_name,
        "mailNickname": person.mail_nickname,
        "mail": f"{person.alias}@{names.DOMAIN}",
        "proxyAddresses": [f"SMTP:{person.alias}@{names.DOMAIN}", *_other_addresses(person)],
        "accountEnabled": person.enabled,
        "userType": person.user_type,
    }


def _other_addresses(person: Person) -> list[str]:
    """Return what else reaches somebody: his name with a dot, as many companies have it."""
    dotted = ".".join(person.name.casefold().split())
    return [f"smtp:{dotted}@{names.DOMAIN}"] if dotted.isascii() else []


def _selected(person: Person, request: web.Request) -> Json:
    asked = request.query.get("$select", "")
    wanted = [name.strip() for name in asked.split(",")] if asked else _DEFAULT
    fields = _fields(person)
    return {name: fields[name] for name in wanted if name in fields}


def _error(status: int, code: str, message: str) -> web.Response:
    inner = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": secrets.token_hex(16),
    }
    error = {"code": code, "message": message, "innerError": inner}
    return web.json_response({"error": error}, status=status)
