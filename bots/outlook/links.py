"""Where the buttons of a card in a mail lead: our endpoint, each with its own ticket."""

from datetime import datetime

from approvals_core.models import PersonId
from approvals_core.ports import View
from approvals_core.tenant import Action
from bots.outlook.tickets import Purpose, Ticket, Tickets

ACT_PATH = "/outlook/act/"  # before the ticket
REFRESH_PATH = "/outlook/refresh/"


class TicketLinks:
    """
    The URLs of one mail's card: `cards.outlook.Links`.

    *public_url* is where the service is reached, as "https://approvals.example.com".
    *letter* and *person* are the mail's id and whose card is in it. *expires* is when
    its tickets end.
    """

    def __init__(
        self, tickets: Tickets, public_url: str, letter: str, person: PersonId, expires: datetime
    ) -> None:
        self._tickets = tickets
        self._public_url = public_url.rstrip("/")
        self._letter = letter
        self._person = person
        self._expires = expires

    def act(self, view: View, action: Action) -> str:
        """Return where a click on *action* goes."""
        return self._url(ACT_PATH, self._ticket(view, Purpose.ACT, view.place.round, action.code))

    def refresh(self, view: View) -> str:
        """Return where the newest card comes from; a card of an older round stays of that round."""
        return self._url(REFRESH_PATH, self._ticket(view, Purpose.REFRESH, view.round, ""))

    def _ticket(self, view: View, purpose: Purpose, round_: int, action: str) -> Ticket:
        return Ticket(
            purpose=purpose,
            public_id=view.approval.id,
            seat=view.place.seat,
            round=round_,
            revision=view.approval.revision,
            attempt=view.place.attempt,
            action=action,
            letter=self._letter,
            person=self._person,
            expires=self._expires,
        )

    def _url(self, path: str, ticket: Ticket) -> str:
        return f"{self._public_url}{path}{self._tickets.issue(ticket)}"
