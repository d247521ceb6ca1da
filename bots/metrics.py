"""Where Prometheus asks how we are: GET /metrics, at an address of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web


class MetricsDoor:
    """
    Answers with all numbers, as text or as OpenMetrics, whichever is asked for.

    *look* brings what is read from the store up to date, and takes about a second at most;
    *text* makes the answer and its media type from an Accept header.
    """

    def __init__(
        self, *, look: Callable[[], Awaitable[None]], text: Callable[[str], tuple[bytes, str]]
    ) -> None:
        self._look = look
        self._text = text

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the addresses of this channel."""
        return [web.get("/metrics", self._metrics)]

    async def _metrics(self, request: web.Request) -> web.Response:
        await self._look()
        accept = ",".join(request.headers.getall("Accept", []))
        # In a thread: with many tenants it takes some ten milliseconds.
        body, media_type = await asyncio.to_thread(self._text, accept)
        return web.Response(body=body, headers={"Content-Type": media_type})
