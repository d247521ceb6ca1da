"""Who reads a mail: whose the address is, and what the mail waits for before that can be said."""

from datetime import timedelta

from approvals_core.committing import Commits
from approvals_core.errors import DirectoryUnavailable, RetryAfter
from approvals_core.models import Approval, Job, Notification, Person, PersonId
from approvals_core.rules import lines, mail_waits
from approvals_core.rules.mail_jobs import has_mail
from approvals_core.tenant import Tenant
from approvals_core.worker.mails.owners import Owners

LOOK_AGAIN = 2.0  # seconds between two looks whether the people asked were found
LOOK_LATER = 30.0  # seconds between two of them when that takes long


class Readers:
    """
    Finds who has a mail's address.

    An address says nothing by itself: it must be how somebody signs in who was found for
    this request, or the directory must know whose it is.
    """

    def __init__(self, *, commits: Commits, owners: Owners) -> None:
        self._commits = commits
        self._owners = owners

    async def owner(self, job: Job, approval: Approval, tenant: Tenant) -> PersonId | None:
        """
        Return who has the mail's address, None if it makes no difference.

        Raises:
            RetryAfter: People, or the details that the mail shows, are still looked for.
        """
        notification = lines.notification_of(approval, job.notification)
        if notification is None or lines.why_dropped(approval, job) or not has_mail(tenant):
            return None
        waited = self._commits.now() - lines.asked_at(job, notification)
        owner = await self._owner(job, notification, approval, tenant, waited)
        if (pause := mail_waits.details_looked_for(approval, job, owner, waited)) is not None:
            why = "the details it shows are read first"
            raise RetryAfter(why, retry_after=pause.total_seconds())
        return owner

    async def _owner(
        self,
        job: Job,
        notification: Notification,
        approval: Approval,
        tenant: Tenant,
        waited: timedelta,
    ) -> PersonId | None:
        if not lines.wants_a_card(job, notification):
            return None
        if (person := lines.person_with_upn(approval, job.address)) is not None:
            return person
        looked_up = mail_waits.somebody_is_looked_up(approval)
        if looked_up and waited < mail_waits.LOOKED_UP_WITHIN:
            raise RetryAfter("the people asked are looked up first", retry_after=LOOK_AGAIN)
        may_wait = looked_up and waited < mail_waits.LOOKED_UP_AT_MOST
        owner = await self._found(approval, tenant, job.address, give_up=waited >= lines.TRIED_FOR)
        nobody_yet = all(place.person is None for place in approval.places)
        stranger = owner is not None and approval.place_of(owner) is None
        if may_wait and (nobody_yet or stranger):
            raise RetryAfter("the reader may be looked up still", retry_after=LOOK_LATER)
        return owner

    async def _found(
        self, approval: Approval, tenant: Tenant, address: str, *, give_up: bool
    ) -> PersonId | None:
        """Return whose *address* is, as the directory says; it is not asked while nobody has a place."""
        if all(place.person is None for place in approval.places):
            return None
        try:
            found = await self._owners.find(tenant, address)
        except DirectoryUnavailable:
            if not give_up:
                raise
            return None  # the mail leads to the request's page, where he can act
        return found.id if isinstance(found, Person) else None
