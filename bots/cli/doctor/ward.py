"""What every examination needs: settings, tenants, our own tokens, and a session that notes the far sides' clocks."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import jwt

from approvals_core.adapters.answers import AnswerTooLong, read_bounded
from approvals_core.adapters.entra import OwnTokens
from approvals_core.adapters.outgoing import session_trusting
from approvals_core.tenant import Tenant
from config import Settings

CALL_WITHIN = aiohttp.ClientTimeout(total=10)
BODY_LIMIT = 64 * 1024  # bytes

Json = dict[str, Any]


class NoAnswer(Exception):
    """A far side did not answer; the message says why, in words for an operator."""


@dataclass(frozen=True)
class Ward:
    """
    The installation that is examined, and what it takes to do so.

    *tenants* are those whose files are good. *package* is where the app package may be.
    *clocks* has by host and port how far the far side's clock is ahead of ours.
    """

    settings: Settings
    tenants: tuple[Tenant, ...]
    session: aiohttp.ClientSession
    tokens: OwnTokens
    now: Callable[[], datetime]
    package: Path
    clocks: dict[str, timedelta] = field(default_factory=dict[str, timedelta])

    @property
    def directories(self) -> list[str]:
        """Return every directory in which people are looked up."""
        return sorted({tenant.people.directory for tenant in self.tenants})

    async def ask(self, method: str, url: str, **more: Any) -> tuple[int, Json]:
        """
        Return status and JSON of one call; {} where the answer is no JSON object.

        Raises:
            NoAnswer: There was none.
        """
        try:
            async with self.session.request(
                method, url, timeout=CALL_WITHIN, allow_redirects=False, **more
            ) as response:
                return response.status, _read(await read_bounded(response, BODY_LIMIT))
        except (aiohttp.ClientError, TimeoutError, AnswerTooLong) as problem:
            raise NoAnswer(_in_words(problem)) from problem

    async def led(self, url: str) -> tuple[int, str]:
        """
        Return the status of a GET, and where it leads; "" where it leads nowhere.

        Raises:
            NoAnswer: There was none.
        """
        try:
            async with self.session.get(url, timeout=CALL_WITHIN, allow_redirects=False) as found:
                return found.status, found.headers.get("Location", "")
        except (aiohttp.ClientError, TimeoutError) as problem:
            raise NoAnswer(_in_words(problem)) from problem


@asynccontextmanager
async def opened(
    settings: Settings,
    tenants: tuple[Tenant, ...],
    *,
    now: Callable[[], datetime],
    package: Path,
) -> AsyncGenerator[Ward]:
    """Open what an examination needs, and close it again."""
    clocks: dict[str, timedelta] = {}
    own = _origin(settings.public_url)
    tokens = OwnTokens(
        app_id=settings.bot_app_id,
        secret=settings.bot_secret.get_secret_value(),
        clock=now,
        login_url=settings.entra_login_url,
        ca_file=settings.ca_file,
    )
    noting = _noting_clocks(clocks, now, own=own)
    try:
        async with session_trusting(settings.ca_file, trace_configs=[noting]) as session:
            yield Ward(settings, tenants, session, tokens, now, package, clocks)
    finally:
        await tokens.close()
        await asyncio.sleep(0)  # connections that were closed are told so


def claims_in(token: str) -> Json:
    """Return what a token of our own says; {} if only its audience can read it."""
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return {}


def _noting_clocks(
    clocks: dict[str, timedelta], now: Callable[[], datetime], *, own: str
) -> aiohttp.TraceConfig:
    async def ended(
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        sent: aiohttp.TraceRequestEndParams,
    ) -> None:
        where, told = _origin(str(sent.url)), sent.response.headers.get("Date", "")
        try:
            ahead = parsedate_to_datetime(told) - now()
        except (ValueError, TypeError):  # no date, or one without a zone
            return
        if where != own:
            clocks[where] = ahead

    config = aiohttp.TraceConfig()
    config.on_request_end.append(ended)
    return config


def _origin(url: str) -> str:
    return urlsplit(url).netloc


def _read(body: bytes) -> Json:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("Json", value) if isinstance(value, dict) else {}


def _in_words(problem: Exception) -> str:
    match problem:
        case aiohttp.ClientConnectorError():
            return _not_connected(problem)
        case TimeoutError():
            return "no answer in time"
        case AnswerTooLong():
            return "the answer is longer than any of theirs should be"
        case aiohttp.ClientConnectionError():
            return "the connection ended before the answer"
        case _:
            return "what it answered is not HTTP as we know it"


def _not_connected(problem: aiohttp.ClientConnectorError) -> str:
    if isinstance(problem, aiohttp.ClientConnectorDNSError):
        return f"the name {problem.host} is not known"
    if isinstance(problem, aiohttp.ClientConnectorCertificateError):
        return f"the certificate of {problem.host} is not trusted"
    return f"nobody answers at {problem.host}:{problem.port}"
