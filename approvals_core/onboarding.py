"""Takes up what changes about tenants while we run: their files, and whose doors are closed."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from approvals_core.committing import Commits
from approvals_core.errors import BadTenantFiles, StoreError
from approvals_core.models import HOUSE, OPEN, Change, Job, Record, tenant_scope
from approvals_core.onboarded import Onboarded
from approvals_core.ports import Store
from approvals_core.rules.renewing import SHOWN, renew_job, shown_digest
from approvals_core.tenant import Closed, Switch, Tenant
from approvals_core.tenants_of_open import compare

log = logging.getLogger(__name__)

READ_WITHIN = 30.0  # seconds for all files: a network's file system may hang
LOOK = 2.0  # seconds between two looks at what operators asked for
RELOAD = "reload"  # note of the house: id of the last reload that was asked for
RELOADED = "reloaded"  # note of the house: what became of it, see `Reloaded`
SWITCH = "switch/"  # notes of the house: an operator's word, by DocumentTypeId


class Reloaded(Record):
    """What became of a reload: *mistakes* are why it was refused, none if it was not."""

    asked: str = ""  # id, "" if it was asked for by a signal
    mistakes: tuple[str, ...] = ()


class _Face(NamedTuple):
    """What a tenant's cards were made from when they were last looked at."""

    tenant: Tenant
    closed: Closed | None
    digest: str


