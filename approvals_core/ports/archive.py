"""Where requests go that were closed long ago."""

from collections.abc import Sequence
from typing import Protocol


class Archive(Protocol):
    """
    Files of lines, by name. Each is written once, whole, by one process.

    A name is a tenant's code, "/", the month, and what nobody else chooses.
    """

    async def owner(self) -> str:
        """Return whose archive it is marked as, "" if it is not; raises as `write`."""
        ...

    async def claim(self, owner: str) -> str:
        """Mark it as *owner*'s unless it is marked, and return whose it is; raises as `write`."""
        ...

    async def tidy(self, code: str = "") -> None:
        """
        Take away what was written of files that were never finished, of one tenant or of all.

        For when nobody writes there. Raises as `write`.
        """
        ...

    async def write(self, name: str, lines: Sequence[str]) -> None:
        """
        Put a file there, in place of one of that name; without lines none. Returns once it is durable.

        Raises:
            ArchiveUnavailable: Nobody knows whether it is there, but it is not there in part.
        """
        ...

    async def holds(self, name: str) -> bool:
        """Tell whether there is a file of that name; raises as `write`."""
        ...

    async def names(self, code: str = "") -> Sequence[str]:
        """Return the names of the files of the tenant with this code, or of all; raises as `write`."""
        ...

    async def read(self, name: str) -> Sequence[str]:
        """
        Return the lines of a file.

        Raises:
            ArchiveUnavailable: It is not there, or damaged; the message says which.
        """
        ...
