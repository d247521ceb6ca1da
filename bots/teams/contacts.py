"""How people are reached in Teams: learnt from what they do, closed and opened again."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from approvals_core.committing import Commits
from approvals_core.errors import VersionConflict
from approvals_core.models import Change, Contact, Job, JobKind, Lane, PersonId
from approvals_core.ports import Store
from bots.teams.inbound import Inbound

PROBE = timedelta(days=1)  # until somebody who could not be reached is tried again
INSTALL_AGAIN = timedelta(days=1)  # between two attempts to install the app for one person

# From the contact as it stands to the fields that change; None leaves it so.
Step = Callable[[Contact], Mapping[str, object] | None]


class Contacts:
    """
    Reads and changes how a person is reached. Whoever can be reached anew gets all that waits.

    Whoever acts on a contact that he read a while ago hands in its version as *seen*:
    if the person did something since, that counts, and nothing is changed.
    """

    def __init__(self, *, store: Store, commits: Commits) -> None:
        self._store = store
        self._commits = commits

    async def get(self, person: PersonId) -> Contact | None:
        """Return how the person is reached, or None if never heard of."""
        return await self._store.contact(person)

    async def heard(self, inbound: Inbound) -> None:
        """Learn from something a person did in his 1:1 chat: he can be reached there now."""
        if not inbound.object_id or not inbound.personal:
            return
        known = {
            "conversation": inbound.conversation,
            "service_url": inbound.service_url,
            "user_id": inbound.user_id,
            "closed": "",
        }
        said = {"name": inbound.name, "locale": inbound.locale, "zone": inbound.zone}
        fields = known | {name: value for name, value in said.items() if value}
        await self._save(inbound.person, lambda _contact: fields, deliver=timedelta(0))

    async def met(self, person: PersonId, *, conversation: str, service_url: str) -> Contact:
        """Remember a conversation that we opened, unless we heard from the person in one."""
        fields = {"conversation": conversation, "service_url": service_url}
        return await self._save(
            person, lambda contact: None if contact.conversation else fields, deliver=None
        )

    async def close(self, person: PersonId, why: str, *, seen: int | None = None) -> Contact | None:
        """
        Send nothing more, until the person does something or a day has passed.

        Returns the contact as it was closed; None if it changed since *seen*.
        """
        fields = {"closed": why or "unreachable", "at": self._commits.now()}
        mine = False

        def step(contact: Contact) -> Mapping[str, object] | None:
            nonlocal mine
            mine = seen in (None, contact.version)
            return fields if mine else None

        closed = await self._save(person, step, deliver=PROBE)
        return closed if mine else None

    async def reopen(self, person: PersonId, *, seen: int) -> None:
        """Remember that sending worked again, or was never this person's fault."""
        await self._save(person, _if(seen, {"closed": ""}), deliver=timedelta(0))

    async def claim_install(self, person: PersonId) -> Contact | None:
        """Return the contact if the caller may install the app for the person: one caller a day."""
        now, mine = self._commits.now(), False

        def claim(contact: Contact) -> Mapping[str, object] | None:
            nonlocal mine
            last = contact.install_tried
            mine = last is None or now - last >= INSTALL_AGAIN
            return {"install_tried": now} if mine else None

        claimed = await self._save(person, claim, deliver=None)
        return claimed if mine else None

    async def release_install(self, person: PersonId) -> None:
        """Remember that nobody could be asked: the day's attempt is still to come."""
        await self._save(person, lambda _contact: {"install_tried": None}, deliver=None)

    async def _save(self, person: PersonId, step: Step, *, deliver: timedelta | None) -> Contact:
        while True:
            contact = await self._store.contact(person)
            before = contact or Contact(person=person, at=self._commits.now())
            fields = step(before)
            after = before.model_copy(update=fields)
            if fields is None or (contact is not None and after == before):
                return before
            with suppress(VersionConflict):
                return await self._commit(before, after, deliver=deliver)

    async def _commit(
        self, before: Contact, after: Contact, *, deliver: timedelta | None
    ) -> Contact:
        stamp = self._commits.stamp()
        saved = after.model_copy(
            update={"version": before.version + 1, "last_change": stamp.change}
        )
        jobs = () if deliver is None else (_deliver(saved, stamp.at, deliver),)
        await self._commits.commit(
            Change(id=stamp.change, scope=after.person.scope, contact=saved, jobs=jobs)
        )
        return saved


def _if(seen: int | None, fields: Mapping[str, object]) -> Step:
    return lambda contact: fields if seen in (None, contact.version) else None


def _deliver(contact: Contact, at: datetime, after: timedelta) -> Job:
    # Each closing has a probe of its own: that of an earlier one comes too early for it.
    person = contact.person
    key = f"probe/{person}/{contact.version}" if after else f"deliver/{person}"
    return Job(key=key, kind=JobKind.DELIVER, lane=Lane.CARD, due=at + after, person=person)
