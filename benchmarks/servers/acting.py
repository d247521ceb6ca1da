"""
A decision behind a plain handler: `Approvals.act`, with its two commits and the call of the tenant.

No token, no turn, no card: who decides and what is in the body. All else is the service as
`app.py` makes it, on either store.
"""

import asyncio

import orjson
from aiohttp import web

from app import House, open_house
from approvals_core.models import Person
from approvals_core.rules.deciding import Click
from benchmarks.servers.control import serve, settings
from config import Settings
from house.collector import looking_seldom


def _application(house: House, by: Person) -> web.Application:
    async def act(request: web.Request) -> web.Response:
        told = orjson.loads(await request.read())
        pressed = Click(seat=0, round=1, revision=1, attempt=1, action="Approve", channel="teams")
        outcome = await house.approvals.act(told["id"], pressed, by=by, elapsed=0.0)
        decided = outcome.view is not None and outcome.view.place.decision is not None
        return web.Response(status=200 if decided else 500)

    app = web.Application()
    app.router.add_post("/act", act)
    return app


async def _run() -> None:
    told = settings()
    by = Person.model_validate(told.pop("person"))
    async with open_house(Settings.model_validate(told)) as house:
        house.worker.stop()
        with looking_seldom():
            await serve(_application(house, by))


if __name__ == "__main__":
    asyncio.run(_run())
