"""Makes the mails that the worker found to be due, and hands them to the mail system."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from approvals_core.adapters.card_signing import CardSigner
from approvals_core.models import ApprovalKey, Contact, Letter, Notification, PersonId
from approvals_core.ports import Mail, MailSender, View
from bots.outlook.links import TicketLinks
from bots.outlook.tickets import LONGEST_LIFE, Tickets
from cards.mail import compose, template_for
from cards.outlook import outlook_card
from cards.viewer import Viewer, viewer_of

log = logging.getLogger(__name__)


class CardMaking(NamedTuple):
    """
    What it takes to put cards into mails.

    *originator* is the provider's id, *sender* the address that mails come from. Without
    *signer* the mail's DKIM has to vouch for the card.
    """

    tickets: Tickets
    originator: str
    sender: str
    signer: CardSigner | None = None


class OutlookMails:
    """The `Mails` of the core: the card of whoever is asked, our tickets in its buttons, and HTML for all."""

    def __init__(
        self,
        *,
        sender: MailSender,
        letters: Callable[[ApprovalKey], Awaitable[Sequence[Letter]]],
        contact: Callable[[PersonId], Awaitable[Contact | None]],
        now: Callable[[], datetime],
        public_url: str,
        cards: CardMaking | None,
        notice_line: str | None,
    ) -> None:
        """
        *letters* and *contact* are the store's. *public_url* is where people reach us.
        Without *cards* no mail has one.
        """
        self._sender = sender
        self._letters = letters
        self._contact = contact
        self._now = now
        self._public_url = public_url.rstrip("/")
        self._cards = cards
        self._notice_line = notice_line

    async def send(self, letter: Letter, notification: Notification, view: View) -> None:
        """Send the mail of *letter*, with a card if it has a seat."""
        viewer = await self._viewer(letter)
        thread = first_of_thread(letter, await self._letters(letter.approval))
        mail = self._mail(letter, notification, view, viewer, thread)
        await self._sender.send(mail)

    async def _viewer(self, letter: Letter) -> Viewer:
        """Return how its reader wants dates and numbers; of an onlooker nothing is known."""
        return viewer_of(await self._contact(letter.person) if letter.person else None)

    def _mail(
        self,
        letter: Letter,
        notification: Notification,
        view: View,
        viewer: Viewer,
        thread: str,
    ) -> Mail:
        page_url = f"{self._public_url}/requests/{view.approval.id}"
        card, signed = self._card(letter, view, viewer, page_url)
        composed = compose(
            letter,
            notification,
            view,
            viewer,
            page_url=page_url,
            card=card,
            signed=signed,
            template=template_for(view.tenant, notification, letter.occasion),
            notice_line=self._notice_line,
        )
        if composed.trouble:
            told = {"tenant": view.tenant.code, "letter": letter.id, "why": composed.trouble}
            log.warning("mail_template_not_used", extra=told)
        return Mail(
            id=letter.id,
            thread=thread,
            to=letter.address,
            subject=composed.subject,
            html=composed.html,
            text=composed.text,
            begins=thread == letter.id,
        )

    def _card(
        self, letter: Letter, view: View, viewer: Viewer, page_url: str
    ) -> tuple[dict[str, object] | None, str]:
        """Return the card and its signature; None and "" where the mail has none."""
        making = self._cards
        if making is None or letter.seat is None or letter.person is None:
            return None, ""
        until = self._now() + LONGEST_LIFE
        card = outlook_card(
            view,
            viewer,
            links=TicketLinks(making.tickets, self._public_url, letter.id, letter.person, until),
            originator=making.originator,
            correlation=str(UUID(letter.id)),
            notice_line=self._notice_line,
            page_url=page_url,
        )
        if making.signer is None:
            return card, ""
        return card, making.signer.sign(
            card,
            originator=making.originator,
            sender=making.sender,
            recipients=[letter.address],
            at=self._now(),
        )


def first_of_thread(letter: Letter, letters: Sequence[Letter]) -> str:
    """
    Return the id of the first mail about the request that reached *letter*'s address: its own if none did.

    Mail programs show together what refers to one mail that they have.
    """
    there = [one for one in letters if one.sent_at is not None and one.address == letter.address]
    return min(there, key=lambda one: (one.sent_at or one.at, one.id)).id if there else letter.id
