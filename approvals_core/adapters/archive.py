"""The archive as a folder: for each tenant a folder of compressed files of JSON lines (gzip, RFC 1952)."""

import asyncio
import gzip
import os
import secrets
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from approvals_core.errors import ArchiveUnavailable

ENDING = ".jsonl.gz"
PART = ".part"
MARK = ".store"  # the file that says whose archive it is
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

    async def owner(self) -> str:
        return await self._in_thread(self._owner)

    async def claim(self, owner: str) -> str:
        return await self._in_thread(lambda: self._claim(owner))

    async def tidy(self, code: str = "") -> None:
        await self._in_thread(lambda: self._tidy(code))

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

    def _owner(self) -> str:
        self._must_be_there()
        try:
            return (self._folder / MARK).read_text().strip()
        except FileNotFoundError:
            return ""

    def _claim(self, owner: str) -> str:
        if not self._owner():
            _put(self._folder / MARK, f"{owner}\n".encode())
        return self._owner()

    def _tidy(self, code: str) -> None:
        self._must_be_there()
        for part in self._folder.glob(f"{code or '*'}/.*{ENDING}*{PART}"):
            part.unlink(missing_ok=True)
            _sync_folder(part.parent)

    def _must_be_there(self) -> None:
        if not self._folder.is_dir():
            raise FileNotFoundError(f"there is no folder {self._folder}")

    def _names(self, code: str) -> Sequence[str]:
        self._must_be_there()
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
        if not lines:
            path.unlink(missing_ok=True)
            _sync_folder(path.parent)
            return
        text = "".join(f"{line}\n" for line in lines)
        # Always the same bytes for the same lines: no time, no name.
        _put(path, gzip.compress(text.encode("utf-8", "surrogatepass"), mtime=0))

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        try:
            return await asyncio.to_thread(work)
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as problem:
            raise ArchiveUnavailable(f"The archive in {self._folder}: {problem}") from problem


def _lines(path: Path) -> Sequence[str]:
    text = gzip.decompress(path.read_bytes()).decode("utf-8", "surrogatepass")
    return text.split("\n")[:-1]


def _put(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PART}")
    with os.fdopen(os.open(part, _NEW, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new name in *folder* durable."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
