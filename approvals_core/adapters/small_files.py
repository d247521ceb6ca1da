"""Reads a small file that somebody named to us: never a pipe or a device, and never without an end."""

import os
import stat
from pathlib import Path


def read_small(path: Path, largest: int) -> bytes:
    """
    Return what is in the file, at most *largest* bytes of it. Blocking, but not on a pipe.

    A link is followed: secrets and configuration are often mounted as links.

    Raises:
        OSError: It is not there, not readable, no regular file, or larger; `strerror` says which.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 (it is open already)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(None, "it is no regular file")
        content = file.read(largest + 1)
    if len(content) > largest:
        raise OSError(None, f"it is larger than {largest // 1024} KB")
    return content
