"""The tenants' icons: small pictures that cards and pages show, for anybody who has their address."""

from collections.abc import Iterable

from aiohttp import web

from approvals_core.ports import Tenants
from bots.web import refused

# Teams, Outlook and their proxies fetch it, none of them signed in: it is nobody's secret. A path
# holds the digest of what is there, so what was fetched once is right for ever (RFC 8246).
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    # Whoever opens it by itself: it runs nothing, and is of no origin.
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Robots-Tag": "noindex",
}
# For a moment of a roll-out another process of ours may have it: nobody keeps that it is not here.
_NOT_HERE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class IconDoor:
    """Serves what the tenants' files named when they were read: from memory, PNG only, nothing else."""

    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the addresses of this channel."""
        return [web.get(r"/icons/{digest:[0-9a-f]{64}}.png", self._show)]

    async def _show(self, request: web.Request) -> web.Response:
        content = self._content(request.match_info["digest"])
        if content is None:
            raise refused(404, "No tenant has this icon now.", headers=_NOT_HERE)
        return web.Response(body=content, content_type="image/png", headers=HEADERS)

    def _content(self, digest: str) -> bytes | None:
        icons = (tenant.icons for tenant in self._tenants.all() if tenant.icons)
        return next((each.served[digest] for each in icons if digest in each.served), None)
