"""Graph's sendMail for the bot's mailbox, as strict as the real one."""

import asyncio
import re
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from playground import names
from playground.doors import claims_of, drop
from playground.faults import Fault, FaultKind
from playground.issuer import Issuer
from playground.records import Json
from playground.world import World

PLACE = "graph/mail"  # of its faults
ROLE = "Mail.Send"
MOST_HEADERS = 5  # of one's own (microsoft-graph-docs, internetmessageheader.md)
MOST_AT_ONCE = 4  # for one application and mailbox (microsoft-graph-docs, throttling-outlook.md)
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")


class MailRefused(Exception):
    """What Graph says no to, with its code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = _error(status, code, message)


class SendMail:
    """Serves `/graph/v1.0/users/{name}/sendMail`; faults at "graph/mail"."""

    def __init__(self, world: World, issuer: Issuer) -> None:
        self._world = world
        self._issuer = issuer
        self._under_way = 0

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.post("/graph/v1.0/users/{name}/sendMail", self._send)]

    async def _send(self, request: web.Request) -> web.Response:
        self._world.changed("traffic", "graph", path=request.path)
        if self._fault(FaultKind.DROPPED):
            return drop(request)
        if self._under_way >= MOST_AT_ONCE:
            return _busy(1)
        self._under_way += 1
        try:
            return await self._taken(request)
        except MailRefused as refusal:
            return refusal.answer
        finally:
            self._under_way -= 1

    async def _taken(self, request: web.Request) -> web.Response:
        self._check_caller(request)
        message = _checked(await _body(request))
        slow = self._fault(FaultKind.SLOW)
        await asyncio.sleep(slow.seconds if slow else 0)
        throttled = self._fault(FaultKind.THROTTLED)
        if throttled is not None:
            return _busy(throttled.seconds)
        failing = self._fault(FaultKind.STATUS)
        if failing is not None:
            return _error(failing.status, "ServiceNotAvailable", "Told to fail.")
        for address in _addresses(message):
            self._world.mailboxes.deliver_graph(message, sender=names.MAIL_FROM, to=address)
        if self._fault(FaultKind.LOST_ANSWER):
            return drop(request)
        return web.Response(status=202)

    def _check_caller(self, request: web.Request) -> None:
        claims = claims_of(request, self._issuer, audience=names.GRAPH)
        if claims is None or claims.get("appid") != names.BOT_APP:
            raise MailRefused(401, "InvalidAuthenticationToken", "Access token validation failure.")
        if ROLE not in claims.get("roles", []):
            raise MailRefused(403, "ErrorAccessDenied", "Access is denied. Check credentials.")
        if request.match_info["name"].casefold() != names.MAIL_FROM:
            raise MailRefused(404, "ErrorInvalidUser", "The requested user is invalid.")
        if self._fault(FaultKind.NO_RECIPIENT):
            raise MailRefused(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")

    def _fault(self, kind: FaultKind) -> Fault | None:
        return self._world.take_fault(PLACE, kind)


async def _body(request: web.Request) -> Json:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or set(body) - {"message", "saveToSentItems"}:
        raise MailRefused(400, "RequestBodyRead", "The request body cannot be read.")
    return body


def _checked(body: Json) -> Json:
    """Return the message, once it is one that Graph would take."""
    message = body.get("message")
    content = message.get("body") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(content, dict):
        raise MailRefused(400, "ErrorInvalidRequest", "The message is missing.")
    if content.get("contentType") not in ("HTML", "Text") or "content" not in content:
        raise MailRefused(400, "ErrorInvalidRequest", "The body has no content.")
    if not all(_ADDRESS.fullmatch(one) for one in _addresses(message)):
        raise MailRefused(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
    _check_headers(message.get("internetMessageHeaders") or [])
    return message


def _check_headers(headers: list[Json]) -> None:
    if len(headers) > MOST_HEADERS:
        why = f"Maximum number of headers in one message should be less than or equal to {MOST_HEADERS}."
        raise MailRefused(400, "InvalidInternetMessageHeaderCollection", why)
    for one in headers:
        if not str(one["name"]).lower().startswith("x-"):
            why = (
                f"The internet message header name '{one['name']}' should start with 'x-' or 'X-'."
            )
            raise MailRefused(400, "InvalidInternetMessageHeader", why)


def _addresses(message: Json) -> list[str]:
    lists: Any = [message.get(name) or [] for name in ("toRecipients", "ccRecipients")]
    found = [str(one["emailAddress"]["address"]) for each in lists for one in each]
    if not found:
        raise MailRefused(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
    return found


def _busy(seconds: float) -> web.Response:
    answer = _error(
        429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit."
    )
    answer.headers["Retry-After"] = f"{seconds:g}"
    return answer


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
