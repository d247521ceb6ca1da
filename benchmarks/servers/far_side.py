"""The least that takes cards: a Bot Connector that says yes to everything, and reads what it is sent."""

import asyncio
import itertools

from aiohttp import web

from benchmarks.servers.control import serve


def _application() -> web.Application:
    numbers = itertools.count(1)

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"id": f"1:{next(numbers)}"}, status=201)

    app = web.Application()
    app.router.add_post("/v3/conversations/{conversation}/activities", take)
    return app


if __name__ == "__main__":
    asyncio.run(serve(_application()))