class Onboarding:
    """
    Keeps *tenants* as the files and the operators want them.

    *read* reads all files; one that hangs may run on for ever. *follow* is told of the new tenants in the step
    that takes them up, for what was derived from the old ones. *refused* says why the
    last reload was not taken up, line by line; it is empty if it was.
    """

    def __init__(
        self,
        *,
        tenants: Onboarded,
        store: Store,
        commits: Commits,
        read: Callable[[], Coroutine[Any, Any, Mapping[str, Tenant]]],
        follow: Callable[[Sequence[Tenant]], None],
        read_within: float = READ_WITHIN,
    ) -> None:
        self.refused: tuple[str, ...] = ()
        self._tenants = tenants
        self._store = store
        self._commits = commits
        self._read = read
        self._read_within = read_within
        self._reading: asyncio.Task[Mapping[str, Tenant]] | None = None
        self._follow = follow
        self._wanted = False
        self._asked: str = ""
        self._faces: dict[str, _Face] = {}
        self._one_at_a_time = asyncio.Lock()

    async def begin(self) -> None:
        """
        Take up the operators' words, and have cards renewed whose tenant changed while we were away.

        A file that is missing keeps nobody else from deciding: it is told in the log.

        Raises:
            StoreUnavailable: The back end did not answer.
        """
        notes = await self._store.notes(HOUSE)
        self._asked = notes.get(RELOAD, "")
        self._tenants.switch(switches_in(notes))
        compared = await compare(self._store, self._tenants.files)
        if compared.mistakes:
            log.error("tenants_missing", extra={"mistakes": list(compared.mistakes)})
        await self._note(compared.notes)
        for tenant in self._tenants.all():
            face = _face(tenant, self._commits.now())
            scope = tenant_scope(tenant.document_type_id)
            known = (await self._store.notes(scope)).get(SHOWN)
            if known != face.digest:
                await self._renew(face)
            self._faces[tenant.document_type_id] = face

    def ask(self) -> None:
        """Have the files read anew at the next look, within two seconds."""
        self._wanted = True

    async def run(self) -> None:
        """Look every two seconds, until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            try:
                await self.look()
            except StoreError as problem:
                log.warning("tenants_not_looked_at", extra={"why": str(problem)})
            except Exception:
                # A note that cannot be read must not end this: decisions would wait for ever.
                log.exception("tenants_look_failed")

    async def look(self) -> None:
        """Take up what operators asked for since the last look, and windows that began or ended."""
        notes = await self._store.notes(HOUSE)
        switches = switches_in(notes)
        if switches != self._tenants.switches:
            _log_switches(self._tenants.switches, switches)
            self._tenants.switch(switches)
        asked = notes.get(RELOAD, "")
        if self._wanted or asked != self._asked:
            self._wanted = False
            try:
                await self.reload(asked)
            except StoreError:
                self._wanted = True  # nobody is told yet: the next look does it
                raise
            self._asked = asked
        await self._renew_changed()

    async def reload(self, asked: str = "") -> None:
        """
        Read all files anew and take them up in one step, or nothing of them.

        *asked* is the id under which the last operator who asked wants to hear of it.
        """
        async with self._one_at_a_time:
            try:
                files = await self._files()
                await self._note_codes(files)
            except BadTenantFiles as bad:
                self.refused = bad.mistakes
                log.error("tenants_reload_refused", extra={"mistakes": list(bad.mistakes)})  # noqa: TRY400
            else:
                self._follow(list(files.values()))
                self._tenants.replace(files)
                self.refused = ()
                log.info("tenants_reloaded", extra={"files": sorted(files)})
                with suppress(StoreError):  # else the next look does it
                    await self._renew_changed()
        await self._tell(asked)

    async def _files(self) -> Mapping[str, Tenant]:
        """Read all files. A reading that hangs is left behind, and no second one begun beside it."""
        if self._reading is not None and not self._reading.done():
            raise BadTenantFiles([_hangs(self._read_within)])
        self._reading = asyncio.create_task(self._read())
        await asyncio.wait({self._reading}, timeout=self._read_within)
        if not self._reading.done():
            raise BadTenantFiles([_hangs(self._read_within)])
        return self._reading.result()

    async def _note_codes(self, files: Mapping[str, Tenant]) -> None:
        """Refuse what would leave open requests without their tenant, or with ids of another."""
        compared = await compare(self._store, files)
        if compared.mistakes:
            raise BadTenantFiles(compared.mistakes)
        await self._note(compared.notes)

    async def _note(self, notes: Mapping[str, str | None]) -> None:
        if notes:
            change = Change(id=self._commits.stamp().change, scope=HOUSE, notes=dict(notes))
            await self._commits.commit(change)

    async def _tell(self, asked: str) -> None:
        told = Reloaded(asked=asked, mistakes=self.refused).model_dump_json()
        stamp = self._commits.stamp()
        with suppress(StoreError):  # who asked waits in vain, and reads the log
            await self._commits.commit(Change(id=stamp.change, scope=HOUSE, notes={RELOADED: told}))

    async def _renew_changed(self) -> None:
        now = self._commits.now()
        for tenant in self._tenants.all():
            before = self._faces.get(tenant.document_type_id)
            if before and before.tenant is tenant and before.closed == tenant.closed(now):
                continue
            face = _face(tenant, now)
            if before is None or before.digest != face.digest:
                await self._renew(face)
            self._faces[tenant.document_type_id] = face

    async def _renew(self, face: _Face) -> None:
        """Remember what the cards are made from now, and ask for the open ones in the same commit."""
        stamp, scope = self._commits.stamp(), tenant_scope(face.tenant.document_type_id)
        jobs: tuple[Job, ...] = ()
        if await self._store.count(scope, OPEN):
            jobs = (renew_job(due=stamp.at),)
        change = Change(id=stamp.change, scope=scope, notes={SHOWN: face.digest}, jobs=jobs)
        await self._commits.commit(change)


def switches_in(notes: Mapping[str, str]) -> dict[str, Switch]:
    """Return what operators switched off, by DocumentTypeId, from the notes of the house."""
    return {
        # A newer program may have more to say.
        name.removeprefix(SWITCH): Switch.model_validate_json(text, extra="ignore")
        for name, text in notes.items()
        if name.startswith(SWITCH)
    }


def reloaded_in(notes: Mapping[str, str]) -> Reloaded:
    """Return what became of the last reload, from the notes of the house."""
    told = notes.get(RELOADED)
    return Reloaded.model_validate_json(told) if told else Reloaded()


def _face(tenant: Tenant, at: datetime) -> _Face:
    return _Face(tenant, tenant.closed(at), shown_digest(tenant, at))


def _hangs(within: float) -> str:
    return (
        f"the tenants' files could not be read within {within:g} seconds: look whether the disk"
        " they are on answers, and reload again"
    )


def _log_switches(before: Mapping[str, Switch], now: Mapping[str, Switch]) -> None:
    for tenant, switch in now.items():
        if before.get(tenant) != switch:
            log.warning("tenant_disabled", extra={"tenant": tenant, "by": switch.by})
    for tenant in before.keys() - now.keys():
        log.warning("tenant_enabled", extra={"tenant": tenant})
