"""One mail: card, HTML and text; or a table of as many bytes, rendered by Jinja alone."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from jinja2 import Environment

from approvals_core.models import Letter, LetterState, Notification, Occasion
from approvals_core.ports import View
from benchmarks.servers.cards import a_view
from benchmarks.servers.control import obey, settings
from benchmarks.servers.work import Work
from bots.outlook.links import TicketLinks
from bots.outlook.tickets import Tickets
from cards.mail import Composed, compose
from cards.outlook import outlook_card
from cards.viewer import Viewer

PUBLIC_URL = "https://approvals.example.com"
LETTER = "0123456789abcdef0123456789abcdef"
_READER = Viewer(zone="Europe/Berlin")
_ROW = 80  # characters of a cell
_TABLE = "<table>{% for cell in cells %}<tr><td>{{ cell }}</td></tr>\n{% endfor %}</table>"


def _composed(view: View, tickets: Tickets) -> Composed:
    """Make the mail that asks its approver, as it is sent."""
    now = datetime.now(UTC)
    person = view.place.person
    assert person is not None
    links = TicketLinks(tickets, PUBLIC_URL, LETTER, person.id, now + timedelta(days=30))
    page_url = f"{PUBLIC_URL}/requests/{view.approval.id}"
    card = outlook_card(
        view,
        _READER,
        links=links,
        originator=LETTER,
        correlation=str(UUID(LETTER)),
        page_url=page_url,
    )
    letter, notification = _asked(view, now)
    return compose(letter, notification, view, _READER, page_url=page_url, card=card)


def _asked(view: View, now: datetime) -> tuple[Letter, Notification]:
    notification = Notification(
        id="1", occasion=Occasion.ASKED, template="PendingApproval", round=1, at=now
    )
    letter = Letter(
        approval=view.approval.key,
        id=LETTER,
        notification=notification.id,
        occasion=notification.occasion,
        address="johndoe1@organization.com",
        round=1,
        seat=view.place.seat,
        person=view.place.person.id if view.place.person else None,
        state=LetterState.SENDING,
        at=now,
    )
    return letter, notification


def _mails(view: View) -> Callable[[], object]:
    tickets = Tickets(["x" * 32], lambda: datetime.now(UTC))
    return lambda: _composed(view, tickets)


def _table(size: int) -> Callable[[], object]:
    template = Environment(autoescape=True).from_string(_TABLE)
    cells = ["x" * _ROW] * (size // _ROW)
    return lambda: template.render(cells=cells)


async def _run() -> None:
    told = settings()
    view = a_view(told["body"], Path(told["tenants"]))
    made = _mails(view)()
    assert isinstance(made, Composed)
    size = len(made.html) + len(made.text)
    make = _mails(view) if told["how"] == "mails" else _table(size)

    async def one(_number: int) -> None:
        make()

    await obey({"bytes": size}, Work(range, one).orders())


if __name__ == "__main__":
    asyncio.run(_run())
