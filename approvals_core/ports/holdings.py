"""What moving, archiving and erasing need of a store beyond its use."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from approvals_core.models import ApprovalKey
from approvals_core.models.held import Document, Held, Kind, Names, Whole


class Holdings(Protocol):
    """
    All that a store holds, as it is stored, record by record.

    No record is read or understood here, so one that this program cannot read moves, too.
    """

    async def about(self) -> Mapping[str, str]:
        """
        Return what is said of the whole store: its schema, its issuers, and what was marked.

        Raises:
            StoreClosed: It is not the store that was opened.

            StoreUnavailable: It does not answer.
        """
        ...

    async def mark(self, name: str, text: str | None) -> None:
        """Say something of the whole store; None takes it back."""
        ...

    async def replace_mark(self, name: str, before: str | None, after: str | None) -> bool:
        """Say *after* of the whole store where *before* was said; tell whether it was. None is nothing."""
        ...

    async def time(self) -> datetime | None:
        """Return what the store's own clock shows; None: it has none but this machine's."""
        ...

    async def counts(self, scope: str) -> Mapping[str, int]:
        """Return how much of each kind the scope holds; requests as "request"."""
        ...

    async def documents(self, scope: str, *, after: str = "", limit: int) -> Names:
        """Return the keys of about *limit* requests behind *after*; one may be named twice."""
        ...

    async def names(self, scope: str, kind: Kind, *, after: str = "", limit: int) -> Names:
        """Return the names of about *limit* things; one may be named twice."""
        ...

    async def document(self, key: ApprovalKey) -> Document | None:
        """Return the request with this key, or None."""
        ...

    async def read_documents(self, scope: str, keys: Sequence[str]) -> Sequence[Document]:
        """Return the requests with these keys, in their order; those that are gone are left out."""
        ...

    async def archived_to(self, key: ApprovalKey) -> int:
        """Return what the document's tombstone says (see `Kind`), in ticks; 0 if it has none."""
        ...

    def tombstone(self, key: ApprovalKey, ticks: int) -> Held:
        """Return the tombstone that says so."""
        ...

    async def read(self, scope: str, kind: Kind, names: Sequence[str]) -> Sequence[Held]:
        """Return the things with these names, in their order; those that are gone are left out."""
        ...

    async def write(
        self, scope: str, documents: Sequence[Document] = (), held: Sequence[Held] = ()
    ) -> None:
        """Put all of it there as it is, in place of what has the same names."""
        ...

    async def swap(
        self, scope: str, before: Whole, after: Whole | None, *, leaves: Sequence[Held] = ()
    ) -> None:
        """
        Put *after* in the place of *before*, all at once; None takes it away.

        With it *leaves* are written, in place of what has the same names.

        Raises:
            VersionConflict: The request is not of the version of *before* any more.
        """
        ...

    async def remove(self, scope: str, kind: Kind, names: Sequence[str]) -> None:
        """Take these things away, whoever has one of the jobs."""
        ...

    async def forget(self, scope: str) -> None:
        """Take all away that *scope* holds beside requests, and that there is such a scope."""
        ...

    async def clear(self) -> None:
        """Take everything away."""
        ...

    async def scrub(self) -> None:
        """Make what was taken away unreadable in the store's own files, too; may take minutes."""
        ...
