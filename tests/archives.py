"""Archives for tests: a folder of their own, and one that fails when it is told to."""

from collections import deque
from collections.abc import Sequence
from pathlib import Path

from approvals_core.adapters.archive import FolderArchive
from approvals_core.errors import ArchiveUnavailable
from approvals_core.models.archived import Archived
from approvals_core.ports import Archive


class FlakyArchive:
    """An archive that dies *before* or after it has written, as often as it is told."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.dies: deque[str] = deque()  # "before" or "after", for the writes to come

    async def owner(self) -> str:
        return await self._archive.owner()

    async def claim(self, owner: str) -> str:
        return await self._archive.claim(owner)

    async def tidy(self, code: str = "") -> None:
        await self._archive.tidy(code)

    async def write(self, name: str, lines: Sequence[str]) -> None:
        dies = self.dies.popleft() if self.dies else ""
        if dies == "before":
            raise ArchiveUnavailable("killed before it was there")
        await self._archive.write(name, lines)
        if dies == "after":
            raise ArchiveUnavailable("killed when it was there")

    async def holds(self, name: str) -> bool:
        return await self._archive.holds(name)

    async def names(self, code: str = "") -> Sequence[str]:
        return await self._archive.names(code)

    async def read(self, name: str) -> Sequence[str]:
        return await self._archive.read(name)


def an_archive(folder: Path) -> FlakyArchive:
    """An archive in a folder of its own."""
    own = folder / "archive"
    own.mkdir(exist_ok=True)
    return FlakyArchive(FolderArchive(own))


async def in_archive(archive: Archive) -> list[Archived]:
    """All that lies there, file by file."""
    names = await archive.names()
    lines = [line for name in names for line in await archive.read(name)]
    return [Archived.model_validate_json(line) for line in lines]
