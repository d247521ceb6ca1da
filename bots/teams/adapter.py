"""Takes activities from Teams into the bot framework's turn: the only module that knows that framework."""

import logging
from collections.abc import Collection, Iterable
from typing import Any, NoReturn

import orjson
from aiohttp import web
from botbuilder.core import ActivityHandler, Bot, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter
from botbuilder.schema import Activity, ActivityTypes, InvokeResponse, ResourceResponse
from botframework.connector.auth import (
    AuthenticateRequestResult,
    BotFrameworkAuthentication,
    ClaimsIdentity,
)

from approvals_core.adapters.tokens import Claims, TokenVerifier
from approvals_core.errors import ChannelError
from bots.teams.connector import Connector
from bots.teams.hosts import ServiceUrls
from bots.teams.inbound import (
    Activities,
    Clicked,
    Inbound,
    Kind,
    MalformedActivity,
    Reply,
    Said,
    parse_activity,
)
from bots.web import bearer_claims, read_json, refused

CHANNEL = "msteams"  # others let the client say who he is (Direct Line)
BODY_LIMIT = 256 * 1024  # bytes; Teams' own messages end at about 100 KB

_INBOUND = "approvals.inbound"
_BODY = "approvals.body"

log = logging.getLogger(__name__)


class _NoFrameworkAuthentication(BotFrameworkAuthentication):
    """
    Stands where the framework would check and get tokens.

    Its own fetches keys and tokens with blocking calls, never finds a rotated key,
    takes tokens without expiry, and lets anybody in when a setting is empty.
    """

    async def authenticate_request(
        self, activity: Activity, auth_header: str
    ) -> AuthenticateRequestResult:
        self._refuse()

    async def authenticate_streaming_request(
        self, auth_header: str, channel_id_header: str
    ) -> AuthenticateRequestResult:
        self._refuse()

    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> NoReturn:
        self._refuse()

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise PermissionError("tokens are checked and got by us, not by the framework")


class LeanAdapter(CloudAdapter):
    """
    The framework's adapter with our own doors: token check, connector and answer.

    Of the original the turn stays. `process()` there answers every card click with
    500 (it serialises the body twice), and makes two clients per activity that
    nobody uses.
    """

    def __init__(
        self,
        *,
        verifier: TokenVerifier,
        service_urls: ServiceUrls,
        directories: Collection[str],
    ) -> None:
        super().__init__(_NoFrameworkAuthentication())
        self._verifier = verifier
        self._service_urls = service_urls
        self._directories = frozenset(directory.lower() for directory in directories)
        if not self._directories:
            raise ValueError("without a directory nobody may talk to the bot")

    async def process(
        self, request: web.Request, bot: Bot, ws_response: web.WebSocketResponse | None = None
    ) -> web.Response:
        """Check one activity, let *bot* take its turn, and write the answer."""
        claims = await bearer_claims(request, self._verifier)
        body = await read_json(request, limit=BODY_LIMIT)
        inbound = _parsed(body)
        self._check_sender(claims, inbound)
        context = TurnContext(self, _activity(body))
        context.turn_state[self.BOT_IDENTITY_KEY] = ClaimsIdentity(dict(claims.raw), True)  # noqa: FBT003 (as declared there)
        context.turn_state[_INBOUND] = inbound
        await self.run_pipeline(context, bot.on_turn)
        return self._answer(context)

    def _check_sender(self, claims: Claims, inbound: Inbound) -> None:
        """The token speaks for a channel at one address; who is behind it, the activity says."""
        if claims.text("serviceurl") != inbound.service_url:
            _deny(401, "service_url_differs")
        if inbound.channel not in claims.endorsements:
            _deny(401, "channel_not_endorsed")
        if inbound.channel != CHANNEL:
            _deny(403, "channel_not_ours")
        if not self._service_urls.allow(inbound.service_url):
            _deny(403, "service_url_not_allowed")
        if inbound.directory not in self._directories:
            _deny(403, "directory_not_allowed")

    def _answer(self, context: TurnContext) -> web.Response:
        response = context.turn_state.get(self._INVOKE_RESPONSE_KEY)
        if isinstance(response, Activity) and isinstance(response.value, InvokeResponse):
            body = orjson.dumps(context.turn_state[_BODY])
            status = response.value.status
            return web.Response(body=body, status=status, content_type="application/json")
        unanswered = context.activity.type == ActivityTypes.invoke
        return web.Response(status=501 if unanswered else 200)

    async def send_activities(
        self, context: TurnContext, activities: list[Activity]
    ) -> list[ResourceResponse]:
        """Keep the answer of an invoke for the HTTP response; all else goes through `Connector`."""
        for activity in activities:
            if activity.type != ActivityTypes.invoke_response:
                raise TypeError("activities are sent by bots.teams.connector")
            context.turn_state[self._INVOKE_RESPONSE_KEY] = activity
        return [ResourceResponse() for _ in activities]


