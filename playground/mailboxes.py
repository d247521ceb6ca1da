"""Everybody's inbox: what came in over SMTP or through Graph, as it came, and read once."""

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import EmailPolicy
from enum import StrEnum
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any, cast

from pydantic import BaseModel

from playground import names
from playground.keeping import Keep
from playground.people import Person
from playground.records import Json

CARD_TYPE = "application/adaptivecard+json"  # outlook-dev-docs, get-started.md
ELSEWHERE = "elsewhere"  # in place of an alias: addresses of nobody here


class _Remembering(EmailPolicy):
    """The usual policy, whose headers are parsed once, and not each time that one is asked for."""

    header_fetch_parse = lru_cache(maxsize=256)(EmailPolicy.header_fetch_parse)


REMEMBERING = cast("EmailPolicy[EmailMessage]", _Remembering())  # generic for checkers only


class Via(StrEnum):
    """How a mail came."""

    SMTP = "smtp"
    GRAPH = "graph"


class ReceivedMail(BaseModel, frozen=True):
    """
    One mail in one inbox.

    *alias* is its owner's, `ELSEWHERE` for an address of nobody here. *headers* have their
    names in lower case; of several with one name the last. *raw* is MIME, or Graph's JSON.
    """

    id: str
    alias: str
    to: str  # of the envelope
    sender: str
    via: Via
    at: datetime
    headers: dict[str, str]
    subject: str
    html: str
    text: str = ""  # Graph takes one body only
    raw: str

    @property
    def card(self) -> Json | None:
        """Return the card that Outlook finds in the HTML, None if there is none that it can read."""
        return card_in(self.html)

    @property
    def letter(self) -> str:
        """Return the service's own id of this mail, "" if it told none."""
        return self.headers.get("x-approvals-letter", "")


class Inbox(BaseModel):
    """The mails of one person, oldest first."""

    alias: str
    mails: list[ReceivedMail] = []


class Mailboxes:
    """
    All inboxes; what comes in is kept, and told as "mail".

    *changed* is told the kind, the owner's alias, and the mail's id as *mail*.
    """

    def __init__(
        self, keep: Keep, people: Mapping[str, Person], changed: Callable[..., None]
    ) -> None:
        self._keep = keep
        self._people = people
        self._changed = changed
        self._inboxes: dict[str, Inbox] = {}

    def of(self, alias: str) -> list[ReceivedMail]:
        """Return somebody's mails, oldest first; those of `ELSEWHERE` came to strangers' addresses."""
        return list(self._inbox(alias).mails)

    def find(self, alias: str, mail_id: str) -> ReceivedMail | None:
        """Return the mail with this id in somebody's inbox, or None."""
        return next((one for one in self._inbox(alias).mails if one.id == mail_id), None)

    def owner(self, address: str) -> str:
        """Return the alias of whose address this is, `ELSEWHERE` if it is nobody's here."""
        wanted = address.strip().casefold()
        for person in self._people.values():
            if wanted and wanted in (mail_of(person), person.user_principal_name.casefold()):
                return person.alias
        return ELSEWHERE

    def deliver(self, mail: ReceivedMail) -> ReceivedMail:
        """Put *mail* into its owner's inbox, as the newest."""
        inbox = self._inbox(mail.alias)
        inbox.mails.append(mail)
        self._keep.save(f"mails/{mail.alias}", inbox)
        self._changed("mail", mail.alias, mail=mail.id)
        return mail

    def deliver_mime(self, raw: bytes, *, sender: str, to: str) -> ReceivedMail:
        """Put what came over SMTP into the inbox of the address *to*."""
        message = message_from_bytes(raw, EmailMessage, policy=REMEMBERING)
        return self.deliver(
            ReceivedMail(
                id=secrets.token_hex(8),
                alias=self.owner(to),
                to=to,
                sender=sender,
                via=Via.SMTP,
                at=datetime.now(UTC),
                headers={name.lower(): str(value) for name, value in message.items()},
                subject=str(message.get("Subject", "")),
                html=_part(message, "html"),
                text=_part(message, "plain"),
                raw=raw.decode("utf-8", "replace"),
            )
        )

    def deliver_graph(self, message: Json, *, sender: str, to: str) -> ReceivedMail:
        """Put the message of a sendMail into the inbox of the address *to*."""
        given = message.get("internetMessageHeaders") or []
        headers = {str(one["name"]).lower(): str(one["value"]) for one in given}
        return self.deliver(
            ReceivedMail(
                id=secrets.token_hex(8),
                alias=self.owner(to),
                to=to,
                sender=sender,
                via=Via.GRAPH,
                at=datetime.now(UTC),
                headers=headers,
                subject=str(message.get("subject") or ""),
                html=str(message["body"]["content"]),
                raw=json.dumps(message),
            )
        )

    def _inbox(self, alias: str) -> Inbox:
        if alias not in self._inboxes:
            kept = self._keep.load(f"mails/{alias}", Inbox)
            self._inboxes[alias] = kept or Inbox(alias=alias)
        return self._inboxes[alias]


def mail_of(person: Person) -> str:
    """Return the person's address in lower case, "" if he has no mailbox in the organization."""
    mine = person.directory == names.DIRECTORY
    return f"{person.alias}@{names.DOMAIN}".casefold() if mine else ""


def card_in(html: str) -> Json | None:
    """Return the card of the first script of Outlook's type, None if there is none that can be read."""
    finder = _CardFinder()
    finder.feed(html)
    finder.close()
    try:
        card: Any = json.loads(finder.found)
    except ValueError:
        return None
    return card if isinstance(card, dict) else None


class _CardFinder(HTMLParser):
    """Collects what is in the first script element of the card's type."""

    def __init__(self) -> None:
        super().__init__()
        self.found = ""
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = tag == "script" and dict(attrs).get("type") == CARD_TYPE
        self._inside = wanted and not self.found

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found += data

    def handle_endtag(self, tag: str) -> None:
        self._inside = False


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if isinstance(part, EmailMessage) else ""
