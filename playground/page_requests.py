"""What all requests to the page's JSON API share: they come from the page itself, and are JSON objects."""

import json

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from playground.faults import Fault
from playground.records import Json
from playground.world import World


def own_page_only(handler: Handler) -> Handler:
    """
    Refuse whoever does not send the page's own header.

    No other site's page can: a header of one's own needs a preflight, which is never answered here.
    """

    async def guarded(request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        foreign = origin is not None and origin != f"{request.scheme}://{request.host}"
        if foreign or request.headers.get("X-Playground") != "page":
            why = {"error": "Only the playground's own page may do this."}
            raise web.HTTPForbidden(text=json.dumps(why), content_type="application/json")
        return await handler(request)

    return guarded


async def body_of(request: web.Request) -> Json:
    try:
        body = await request.json()
    except ValueError:
        raise bad("the request is not JSON") from None
    if not isinstance(body, dict):
        raise bad("the request is not a JSON object")
    return body


def object_in(asked: Json, name: str) -> Json:
    value = asked.get(name, {})
    if not isinstance(value, dict):
        raise bad(f"{name} is not a JSON object")
    return value


def switch(world: World, place: str, wanted: object) -> web.Response:
    """Put one fault switch on at *place*, in place of those that are; None switches all off there."""
    try:
        fault = None if wanted is None else Fault.model_validate(wanted)
    except ValidationError as problem:
        raise bad(f"no such switch: {problem.errors()[0]['msg']}") from None
    world.clear_fault(place)
    if fault is not None:
        world.set_fault(place, fault)
    return web.json_response({})


def bad(why: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=json.dumps({"error": why}), content_type="application/json")
