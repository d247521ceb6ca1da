"""How the service's own clients reach the playground, and the smallest far sides beside it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from approvals_core.adapters.entra import OwnTokens
from approvals_core.adapters.signing_keys import SigningKeys
from playground import names
from playground.outside import Playground
from tests.clock import Clock


@asynccontextmanager
async def trusting(playground: Playground) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that trusts the playground's certificate authority."""
    context = ssl.create_default_context(cafile=playground.issuer.ca_file)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


@asynccontextmanager
async def own_tokens(playground: Playground, clock: Clock, **changes: Any):
    """The bot's own tokens, from the playground's issuer."""
    given: dict[str, Any] = {
        "app_id": names.BOT_APP,
        "secret": playground.issuer.applications[names.BOT_APP].secret,
        "login_url": playground.issuer.url,
        "ca_file": playground.issuer.ca_file,
    }
    tokens = OwnTokens(clock=clock.now, **{**given, **changes})
    try:
        yield tokens
    finally:
        await tokens.close()
        await asyncio.sleep(0.01)  # the issuer's side of TLS notices that we hung up


def bot_keys(playground: Playground, session: aiohttp.ClientSession, clock: Clock) -> SigningKeys:
    return SigningKeys(
        names.BOT_ISSUER,
        metadata_url=f"{playground.issuer.url}/botframework/.well-known/openidconfiguration",
        session=session,
        clock=clock.now,
        within=30.0,  # a busy machine is slow
    )


@asynccontextmanager
async def serving(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]):
    """A far side that does what the test says with every request; yields its URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait until *look* says yes to something that happens in the background; fail after half a minute."""
    for _ in range(3000):
        if await look():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")
