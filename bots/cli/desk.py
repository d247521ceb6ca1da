"""What an operator can look at and do, on a store that a running service may have open too."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime

from approvals_core.approvals import Approvals
from approvals_core.committing import Commits
from approvals_core.models import (
    ATTENTION,
    OPEN,
    Approval,
    DeadLetter,
    Decision,
    Place,
    numbered,
    tenant_scope,
)
from approvals_core.ports import Answer, AnswerKind, Store, Tenants
from approvals_core.posting import Posting
from approvals_core.rules.answering import Settlement
from approvals_core.rules.draft import chain_is_sound
from approvals_core.rules.standing import name_of
from approvals_core.tenant import Tenant
from bots.cli.telling import (
    at,
    card_line,
    event_line,
    header,
    in_one_line,
    place_lines,
    plain,
    waits_for,
)

PAGE = 100  # requests read together

Say = Callable[[str], None]


class NotThere(Exception):
    """What the operator named does not exist; the message says so."""


class Desk:
    """Says what is stored, one line at a time, and takes an operator's word."""

    def __init__(self, store: Store, tenants: Tenants, say: Say) -> None:
        self._store = store
        self._tenants = tenants
        self._say = say

    async def list_requests(self, code: str | None, *, attention: bool) -> None:
        """
        Say one line for each open request, or only for those that wait for an operator.

        Raises:
            NotThere: No tenant has this code.
        """
        listed = 0
        for tenant in self._chosen(code):
            async for approval in self._all(tenant, ATTENTION if attention else OPEN):
                self._say(in_one_line(approval))
                listed += 1
        if not listed:
            self._say("Nothing waits for an operator." if attention else "No request is open.")

    async def show(self, name: str, *, comments: bool) -> None:
        """
        Say everything about one request, named by its id or number.

        Raises:
            NotThere: There is none, or there are several.
        """
        approval, tenant = await self._named(name)
        self._say_all(header(approval, tenant), indent="")
        self._say("\nPlaces")
        for place in approval.places:
            self._say_all(place_lines(approval, place, tenant, comments=comments))
        self._say("\nCards")
        receipts = await self._store.receipts(approval.key)
        self._say_all(card_line(approval, receipt) for receipt in receipts)
        history = tuple(await self._store.history(approval.key))
        sound = chain_is_sound(history, head=approval.head)
        self._say(f"\nHistory{'' if sound else ', ALTERED: its hashes do not fit'}")
        self._say_all(event_line(event, comments=comments) for event in history)

    async def settle(self, name: str, seat: int, found: Settlement, *, by: str) -> None:
        """
        End an unconfirmed decision by what the operator *by* found out.

        Raises:
            NotThere: There is no such request.

            NotSettled: The place has no unconfirmed decision.
        """
        approval, tenant = await self._named(name)
        settled = await self._approvals().settle(approval.id, seat, found, by=by)
        place = settled.places[seat]
        self._say(f"{settled.id}, place {seat}, {plain(name_of(place))}: {place.state.value}")
        self._say(f"  {waits_for(settled, place, tenant)}")

    async def list_dead_letters(self) -> None:
        """Say one line for each job that was given up."""
        listed = 0
        for scope in await self._store.scopes():
            for letter in await self._store.dead_letters(scope):
                self._say(await self._letter(letter))
                listed += 1
        if not listed:
            self._say("No job was given up.")

    def _say_all(self, lines: Iterable[str], indent: str = "  ") -> None:
        for line in lines:
            self._say(f"{indent}{line}")

    def _chosen(self, code: str | None) -> Sequence[Tenant]:
        tenants = [tenant for tenant in self._tenants.all() if code in (None, tenant.code)]
        if not tenants:
            known = ", ".join(tenant.code for tenant in self._tenants.all())
            raise NotThere(f"No tenant has the code {code}. There are: {known}.")
        return tenants

    async def _all(self, tenant: Tenant, name: str) -> AsyncIterator[Approval]:
        scope, after = tenant_scope(tenant.document_type_id), None
        while True:
            page = await self._store.page(scope, name, after=after, limit=PAGE)
            for approval in page.approvals:
                yield approval
            if page.after is None:
                return
            after = page.after

    async def _named(self, name: str) -> tuple[Approval, Tenant]:
        found: list[tuple[Approval, Tenant]] = []
        for tenant in self._tenants.all():
            scope = tenant_scope(tenant.document_type_id)
            known = await self._store.approval_by_id(scope, name)
            if known is not None:
                return known, tenant
            page = await self._store.page(scope, numbered(name), limit=PAGE)
            found += [(approval, tenant) for approval in page.approvals]
        if len(found) != 1:
            raise NotThere(_which([approval.id for approval, _tenant in found], plain(name)))
        return found[0]

    async def _letter(self, letter: DeadLetter) -> str:
        job = letter.job
        approval = await self._store.approval(job.approval) if job.approval else None
        about = approval.id if approval else letter.scope
        return f"{at(letter.at)}  {about}  {job.kind.value}  {plain(letter.error)}  {job.key}"

    def _approvals(self) -> Approvals:
        commits = Commits(self._store, now=lambda: datetime.now(UTC), wake=_nobody)
        posting = Posting(
            store=self._store, commits=commits, tenants=self._tenants, api=_PostsNothing()
        )
        return Approvals(store=self._store, commits=commits, posting=posting, tenants=self._tenants)


class _PostsNothing:
    """The tenants' APIs of a process without a worker: the service's own does what is due."""

    async def post_decision(
        self, tenant: Tenant, approval: Approval, place: Place, decision: Decision
    ) -> Answer:
        return Answer(kind=AnswerKind.AGAIN, reason="operators post nothing")


def _nobody() -> None:
    """Wake nobody: the service's worker looks for jobs of other processes every second."""


def _which(ids: Sequence[str], name: str) -> str:
    if not ids:
        return f"No request has the id or the number {name}."
    return f"Several requests have the number {name}. Name one of: {', '.join(ids)}."
