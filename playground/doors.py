"""What all doors of the playground share: only this machine's own pages and programs, and bearer tokens that hold."""

import jwt
from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from playground.issuer import Issuer
from playground.signing import Claims

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@web.middleware
async def loopback_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """
    Refuse foreign Host and Origin headers.

    A page of the internet that rebinds its name to 127.0.0.1, or posts here, would otherwise act as our people.
    """
    if _host(f"http://{request.host}") not in LOOPBACK:
        raise web.HTTPMisdirectedRequest(text="This playground answers as 127.0.0.1 only.")
    origin = request.headers.get("Origin")
    if origin is not None and URL(origin).authority != request.host:
        raise web.HTTPForbidden(text="This playground answers its own page only.")
    return await handler(request)


def _host(url: str) -> str | None:
    try:
        return URL(url).host
    except ValueError:
        return None


def claims_of(request: web.Request, issuer: Issuer, *, audience: str) -> Claims | None:
    """Return the claims of the request's bearer token if it is ours and for *audience*, or None."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        return issuer.read(token.strip(), audience=audience)
    except jwt.InvalidTokenError:
        return None


def drop(request: web.Request) -> web.Response:
    """Close the connection in place of an answer: the caller cannot know what was done."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # goes nowhere
