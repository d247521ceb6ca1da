"""`archive …` and `person …`: what left the store, and who shall be in neither."""

import json
from collections.abc import AsyncIterator

from pydantic import ValidationError

from approvals_core.errors import ArchiveUnavailable
from approvals_core.keeping.erasing import Erasing
from approvals_core.models.archived import Archived
from approvals_core.ports import Archive, Store, Tenants
from approvals_core.rules.draft import chain_is_sound
from bots.cli.finding import Finder, NotThere, Say
from bots.cli.telling import at, event_line, header, payload_line, plain

NO_ARCHIVE = (
    "There is no archive here: APPROVALS_ARCHIVE_FOLDER names none, so everything is in the store."
)


class ArchiveDesk:
    """Looks into the archive, which nothing here changes."""

    def __init__(self, archive: Archive | None, store: Store, tenants: Tenants, say: Say) -> None:
        self._given = archive
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
            found = _read(line)
            if found is not None and wanted in _names(found):
                known = newest.setdefault(found.approval.id, found)
                if found.approval.version > known.approval.version:
                    newest[found.approval.id] = found
        for each in newest.values():
            self._say_one(each, comments=comments)
        if not newest:
            self._say(f"Nothing in the archive has the number or id {plain(number)}.")
        return bool(newest)

    async def verify(self, *, code: str | None) -> bool:
        """
        Compute the hashes of every history anew; False if one does not fit.

        Raises:
            NotThere: There is no archive, or no tenant has this code.
        """
        sound = wrong = 0
        for name in await self._files(code):
            try:
                lines = await self._archive().read(name)
            except ArchiveUnavailable as problem:
                self._say(f"{name}: cannot be read: {plain(str(problem))}")
                wrong += 1
                continue
            for number, line in enumerate(lines, 1):
                if why := _what_is_wrong(line):
                    self._say(f"{name}, line {number}: {why}")
                    wrong += 1
                else:
                    sound += 1
        self._say(f"{sound} histories fit their hashes, {wrong} do not.")
        return not wrong

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
            for line in await self._archive().read(name):
                yield name, line

    async def _files(self, code: str | None) -> list[str]:
        archive, codes = self._archive(), [""]
        if code is not None:
            codes = [tenant.code for tenant in self._find.tenants(code)]
        return [name for each in codes for name in await archive.names(each)]

    def _archive(self) -> Archive:
        if self._given is None:
            raise NotThere(NO_ARCHIVE)
        return self._given


async def erase_person(name: str, erasing: Erasing, say: Say, *, archive: Archive | None) -> bool:
    """
    Erase somebody, and say what became of it; False if open requests still name him.

    Raises:
        NotErased: Nobody, or not only one, is called so.

        ArchiveUnavailable: The archive could not be read or written; run it again.
    """
    say("This goes through everything twice, then writes the store's files anew.")
    told = await erasing.erase(name)
    say(f"{told.person} was erased from {told.requests} requests in the store")
    say(f"and {told.archived} in the archive." if archive else "and there is no archive.")
    for public_id in told.unreadable:
        say(f"{public_id} may name him and cannot be read by this program. Update it.")
    for public_id in told.kept:
        say(f"{public_id} is open and names him: it stays as it is, and so does how he is reached.")
    if told.kept:
        say("Run the same again once those are closed.")
    say("Copies made by others (backups, snapshots, the tenants' own systems) are not touched.")
    return not told.kept and not told.unreadable


def _read(line: str) -> Archived | None:
    try:
        return Archived.model_validate_json(line)
    except ValidationError:
        return None


def _names(archived: Archived) -> set[str]:
    approval = archived.approval
    return {name.casefold() for name in (approval.id, approval.display_number, approval.key.number)}


def _what_is_wrong(line: str) -> str:
    archived = _read(line)
    if archived is None:
        return "cannot be read: was it written by a newer program?"
    if not chain_is_sound(archived.events, head=archived.approval.head):
        return f"ALTERED: the history of {archived.approval.id} does not fit its hashes"
    return ""
