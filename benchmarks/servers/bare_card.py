"""The least that answers a button in a mail: aiohttp reads the body, and sends a card that is ready."""

import asyncio

import orjson
from aiohttp import web

from benchmarks.servers.control import serve, settings


async def _run() -> None:
    card = orjson.dumps(settings()["card"])

    async def take(request: web.Request) -> web.Response:
        await request.read()
        headers = {"CARD-UPDATE-IN-BODY": "true"}
        return web.Response(body=card, content_type="application/json", headers=headers)

    app = web.Application()
    app.router.add_post("/outlook/{purpose}/{ticket}", take)
    await serve(app)


if __name__ == "__main__":
    asyncio.run(_run())
