"""`archive find`: looks into what left the store."""

import json
from collections.abc import AsyncIterator, Sequence

from approvals_core.models import numbered, tenant_scope
from approvals_core.models.archived import Archived
from approvals_core.ports import Archive, Store, Tenants
from approvals_core.rules.draft import chain_is_sound
from bots.cli.finding import PAGE, Finder, NotThere, Say
from bots.cli.telling import (
    PROGRAM,
    archived_in,
    at,
    event_line,
    header,
    payload_line,
    plain,
)

NO_ARCHIVE = (
    "There is no archive here: APPROVALS_ARCHIVE_FOLDER names none, so everything is in the store."
)


class ArchiveDesk:
    """Looks into the archive, which nothing here changes."""

    def __init__(self, archive: Archive | None, store: Store, tenants: Tenants, say: Say) -> None:
        self._given = archive
        self._store = store
        self._find = Finder(store, tenants)
        self._tenants = tenants
        self._say = say

    async def find(self, number: str, *, code: str | None, comments: bool) -> bool:
        """
        Say everything about each request with this number or id; False if there is none.

        Raises:
            NotThere: There is no archive, or no tenant has this code.
        """
        wanted = number.strip().casefold()
        in_json = json.dumps(wanted, ensure_ascii=False)[1:-1]
        newest: dict[str, Archived] = {}
        async for _file, line in self._lines(code):
            if in_json not in line.casefold():  # before it is read: most are others
                continue
            found = archived_in(line)
            if found is not None and wanted in _names(found):
                known = newest.setdefault(found.approval.id, found)
                if found.approval.version > known.approval.version:
                    newest[found.approval.id] = found
        for each in newest.values():
            self._say_one(each, comments=comments)
        if not newest:
            self._say(f"Nothing in the archive has the number or id {plain(number)}.")
        for public_id in await self._in_store(number.strip(), code):
            show = f"{PROGRAM} requests show {public_id}"
            self._say(f"{public_id} has it, and is in the store: {show}")
        return bool(newest)

    async def _in_store(self, name: str, code: str | None) -> Sequence[str]:
        """Return the ids of the requests of the store that have this id or number."""
        found: list[str] = []
        for tenant in self._find.tenants(code):
            scope = tenant_scope(tenant.document_type_id)
            known = await self._store.approval_by_id(scope, name)
            page = await self._store.page(scope, numbered(name), limit=PAGE)
            found += [known.id] if known else [each.id for each in page.approvals]
        return found

    def _say_one(self, archived: Archived, *, comments: bool) -> None:
        approval = archived.approval
        tenant = self._tenants.by_id(approval.key.tenant)
        told = (
            header(approval, tenant)
            if tenant
            else iter([f"{approval.id}: {plain(approval.display_number)}"])
        )
        for line in told:
            self._say(line)
        self._say(f"in the archive since {at(archived.archived_at)}")
        self._say("\nPayloads")
        for payload in archived.payloads:
            self._say(f"  {payload_line(payload)}")
        fits = chain_is_sound(archived.events, head=approval.head)
        self._say(f"\nHistory{'' if fits else ', ALTERED: its hashes do not fit'}")
        for event in archived.events:
            self._say(f"  {event_line(event, comments=comments)}")

    async def _lines(self, code: str | None) -> AsyncIterator[tuple[str, str]]:
        for name in await self._files(code):
            for line in await self.archive.read(name):
                yield name, line

    async def _files(self, code: str | None) -> list[str]:
        archive, codes = self.archive, [""]
        if code is not None:
            codes = [tenant.code for tenant in self._find.tenants(code)]
        return [name for each in codes for name in await archive.names(each)]

    @property
    def archive(self) -> Archive:
        """
        Return the archive there is.

        Raises:
            NotThere: There is none.
        """
        if self._given is None:
            raise NotThere(NO_ARCHIVE)
        return self._given


def _names(archived: Archived) -> set[str]:
    approval = archived.approval
    return {name.casefold() for name in (approval.id, approval.display_number, approval.key.number)}
