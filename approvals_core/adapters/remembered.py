"""Remembers whom a tenant's aliases meant, for a day: one look-up serves many requests."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from approvals_core.models import Person
from approvals_core.ports import Directory, NotFound
from approvals_core.tenant import Tenant

KEPT = timedelta(days=1)  # aliases are reused
MOST = 50_000  # people; the ones looked up longest ago go first

Alias = tuple[str, str]  # tenant, alias in lower case


class RememberedDirectory:
    """
    A `Directory` in front of another.

    It serves new places only: a place keeps the person it was given. That nobody
    was found is not remembered, for that is soon mended.
    """

    def __init__(self, directory: Directory, *, now: Callable[[], datetime]) -> None:
        self._directory = directory
        self._now = now
        self._known: OrderedDict[Alias, tuple[Person, datetime]] = OrderedDict()

    async def find(self, tenant: Tenant, alias: str) -> Person | NotFound:
        """
        Return what the directory said within the last day, or says now.

        Raises:
            DirectoryUnavailable: Try again after its `retry_after`.
        """
        key = (tenant.document_type_id, alias.strip().casefold())
        person, until = self._known.get(key, (None, self._now()))
        if person is not None and self._now() < until:
            return person
        found = await self._directory.find(tenant, alias)
        if isinstance(found, Person):
            self._remember(key, found)
        return found

    def _remember(self, key: Alias, person: Person) -> None:
        self._known.pop(key, None)
        self._known[key] = (person, self._now() + KEPT)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
