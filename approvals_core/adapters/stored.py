"""What both stores write alike: times, keys, and what a change must hold together."""

import logging
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from pydantic import ValidationError

from approvals_core.models import (
    Approval,
    ApprovalKey,
    Change,
    Job,
    Lane,
    Lease,
    LeasedJob,
    Payload,
    QueuedJob,
    tenant_scope,
)
from approvals_core.ports import Cursor, JobCursor, JobPage, Page, PayloadCursor, PayloadPage, Room

log = logging.getLogger(__name__)

# Of what is stored. While one version takes the place of another both work on one store, so a
# change adds first, and takes away only when no program is left that needs it:
# - It stays as it is for new fields with defaults, new kinds and states, new tables and keys. An
#   older program keeps such fields (`models.Record`) and leaves what is of a new kind alone. It
#   writes none of them, so a newer one must do without. What changes the meaning of a job, or its
#   lane, is a new kind of job; what history must prove goes into an event's facts.
# - It is raised for what an older program would misread: another meaning of a field, one that is
#   taken away, another form of a key (`ApprovalKey`, `PersonId`, `Mark`), columns of a table. That
#   takes two releases: one that reads both forms and writes the old one, and when no older one
#   runs any more, one that writes the new form and raises the number. Programs of before the
#   first refuse the store then (StoreRefused).
SCHEMA = 1

# A job that failed some times in a row and is asked for once more is due this much after what was
# asked for, if its own pause is longer: 2, 4, 8 … seconds, and never more than about a minute. At
# once would mean that what changes often makes a dead letter of it within seconds.
FIRST_PATIENCE = 1_000_000  # microseconds, doubled by each failure
PATIENCE_DOUBLINGS = 6  # at most

KEPT, SHORT = 256, 30_000  # records read lately, characters or bytes of one; most have some 8,000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ESCAPED = re.compile("\x1e([\x1e-])")


def micros(at: datetime) -> int:
    """Return microseconds since 1970: exact, unlike a float of seconds."""
    return (at - _EPOCH) // _MICROSECOND


def micros_of(text: str) -> int:
    """Return what `micros` makes of a time as a record writes it."""
    return micros(datetime.fromisoformat(text))


def instant(number: int) -> datetime:
    """Return the time that `micros` made *number* of."""
    return _EPOCH + timedelta(microseconds=number)


def key_text(key: ApprovalKey) -> str:
    r"""
    Return *key* within its scope as one text that sorts as the key does.

    \x1f separates, \x1e escapes, so that no two keys share a text whatever they hold.
    """
    parts = (part.replace("\x1e", "\x1e\x1e").replace("\x1f", "\x1e-") for part in key[1:])
    return "\x1f".join(parts)


def read_approval(record: str | bytes) -> Approval:
    """
    Return the approval of *record*, of a short one mostly the same as before: it is frozen.

    What is kept is nobody's newest state but what a text says. The cards of one request are made
    one after the other, each from the record as it is then, and most often that has not changed.
    """
    if len(record) > SHORT:
        return Approval.model_validate_json(record)
    return _kept_approval(record)


@lru_cache(KEPT)
def _kept_approval(record: str | bytes) -> Approval:
    return Approval.model_validate_json(record)


def read_job(record: str, due: int) -> Job:
    """Return the job, due when it was last put off to: its text keeps its first time."""
    return Job.model_validate_json(record).model_copy(update={"due": instant(due)})


def leased_job(record: str, due: int, lease: Lease, failures: int) -> LeasedJob | None:
    """
    Return a job that was just leased; None if its record cannot be read.

    Such a one waits for the end of its lease, then for the next: a program that can read
    it may come, or the same job asked for anew. Operators see it among the jobs.
    """
    try:
        return LeasedJob(read_job(record, due), lease, failures)
    except ValidationError:
        log.error("job_unreadable", extra={"scope": lease.scope, "job": lease.job})  # noqa: TRY400
        return None


