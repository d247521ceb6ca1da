"""One call of a tenant: a slot, a token, one request, once more after a 401 or a connection gone stale."""

import asyncio
import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from approvals_core.adapters.answers import AnswerTooLong, read_bounded
from approvals_core.adapters.outgoing import Network, session_to
from approvals_core.adapters.resolving import OwnResolver
from approvals_core.adapters.tenant_api.breaker import Verdict
from approvals_core.adapters.tenant_api.bulkhead import PATIENCE, Bulkhead, NotMade
from approvals_core.errors import TokenUnavailable
from approvals_core.tenant import Tenant

UNAUTHORIZED = 401
KEPT = 4.0  # seconds without a call; servers close after 5 (Node.js, uvicorn) or later, as a rule
_SERVER_ERROR = 500


class TenantTokens(Protocol):
    """Where the tokens for the tenants' APIs come from."""

    async def token(
        self, tenant: Tenant, *, refused: str = "", user_assertion: str | None = None
    ) -> str:
        """
        Return a token; another than *refused*, which the far side did not take.

        *user_assertion* is the token of the person who acts, where he signed in with us.

        Raises:
            TokenUnavailable: The issuer gave none.
        """
        ...


class NotAllowed(NotMade):
    """The tenant's host is at an address that we do not call."""


class NoAnswer(Exception):
    """The request may have arrived, and nothing that can be used came back."""

    def __init__(self, why: str, *, too_long: bool = False) -> None:
        super().__init__(why)
        self.too_long = too_long


@dataclass(frozen=True)
class Reply:
    """What came back, whole; *headers* by their names, whatever the case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def _is_unauthorized(reply: Reply) -> bool:
    return reply.status == UNAUTHORIZED


@dataclass
class Call:
    """
    One call to make: ends within *within* seconds, and reads at most *limit* bytes.

    *decides*: it tells the tenant a decision; what only reads waits behind those.
    *unauthorized* tells whether a reply asks for another token. *user_assertion* is the
    token of the person on whose behalf it is made, None where he has none.
    """

    method: str
    url: URL
    headers: dict[str, str]
    within: float
    limit: int
    body: bytes | None = None
    decides: bool = False
    unauthorized: Callable[[Reply], bool] = _is_unauthorized
    user_assertion: str | None = None
    begun: bool = field(default=False, init=False)  # a byte of it may have left
    has_token: bool = field(default=False, init=False)
    reused: bool = field(default=False, init=False)  # the connection was there before
    lost: bool = field(default=False, init=False)  # it was sent before, and nobody knows more


class Calls:
    """
    Makes the calls of all tenants, each with slots, a breaker, and a session of its own.

    So a tenant that hangs holds no connection, name look-up or slot of another's, and
    each is reached in its own networks only.

    Connections are kept only to a tenant that is idempotent: a decision on a kept one that
    the far side closes in that instant may have arrived, and only such a one may be sent
    again. That is done at once, on a new connection; see `Call.lost`.
    """

    def __init__(
        self,
        tokens: TenantTokens,
        *,
        clock: Callable[[], datetime],
        loopback: bool,
        resolver: AbstractResolver | None,
        trace_configs: Sequence[aiohttp.TraceConfig],
        patience: float = PATIENCE,
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        self._loopback = loopback
        self._resolver = resolver
        self._trace_configs = trace_configs
        self._patience = patience
        self._bulkheads: dict[str, Bulkhead] = {}
        self._sessions: dict[tuple[str, tuple[Network, ...], bool], aiohttp.ClientSession] = {}

    async def make(self, tenant: Tenant, call: Call) -> Reply:
        """
        Make a call, and return what came back, whatever its status.

        Raises:
            NotMade: Nothing left: no slot, no token, no connection, or an address not allowed.

            NoAnswer: It may have arrived.
        """
        async with self._bulkhead(tenant).passage(tenant, decides=call.decides) as passage:
            try:
                async with asyncio.timeout(call.within):
                    reply = await self._asked(tenant, call)
            except TokenUnavailable as problem:
                why = f"no token: {problem}"
                raise (NoAnswer(why) if call.begun else NotMade(why)) from None
            except (aiohttp.ClientError, AnswerTooLong, OSError) as problem:
                passage.verdict = _verdict(call, problem)  # TimeoutError is an OSError
                raise _failure(call, problem) from problem
            silent = reply.status >= _SERVER_ERROR
            passage.verdict = Verdict.SILENT if silent else Verdict.ANSWERED
            return reply

    def paused(self) -> dict[str, bool]:
        """Return of each tenant that was called, by code, whether its breaker is open."""
        return {code: bulkhead.paused for code, bulkhead in self._bulkheads.items()}

    async def close(self) -> None:
        """Let go of every connection."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def _bulkhead(self, tenant: Tenant) -> Bulkhead:
        if tenant.code not in self._bulkheads:
            made = Bulkhead(clock=self._clock, patience=self._patience)
            self._bulkheads[tenant.code] = made
        return self._bulkheads[tenant.code]

    async def _asked(self, tenant: Tenant, call: Call) -> Reply:
        assertion = call.user_assertion
        token = await self._tokens.token(tenant, user_assertion=assertion)
        reply = await self._asked_with(token, tenant, call)
        if not call.unauthorized(reply):
            return reply
        call.begun, call.has_token = call.lost, False  # a 401 took nothing
        other = await self._tokens.token(tenant, refused=token, user_assertion=assertion)
        if other == token:
            return reply
        return await self._asked_with(other, tenant, call)

    async def _asked_with(self, token: str, tenant: Tenant, call: Call) -> Reply:
        call.has_token = True
        try:
            return await self._sent(token, tenant, call, keeps=tenant.api.idempotent)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if not (call.reused and call.decides):
                raise
        call.lost = True
        return await self._sent(token, tenant, call, keeps=False)

    async def _sent(self, token: str, tenant: Tenant, call: Call, *, keeps: bool) -> Reply:
        call.reused = False
        async with self._session(tenant, keeps=keeps).request(
            call.method,
            call.url,
            data=call.body,
            headers=call.headers | {"Authorization": f"Bearer {token}"},
            allow_redirects=False,
            trace_request_ctx=call,
        ) as response:
            body = await read_bounded(response, call.limit)
            return Reply(response.status, response.headers, body)

    def _session(self, tenant: Tenant, *, keeps: bool) -> aiohttp.ClientSession:
        key = (tenant.code, tenant.api.networks, keeps)
        if key not in self._sessions:
            self._sessions[key] = session_to(
                tenant.api.networks,
                loopback=self._loopback,
                resolver=self._resolver or OwnResolver(tenant.code),
                trace_configs=[_noting_what_happens(), *self._trace_configs],
                kept=KEPT if keeps else 0.0,
            )
        return self._sessions[key]


