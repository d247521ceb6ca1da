"""How people are reached in Teams: learnt from what they do, closed and opened again."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from approvals_core.committing import Commits
from approvals_core.errors import VersionConflict
from approvals_core.models import Change, Contact, Job, JobKind, Lane, PersonId
from approvals_core.ports import Store
from bots.teams.inbound import Inbound

PROBE = timedelta(days=1)  # until somebody who could not be reached is tried again


class Contacts:
    """Reads and changes how a person is reached. Whoever can be reached anew gets all that waits."""

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
        await self._save(inbound.person, fields, deliver=timedelta(0))

    async def met(self, person: PersonId, *, conversation: str, service_url: str) -> Contact:
        """Remember a conversation that we opened."""
        fields = {"conversation": conversation, "service_url": service_url}
        return await self._save(person, fields, deliver=None)

    async def close(self, person: PersonId, why: str) -> None:
        """Send nothing more, until the person does something or a day has passed."""
        await self._save(
            person,
            {"closed": why or "unreachable", "at": self._commits.now()},
            deliver=PROBE,
        )

    async def reopen(self, person: PersonId) -> None:
        """Remember that sending worked again."""
        await self._save(person, {"closed": ""}, deliver=timedelta(0))

    async def _save(
        self,
        person: PersonId,
        fields: Mapping[str, object],
        *,
        deliver: timedelta | None,
    ) -> Contact:
        while True:
            contact = await self._store.contact(person)
            before = contact or Contact(person=person, at=self._commits.now())
            after = before.model_copy(update=fields)
            if contact is not None and after == before:
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
        jobs = () if deliver is None else (_deliver(after.person, stamp.at, deliver),)
        await self._commits.commit(
            Change(id=stamp.change, scope=after.person.scope, contact=saved, jobs=jobs)
        )
        return saved


def _deliver(person: PersonId, at: datetime, after: timedelta) -> Job:
    # A probe must not be brought forward by, nor hold back, what is due at once.
    key = f"probe/{person}" if after else f"deliver/{person}"
    return Job(key=key, kind=JobKind.DELIVER, lane=Lane.CARD, due=at + after, person=person)
