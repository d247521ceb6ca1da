"""The tenants' own APIs: tells them what was decided (assent-app WIKI.md, "Approval Request")."""

import asyncio
import errno
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import quote

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from approvals_core.adapters.answers import AnswerTooLong, read_bounded, retry_after
from approvals_core.adapters.outgoing import Network, session_to
from approvals_core.arx import approval_request, read_response
from approvals_core.errors import TokenUnavailable
from approvals_core.models import Approval, Decision, Place
from approvals_core.ports import Answer, AnswerKind
from approvals_core.tenant import Submission, Tenant

ANSWER = 1_048_576  # bytes of an answer that are read

PLACEHOLDERS = ("DocumentNumber", "DisplayDocumentNumber", "FiscalYear", "DocumentTypeId")

_UNAUTHORIZED = 401
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


class TokenSource(Protocol):
    """Where our own access tokens come from."""

    async def token(self, directory: str, scope: str, *, refused: str = "") -> str:
        """
        Return a token; another than *refused*, which the far side did not take.

        Raises:
            TokenUnavailable: The issuer gave none.
        """
        ...


@dataclass
class _Call:
    """One attempt; *begun* once a byte of it may have left."""

    tenant: Tenant
    approval: Approval
    body: bytes
    headers: dict[str, str]
    begun: bool = False


def _no_trace() -> str | None:
    return None


