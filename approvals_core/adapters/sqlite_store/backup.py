"""Copies the file of a store while services use it."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from approvals_core.errors import StoreRefused, StoreUnavailable

_AT_ONCE = -1  # pages: all of them in one go, for who copies in steps begins anew at each commit

Connect = Callable[..., sqlite3.Connection]


def back_up(source: Path, target: Path, *, connect: Connect = sqlite3.connect) -> int:
    """
    Write what the store in *source* holds now into the new file *target*; return its size in bytes.

    Readers and writers go on meanwhile; what they commit after the beginning is not in the copy.
    *target* is there whole, on its disk and found sound, or not at all. It needs no file beside it.

    Raises:
        StoreRefused: There is no store at *source*, or something is at *target*.

        StoreUnavailable: It could not be read or written.
    """
    if not source.exists():
        raise StoreRefused(f"There is no store at {source}.")
    if target.exists():
        raise StoreRefused(f"{target} is there already: name a new file.")
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600))
        _copy(source, unfinished, connect)
        unfinished.rename(target)
        _sync(target.parent)
        return target.stat().st_size
    except StoreRefused:
        unfinished.unlink()
        raise
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        raise StoreUnavailable(f"{source} could not be copied to {target}: {error}") from error


def _copy(source: Path, target: Path, connect: Connect) -> None:
    taken = connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)
    given = connect(target)
    try:
        taken.backup(given, pages=_AT_ONCE)
        # One file, which can be read where nobody may write; who opens it as a store sets it again.
        given.execute("PRAGMA journal_mode=DELETE")
        _check(given, source)
    finally:
        given.close()
        taken.close()
    _sync(target)


def _check(copy: sqlite3.Connection, source: Path) -> None:
    (found,) = copy.execute("PRAGMA quick_check").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(f"the copy is damaged: {found}")
    if not copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone():
        raise StoreRefused(f"{source} is a database of something else.")


def _sync(path: Path) -> None:
    """Wait until *path*, a file or a folder, is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
