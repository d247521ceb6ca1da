"""How mails leave the house."""

from typing import NamedTuple, Protocol

from approvals_core.models import Letter, Notification
from approvals_core.ports.people import View


class Mail(NamedTuple):
    """
    One mail to one recipient, ready to be sent.

    *id* is the letter's; *thread* is the same for all mails about one request to one
    address, and its own *id* begins a thread. A sender that can send one body only takes *html*.
    """

    id: str
    thread: str
    to: str  # one address
    subject: str  # one line
    html: str
    text: str
    begins: bool = True  # the first of its thread


class MailSender(Protocol):
    """Hands mails to a mail system, for one sender's address."""

    async def send(self, mail: Mail) -> None:
        """
        Hand over *mail*, once.

        Raises:
            ChannelBusy: Not taken: the same again after `retry_after`. `MailboxBusy` and
                `RecipientBusy` say of which other mails that is true: all, or none.

            AnswerLost: Nobody knows whether it was taken.

            Unreachable: The recipient is refused; the message says why.

            CardRefused: The mail or its sender is refused; the message says why.
        """
        ...


class Mails(Protocol):
    """Composes and sends what the worker found to be due."""

    async def send(self, letter: Letter, notification: Notification, view: View) -> None:
        """
        Send the mail of *letter*, as the request stands now.

        *view* is the card owner's where the letter has a seat; else it is about the
        request, and nobody may act by the mail.

        Raises:
            ChannelError: As `MailSender.send` does.
        """
        ...
