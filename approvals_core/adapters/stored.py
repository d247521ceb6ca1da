"""What both stores write alike: times, keys, and what a change must hold together."""

from datetime import UTC, datetime, timedelta

from approvals_core.models import ApprovalKey, Change, Job

SCHEMA = 1  # of what is stored; raised when an older program could not read it

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Return microseconds since 1970: exact, unlike a float of seconds."""
    return (at - _EPOCH) // _MICROSECOND


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


def read_job(record: str, due: int) -> Job:
    """Return the job, due when it was last put off to: its text keeps its first time."""
    return Job.model_validate_json(record).model_copy(update={"due": instant(due)})


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
    scopes = {receipt.approval.scope for receipt in change.receipts}
    if change.approval:
        scopes.add(change.approval.key.scope)
    if change.contact:
        scopes.add(change.contact.person.scope)
    if change.payload:
        scopes.add(change.payload.approval.scope)
    scopes |= {lease.scope for lease in (change.claim, change.finish) if lease}
    if change.dead:
        scopes.add(change.dead.scope)
    if scopes - {change.scope}:
        raise ValueError(f"a change of {change.scope} reaches into another scope")
