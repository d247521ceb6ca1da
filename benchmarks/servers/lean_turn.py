"""Our bot turn and nothing else: the token, the activity, the framework's turn, the same card each time."""

import asyncio
from datetime import UTC, datetime

from aiohttp import ClientSession, web
from botbuilder.core import ActivityHandler, InvokeResponse, TurnContext

from approvals_core.adapters.outgoing import session_trusting
from approvals_core.adapters.signing_keys import SigningKeys
from approvals_core.adapters.tokens import Issuer, TokenVerifier
from benchmarks.servers.control import serve, settings
from bots.teams.adapter import LeanAdapter, answered
from bots.teams.hosts import ServiceUrls
from bots.teams.inbound import Reply
from bots.web import correlated, problems
from config import Settings


class _FixedCard(ActivityHandler):
    def __init__(self, card: dict[str, object]) -> None:
        super().__init__()
        self._card = card

    async def on_invoke_activity(self, turn_context: TurnContext) -> InvokeResponse:
        return answered(turn_context, Reply.card(self._card))


def _adapter(given: Settings, session: ClientSession) -> LeanAdapter:
    keys = SigningKeys(
        given.bot_issuer, metadata_url=given.bot_openid_url, session=session, clock=_now
    )
    verifier = TokenVerifier(
        issuers=[Issuer(given.bot_issuer, keys)], audiences=[given.bot_app_id], clock=_now
    )
    return LeanAdapter(
        verifier=verifier,
        service_urls=ServiceUrls([given.bot_service_url or ""]),
        directories=given.directories,
    )


def _now() -> datetime:
    return datetime.now(UTC)


async def _run() -> None:
    told = settings()
    bot = _FixedCard(told.pop("card"))
    given = Settings.model_validate(told)
    async with session_trusting(given.ca_file) as session:
        adapter = _adapter(given, session)

        async def take(request: web.Request) -> web.Response:
            return await adapter.process(request, bot)

        app = web.Application(middlewares=[correlated, problems])
        app.router.add_post("/api/messages", take)
        await serve(app)


if __name__ == "__main__":
    asyncio.run(_run())
