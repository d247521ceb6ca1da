"""The far side of Microsoft Graph: the people of a directory, by id, by UPN or by filter."""

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

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
# Without $select Graph leaves out the rest: who asks whether an account is enabled has to select it.
_DEFAULT = ("id", "displayName", "userPrincipalName", "mail")
_CONTEXT = "https://graph.microsoft.com/v1.0/$metadata#users"


class Graph:
    """Serves `/graph/v1.0/users`; faults at "graph"."""

    def __init__(self, world: World, issuer: Issuer) -> None:
        self._world = world
        self._issuer = issuer

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/graph/v1.0/users", self._list),
            web.get("/graph/v1.0/users/{name}", self._get),
        ]

    async def _get(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        name = request.match_info["name"]
        wanted = name.casefold()
        for one in self._members():
            if wanted in (one.object_id, one.user_principal_name.casefold()):
                return web.json_response({"@odata.context": _CONTEXT, **_selected(one, request)})
        # The text is Graph's own, sic.
        why = (
            f"Resource '{name}' does not exist or one of its queried reference-property"
            " objects are not present."
        )
        return _error(404, "Request_ResourceNotFound", why)

    async def _list(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        wanted = _FILTER.match(request.query.get("$filter", ""))
        if wanted is None or wanted[1] not in _FILTERED:
            return _error(400, "Request_UnsupportedQuery", "Unsupported or missing $filter.")
        value = wanted[2].replace("''", "'").casefold()
        found = [one for one in self._members() if _fields(one)[wanted[1]].casefold() == value]
        values = [_selected(one, request) for one in found]
        return web.json_response({"@odata.context": _CONTEXT, "value": values})

    def _members(self) -> list[Person]:
        everybody = self._world.people.values()
        return [one for one in everybody if one.directory == names.DIRECTORY]

    def _refusal(self, request: web.Request) -> web.Response | None:
        self._world.changed("traffic", "graph", path=request.path_qs)
        fault = self._world.take_fault("graph", FaultKind.THROTTLED, FaultKind.STATUS)
        if fault is not None and fault.kind is FaultKind.THROTTLED:
            answer = _error(429, "TooManyRequests", "Too many requests.")
            answer.headers["Retry-After"] = f"{fault.seconds:g}"
            return answer
        if fault is not None:
            return _error(fault.status, "ServiceNotAvailable", "Told to fail.")
        claims = claims_of(request, self._issuer, audience=names.GRAPH)
        if claims is None or claims.get("appid") != names.BOT_APP:
            return _error(401, "InvalidAuthenticationToken", "Access token validation failure.")
        return None


def _fields(person: Person) -> Json:
    return {
        "id": person.object_id,
        "displayName": person.name,
        "userPrincipalName": person.user_principal_name,
        "mailNickname": person.mail_nickname,
        "mail": f"{person.alias}@{names.DOMAIN}",
        "accountEnabled": person.enabled,
        "userType": person.user_type,
    }


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