def room_left(room: Room | None, leased: Sequence[LeasedJob]) -> Room | None:
    """Return what *room* is left in each scope beside those just *leased*; None: for all there are."""
    if room is None:
        return None
    had = Counter(one.lease.scope for one in leased)
    return lambda scope: max(0, room(scope) - had[scope])


def queued_job(
    record: str,
    due: int,
    *,
    scope: str,
    key: str,
    lane: int,
    next_: int,
    leased: bool,
    failures: int,
) -> QueuedJob:
    """Return how a job stands, whether its record can be read or not."""
    try:
        job = read_job(record, due)
    except ValidationError:
        job = None
    return QueuedJob(scope, key, Lane(lane), job, instant(next_), leased, failures)


def page_of(
    scope: str, places: Sequence[tuple[int, str]], records: Sequence[str], limit: int
) -> Page:
    """
    Make a page of *records*; there are more *places* than *limit* if it is not the last one.

    A place is the time in the list, and the key's text. One record that cannot be read
    holds up no other.
    """
    approvals: list[Approval] = []
    unreadable: list[ApprovalKey] = []
    for (_at, text), record in zip(places[:limit], records[:limit], strict=True):
        try:
            approvals.append(Approval.model_validate_json(record))
        except ValidationError:
            unreadable.append(_key_of(scope, text))
            log.error("approval_unreadable", extra={"scope": scope, "key": text})  # noqa: TRY400
    after = None
    if len(places) > limit:
        at, text = places[limit - 1]
        after = Cursor(at=instant(at), key=_key_of(scope, text))
    return Page(approvals=tuple(approvals), unreadable=tuple(unreadable), after=after)


def _key_of(scope: str, text: str) -> ApprovalKey:
    """Return the key that `key_text` made *text* of."""
    number, year = (
        _ESCAPED.sub(lambda found: "\x1f" if found[1] == "-" else "\x1e", part)
        for part in text.split("\x1f")
    )
    return ApprovalKey(scope.removeprefix(tenant_scope("")), number, year)


def job_page(places: Sequence[tuple[int, str]], jobs: Sequence[QueuedJob], limit: int) -> JobPage:
    """
    Make a page of *jobs*, those of the first *limit* of *places* that are still there.

    A place is when a job is handed out, and its key; more than *limit* of them say that
    it is not the last page.
    """
    if len(places) <= limit:
        return JobPage(jobs=tuple(jobs))
    at, key = places[limit - 1]
    return JobPage(jobs=tuple(jobs), after=JobCursor(next=instant(at), key=key))


def payload_page(records: Sequence[str], limit: int) -> PayloadPage:
    """Make a page of the first *limit* records; more say that it is not the last one."""
    payloads = tuple(Payload.model_validate_json(record) for record in records[:limit])
    if len(records) <= limit:
        return PayloadPage(payloads=payloads)
    last = payloads[-1]
    return PayloadPage(payloads=payloads, after=PayloadCursor(at=last.received_at, id=last.id))


def check_lease(now: datetime, until: datetime) -> None:
    """Refuse a lease that has ended when it begins: its jobs would be handed out at once again."""
    if until <= now:
        raise ValueError("a lease ends after it begins")


def check(change: Change) -> None:
    """
    Refuse a change that does not hold together; that is a mistake of the program.

    Raises:
        ValueError: Something of it belongs to another scope, approval or job.
    """
    _check_scopes(change)
    if change.approval is None and (change.events or change.bodies):
        raise ValueError("events and bodies need their approval")
    if change.claim and change.claim.job not in {job.key for job in change.jobs}:
        raise ValueError("only a job of the change itself can be claimed")


def _check_scopes(change: Change) -> None:
    scopes = {each.approval.scope for each in (*change.receipts, *change.letters)}
    if change.approval:
        scopes.add(change.approval.key.scope)
    if change.contact:
        scopes.add(change.contact.person.scope)
    if change.payload:
        scopes.add(change.payload.approval.scope)
    scopes |= {lease.scope for lease in (change.claim, change.finish, change.held) if lease}
    if change.dead:
        scopes.add(change.dead.scope)
    if scopes - {change.scope}:
        raise ValueError(f"a change of {change.scope} reaches into another scope")
