"""The mails of a story: opened as Outlook does it, and the card that each should show."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from approvals_core.ports import View
from bots.outlook.faces import Faces
from bots.outlook.tickets import LONGEST_LIFE, Purpose, Ticket, Tickets
from cards.viewer import Viewer
from house.core import CUSTOM_LINE
from playground import names
from playground.mailboxes import ReceivedMail
from playground.outlook import AUTO_INVOKE_WITHIN, Pressed
from playground.outside import Playground
from playground.records import Json

SIGNED = "/outlook/"  # in every URL that ends with a ticket
NO_MATTER = datetime.max.replace(tzinfo=UTC)

Answered = TypeVar("Answered")


class Site(Protocol):
    """Where the service runs, and which of its processes died."""

    playground: Playground
    store_url: str
    tenants: Path
    deaths: list[str]

    async def insist(self, do: Callable[[], Awaitable[Answered | None]]) -> Answered:
        """Do it again and again until it is answered."""
        ...


async def looked_at(lives: Site, alias: str, mail: ReceivedMail) -> Json:
    """Open a mail, and let its card refresh itself if it asks for that; return what is shown then."""
    outlook = lives.playground.outlook
    card = outlook.open(alias, mail.id) or {}
    if "autoInvokeAction" not in card:
        return card

    async def refreshed() -> Pressed | None:
        while True:
            answer = await outlook.auto_invoke(alias, mail.id)
            assert answer is not None
            # Who takes as long is slow, and not dead: Outlook asks again when it is opened again.
            if answer.status is not None or answer.seconds < AUTO_INVOKE_WITHIN:
                return None if answer.status is None else answer

    answer = await lives.insist(refreshed)
    assert not answer.failed, answer
    assert not answer.problem, answer
    return outlook.shown(alias, mail.id) or {}


def mailed_card(
    view: View, viewer: Viewer, mail: ReceivedMail, *, secret: str, service: str
) -> Json:
    """Return what the card in *mail* should show now to whose place *view* is of."""
    assert view.place.person is not None
    faces = Faces(
        tickets=Tickets([secret], _now),
        public_url=service,
        originator=names.ORIGINATOR,
        notice_line=CUSTOM_LINE,
        now=_now,
    )
    ticket = Ticket(
        purpose=Purpose.REFRESH,
        public_id=view.approval.id,
        seat=view.place.seat,
        round=view.round,
        revision=view.approval.revision,
        attempt=view.place.attempt,
        action="",
        letter=mail.letter,
        person=view.place.person.id,
        expires=_now() + LONGEST_LIFE,
    )
    return json.loads(json.dumps(faces.request(ticket, view, viewer)))


def without_tickets(card: Json, secret: str) -> Json:
    """Return a card with what its tickets say, but for how long, in place of the tickets themselves."""
    tickets = Tickets([secret], lambda: _now() + LONGEST_LIFE / 2)  # so far may a story's clock be

    def plain(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: plain(inside) for name, inside in part.items()}
        if isinstance(part, list):
            return [plain(inside) for inside in part]
        if not isinstance(part, str) or SIGNED not in part:
            return part
        path, _, ticket = part.rpartition("/")
        return f"{path}/{tickets.read(ticket)._replace(expires=NO_MATTER)}"

    return plain(card)


def _now() -> datetime:
    return datetime.now(UTC)
