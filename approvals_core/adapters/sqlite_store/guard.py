"""Sees to it that nothing is written to a file that is closed, or is not the one that was opened."""

import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path

from approvals_core.errors import StoreClosed, StoreUnavailable
from approvals_core.models.marks import ARRIVING, ID, MOVED, why_closed

_ABOUT = f"SELECT name, value FROM about WHERE name IN ('{ID}', '{MOVED}', '{ARRIVING}')"  # noqa: S608 (our names)

Place = tuple[int, int]  # device and inode


class Guard:
    """
    Knows one opened file.

    A file that was deleted or replaced goes on taking what is written, for as long as we have it
    open: all of that would be gone with this process.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """*connection* leads to the file at *path*."""
        self._path = path.absolute()
        self._log = Path(f"{self._path}-wal")
        self._file = _place(self._path)
        self._log_file: Place | None = None
        (self._own,) = connection.execute(f"SELECT value FROM about WHERE name = '{ID}'").fetchone()  # noqa: S608 (our name)

    def check_file(self, *, logged: bool = False) -> None:
        """
        Look whether the file is still at its path, and the log beside it; a few microseconds.

        Another process takes the log away when it ends as the last one. So it is looked at once
        something was written, *logged*: we have it open since, and nobody is the last.

        Raises:
            StoreClosed: They are not.
        """
        if logged and self._log_file is None:
            self._log_file = _place(self._log)
        if _place(self._path) != self._file:
            raise StoreClosed(_gone(self._path))
        if self._log_file is not None and _place(self._log) != self._log_file:
            raise StoreClosed(_gone(self._log))

    def check(self, about: Mapping[str, str]) -> None:
        """
        Look at what is marked on the store, and as `check_file` does.

        Raises:
            StoreClosed: It is not the one that was opened.
        """
        self.check_file()
        if why := why_closed({ID: about.get(ID, "")}, own=self._own):
            raise StoreClosed(why)

    def why_closed(self, connection: sqlite3.Connection, *, but: Collection[str] = ()) -> str:
        """Say why nothing may be written now, whatever is marked as *but* says; "" if it may be."""
        about = dict(connection.execute(_ABOUT).fetchall())
        return why_closed({k: v for k, v in about.items() if k not in but}, own=self._own)


def _place(path: Path) -> Place | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise StoreUnavailable(f"{path} cannot be looked at: {problem.strerror}") from problem
    return found.st_dev, found.st_ino


def _gone(path: Path) -> str:
    return (
        f"{path} was deleted or replaced while this process used it. Nothing is written any more:"
        " stop the service everywhere, put the right file back, and start it."
    )
