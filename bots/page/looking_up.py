"""Finds the new approver whom somebody names on the page: one that is meant exactly, never a list of guesses."""

import asyncio
from typing import Final

from approvals_core.errors import DirectoryUnavailable
from approvals_core.models import Person
from approvals_core.ports import Directory, NotFound
from approvals_core.tenant import Tenant
from bots.page.fields import Search
from cards.language import _

WITHIN: Final = 6.0  # seconds
_LONGEST = 320  # characters of a mail address


class LookUp:
    """Asks the tenant's own directory, as its rules for aliases say."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def find(self, tenant: Tenant, words: str) -> Search:
        """Return who is called *words*, or why nobody can be chosen by them."""
        wanted = words.strip()[:_LONGEST]
        if not wanted:
            return Search(words, why_not=_("Please write an alias or a mail address."))
        try:
            async with asyncio.timeout(WITHIN):
                found = await self._found(tenant, wanted)
        except (DirectoryUnavailable, TimeoutError):
            return Search(words, why_not=_("The directory does not answer. Please try again."))
        if isinstance(found, Person):
            return Search(words, found=found)
        return Search(words, why_not=_why_not(found))

    async def _found(self, tenant: Tenant, wanted: str) -> Person | NotFound:
        found = await self._directory.find(tenant, wanted)
        if found is NotFound.UNKNOWN and "@" in wanted:
            return await self._directory.find_by_mail(tenant, wanted)
        return found

    async def again(self, tenant: Tenant, object_id: str) -> Search:
        """Return the one with the id that was chosen before, nobody if he is not found now."""
        found = await self.find(tenant, object_id) if object_id else Search()
        return Search(found=found.found)


def _why_not(found: NotFound) -> str:
    match found:
        case NotFound.SEVERAL:
            return _("Several people have this name. Please write the mail address.")
        case NotFound.DISABLED:
            return _("This account is disabled. Please choose somebody else.")
        case NotFound.GUEST:
            return _("Guests cannot approve here. Please choose somebody else.")
        case NotFound.UNKNOWN:
            return _("Nobody is called that. Please write the alias or mail address in full.")
