"""The cards that a mail is answered with: the request's own, or a small one in its place."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from approvals_core.ports import View
from bots.outlook.links import REFRESH_PATH, TicketLinks
from bots.outlook.tickets import LONGEST_LIFE, Purpose, Ticket, Tickets
from cards.approval import NOTHING_BESIDE, Aside
from cards.outlook import outlook_card
from cards.outlook.notices import Around
from cards.viewer import Viewer


class Faces:
    """
    Draws the cards of one installation's mails.

    *originator* is the provider's id. Every answer brings tickets that are good for
    another 30 days: who uses it has just been proven.
    """

    def __init__(
        self,
        *,
        tickets: Tickets,
        public_url: str,
        originator: str,
        notice_line: str | None,
        now: Callable[[], datetime],
    ) -> None:
        self._tickets = tickets
        self._public_url = public_url.rstrip("/")
        self._originator = originator
        self._notice_line = notice_line
        self._now = now

    def request(
        self, ticket: Ticket, view: View, viewer: Viewer, aside: Aside = NOTHING_BESIDE
    ) -> dict[str, object]:
        """Return the card of the request, for the mail that *ticket* came with."""
        links = TicketLinks(
            self._tickets, self._public_url, ticket.letter, ticket.person, self._until()
        )
        return outlook_card(
            view,
            viewer,
            aside,
            links=links,
            originator=self._originator,
            correlation=_correlation(ticket),
            notice_line=self._notice_line,
            page_url=self._page_url(ticket),
        )

    def around(self, ticket: Ticket, *, comes_again: bool = True) -> Around:
        """Return what a small card for this mail has around it; it asks anew if it *comes_again*."""
        return Around(
            originator=self._originator,
            correlation=_correlation(ticket),
            page_url=self._page_url(ticket),
            refresh=self._refresh(ticket) if comes_again else "",
            notice_line=self._notice_line,
        )

    def _refresh(self, ticket: Ticket) -> str:
        fresh = ticket._replace(purpose=Purpose.REFRESH, action="", expires=self._until())
        return f"{self._public_url}{REFRESH_PATH}{self._tickets.issue(fresh)}"

    def _page_url(self, ticket: Ticket) -> str:
        return f"{self._public_url}/requests/{ticket.public_id}"

    def _until(self) -> datetime:
        return self._now() + LONGEST_LIFE


def _correlation(ticket: Ticket) -> str:
    """Return the UUID that the mail went out with: its letter's id."""
    return str(UUID(ticket.letter))
