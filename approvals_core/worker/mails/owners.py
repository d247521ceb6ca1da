"""Whose an address is, as the tenant's directory says; one that hangs keeps no place of the mails for long."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from approvals_core.errors import DirectoryUnavailable, RetryAfter
from approvals_core.models import Person
from approvals_core.ports import Directory, NotFound
from approvals_core.tenant import Tenant
from approvals_core.worker.mails.pauses import Pause

QUICK = 2.0  # seconds for an answer, of a directory that is not known to be slow
SLOW = 10.0  # seconds for one of a directory that is
LEFT_ALONE = 30.0  # seconds after an answer that did not come in time
AGAIN = 2.0  # seconds until a mail looks again whether its directory has time for it


class Owners:
    """
    Asks the tenants' directories, each so much at once.

    Who asks holds one of the few places that all tenants' mails share. So of one tenant at
    most *at_once* ask, and one alone after its directory did not answer in time: until it
    does, the mails that need it are put off, and no other.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        now: Callable[[], datetime],
        at_once: int,
        quick: float = QUICK,
        slow: float = SLOW,
    ) -> None:
        """*quick* and *slow* are the seconds for an answer, of a directory that was not slow, and of one that was."""
        self._directory = directory
        self._now = now
        self._at_once = at_once
        self._quick = quick
        self._at_most = slow
        self._asking: Counter[str] = Counter()  # by tenant
        self._slow: dict[str, Pause] = {}

    async def find(self, tenant: Tenant, address: str) -> Person | NotFound:
        """
        Return who has the mailbox *address*.

        Raises:
            DirectoryUnavailable: It did not answer, or not in time.

            RetryAfter: Others ask it now.
        """
        name = tenant.document_type_id
        slow = self._slow.get(name)
        if slow is not None and (left := slow.left(self._now())):
            raise DirectoryUnavailable("it did not answer in time", retry_after=left)
        if self._asking[name] >= (self._at_once if slow is None else 1):
            pause = AGAIN if slow is None else self._at_most
            raise RetryAfter("the directory is asked for other mails", retry_after=pause)
        self._asking[name] += 1
        try:
            within = self._quick if slow is None else self._at_most
            return await self._find(tenant, address, within=within)
        finally:
            self._asking[name] -= 1
            self._asking += Counter()  # forget the tenants of which nobody asks

    async def _find(self, tenant: Tenant, address: str, *, within: float) -> Person | NotFound:
        name, clock = tenant.document_type_id, asyncio.get_running_loop().time
        begun = clock()
        try:
            async with asyncio.timeout(within):
                found = await self._directory.find_by_mail(tenant, address)
        except TimeoutError as problem:
            now = self._now()
            self._slow[name] = Pause(now, now + timedelta(seconds=LEFT_ALONE))
            why = "it did not answer in time"
            raise DirectoryUnavailable(why, retry_after=LEFT_ALONE) from problem
        if clock() - begun < self._quick:
            self._slow.pop(name, None)
        return found
