"""`archive verify` and `requests verify`: whether what is kept is as it was written."""

from collections.abc import AsyncIterator, Sequence

from approvals_core.errors import ArchiveUnavailable
from approvals_core.keeping.copying import is_sound
from approvals_core.keeping.shelf import Shelf
from approvals_core.models import tenant_of, tenant_scope
from approvals_core.models.held import Document
from approvals_core.ports import Archive, Store, Tenants
from approvals_core.rules.archiving import fits
from approvals_core.rules.draft import chain_is_sound
from bots.cli.finding import PAGE, Say, tenants_with
from bots.cli.telling import PROGRAM, archived_in, counted, plain


class VerifyingDesk:
    """Computes hashes anew; nothing is changed."""

    def __init__(self, store: Store, tenants: Tenants, say: Say) -> None:
        self._store = store
        self._tenants = tenants
        self._say = say

    async def archive(self, archive: Archive, *, code: str | None) -> bool:
        """
        Verify every history of the archive, and that its files are those that were written.

        Raises:
            NotThere: No tenant has this code.

            ArchiveUnavailable: It is not there, or is another store's.
        """
        await Shelf(self._store, archive).check()
        known = await self._known(archive, code)
        there = [name for each in self._codes(code) for name in await archive.names(each)]
        sound = wrong = new = 0
        for name in there:
            good, bad = await self._file(archive, name, known.get(name))
            sound, wrong, new = sound + good, wrong + bad, new + (name not in known)
        for name in sorted(set(known) - set(there)):
            held = counted(int(known[name].partition(":")[0]), "request")
            self._say(f"{name}: GONE: it held {held}")
            wrong += 1
        if new:
            self._say(f"{counted(new, 'file')} not written by this store yet; see the next night.")
        self._say(
            f"The archive: {counted(sound, 'history', 'histories')} in"
            f" {counted(len(there), 'file')} as they were written, {wrong} wrong."
        )
        self._say(f"What is still in the store is verified by: {PROGRAM} requests verify")
        return not wrong

    async def store(self, *, code: str | None) -> bool:
        """
        Verify every history of the store; False if one does not fit.

        Raises:
            NotThere: No tenant has this code.
        """
        sound = wrong = 0
        for scope in await self._scopes(code):
            async for document in self._documents(scope):
                if is_sound(document):
                    sound += 1
                else:
                    self._say(f"{document.id}: ALTERED: its history does not fit its hashes")
                    wrong += 1
        told = counted(sound, "history fits its hashes", "histories fit their hashes")
        self._say(f"The store: {told}, {wrong} not.")
        self._say(f"What left it for an archive is verified by: {PROGRAM} archive verify")
        return not wrong

    async def _file(self, archive: Archive, name: str, known: str | None) -> tuple[int, int]:
        """Return how much of a file is as it was written, and how much is not; say what is not."""
        try:
            lines = await archive.read(name)
        except ArchiveUnavailable as problem:
            self._say(f"{name}: cannot be read: {plain(str(problem))}")
            return 0, 1
        wrong = 0
        for number, line in enumerate(lines, 1):
            if why := _what_is_wrong(line):
                self._say(f"{name}, line {number}: {why}")
                wrong += 1
        sound = len(lines) - wrong
        if known is not None and not wrong and not fits(known, lines):
            held = known.partition(":")[0]
            self._say(f"{name}: ALTERED: its {len(lines)} lines are not the {held} written there")
            wrong += 1
        return sound, wrong

    async def _known(self, archive: Archive, code: str | None) -> dict[str, str]:
        shelf, known = Shelf(self._store, archive), dict[str, str]()
        for scope in await self._scopes(code):
            async for name in shelf.names(scope):
                known |= dict.fromkeys([name], *await shelf.known(scope, [name]))
        return known

    def _codes(self, code: str | None) -> Sequence[str]:
        return [""] if code is None else [each.code for each in tenants_with(self._tenants, code)]

    async def _scopes(self, code: str | None) -> Sequence[str]:
        if code is None:
            return [scope for scope in await self._store.scopes() if tenant_of(scope)]
        found = tenants_with(self._tenants, code)
        return [tenant_scope(each.document_type_id) for each in found]

    async def _documents(self, scope: str) -> AsyncIterator[Document]:
        after: str | None = ""
        seen = set[str]()
        while after is not None:
            found = await self._store.holdings.documents(scope, after=after, limit=PAGE)
            names = [name for name in found.names if name not in seen]
            seen.update(names)  # one may be named twice
            for document in await self._store.holdings.read_documents(scope, names):
                yield document
            after = found.after


def _what_is_wrong(line: str) -> str:
    archived = archived_in(line)
    if archived is None:
        return "cannot be read: was it written by a newer program?"
    if not chain_is_sound(archived.events, head=archived.approval.head):
        return f"ALTERED: the history of {archived.approval.id} does not fit its hashes"
    return ""
