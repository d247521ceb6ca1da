"""
The framework's own turn with the same card: `CloudAdapter` as its documents say.

It cannot answer a click: it serialises the answer twice and fails the second time
(botbuilder-integration-aiohttp 4.17.1). Here, and only here, the second
time leaves it alone. Its issuer and keys are pointed at the playground's, for which
it has no setting that works.
"""

import asyncio
import logging
import os
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from botbuilder.core import ActivityHandler, TurnContext
from botbuilder.integration.aiohttp import (
    CloudAdapter,
    ConfigurationBotFrameworkAuthentication,
    cloud_adapter,
)
from botbuilder.schema import AdaptiveCardInvokeResponse, AdaptiveCardInvokeValue
from botframework.connector.auth import AuthenticationConstants, ChannelValidation

from benchmarks.servers.control import serve, settings
from bots.teams.inbound import CARD
from config import Settings


class _FixedCard(ActivityHandler):
    def __init__(self, card: dict[str, object]) -> None:
        super().__init__()
        self._card = card

    async def on_adaptive_card_invoke(
        self, turn_context: TurnContext, invoke_value: AdaptiveCardInvokeValue
    ) -> AdaptiveCardInvokeResponse:
        return AdaptiveCardInvokeResponse(status_code=200, type=CARD, value=self._card)


def _point_at_playground(given: Settings) -> None:
    os.environ["REQUESTS_CA_BUNDLE"] = str(given.ca_file)  # the framework asks with requests
    ChannelValidation.open_id_metadata_endpoint = given.bot_openid_url
    constants: Any = AuthenticationConstants
    constants.TO_BOT_FROM_CHANNEL_TOKEN_ISSUER = given.bot_issuer
    ChannelValidation.TO_BOT_FROM_CHANNEL_TOKEN_VALIDATION_PARAMETERS.issuer = [given.bot_issuer]


def _serialise_once() -> None:
    serialise = cloud_adapter.serializer_helper

    def once(body: Any) -> Any:
        return body if isinstance(body, dict) else serialise(body)

    cloud_adapter.serializer_helper = once


def _adapter(given: Settings) -> CloudAdapter:
    named = SimpleNamespace(
        APP_TYPE="SingleTenant",
        APP_ID=given.bot_app_id,
        APP_PASSWORD=given.bot_secret.get_secret_value(),
        APP_TENANTID=given.bot_directory,
    )
    return CloudAdapter(ConfigurationBotFrameworkAuthentication(named))


async def _run() -> None:
    told = settings()
    bot = _FixedCard(told.pop("card"))
    given = Settings.model_validate(told)
    logging.disable()  # it warns of each click's `trigger`, which its model does not know
    _point_at_playground(given)
    _serialise_once()
    adapter = _adapter(given)

    async def take(request: web.Request) -> web.Response:
        answer = await adapter.process(request, bot)
        assert answer is not None
        return answer

    app = web.Application()
    app.router.add_post("/api/messages", take)
    await serve(app)


if __name__ == "__main__":
    asyncio.run(_run())
