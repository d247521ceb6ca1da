"""The Bot Connector's client: creates conversations, sends activities, updates them in place."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import aiohttp
from yarl import URL

from approvals_core.adapters.answers import AnswerTooLong, read_bounded, retry_after
from approvals_core.adapters.entra import OwnTokens
from approvals_core.errors import (
    AnswerLost,
    CardGone,
    CardRefused,
    ChannelBusy,
    ChannelError,
    TokenUnavailable,
    Unreachable,
)
from bots.teams.hosts import ServiceUrls
from bots.teams.limits import Pace, Sleep

SCOPE = "https://api.botframework.com/.default"
TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=5)
BODY_LIMIT = 64 * 1024  # bytes
ATTEMPTS = 4
RETRIED = (412, 429, 502, 503, 504)  # msteams-docs, rate-limit.md; no other
BACKOFF = 1.0  # seconds before the second attempt, doubled before each further one
PATIENCE = 8.0  # seconds of Retry-After that we sit out here; beyond, it is the worker's turn
SOON, LATER = 30.0, 300.0  # seconds: a passing failure; one that somebody must mend

_CODE = re.compile(r"[A-Za-z0-9_]{1,64}")
Json = Mapping[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """One request to the connector. *what* is for the log, *pace* is what counts as its conversation."""

    what: str
    method: str
    url: URL
    body: Json
    directory: str
    pace: str


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def good(self) -> bool:
        """Tell whether it was done."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def text(self, name: str) -> str:
        """Return a string of the JSON answered, "" if there is none."""
        value = _parsed(self.body).get(name)
        return value if isinstance(value, str) else ""

    @property
    def code(self) -> str:
        """Return the error's code. Teams has two shapes of it; texts are left alone."""
        body = _parsed(self.body)
        error = body.get("error")
        code: object = error.get("code") if isinstance(error, dict) else body.get("errorCode")
        return str(code) if _CODE.fullmatch(str(code)) and code is not None else ""

    def __str__(self) -> str:
        return f"HTTP {self.status} {self.code}".rstrip()


