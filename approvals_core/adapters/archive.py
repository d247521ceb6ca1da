"""The archive as a folder: for each tenant a folder of compressed files of JSON lines (gzip, RFC 1952)."""

import asyncio
import gzip
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from approvals_core.errors import ArchiveUnavailable

ENDING = ".jsonl.gz"
OWNER_ONLY = 0o700
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC

Result = TypeVar("Result")


class FolderArchive:
    """
    `Archive` in *folder*, which must be there.

    A file is written beside its name, synced, then renamed: it is there whole or not at all.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def write(self, name: str, lines: Sequence[str]) -> None:
        await self._in_thread(lambda: self._write(self._path(name), lines))

    async def holds(self, name: str) -> bool:
        return await self._in_thread(self._path(name).is_file)

    async def names(self, code: str = "") -> Sequence[str]:
        return await self._in_thread(lambda: self._names(code))

    async def read(self, name: str) -> Sequence[str]:
        return await self._in_thread(lambda: _lines(self._path(name)))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{ENDING}"

    def _names(self, code: str) -> Sequence[str]:
        if not self._folder.is_dir():
            raise FileNotFoundError(f"there is no folder {self._folder}")
        paths = self._folder.glob(f"{code or '*'}/*{ENDING}")
        return sorted(
            f"{path.parent.name}/{path.name.removesuffix(ENDING)}"
            for path in paths
            if not path.name.startswith(".")
        )

    def _write(self, path: Path, lines: Sequence[str]) -> None:
        if not path.parent.is_dir():
            path.parent.mkdir(
                mode=OWNER_ONLY, exist_ok=True
            )  # not the folder itself: it may not be mounted
            _sync_folder(self._folder)
        part = path.with_name(f".{path.name}.part")
        text = "".join(f"{line}\n" for line in lines)
        with os.fdopen(os.open(part, _NEW, 0o600), "wb") as file:
            # Always the same bytes for the same lines: no time, no name.
            file.write(gzip.compress(text.encode("utf-8", "surrogatepass"), mtime=0))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        try:
            return await asyncio.to_thread(work)
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as problem:
            raise ArchiveUnavailable(f"The archive in {self._folder}: {problem}") from problem


def _lines(path: Path) -> Sequence[str]:
    text = gzip.decompress(path.read_bytes()).decode("utf-8", "surrogatepass")
    return text.split("\n")[:-1]


def _sync_folder(folder: Path) -> None:
    """Make a new name in *folder* durable."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