class TeamsBot(ActivityHandler):
    """
    Hands what people do to those who know what it means, and says what they want said.

    *click* answers an Action.Execute. *submit*, *text* and *install* (also removal)
    return activities, which are sent to the conversation in their order.
    """

    def __init__(
        self, *, click: Clicked, submit: Said, text: Said, install: Said, connector: Connector
    ) -> None:
        super().__init__()
        self._click = click
        self._said = {
            Kind.SUBMIT: submit,
            Kind.TEXT: text,
            Kind.INSTALLED: install,
            Kind.REMOVED: install,
        }
        self._connector = connector

    async def on_invoke_activity(self, turn_context: TurnContext) -> InvokeResponse | None:
        inbound = _inbound(turn_context)
        if inbound.kind is not Kind.CLICK:
            return None  # nobody answers: 501
        return answered(turn_context, await self._click(inbound))

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        await self._hear(_inbound(turn_context))

    async def on_conversation_update_activity(self, turn_context: TurnContext) -> None:
        await self._hear(_inbound(turn_context))

    async def on_installation_update(self, turn_context: TurnContext) -> None:
        await self._hear(_inbound(turn_context))

    async def _hear(self, inbound: Inbound) -> None:
        listener = self._said.get(inbound.kind)
        if listener is not None:
            await self._say(inbound, await listener(inbound))

    async def _say(self, inbound: Inbound, activities: Activities) -> None:
        """Send; what cannot be said is no failure of what was heard."""
        try:
            for activity in activities:
                await self._connector.send(
                    inbound.service_url,
                    inbound.conversation,
                    activity,
                    directory=inbound.directory,
                    answer=True,
                )
        except ChannelError as problem:
            log.warning("reply_not_sent", extra={"why": f"{type(problem).__name__}: {problem}"})


def answered(context: TurnContext, reply: Reply) -> InvokeResponse:
    """
    Answer an invoke with *reply*, which is written by `LeanAdapter`.

    Beside the framework's response, not in it: of what is in it the framework makes a
    deep copy, which took a third of the turn.
    """
    context.turn_state[_BODY] = reply.body()
    return InvokeResponse(status=200)


class TeamsDoor:
    """POST /api/messages: everything the Bot Connector sends."""

    def __init__(self, adapter: LeanAdapter, bot: TeamsBot) -> None:
        self._adapter = adapter
        self._bot = bot

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the addresses of this channel."""
        return [web.post("/api/messages", self._receive)]

    async def _receive(self, request: web.Request) -> web.Response:
        return await self._adapter.process(request, self._bot)


def _parsed(body: object) -> Inbound:
    try:
        return parse_activity(body)
    except MalformedActivity as problem:
        raise refused(400, str(problem)) from None


def _activity(body: Any) -> Activity:
    """Return the framework's model. Its deserialiser raises whatever falls out of it."""
    try:
        return Activity.deserialize(body)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise refused(400, "not a usable activity") from None


def _inbound(context: TurnContext) -> Inbound:
    inbound = context.turn_state[_INBOUND]
    assert isinstance(inbound, Inbound)
    return inbound


def _deny(status: int, why: str) -> NoReturn:
    log.warning("activity_refused", extra={"why": why})
    raise refused(status, "This activity is not for us to take.")
