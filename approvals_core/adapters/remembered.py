"""Remembers whom a tenant's aliases and mail addresses meant, for a day: one look-up serves many requests."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from approvals_core.models import Person
from approvals_core.ports import Directory, NotFound
from approvals_core.tenant import People, Tenant

KEPT = timedelta(days=1)  # aliases are reused
MOST = 50_000  # people; the ones looked up longest ago go first

# What kind of name, whose, what that tenant's file says of its people, and the name in lower case:
# who was found by an older file may be in another directory, or a guest who may not act any more.
Name = tuple[str, str, People, str]


class RememberedDirectory:
    """
    A `Directory` in front of another.

    It serves new places only: a place keeps the person it was given. That nobody
    was found is not remembered, for that is soon mended. Those who want the same at the
    same time wait for one look-up.
    """

    def __init__(self, directory: Directory, *, now: Callable[[], datetime]) -> None:
        self._directory = directory
        self._now = now
        self._known: OrderedDict[Name, tuple[Person, datetime]] = OrderedDict()
        self._asking: dict[Name, asyncio.Task[Person | NotFound]] = {}

    async def find(self, tenant: Tenant, alias: str) -> Person | NotFound:
        """
        Return what the directory said within the last day, or says now.

        Raises:
            DirectoryUnavailable: Try again after its `retry_after`.
        """
        key = ("alias", tenant.document_type_id, tenant.people, alias.strip().casefold())
        return await self._known_or(key, lambda: self._directory.find(tenant, alias))

    async def find_by_mail(self, tenant: Tenant, address: str) -> Person | NotFound:
        """
        Do the same for the owner of a mail address.

        Raises:
            DirectoryUnavailable: Try again after its `retry_after`.
        """
        key = ("mail", tenant.document_type_id, tenant.people, address.strip().casefold())
        return await self._known_or(key, lambda: self._directory.find_by_mail(tenant, address))

    async def _known_or(
        self, key: Name, look_up: Callable[[], Awaitable[Person | NotFound]]
    ) -> Person | NotFound:
        person, until = self._known.get(key, (None, self._now()))
        if person is not None and self._now() < until:
            return person
        if key not in self._asking:
            asking = self._asking[key] = asyncio.create_task(self._found(key, look_up))
            asking.add_done_callback(_heard)
        return await asyncio.shield(self._asking[key])

    async def _found(
        self, key: Name, look_up: Callable[[], Awaitable[Person | NotFound]]
    ) -> Person | NotFound:
        try:
            found = await look_up()
        finally:
            del self._asking[key]
        if isinstance(found, Person):
            self._remember(key, found)
        return found

    def _remember(self, key: Name, person: Person) -> None:
        self._known.pop(key, None)
        self._known[key] = (person, self._now() + KEPT)
        if len(self._known) > MOST:
            self._known.popitem(last=False)


def _heard(asking: asyncio.Task[Person | NotFound]) -> None:
    """Take note of a failure that nobody waits for any more."""
    if not asking.cancelled():
        asking.exception()
