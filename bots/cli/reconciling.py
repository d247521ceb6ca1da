"""What an operator can do about requests that may differ from what their tenant has."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime

from approvals_core.committing import Commits
from approvals_core.models import OPEN, Approval, Change, Job, numbered, tenant_scope
from approvals_core.ports import Cursor, Store, TenantApi, Tenants
from approvals_core.rules.reconciling import look_job
from approvals_core.tenant import Tenant
from approvals_core.worker.nights import AT_ONCE, nightly_job
from approvals_core.worker.reconciling import Reconciling
from bots.cli.finding import PAGE, Finder, NotThere, Say
from bots.cli.telling import PROGRAM, plain


class ReconcilingDesk:
    """Has requests compared with what their tenant has: now, or by the service."""

    def __init__(
        self, store: Store, tenants: Tenants, say: Say, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._tenants = tenants
        self._say = say
        self._find = Finder(store, tenants)
        self._commits = Commits(store, now=now, wake=lambda: None)

    async def ask(self, code: str, number: str | None) -> None:
        """
        Leave it to the service to compare one request, or all open ones of a tenant.

        Raises:
            NotThere: There is no such tenant or request, or no Summary API.
        """
        tenant = self._tenant(code)
        scope = tenant_scope(tenant.document_type_id)
        if number is None:
            open_now = await self._store.count(scope, OPEN)
            await self._leave(scope, nightly_job(AT_ONCE, due=self._commits.now()))
            self._say(f"The service compares the open requests of {tenant.name} now: {open_now}.")
            self._say(f"What it cannot heal: {PROGRAM} requests list --attention")
            return
        for approval in await self._open(tenant, number):
            await self._leave(scope, look_job(approval, due=self._commits.now()))
            self._say(f"The service compares {approval.id} now.")
            self._say(f"What came of it: {PROGRAM} requests show {approval.id}")

    async def try_out(self, code: str, number: str | None, api: TenantApi) -> None:
        """
        Say what comparing would heal, and change nothing.

        Raises:
            NotThere: There is no such tenant or request, or no Summary API.
        """
        tenant = self._tenant(code)
        looks = Reconciling(
            store=self._store, commits=self._commits, tenants=self._tenants, api=api
        )
        differ = compared = 0
        async for approval in self._requests(tenant, number):
            looked = await looks.look(approval.key, tenant)
            if looked is None or looked.healing is None:
                continue
            compared += 1
            differ += await self._tell(approval, looked.healing.healed, looked.healing.unclear)
            if looked.away and number is None:
                self._say(f"{tenant.name} does not answer: the others were not looked at.")
                break
        self._say(f"{compared} compared, {differ} differ. Nothing was changed: this was a dry run.")

    async def _tell(self, approval: Approval, healed: tuple[str, ...], unclear: str) -> bool:
        said = f"{approval.id}  {plain(approval.display_number)}"
        if healed:
            self._say(f"{said}  would heal: {', '.join(healed)}")
        if unclear:
            self._say(f"{said}  for you: {plain(unclear)}")
        if not healed and not unclear:
            self._say(f"{said}  the same")
        return bool(healed or unclear)

    def _tenant(self, code: str) -> Tenant:
        (tenant,) = self._find.tenants(code)
        if tenant.api.summary is None:
            raise NotThere(
                f"The file of {tenant.name} names no Summary API (api.summary): nothing to"
                " compare with."
            )
        return tenant

    async def _requests(self, tenant: Tenant, number: str | None) -> AsyncIterator[Approval]:
        if number is not None:
            for approval in await self._open(tenant, number):
                yield approval
            return
        scope = tenant_scope(tenant.document_type_id)
        after: Cursor | None = None
        while True:
            page = await self._store.page(scope, OPEN, after=after, limit=PAGE)
            for approval in page.approvals:
                yield approval
            after = page.after
            if after is None:
                return

    async def _open(self, tenant: Tenant, number: str) -> list[Approval]:
        """Return the open requests of a tenant with this id or number."""
        scope = tenant_scope(tenant.document_type_id)
        named = await self._store.approval_by_id(scope, number)
        page = await self._store.page(scope, numbered(number), limit=PAGE)
        found = [each for each in ([named] if named else page.approvals) if each.open]
        if not found:
            raise NotThere(f"{tenant.name} has no open request {plain(number)}.")
        return found

    async def _leave(self, scope: str, job: Job) -> None:
        stamp = self._commits.stamp()
        await self._commits.commit(Change(id=stamp.change, scope=scope, jobs=(job,)))
