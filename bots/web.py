"""What the HTTP channels share: tokens in, problems out as JSON, bodies with limits, correlation ids."""

import asyncio
import json
import logging
import re
import time
import uuid
from collections.abc import Collection, Mapping
from contextvars import ContextVar
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from yarl import URL

from approvals_core.adapters.tokens import Claims, TokenVerifier
from approvals_core.errors import InvalidToken, KeysUnavailable, StoreUnavailable
from approvals_core.log_context import noted
from approvals_core.tracing import read_trace, within

PROBLEM = "application/problem+json"  # RFC 9457
DEPTH = 64  # of arrays and objects within each other
VALUES = 20_000  # of one body, counted by its commas
READ_WITHIN = 10.0  # seconds for the whole body
STORE_BACK_IN = 5  # seconds after which to try again
KEYS_BACK_IN = 60  # seconds: so often an issuer that failed is asked again

log = logging.getLogger(__name__)

# One match per string, so that what strings hold does not count. It never backtracks.
_PIECES = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{\]},]', re.DOTALL)
_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
_HARMLESS_ID = re.compile(r"[A-Za-z0-9._:{}-]{1,128}")


class Correlation(NamedTuple):
    """
    The ids under which the caller will ask about a request. Its trace is in `tracing`.

    The last two are Outlook's, of the card and of the press of one of its buttons
    (outlook-dev-docs, adaptive-card.md: Card-Correlation-Id, Action-Request-Id).
    """

    xcv: str = ""
    tcv: str = ""
    card_correlation: str = ""
    action_request: str = ""


correlation: ContextVar[Correlation] = ContextVar("correlation", default=Correlation())  # noqa: B039 (immutable)


_arrived: ContextVar[float] = ContextVar("arrived")


def elapsed() -> float:
    """Return the seconds since the request under way arrived; 0.0 outside of one."""
    now = time.monotonic()
    return now - _arrived.get(now)


class CorrelationOnRecords(logging.Filter):
    """Puts the ids of the request under way on every log record; add it to the handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in correlation.get()._asdict().items():
            if value and not hasattr(record, name):
                setattr(record, name, value)
        return True


class _Refusal(web.HTTPException):
    """An answer of 4xx or 5xx whose body says what is wrong."""

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str], members: Mapping[str, object]
    ) -> None:
        self.status_code = status
        body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
        super().__init__(
            headers=headers,
            text=json.dumps(body | {"detail": detail} | dict(members)),
            content_type=PROBLEM,
        )


def refused(
    status: int, detail: str, *, headers: Mapping[str, str] | None = None, **members: object
) -> web.HTTPException:
    """Return what to raise to answer with a problem; *members* stand beside its usual ones."""
    given = dict(headers or {})
    if status == HTTPStatus.UNAUTHORIZED:
        given.setdefault("WWW-Authenticate", "Bearer")
    return _Refusal(status, detail, given, members)


async def bearer_claims(request: web.Request, verifier: TokenVerifier) -> Claims:
    """Return what the request's bearer token says, or answer 401; 503 while nobody can tell."""
    given = request.headers.getall("Authorization", [])
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise refused(401, "A bearer token is needed.")
    try:
        return await verifier.verify(token.strip())
    except KeysUnavailable as problem:
        log.warning("token_not_verified", extra={"path": request.path, "why": str(problem)})
        why = "We cannot fetch the keys that your token is checked with. Please repeat it."
        later = {"Retry-After": str(KEYS_BACK_IN)}
        raise refused(503, why, headers=later) from None
    except InvalidToken as problem:
        log.warning("token_rejected", extra={"path": request.path, "why": str(problem)})
        wrong = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise refused(401, "The bearer token is not valid here.", headers=wrong) from None


async def read_json(request: web.Request, *, limit: int) -> object:
    """
    Return the body, parsed, or answer 400, 408, 413 or 415.

    At most *limit* bytes, not compressed, UTF-8. Depth and count are looked at
    before anything is parsed: JSON of a few kilobytes can be ruinously deep.
    """
    check_media_type(request)
    body = await read_body(request, limit=limit)
    if _too_complex(body):
        raise refused(400, "The JSON is nested too deep or has too many parts.")
    try:
        value: object = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
        _check_text(body, value)
    except (ValueError, RecursionError):
        raise refused(400, "The body is no JSON in UTF-8.") from None
    return value


