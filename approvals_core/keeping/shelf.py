"""The archive's files together with what the store knows of them: whose they are, and what they hold."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence

from approvals_core.errors import ArchiveUnavailable
from approvals_core.models import HOUSE, Approval, Change, tenant_of
from approvals_core.models.held import Held, Kind
from approvals_core.ports import Archive, Store
from approvals_core.rules.archiving import seal

PAGE = 1000  # names read together
_OWN = "archive/id/"  # notes of the house: how begins what this store's archive is marked with


class Shelf:
    """An archive as one store's."""

    def __init__(self, store: Store, archive: Archive) -> None:
        self._store = store
        self._archive = archive

    async def claim(self) -> None:
        """
        Make sure that the archive is this store's, and mark it the first time.

        Raises:
            ArchiveUnavailable: It is not, or has lost its mark: the message says what to do.
        """
        # Whoever marked it had made its name known before: so what is ours is read after the mark.
        owner = await self._archive.owner() or await self._mark()
        if owner not in await self._own():
            raise ArchiveUnavailable(
                "The archive is another store's: its file .store names one that is not ours."
                " Give each store a folder of its own in APPROVALS_ARCHIVE_FOLDER. If it is this"
                " store's, restored from a backup of before: remove that file, it is made anew."
            )

    async def check(self) -> None:
        """Do what `claim` does, but leave an archive that has no mark yet as it is."""
        if await self._archive.owner() or await self.is_known():
            await self.claim()

    async def write(self, scope: str, name: str, lines: Sequence[str]) -> None:
        """Put a file there, in place of one of that name, and know what it holds; no lines: take it away."""
        (known,) = await self.known(scope, [name]) or [""]
        if known:  # whoever is killed on the way leaves one of the two
            await self._know(scope, name, f"{known} {seal(lines)}")
        await self._archive.write(name, lines)
        if lines:
            await self._know(scope, name, seal(lines))
        else:
            await self._store.holdings.remove(scope, Kind.ARCHIVE_FILE, [name])

    async def learn(self, scope: str, name: str, lines: Sequence[str]) -> None:
        """Know from now on what a file holds."""
        await self._know(scope, name, seal(lines))

    async def known(self, scope: str, names: Sequence[str]) -> Sequence[str]:
        """Return what the store knows of these files (see `rules.archiving.seal`), of those it knows."""
        held = await self._store.holdings.read(scope, Kind.ARCHIVE_FILE, names)
        return [str(each.values[-1]) for each in held]

    async def names(self, scope: str) -> AsyncIterator[str]:
        """Yield the names of all files of a tenant that the store knows."""
        async for name in names_known(self._store, scope):
            yield name

    async def scopes(self) -> Mapping[str, str]:
        """Return whose each file is that the store knows: its name -> scope."""
        tenants = [scope for scope in await self._store.scopes() if tenant_of(scope)]
        return {name: scope for scope in tenants async for name in self.names(scope)}

    async def is_known(self) -> bool:
        """Tell whether the store knows of any file."""
        return await is_archived(self._store)

    async def _mark(self) -> str:
        """Mark an archive that has no mark, and return what it is marked with: another process may be first."""
        own = await self._own()
        begun = bool(own) and (bool(await self._archive.names()) or await self.is_known())
        if begun and not await self._archive.owner():
            raise ArchiveUnavailable(_unmarked(min(own)))
        return await self._archive.claim(min(own, default="") or await self._name())

    async def _own(self) -> frozenset[str]:
        notes = await self._store.notes(HOUSE)
        return frozenset(name.removeprefix(_OWN) for name in notes if name.startswith(_OWN))

    async def _name(self) -> str:
        name = secrets.token_hex(16)
        change = Change(id=secrets.token_hex(16), scope=HOUSE, notes={f"{_OWN}{name}": "yes"})
        await self._store.commit(change)
        return name

    async def _know(self, scope: str, name: str, text: str) -> None:
        await self._store.holdings.write(scope, held=[Held(Kind.ARCHIVE_FILE, name, (text,))])


async def tombstone_of(store: Store, approval: Approval) -> Sequence[Held]:
    """
    Return what a request leaves in the store: up to when its document was heard of.

    Nothing, if none of its payloads said when it was made.
    """
    newest = max(approval.newest, await store.holdings.archived_to(approval.key))
    return [store.holdings.tombstone(approval.key, newest)] if newest else []


async def names_known(store: Store, scope: str) -> AsyncIterator[str]:
    """Yield the names of the files of the archive that the store knows of a tenant."""
    after: str | None = ""
    while after is not None:
        found = await store.holdings.names(scope, Kind.ARCHIVE_FILE, after=after, limit=PAGE)
        for name in found.names:
            yield name
        after = found.after


async def is_archived(store: Store) -> bool:
    """Tell whether anything of the store is in an archive."""
    for scope in await store.scopes():
        if not tenant_of(scope):
            continue
        found = await store.holdings.names(scope, Kind.ARCHIVE_FILE, limit=1)
        if found.names or found.after is not None:
            return True
    return False


def _unmarked(name: str) -> str:
    return (
        "The folder of the archive has no file .store, so it may not be the one that this store's"
        " requests went to. Is its disk there, and is it the same folder on every machine? If it is"
        f" the right one, write this line into .store there: {name}"
    )
