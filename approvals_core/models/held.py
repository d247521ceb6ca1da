"""What a store holds, just as it is stored: for moving it, putting it into an archive, and erasing."""

from enum import StrEnum
from typing import NamedTuple

Value = str | int | None


class Kind(StrEnum):
    """What lies in a scope beside its requests."""

    PAYLOAD = "payload"  # its digest, when it came in microseconds, 1 if late else 0, record
    JOB = "job"  # lane, due, next, token or None, again or None, failures, record
    DEAD_LETTER = "dead letter"  # when in microseconds, record
    NOTE = "note"  # text
    CONTACT = "contact"  # version, last change, record; its name is ""
    # Of a document that is in the archive: ticks of the newest OperationDateTime that was heard of
    # it. Its name is the document's key. No more is known here, and it stays for good.
    TOMBSTONE = "tombstone"
    ARCHIVE_FILE = "archive file"  # what it holds (see `rules.archiving.seal`)


class Held(NamedTuple):
    """One thing of a scope: its name among those of its kind, and its *values* (see `Kind`)."""

    kind: Kind
    name: str
    values: tuple[Value, ...]


class Document(NamedTuple):
    """
    One request as it is stored, with all that lies beside it. All times in microseconds.

    *key* is its text within the scope. What there may be several of is sorted, but for
    events, which are in their order.
    """

    key: str
    id: str
    version: int
    last_change: str
    record: str
    lists: tuple[tuple[str, int], ...] = ()  # name, time
    bodies: tuple[tuple[str, str], ...] = ()  # name, text
    events: tuple[str, ...] = ()
    receipts: tuple[tuple[int, str, str, str], ...] = ()  # round, person, channel, record
    letters: tuple[tuple[int, str, str], ...] = ()  # first written, id, record


class Whole(NamedTuple):
    """A request with the records of its payloads."""

    document: Document
    payloads: tuple[Held, ...] = ()


class Names(NamedTuple):
    """Some of the names of what a scope holds; *after* None: there are no more."""

    names: tuple[str, ...]
    after: str | None