def _noting_what_happens() -> aiohttp.TraceConfig:
    async def headers_leave(_session: object, context: object, _sent: object) -> None:
        _call_of(context).begun = True  # called just before they are written

    async def reused(_session: object, context: object, _connection: object) -> None:
        _call_of(context).reused = True

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(headers_leave)
    config.on_connection_reuseconn.append(reused)
    return config


def _call_of(context: object) -> Call:
    call = getattr(context, "trace_request_ctx", None)
    assert isinstance(call, Call)
    return call


def _verdict(call: Call, problem: Exception) -> Verdict:
    if isinstance(problem, AnswerTooLong):
        return Verdict.ANSWERED
    ours = not call.has_token or _is_not_allowed(problem)
    return Verdict.NOTHING if ours else Verdict.SILENT


def _failure(call: Call, problem: Exception) -> NotMade | NoAnswer:
    why = _named(call, problem)
    if call.begun:
        return NoAnswer(why, too_long=isinstance(problem, AnswerTooLong))
    if not call.has_token:
        return NotMade(f"no token: {why}")
    if _is_not_allowed(problem):
        return NotAllowed(f"not called: {why}")
    return NotMade(f"no connection: {why}")


def _is_not_allowed(problem: Exception) -> bool:
    inner = problem.os_error if isinstance(problem, aiohttp.ClientConnectorError) else problem
    refused = isinstance(inner, OSError) and inner.errno == errno.EACCES
    return refused or isinstance(problem, aiohttp.InvalidURL)


def _named(call: Call, problem: Exception) -> str:
    """Return what failed without the far side's words: they may hold anything."""
    if isinstance(problem, TimeoutError):
        return f"timed out, at most {call.within:g} s"
    if isinstance(problem, AnswerTooLong):
        return f"more than {call.limit} bytes"
    if isinstance(problem, aiohttp.ClientConnectorError):
        return problem.os_error.strerror or type(problem.os_error).__name__
    return type(problem).__name__
