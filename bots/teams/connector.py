"""The Bot Connector's client: creates conversations, sends activities, updates them in place."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from approvals_core.adapters.answers import AnswerTooLong, read_bounded, retry_after
from approvals_core.adapters.entra import OwnTokens
from approvals_core.ending import before_the_wire, on_the_wire
from approvals_core.errors import AnswerLost, ChannelBusy, TokenUnavailable, Unreachable
from approvals_core.telemetry import NO_TELEMETRY, Telemetry, Work
from bots.teams.hosts import ServiceUrls
from bots.teams.limits import Pace, Sleep
from bots.teams.refusals import SOON, Answer, given_id, refusal

SCOPE = "https://api.botframework.com/.default"
LONGEST_REQUEST = 15.0  # seconds
TIMEOUT = aiohttp.ClientTimeout(total=LONGEST_REQUEST, sock_connect=5)
BODY_LIMIT = 64 * 1024  # bytes
ATTEMPTS = 4
RETRIED = (412, 429, 502, 503, 504)  # msteams-docs, rate-limit.md; no other
TOLD = (401, 403, 404, 412, 429)  # the rest is told by its class
BACKOFF = 1.0  # seconds before the second attempt, doubled before each further one
PATIENCE = 8.0  # seconds of Retry-After that we sit out here; beyond, it is the worker's turn
WITHIN = timedelta(seconds=30)  # all of a call, its repetitions too, unless told otherwise

Json = Mapping[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """
    One request to the connector, over at *ends*.

    *what* is for the log, *pace* is what counts as its conversation, *answer* means
    that somebody who just wrote waits for it.
    """

    what: str
    method: str
    url: URL
    body: Json | None
    directory: str
    pace: str
    ends: datetime
    answer: bool = False


class Connector:
    """
    Talks to Teams at the service URLs that we allow, with the bot's token.

    Every call raises ChannelError: ChannelBusy, AnswerLost, CardGone, Unreachable
    (also as Forbidden or AppMissing) or CardRefused, see `approvals_core.errors`. It is
    over at *ends*; None: within `WITHIN`.
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
        telemetry: Telemetry = NO_TELEMETRY,
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
        self._telemetry = telemetry

    async def create_conversation(
        self, service_url: str, *, directory: str, object_id: str, ends: datetime | None = None
    ) -> str:
        """Return the id of the 1:1 conversation with a person: the same one each time."""
        body = {
            "bot": {"id": self._bot},
            "members": [{"id": object_id}],
            "channelData": {"tenant": {"id": directory}},
            "tenantId": directory,
            "isGroup": False,
        }
        url = self._url(service_url, "v3/conversations")
        ends = ends or self._clock() + WITHIN
        return given_id(
            await self._done(Call("create", "POST", url, body, directory, object_id, ends))
        )

    async def send(
        self,
        service_url: str,
        conversation: str,
        activity: Json,
        *,
        directory: str,
        ends: datetime | None = None,
        answer: bool = False,
    ) -> str:
        """
        Return the id of the message that *activity* became.

        An *answer* to what somebody just wrote goes before the cards that wait for his chat.
        """
        url = self._url(service_url, "v3/conversations", conversation, "activities")
        body = self._addressed(conversation, activity)
        ends = ends or self._clock() + WITHIN
        return given_id(
            await self._done(Call("send", "POST", url, body, directory, conversation, ends, answer))
        )

    async def update(
        self, service_url: str, conversation: str, message: str, activity: Json, *, directory: str
    ) -> None:
        """Put *activity* in the place of an earlier message of ours."""
        url = self._url(service_url, "v3/conversations", conversation, "activities", message)
        body = self._addressed(conversation, activity) | {"id": message}
        ends = self._clock() + WITHIN
        await self._done(Call("update", "PUT", url, body, directory, conversation, ends))

    async def delete(
        self, service_url: str, conversation: str, message: str, *, directory: str
    ) -> None:
        """Take an earlier message of ours away."""
        url = self._url(service_url, "v3/conversations", conversation, "activities", message)
        ends = self._clock() + WITHIN
        await self._done(Call("delete", "DELETE", url, None, directory, conversation, ends))

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

    async def _done(self, call: Call) -> Answer:
        """Return the good answer to *call*, repeated where Teams asks for that."""
        attempt = 1
        while (answer := await self._authorised(call)).status in RETRIED:
            wait = self._pause(answer, attempt)
            await self._tell_all(call, answer)
            if attempt == ATTEMPTS or wait > PATIENCE or self._left(call) <= wait:
                raise ChannelBusy(str(answer), retry_after=wait)
            with before_the_wire():
                await self._sleep(wait)
            attempt += 1
        if answer.good:
            return answer
        log.warning("connector_refused", extra={"call": call.what, "why": str(answer)})
        raise refusal(call.what, answer)

    async def _tell_all(self, call: Call, answer: Answer) -> None:
        """Let nobody else, in any process, be told the same for as long as Teams asked for."""
        asked = retry_after(answer.headers, now=self._clock())
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS and asked is not None:
            await self._pace.hold(call.directory, call.pace, asked)

    def _pause(self, answer: Answer, attempt: int) -> float:
        asked = retry_after(answer.headers, now=self._clock())
        backoff = BACKOFF * 2 ** (attempt - 1) * self._jitter()
        return backoff if asked is None else asked + BACKOFF * self._jitter() / 10

    async def _authorised(self, call: Call) -> Answer:
        """Call; if our token is not taken, once more with a fresh one."""
        token = await self._ready(call)
        answer = await self._wire(call, token)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        fresh = await self._ready(call, refused=token)
        return answer if fresh == token else await self._wire(call, fresh)

    async def _ready(self, call: Call, *, refused: str = "") -> str:
        """Return a token once it is our turn, in time for the request to end before the call does."""
        if (left := self._left(call)) <= 0:
            raise ChannelBusy("no time left", retry_after=SOON)
        try:
            with before_the_wire():
                async with asyncio.timeout(left):
                    token = await self._token(refused=refused)
                    if token != refused:
                        with self._telemetry.span(Work.CONNECTOR_WAIT):
                            await self._pace.turn(call.directory, call.pace, answer=call.answer)
        except TimeoutError as problem:
            raise ChannelBusy("no time left", retry_after=SOON) from problem
        return token

    def _left(self, call: Call) -> float:
        """Return the seconds until the last moment at which a request may begin."""
        return (call.ends - self._clock()).total_seconds() - LONGEST_REQUEST

    async def _token(self, *, refused: str = "") -> str:
        try:
            return await self._tokens.token(self._app_directory, self._scope, refused=refused)
        except TokenUnavailable as problem:
            raise ChannelBusy(str(problem), retry_after=SOON) from problem

    async def _wire(self, call: Call, token: str) -> Answer:
        with self._telemetry.span(Work.CONNECTOR_CALL, call=call.what) as span:
            with on_the_wire():
                answer = await self._on_the_wire(call, token)
            span.tell(outcome=_told(answer.status))
            return answer

    async def _on_the_wire(self, call: Call, token: str) -> Answer:
        try:
            async with self._session.request(
                call.method,
                call.url,
                data=None if call.body is None else orjson.dumps(call.body),
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
                timeout=TIMEOUT,
                allow_redirects=False,
            ) as response:
                body = await read_bounded(response, BODY_LIMIT)
                return Answer(response.status, response.headers, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as problem:
            # Nothing left this machine.
            raise ChannelBusy(type(problem).__name__, retry_after=SOON) from problem
        except (aiohttp.ClientError, TimeoutError, AnswerTooLong) as problem:
            raise AnswerLost(f"{call.what}: {type(problem).__name__}") from problem


def _told(status: int) -> str:
    """Return a status by its class, and those that mean something of their own by themselves."""
    return str(status) if status in TOLD else f"{status // 100}xx"
