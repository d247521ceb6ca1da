"""Teams as the core sees it: faces made, sent and replaced in place."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from gettext import gettext as _
from typing import Any, Protocol

import orjson

from approvals_core.errors import AnswerLost, CardRefused, ChannelBusy, Unreachable
from approvals_core.models import Contact, PersonId
from approvals_core.ports import View
from bots.teams.connector import Connector
from bots.teams.contacts import Contacts
from bots.teams.directories import Directories
from bots.teams.refusals import SOON, AppMissing, Forbidden
from cards import notices
from cards.approval import approval_card
from cards.elements import Card
from cards.viewer import viewer_of

CARD_TYPE = "application/vnd.microsoft.card.adaptive"
PROBE_AFTER = timedelta(hours=23)  # since a conversation was closed: the daily probe may pass
# With an update before it, well below the lease of the worker's job: else somebody else
# is given the job, and sends a twin that nobody can update.
SEND_WITHIN = timedelta(seconds=50)
INSTALLED_WITHIN = timedelta(seconds=120)  # until a person who was given the app can be reached


class Apps(Protocol):
    """What installs the app for a person."""

    async def install(self, person: PersonId) -> None:
        """
        Install it; who has it already keeps it.

        Raises:
            Unreachable: It may not be installed for him.

            ChannelBusy: Try again later.
        """
        ...


class TeamsChannel:
    """The `Channel` of the core that ends in somebody's 1:1 chat with the bot."""

    name = "teams"

    def __init__(
        self,
        *,
        connector: Connector,
        contacts: Contacts,
        directories: Directories,
        first_contact: str,
        now: Callable[[], datetime],
        notice_line: str | None,
        apps: Apps | None = None,
        pages: str = "",
    ) -> None:
        """
        Without *apps* the app is installed for nobody.

        *pages* and a request's id are the address of our own page of it, "" if there is none.
        """
        self._pages = pages
        self._connector = connector
        self._contacts = contacts
        self._directories = directories
        self._first_contact = first_contact
        self._now = now
        self._notice_line = notice_line
        self._apps = apps

    async def face(self, view: View) -> tuple[str, Mapping[str, object]]:
        """Return the message with the card as its owner should see it now, and the card's digest."""
        person = view.place.person
        contact = await self._contacts.get(person.id) if person else None
        card = approval_card(
            view,
            viewer_of(contact),
            notice_line=self._notice_line,
            page_url=self._pages and f"{self._pages}{view.approval.id}",
        )
        # An equal face is pushed once more where an answer to a click has to be replaced.
        shown = b"%d%b" % (view.place.shown_anew, card.to_json())
        face = _reminder(card) if view.reminds else _message(card)
        return hashlib.sha256(shown).hexdigest(), face

    async def send(self, person: PersonId, face: Mapping[str, object]) -> str:
        """Send the card to the known conversation, else to a new one by object id."""
        attempt = _Attempt(person, await self._reachable(person), self._now() + SEND_WITHIN)
        try:
            contact = await self._conversation(attempt)
            message = await self._connector.send(
                contact.service_url,
                contact.conversation,
                face,
                directory=person.directory,
                ends=attempt.ends,
            )
        except Unreachable as refusal:
            await self._close(attempt, refusal)
            raise
        await self._worked(person, contact)
        return json.dumps([str(person), contact.conversation, message])

    async def update(self, address: str, face: Mapping[str, object]) -> None:
        """Put the card in the place of the one at *address*."""
        person, conversation, message = _read(address)
        contact = await self._reachable(person)
        service_url = (contact and contact.service_url) or self._first_contact

        async def put(activity: Mapping[str, object]) -> None:
            await self._connector.update(
                service_url, conversation, message, activity, directory=person.directory
            )

        try:
            await put(face)
        except Forbidden as refusal:
            await self._note_refusal(person)
            if contact is not None and contact.closed:  # the probe failed: the next one in a day
                await self._contacts.close(person, str(refusal), seen=contact.version)
            raise
        except CardRefused:
            # Better a card that says so than an old one that looks alive.
            await put(_message(notices.cannot_be_shown(notice_line=self._notice_line)))
            raise
        await self._worked(person, contact)

    async def withdraw(self, address: str) -> None:
        """Take the card at *address* away."""
        person, conversation, message = _read(address)
        contact = await self._contacts.get(person)
        service_url = (contact and contact.service_url) or self._first_contact
        await self._connector.delete(service_url, conversation, message, directory=person.directory)

    async def _reachable(self, person: PersonId) -> Contact | None:
        """Return how the person is reached; raise if that is known not to work now."""
        contact = await self._contacts.get(person)
        if contact is not None and contact.closed and self._now() - contact.at < PROBE_AFTER:
            raise Unreachable(contact.closed)
        self._directories.check(person.directory)
        return contact

    async def _worked(self, person: PersonId, contact: Contact | None) -> None:
        self._directories.worked(person.directory)
        if contact is not None and contact.closed:
            await self._contacts.reopen(person, seen=contact.version)

    # -- whoever was never heard of ---------------------------------------------

    async def _conversation(self, attempt: "_Attempt") -> Contact:
        """Return whose conversation to write to; create it, and install the app, if need be."""
        if attempt.contact is not None and attempt.contact.conversation:
            return attempt.contact
        try:
            return await self._created(attempt)
        except AppMissing as missing:
            await self._install(attempt, missing)
        try:
            return await self._created(attempt)
        except AppMissing as missing:
            # Teams takes a while; the app will tell us when it is there.
            raise ChannelBusy("the app was installed just now", retry_after=SOON) from missing

    async def _created(self, attempt: "_Attempt") -> Contact:
        person = attempt.person
        try:
            conversation = await self._connector.create_conversation(
                self._first_contact,
                directory=person.directory,
                object_id=person.object_id,
                ends=attempt.ends,
            )
        except AnswerLost as problem:  # the same one comes back: this may be repeated for ever
            raise ChannelBusy(str(problem), retry_after=SOON) from problem
        attempt.contact = await self._contacts.met(
            person, conversation=conversation, service_url=self._first_contact
        )
        return attempt.contact

    async def _install(self, attempt: "_Attempt", missing: AppMissing) -> None:
        """Install the app where that is allowed, at most once a day."""
        if self._apps is None:
            raise missing
        claimed = await self._contacts.claim_install(attempt.person)
        if claimed is None:
            await self._await_install(attempt, missing)
            return
        attempt.contact = claimed
        try:
            await self._apps.install(attempt.person)
        except ChannelBusy:
            await self._contacts.release_install(attempt.person)
            raise

    async def _await_install(self, attempt: "_Attempt", missing: AppMissing) -> None:
        """Wait for an installation that began just now; raise if it was long ago."""
        contact = await self._contacts.get(attempt.person)
        tried = contact.install_tried if contact else None
        recent = tried is not None and self._now() - tried < INSTALLED_WITHIN
        if recent and contact is not None and not contact.closed:
            raise ChannelBusy("the app is being installed", retry_after=SOON) from missing
        raise missing

    # -- whoever cannot be reached ----------------------------------------------

    async def _close(self, attempt: "_Attempt", refusal: Unreachable) -> None:
        """Close the conversation as it was when we began, or the directory."""
        person, forbidden = attempt.person, isinstance(refusal, Forbidden)
        if forbidden:
            await self._note_refusal(person)
        seen = attempt.contact.version if attempt.contact else 0
        closed = await self._contacts.close(person, str(refusal), seen=seen)
        if forbidden and closed is not None:
            self._directories.note_closed(person, closed.version)
            await self._reopen_wrongly_closed(person.directory)  # if it was closed meanwhile

    async def _note_refusal(self, person: PersonId) -> None:
        try:
            self._directories.refused(person)
        except ChannelBusy:
            await self._reopen_wrongly_closed(person.directory)
            raise

    async def _reopen_wrongly_closed(self, directory: str) -> None:
        for person, version in self._directories.wrongly_closed(directory).items():
            await self._contacts.reopen(person, seen=version)


@dataclass
class _Attempt:
    """One attempt to reach a person: his contact as we know it, our own changes included."""

    person: PersonId
    contact: Contact | None
    ends: datetime


def _read(address: str) -> tuple[PersonId, str, str]:
    """Return the parts of an address that `send` made: person, conversation and message."""
    named, conversation, message = json.loads(address)
    return PersonId(*str(named).split("/", maxsplit=1)), conversation, message


def _message(card: Card) -> dict[str, Any]:
    """Return the message that shows *card*, which was written for its digest already."""
    return _activity(orjson.Fragment(card.to_json()), summary=card.to_dict()["fallbackText"])


def _reminder(card: Card) -> dict[str, Any]:
    """Return the message, named a reminder in the notification; all else is equal."""
    shown = card.to_dict()
    reminds = _("Reminder: {what}").format(what=shown["fallbackText"])
    return card_activity({**shown, "fallbackText": reminds})


def card_activity(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message that shows *card*; its summary is what the notification says."""
    return _activity(card, summary=card.get("fallbackText", ""))


def _activity(content: object, *, summary: object) -> dict[str, Any]:
    return {
        "type": "message",
        "summary": summary,
        "attachments": [{"contentType": CARD_TYPE, "content": content}],
    }