class Connector:
    """
    Talks to Teams at the service URLs that we allow, with the bot's token.

    Every call raises ChannelError: ChannelBusy, AnswerLost, CardGone, Unreachable
    or CardRefused, see `approvals_core.errors`.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        tokens: OwnTokens,
        app_id: str,
        app_directory: str,
        service_urls: ServiceUrls,
        pace: Pace,
        sleep: Sleep,
        jitter: Callable[[], float],
        clock: Callable[[], datetime],
        scope: str = SCOPE,
    ) -> None:
        """*jitter* returns the next factor for a pause, about 1; *scope* differs in GCC High and DoD."""
        self._session = session
        self._tokens = tokens
        self._bot = f"28:{app_id}"
        self._app_directory = app_directory
        self._service_urls = service_urls
        self._pace = pace
        self._sleep = sleep
        self._jitter = jitter
        self._clock = clock
        self._scope = scope

    async def create_conversation(self, service_url: str, *, directory: str, object_id: str) -> str:
        """Return the id of the 1:1 conversation with a person: the same one each time."""
        body = {
            "bot": {"id": self._bot},
            "members": [{"id": object_id}],
            "channelData": {"tenant": {"id": directory}},
            "tenantId": directory,
            "isGroup": False,
        }
        url = self._url(service_url, "v3/conversations")
        answer = await self._done(Call("create", "POST", url, body, directory, object_id))
        return _id(answer)

    async def send(
        self, service_url: str, conversation: str, activity: Json, *, directory: str
    ) -> str:
        """Return the id of the message that *activity* became."""
        url = self._url(service_url, "v3/conversations", conversation, "activities")
        body = self._addressed(conversation, activity)
        answer = await self._done(Call("send", "POST", url, body, directory, conversation))
        return _id(answer)

    async def update(
        self, service_url: str, conversation: str, message: str, activity: Json, *, directory: str
    ) -> None:
        """Put *activity* in the place of an earlier message of ours."""
        url = self._url(service_url, "v3/conversations", conversation, "activities", message)
        body = self._addressed(conversation, activity) | {"id": message}
        await self._done(Call("update", "PUT", url, body, directory, conversation))

    def _url(self, service_url: str, start: str, *names: str) -> URL:
        if not self._service_urls.allow(service_url):
            raise Unreachable("the service URL is none of Microsoft's")
        if not all(names) or {".", ".."} & set(names):
            raise Unreachable("no conversation is known")
        path = "/".join([start, *(quote(name, safe="") for name in names)])
        return URL(f"{service_url.rstrip('/')}/{path}", encoded=True)

    def _addressed(self, conversation: str, activity: Json) -> dict[str, Any]:
        address = {"from": {"id": self._bot}, "conversation": {"id": conversation}}
        return {"type": "message", **address, **activity}

    async def _done(self, call: Call) -> _Answer:
        """Return the good answer to *call*, repeated where Teams asks for that."""
        attempt = 1
        while (answer := await self._authorised(call)).status in RETRIED:
            wait = self._pause(answer, attempt)
            if attempt == ATTEMPTS or wait > PATIENCE:
                raise ChannelBusy(str(answer), retry_after=wait)
            await self._sleep(wait)
            attempt += 1
        if answer.good:
            return answer
        log.warning("connector_refused", extra={"call": call.what, "why": str(answer)})
        raise _refusal(call, answer)

    def _pause(self, answer: _Answer, attempt: int) -> float:
        asked = retry_after(answer.headers, now=self._clock())
        backoff = BACKOFF * 2 ** (attempt - 1) * self._jitter()
        return backoff if asked is None else asked + BACKOFF * self._jitter() / 10

    async def _authorised(self, call: Call) -> _Answer:
        """Call; if our token is not taken, once more with a fresh one."""
        token = await self._token()
        answer = await self._wire(call, token)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        fresh = await self._token(refused=token)
        return answer if fresh == token else await self._wire(call, fresh)

    async def _token(self, *, refused: str = "") -> str:
        try:
            return await self._tokens.token(self._app_directory, self._scope, refused=refused)
        except TokenUnavailable as problem:
            raise ChannelBusy(str(problem), retry_after=SOON) from problem

    async def _wire(self, call: Call, token: str) -> _Answer:
        await self._pace.turn(call.directory, call.pace)
        try:
            async with self._session.request(
                call.method,
                call.url,
                json=call.body,
                headers={"Authorization": f"Bearer {token}"},
                timeout=TIMEOUT,
                allow_redirects=False,
            ) as response:
                body = await read_bounded(response, BODY_LIMIT)
                return _Answer(response.status, response.headers, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as problem:
            # Nothing left this machine.
            raise ChannelBusy(type(problem).__name__, retry_after=SOON) from problem
        except (aiohttp.ClientError, TimeoutError, AnswerTooLong) as problem:
            raise AnswerLost(f"{call.what}: {type(problem).__name__}") from problem


def _refusal(call: Call, answer: _Answer) -> ChannelError:
    """Return what a status means (msteams-docs, conversation-messages.md, "Status codes")."""
    status = answer.status
    if status == HTTPStatus.NOT_FOUND and call.what == "update":
        return CardGone(str(answer))
    if status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
        return Unreachable(str(answer))
    if status == HTTPStatus.BAD_REQUEST and call.what == "create":  # nobody Teams knows
        return Unreachable(str(answer))
    if status == HTTPStatus.UNAUTHORIZED:  # the bot is not registered: nobody's card is at fault
        return ChannelBusy(str(answer), retry_after=LATER)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:  # done or not: the answer does not say
        return AnswerLost(str(answer))
    return CardRefused(str(answer))


def _id(answer: _Answer) -> str:
    found = answer.text("id")
    if not found:  # taken, and nobody will ever be able to update it
        raise AnswerLost("an answer without an id")
    return found


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
