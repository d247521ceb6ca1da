"""What the public address itself shows: what this is, and where one's own requests are."""

from collections.abc import Iterable

from aiohttp import web

from bots.page.pages import Notice, Pages
from cards.language import _


class FrontDoor:
    """GET /: for whoever types our address into a browser. It says nothing of tenants, people or requests."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the addresses of this channel."""
        return [web.get("/", self._show)]

    async def _show(self, _request: web.Request) -> web.Response:
        return self._pages.notice(_FRONT)


_FRONT = Notice(
    _("Approvals"),
    (
        _("Here people decide what their companies' systems ask them to approve."),
        _(
            "What waits for you comes as a chat in Teams or as a mail. Open your request from there."
        ),
        _("If you expect one and have none, ask those who run the system that it is about."),
    ),
)
