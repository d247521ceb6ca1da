"""Teams as the core sees it: faces made, sent and replaced in place."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from approvals_core.errors import Unreachable
from approvals_core.models import Contact, PersonId
from approvals_core.ports import View
from bots.teams.connector import Connector
from bots.teams.contacts import Contacts
from cards.approval import approval_card
from cards.viewer import Viewer

CARD_TYPE = "application/vnd.microsoft.card.adaptive"
PROBE_AFTER = timedelta(hours=23)  # since a conversation was closed: the daily probe may pass


class TeamsChannel:
    """The `Channel` of the core that ends in somebody's 1:1 chat with the bot."""

    name = "teams"

    def __init__(
        self,
        *,
        connector: Connector,
        contacts: Contacts,
        first_contact: str,
        now: Callable[[], datetime],
        notice_line: str | None,
    ) -> None:
        self._connector = connector
        self._contacts = contacts
        self._first_contact = first_contact
        self._now = now
        self._notice_line = notice_line

    async def face(self, view: View) -> tuple[str, Mapping[str, object]]:
        """Return the card as its owner should see it now, and its digest."""
        person = view.place.person
        contact = await self._contacts.get(person.id) if person else None
        card = approval_card(view, viewer_of(contact), notice_line=self._notice_line)
        text = card.to_json()
        return hashlib.sha256(text.encode()).hexdigest(), json.loads(text)

    async def send(self, person: PersonId, face: Mapping[str, object]) -> str:
        """Send the card to the known conversation, else to a new one by object id."""
        contact = await self._contacts.get(person)
        if contact is not None and contact.closed and not self._probe_is_due(contact):
            raise Unreachable(contact.closed)
        try:
            if contact is None or not contact.conversation:
                contact = await self._first_conversation(person)
            message = await self._connector.send(
                contact.service_url,
                contact.conversation,
                card_activity(face),
                directory=person.directory,
            )
        except Unreachable as refusal:
            await self._contacts.close(person, str(refusal))
            raise
        if contact.closed:
            await self._contacts.reopen(person)
        return json.dumps([str(person), contact.conversation, message])

    async def update(self, address: str, face: Mapping[str, object]) -> None:
        """Put the card in the place of the one at *address*."""
        person, conversation, message = json.loads(address)
        directory, _, object_id = str(person).partition("/")
        contact = await self._contacts.get(PersonId(directory, object_id))
        service_url = contact.service_url if contact else self._first_contact
        await self._connector.update(
            service_url or self._first_contact,
            conversation,
            message,
            card_activity(face),
            directory=directory,
        )

    def _probe_is_due(self, contact: Contact) -> bool:
        return self._now() - contact.at >= PROBE_AFTER

    async def _first_conversation(self, person: PersonId) -> Contact:
        conversation = await self._connector.create_conversation(
            self._first_contact, directory=person.directory, object_id=person.object_id
        )
        return await self._contacts.met(
            person, conversation=conversation, service_url=self._first_contact
        )


def card_activity(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message that shows *card*; its summary is what the notification says."""
    return {
        "type": "message",
        "summary": card.get("fallbackText", ""),
        "attachments": [{"contentType": CARD_TYPE, "content": card}],
    }


def viewer_of(contact: Contact | None) -> Viewer:
    """Return who will look at a card sent to *contact*."""
    if contact is None:
        return Viewer()
    locale = {"locale": contact.locale} if contact.locale else {}
    return Viewer(user_id=contact.user_id, zone=contact.zone, **locale)
