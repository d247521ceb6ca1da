"""The least that takes a payload: aiohttp reads it, orjson parses it, 202 is answered."""

import asyncio

import orjson
from aiohttp import web

from benchmarks.servers.control import serve


async def _take(request: web.Request) -> web.Response:
    orjson.loads(await request.read())
    return web.Response(status=202)


def _application() -> web.Application:
    app = web.Application()
    app.router.add_post("/api/v1/PayloadReceiver", _take)
    return app


if __name__ == "__main__":
    asyncio.run(serve(_application()))
