"""Bodies that no caller should read to their end: one that drips, one that never ends, one of 100 MB."""

import asyncio
from contextlib import suppress

from aiohttp import web

from playground.faults import Fault, FaultKind

SPACES = b" " * 65536  # JSON so far, whatever comes next
HUGE = 100 * 1024 * 1024  # bytes


async def pour(request: web.Request, fault: Fault) -> web.StreamResponse:
    """Answer 200 with such a body, until it is all there or the caller hangs up."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    if fault.kind is FaultKind.HUGE:
        response.content_length = HUGE
    with suppress(ConnectionError):
        await response.prepare(request)
        await _write(response, fault)
    return response


async def _write(response: web.StreamResponse, fault: Fault) -> None:
    match fault.kind:
        case FaultKind.HUGE:
            for _ in range(HUGE // len(SPACES)):
                await response.write(SPACES)
        case FaultKind.ENDLESS:
            while True:
                await response.write(SPACES)
        case _:
            while True:
                await response.write(SPACES[:1])
                await asyncio.sleep(fault.seconds)