class HttpTenantApi:
    """
    Posts decisions over HTTP, with a session of its own for each tenant.

    So a slow tenant holds up no other, and each is reached in its own networks only.
    *current_trace* returns the W3C traceparent of what is being done, if there is one;
    *trace_configs* are told of every request.
    """

    def __init__(
        self,
        tokens: TokenSource,
        *,
        clock: Callable[[], datetime],
        loopback: bool = False,
        resolver: AbstractResolver | None = None,
        current_trace: Callable[[], str | None] = _no_trace,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        self._loopback = loopback
        self._resolver = resolver
        self._current_trace = current_trace
        self._trace_configs = trace_configs
        self._sessions: dict[tuple[str, tuple[Network, ...]], aiohttp.ClientSession] = {}

    async def post_decision(
        self, tenant: Tenant, approval: Approval, place: Place, decision: Decision
    ) -> Answer:
        """
        Post *decision* once, and say what came of it.

        Twice only after a 401, with another token. Ends within the tenant's
        `answer_within`. Never raises for what the far side does.
        """
        request = approval_request(tenant, approval, place, decision)
        posted = [request] if tenant.api.submission is Submission.BULK else request
        headers = self._headers(approval, decision)
        call = _Call(tenant, approval, json.dumps(posted).encode(), headers)
        try:
            async with asyncio.timeout(tenant.api.answer_within):
                return await self._post(call)
        except TokenUnavailable as problem:
            return Answer(kind=AnswerKind.AGAIN, reason=f"no token: {problem}")
        except (aiohttp.ClientError, AnswerTooLong, OSError) as problem:
            return _failed(call, problem)  # TimeoutError is an OSError

    async def close(self) -> None:
        """Let go of every connection."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def _post(self, call: _Call) -> Answer:
        people, scope = call.tenant.people, f"{call.tenant.api.resource}/.default"
        token = await self._tokens.token(people.directory, scope)
        answer, status = await self._post_with(token, call)
        if status != _UNAUTHORIZED or answer.kind is not AnswerKind.AGAIN:
            return answer
        call.begun = False  # a 401 took nothing
        other = await self._tokens.token(people.directory, scope, refused=token)
        if other == token:
            return answer
        answer, _ = await self._post_with(other, call)
        return answer

    async def _post_with(self, token: str, call: _Call) -> tuple[Answer, int]:
        headers = call.headers | {"Authorization": f"Bearer {token}"}
        async with self._session(call.tenant).post(
            _action_url(call.tenant, call.approval),
            data=call.body,
            headers=headers,
            allow_redirects=False,
            trace_request_ctx=call,
        ) as response:
            body = await read_bounded(response, ANSWER)
            answer = read_response(body, response.status, call.approval.key)
            if answer.kind is AnswerKind.AGAIN and answer.retry_after is None:
                after = retry_after(response.headers, now=self._clock())
                answer = answer.model_copy(update={"retry_after": after})
            return answer, response.status

    def _headers(self, approval: Approval, decision: Decision) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Xcv": _header(approval.xcv or approval.display_number),
            "Tcv": _header(decision.id),
            "Idempotency-Key": _header(decision.id),
            "traceparent": traceparent(decision, self._current_trace()),
        }

    def _session(self, tenant: Tenant) -> aiohttp.ClientSession:
        key = (tenant.code, tenant.api.networks)
        if key not in self._sessions:
            self._sessions[key] = session_to(
                tenant.api.networks,
                loopback=self._loopback,
                resolver=self._resolver,
                trace_configs=[_noting_what_leaves(), *self._trace_configs],
            )
        return self._sessions[key]


def fill(template: str, approval: Approval) -> str:
    """Fill a path of the tenant's file; every value is encoded, slashes too."""
    key = approval.key
    values = (key.number, approval.display_number, key.year, key.tenant)
    for name, value in zip(PLACEHOLDERS, values, strict=True):
        template = template.replace(f"{{{name}}}", quote(value, safe=""))
    return template


def traceparent(decision: Decision, current: str | None = None) -> str:
    """
    Return the W3C traceparent of an attempt.

    Every attempt of a decision has the same trace, also after a restart: that of
    *current*, or one made from the decision's id.
    """
    found = _TRACEPARENT.fullmatch(current or "")
    trace = found[1] if found else hashlib.sha256(decision.id.encode()).hexdigest()[:32]
    attempt = f"{decision.id}/{decision.attempts}"
    return f"00-{trace}-{hashlib.sha256(attempt.encode()).hexdigest()[:16]}-01"


def _action_url(tenant: Tenant, approval: Approval) -> URL:
    path = fill(tenant.api.action, approval)
    return URL(tenant.api.base_url.rstrip("/") + path, encoded=True)


def _header(text: str) -> str:
    """Return text fit for a header: anything but printable ASCII is percent-encoded."""
    return quote(text.strip(), safe=_PRINTABLE)


def _noting_what_leaves() -> aiohttp.TraceConfig:
    async def headers_leave(_session: object, context: object, _sent: object) -> None:
        call = getattr(context, "trace_request_ctx", None)
        assert isinstance(call, _Call)
        call.begun = True  # called just before they are written

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(headers_leave)
    return config


def _failed(call: _Call, problem: Exception) -> Answer:
    why = _named(problem, call)
    if call.begun:
        return Answer(kind=AnswerKind.UNKNOWN, reason=f"no usable answer: {why}")
    if _is_refused_address(problem) or isinstance(problem, aiohttp.InvalidURL):
        return Answer(kind=AnswerKind.NOT_TAKEN, reason=f"not called: {why}")
    return Answer(kind=AnswerKind.AGAIN, reason=f"no connection: {why}")


def _is_refused_address(problem: Exception) -> bool:
    inner = problem.os_error if isinstance(problem, aiohttp.ClientConnectorError) else problem
    return isinstance(inner, OSError) and inner.errno == errno.EACCES


def _named(problem: Exception, call: _Call) -> str:
    """Return what failed without the far side's words: they may hold anything."""
    if isinstance(problem, TimeoutError):
        return f"timed out, at most {call.tenant.api.answer_within:g} s"
    if isinstance(problem, AnswerTooLong):
        return f"more than {ANSWER} bytes"
    if isinstance(problem, aiohttp.ClientConnectorError):
        return problem.os_error.strerror or type(problem.os_error).__name__
    return type(problem).__name__