def check_media_type(request: web.Request) -> None:
    """Answer 415 unless the body is uncompressed JSON; one that names no type is taken for it."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise refused(415, "Send the body uncompressed.")
    kind = request.content_type.lower()
    is_json = kind == "application/json" or kind.endswith("+json")
    if "Content-Type" in request.headers and not is_json:
        raise refused(415, "Send the body as application/json.")
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
        raise refused(415, "Send the body in UTF-8.")


async def read_body(request: web.Request, *, limit: int, within: float = READ_WITHIN) -> bytes:
    """
    Return the body, or answer 400, 408 or 413.

    One of more than *limit* bytes is refused unread, as far as its length is known;
    it has *within* seconds to arrive. Who goes away before its end reads no answer: the
    400 is for the log, so that it tells of a caller and not of a mistake of ours.
    """
    too_long = f"The body may have at most {limit} bytes."
    if (request.content_length or 0) > limit:
        raise refused(413, too_long)
    body = bytearray()
    try:
        async with asyncio.timeout(within):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise refused(413, too_long)
    except TimeoutError:
        raise refused(408, "The body did not arrive in time.") from None
    except (ConnectionError, web.RequestPayloadError):
        raise refused(400, "The body did not arrive whole.") from None
    return bytes(body)


def _too_complex(body: bytes) -> bool:
    """Tell whether JSON goes beyond our limits; most is seen at a glance not to."""
    opened = body.count(b"[") + body.count(b"{")
    if opened <= DEPTH and body.count(b",") <= VALUES:
        return False
    depth = commas = 0
    for piece in _PIECES.findall(body):
        depth += (piece in b"[{") - (piece in b"]}")
        commas += piece == b","
        if depth > DEPTH or commas > VALUES:
            return True
    return False


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _check_text(body: bytes, value: object) -> None:
    """Refuse halves of characters: they parse, and then nobody can write them."""
    if b"\\u" in body:
        json.dumps(value, ensure_ascii=False).encode()


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer whatever goes wrong as application/problem+json. The one broad except of HTTP."""
    try:
        return await handler(request)
    except web.HTTPException as known:
        raise _as_problem(known) from None
    except StoreUnavailable as problem:
        log.warning("store_unavailable", extra={"path": request.path, "why": str(problem)})
        later = {"Retry-After": str(STORE_BACK_IN)}
        raise refused(503, "We cannot take this now. Please repeat it.", headers=later) from None
    except Exception:
        log.exception("request_failed", extra={"path": request.path})
        raise refused(500, "Something went wrong on our side.") from None


def _as_problem(known: web.HTTPException) -> web.HTTPException:
    if isinstance(known, _Refusal) or known.status < HTTPStatus.BAD_REQUEST:
        return known
    own = ("content-type", "content-length")
    headers = {name: value for name, value in known.headers.items() if name.lower() not in own}
    return refused(known.status, known.reason, headers=headers)


@web.middleware
async def correlated(request: web.Request, handler: Handler) -> web.StreamResponse:
    """
    Keep arrival, the caller's ids and his trace while the request lasts; without Xcv we make one.

    The answer has Xcv and Tcv as headers: those of what the request turned out to be about.
    """
    _arrived.set(time.monotonic())
    ids = Correlation(
        xcv=_harmless(request, "Xcv") or str(uuid.uuid4()),
        tcv=_harmless(request, "Tcv"),
        card_correlation=_harmless(request, "Card-Correlation-Id"),
        action_request=_harmless(request, "Action-Request-Id"),
    )
    trace = read_trace(
        request.headers.getall("traceparent", []), request.headers.getall("tracestate", [])
    )
    token = correlation.set(ids)
    try:
        with within(trace):
            response = await handler(request)
        response.headers.update(_answered_ids(ids))
    except web.HTTPException as answer:
        answer.headers.update(_answered_ids(ids))
        raise
    else:
        return response
    finally:
        correlation.reset(token)


def _answered_ids(ids: Correlation) -> dict[str, str]:
    found = noted()
    named = {"Xcv": found.get("xcv", ids.xcv), "Tcv": found.get("tcv", ids.tcv)}
    return {name: quote(value.strip(), safe=_PRINTABLE) for name, value in named.items() if value}


def only_for(hosts: Collection[str]) -> Middleware:
    """
    Return what answers 421 to requests whose Host header names none of *hosts*.

    A service on loopback is guarded by being there alone: a page of the web whose name
    is made to resolve to 127.0.0.1 must not reach it.
    """

    @web.middleware
    async def refuse_others(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _host(request.host) not in hosts:
            raise refused(421, "Nobody of this name is here.")
        return await handler(request)

    return refuse_others


def _host(authority: str) -> str | None:
    try:
        return URL(f"http://{authority}").host
    except ValueError:
        return None


def _harmless(request: web.Request, name: str) -> str:
    """Return a header that goes to the log, "" if somebody tries to write lines of his own there."""
    value = request.headers.get(name, "")
    return value if _HARMLESS_ID.fullmatch(value) else ""
