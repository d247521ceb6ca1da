"""
The names of everything in Redis.

All keys of a scope share its hash tag {scope}, so that one script may touch them all in a
cluster, too. The house keeps which scopes there are, and which of them has work when.
"""

from collections.abc import Sequence
from datetime import datetime

from approvals_core.adapters.stored import key_text, micros
from approvals_core.models import HOUSE, Approval, ApprovalKey, IndexEntry, Lane, entries

_HOUSE = f"approvals:{{{HOUSE}}}:"
ABOUT = f"{_HOUSE}about"  # hash: schema, issuers
REGISTRY = f"{_HOUSE}scopes"  # set of every scope ever written to
DEAD = f"{_HOUSE}scopes-dead"  # set of the scopes that may have dead letters, the house too


def hints(lane: Lane | str) -> str:
    """Name the sorted set of scopes by when they may have a job of *lane* to hand out."""
    return f"{_HOUSE}hints:{int(lane)}"


_LANES = tuple(f"lane:{lane.value}" for lane in Lane)


class ScopeKeys:
    """The keys of one scope, each put together when it is asked for."""

    __slots__ = ("_prefix",)

    def __init__(self, scope: str) -> None:
        if "{" in scope or "}" in scope:
            raise ValueError("braces in a scope would end its hash tag")
        self._prefix = f"approvals:{{{scope}}}:"

    @property
    def jobs(self) -> str:
        """The hash of jobs."""
        return f"{self._prefix}jobs"

    @property
    def lanes(self) -> Sequence[str]:
        """The sorted sets of job keys by when they are handed out, in the order of the lanes."""
        return [self._prefix + lane for lane in _LANES]

    def lane(self, lane: Lane) -> str:
        """Name one of `lanes`."""
        return self._prefix + _LANES[lane]

    @property
    def contact(self) -> str:
        """The hash with a person's contact."""
        return f"{self._prefix}contact"

    @property
    def lists(self) -> str:
        """The sorted set of all lists."""
        return f"{self._prefix}lists"

    @property
    def ids(self) -> str:
        """The hash of public id -> key."""
        return f"{self._prefix}ids"

    @property
    def payloads(self) -> str:
        """The hash of payload id -> record."""
        return f"{self._prefix}payloads"

    @property
    def digests(self) -> str:
        """The hash of digest -> payload id."""
        return f"{self._prefix}digests"

    @property
    def late(self) -> str:
        """The sorted set of payloads of which something was too old, by time."""
        return f"{self._prefix}late"

    @property
    def payload_log(self) -> str:
        """The sorted set of all payloads, by time."""
        return f"{self._prefix}payload-log"

    @property
    def dead_letters(self) -> str:
        """The hash of dead letters."""
        return f"{self._prefix}dead"

    @property
    def notes(self) -> str:
        """The hash of notes."""
        return f"{self._prefix}notes"

    @property
    def tombstones(self) -> str:
        """The hash of key -> up to when its document was heard of, for those in the archive."""
        return f"{self._prefix}tombstones"

    @property
    def archive_files(self) -> str:
        """The hash of the archive's files -> what each holds."""
        return f"{self._prefix}archive-files"

    def approval(self, key: str) -> str:
        """Name the hash with the approval's version, last change, record and lists."""
        return f"{self._prefix}approval:{key}"

    def bodies(self, key: str) -> str:
        """Name the hash of texts beside the approval."""
        return f"{self._prefix}bodies:{key}"

    def events(self, key: str) -> str:
        """Name the list of the approval's history."""
        return f"{self._prefix}events:{key}"

    def receipts(self, key: str) -> str:
        """Name the hash of the approval's receipts."""
        return f"{self._prefix}receipts:{key}"

    def letters(self, key: str) -> str:
        """Name the hash of the approval's mails."""
        return f"{self._prefix}letters:{key}"

    def letter_order(self, key: str) -> str:
        """Name the sorted set of the approval's mails by when each was first written."""
        return f"{self._prefix}letter-order:{key}"


def keys_of(approval: ApprovalKey) -> tuple[ScopeKeys, str]:
    """Return the keys of the approval's scope, and its own text within them."""
    return ScopeKeys(approval.scope), key_text(approval)


def listed(approval: Approval) -> Sequence[str]:
    r"""
    Return the approval's members in the sorted set of all lists of its scope.

    They all have score 0, so that they sort as text: list \x1f time \x1f key.
    """
    key = key_text(approval.key)
    return [f"{list_start(entry.list)}{_time(entry)}\x1f{key}" for entry in entries(approval)]


def list_start(name: str) -> str:
    """Return what the members of the list *name*, and no others, begin with."""
    return name.replace("\x1e", "\x1e\x1e").replace("\x1f", "\x1e-") + "\x1f"


def list_end(name: str) -> str:
    """Return the first text behind all members of the list *name*."""
    return list_start(name)[:-1] + "\x20"


def late_member(at: datetime, payload_id: str) -> str:
    """Return a payload's member in a sorted set, all of score 0, that sorts by time."""
    return f"{micros(at):018d}\x1f{payload_id}"


def _time(entry: IndexEntry) -> str:
    return f"{micros(entry.at):018d}"
