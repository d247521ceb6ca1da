"""What an operator can decide: how an unconfirmed decision ended, and who sits on a place."""

from collections.abc import Callable, Sequence
from datetime import datetime

from approvals_core.approvals import Approvals
from approvals_core.committing import Commits
from approvals_core.models import Approval, Attachment, Person, Place
from approvals_core.operating import Operating
from approvals_core.ports import (
    Answer,
    AnswerKind,
    Directory,
    Fetched,
    FetchedFile,
    FetchedKind,
    NotFound,
    Posted,
    Store,
    Tenants,
)
from approvals_core.posting import Posting
from approvals_core.rules.settling import Settlement
from approvals_core.rules.standing import name_of
from approvals_core.tenant import Tenant
from bots.cli.finding import Finder, NotThere, Say, check_seat
from bots.cli.telling import plain, waits_for


class PlacesDesk:
    """Takes an operator's word about a place, and says what came of it."""

    def __init__(
        self, store: Store, tenants: Tenants, say: Say, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._tenants = tenants
        self._say = say
        self._now = now
        self._find = Finder(store, tenants)

    async def settle(self, name: str, seat: int, found: Settlement, *, by: str) -> None:
        """
        End an unconfirmed decision by what the operator *by* found out.

        Raises:
            NotThere: There is no such request or place.

            NotSettled: The place has no unconfirmed decision.
        """
        approval, tenant = await self._find.request(name)
        check_seat(approval, seat)
        settled = await self._approvals().settle(approval.id, seat, found, by=by)
        self._say_place(settled, settled.places[seat], tenant)

    async def rebind(
        self, name: str, seat: int, person: str, directory: Directory, *, by: str, dry_run: bool
    ) -> None:
        """
        Put somebody of the tenant's directory on a place, as the operator *by* says.

        Raises:
            NotThere: There is no such request, place or person.

            NotRebound: It cannot be done; the message says why.

            DirectoryUnavailable: The directory did not answer.
        """
        approval, tenant = await self._find.request(name)
        check_seat(approval, seat)
        found = await directory.find(tenant, person)
        if isinstance(found, NotFound):
            where = f"in the directory {tenant.people.directory}"
            raise NotThere(f"{plain(person)} is nobody who may act {where}: {found.value}.")
        rebound = await self._operating().rebind(approval.key, seat, found, by=by, dry_run=dry_run)
        self._say_rebound(approval.places[seat], found, dry_run=dry_run)
        place = rebound.place_of(found.id)
        if place is not None and place.seat != seat:
            self._say(f"Place {seat} becomes one with place {place.seat}: the same person.")
        if place is not None:
            self._say_place(rebound, place, tenant)
        if dry_run:
            self._say("Nothing was changed: this was a dry run.")

    def _say_rebound(self, before: Place, person: Person, *, dry_run: bool) -> None:
        sits = "would sit" if dry_run else "sits"
        former = f" instead of {plain(name_of(before))}" if before.person else ""
        who = f"{plain(person.name)} ({plain(person.upn)}, object id {person.object_id})"
        self._say(f"{who} {sits} on the place of {plain(before.alias)}{former}.")

    def _say_place(self, approval: Approval, place: Place, tenant: Tenant) -> None:
        self._say(
            f"{approval.id}, place {place.seat}, {plain(name_of(place))}: {place.state.value}"
        )
        self._say(f"  {waits_for(approval, place, tenant)}")

    def _commits(self) -> Commits:
        return Commits(self._store, now=self._now, wake=_nobody)

    def _operating(self) -> Operating:
        return Operating(store=self._store, commits=self._commits(), tenants=self._tenants)

    def _approvals(self) -> Approvals:
        commits = self._commits()
        posting = Posting(
            store=self._store, commits=commits, tenants=self._tenants, api=_PostsNothing()
        )
        return Approvals(store=self._store, commits=commits, posting=posting, tenants=self._tenants)


class _PostsNothing:
    """The tenants' APIs of a process without a worker: the service's own does what is due."""

    async def post_decision(self, tenant: Tenant, posted: Posted) -> Answer:
        return Answer(kind=AnswerKind.AGAIN, reason="operators post nothing")

    async def post_decisions(self, tenant: Tenant, posted: Sequence[Posted]) -> Sequence[Answer]:
        return [await self.post_decision(tenant, each) for each in posted]

    async def decision_status(self, tenant: Tenant, posted: Posted) -> Answer:
        return Answer(kind=AnswerKind.UNKNOWN, reason="operators ask nothing")

    async def summary(self, tenant: Tenant, approval: Approval) -> Fetched:
        return Fetched(kind=FetchedKind.UNAVAILABLE, reason="operators read nothing")

    async def details(self, tenant: Tenant, approval: Approval, operation: str) -> Fetched:
        return Fetched(kind=FetchedKind.UNAVAILABLE, reason="operators read nothing")

    async def attachment(
        self,
        tenant: Tenant,
        approval: Approval,
        attachment: Attachment,
        *,
        user_assertion: str | None,
    ) -> FetchedFile:
        return FetchedFile(kind=FetchedKind.UNAVAILABLE, reason="operators read nothing")


def _nobody() -> None:
    """Wake nobody: the service's worker looks for jobs of other processes every second."""
