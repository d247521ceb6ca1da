"""One playground at a time in a folder: who has it, and forgetting it (`make fresh`) only if nobody does."""

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Nothing but the standard library: `make fresh` also works where nothing is installed.


TENANTS = Path(__file__).parent / "tenants"


class RunningAlready(Exception):
    """Somebody has the folder; the message says who, and how to stop it."""


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """
    Hold *folder* for this process: two playgrounds would write the same files.

    Raises:
        RunningAlready: Another process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise RunningAlready(_who(folder, lock.read().strip())) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _who(folder: Path, pid: str) -> str:
    how = f"Press Ctrl-C there, or: kill {pid}" if pid else "Press Ctrl-C there."
    return f"A playground is running already in {folder}, as process {pid or '?'}. {how}"


def forget(folder: Path) -> None:
    """
    Remove all that a playground keeps in *folder*, but tenants' files that are not its own.

    Raises:
        RunningAlready: It is running: what it wrote next would be half of something.
    """
    if folder.is_dir():
        with only_one(folder):
            for each in folder.iterdir():
                _forget_tenants(each) if each.name == TENANTS.name else _remove(each)
            if not any(folder.iterdir()):
                folder.rmdir()


def _forget_tenants(folder: Path) -> None:
    """Remove the sample tenants' files; those that somebody put beside them stay."""
    for each in TENANTS.iterdir():
        _remove(folder / each.name)
    if not any(folder.iterdir()):
        folder.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        forget(Path(sys.argv[1]).resolve())
    except RunningAlready as problem:
        sys.exit(str(problem))
