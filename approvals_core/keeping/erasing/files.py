"""Erases a person from the files of the archive."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from approvals_core.keeping.shelf import Shelf
from approvals_core.models.archived import Archived
from approvals_core.ports import Archive, Store
from approvals_core.rules.draft import Stamp
from approvals_core.rules.erasing import erase_archived
from approvals_core.rules.erasure import Erasure


class Named(NamedTuple):
    """A request as operators know it: its id, and its number at the tenant's."""

    id: str
    number: str


class Files:
    """The files of the archive; *archive* None: there are none."""

    def __init__(self, store: Store, archive: Archive | None, *, by: str) -> None:
        self._store = store
        self._archive = archive
        self._by = by

    async def naming(self, erasure: Erasure, *, stamp: Callable[[], Stamp]) -> Sequence[Named]:
        """Return the requests that he would be erased from."""
        found: dict[str, Named] = {}
        async for _name, lines in self._read():
            for line in lines:
                self._line(line, erasure, stamp(), found)
        return list(found.values())

    async def erase(
        self, erasure: Erasure, *, stamp: Callable[[], Stamp], check: Callable[[], None]
    ) -> Sequence[Named]:
        """
        Write each file anew that names him; return the requests he was erased from.

        *check* raises what keeps a file from being written now.
        """
        found: dict[str, Named] = {}
        if self._archive is None:
            return ()
        shelf = Shelf(self._store, self._archive)
        scopes = await shelf.scopes()
        async for name, lines in self._read():
            written = [self._line(line, erasure, stamp(), found) for line in lines]
            if written == list(lines):
                continue
            check()
            if name in scopes:
                await shelf.write(scopes[name], name, written)
            else:  # an older program wrote it; it is learned the next night
                await self._archive.write(name, written)
        return list(found.values())

    def _line(self, line: str, erasure: Erasure, stamp: Stamp, found: dict[str, Named]) -> str:
        if not erasure.may_be_in(line):
            return line
        archived = Archived.model_validate_json(line)
        erased = erase_archived(archived, erasure, by=self._by, stamp=stamp)
        if erased is archived:
            return line
        approval = archived.approval
        found[approval.id] = Named(approval.id, approval.display_number)
        return erased.model_dump_json()

    async def _read(self) -> AsyncIterator[tuple[str, Sequence[str]]]:
        if self._archive is not None:
            for name in await self._archive.names():
                yield name, await self._archive.read(name)
