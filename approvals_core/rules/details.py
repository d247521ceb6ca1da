"""Which details a request has, which must be read at the tenant's, and what becomes of what is read."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import cast

from approvals_core.arx.bounds import MOST_VALUES, too_many_values
from approvals_core.arx.reading import Json, too_deep
from approvals_core.arx.summary_api import names_another
from approvals_core.models import (
    Approval,
    ApprovalKey,
    Change,
    Detail,
    DetailState,
    EventKind,
    Job,
    JobKind,
    Lane,
    Lease,
    Mark,
)
from approvals_core.ports import Fetched, FetchedKind
from approvals_core.rules.draft import Draft, Stamp
from approvals_core.rules.revising import revise
from approvals_core.tenant import Tenant

# Bytes beside one approval: each card of it is made from them all. An operation that is read has
# no more, even where the tenant's limits.answer_bytes (up to 16 MB) lets more be received.
TOTAL = 2_097_152

_TOO_LARGE = f"all details together would have more than {TOTAL} bytes"
_UNREADABLE = (ValueError, RecursionError)


def remember(draft: Draft, stored: Mapping[str, str]) -> None:
    """Note what lies beside an approval whose record is of a version that did not know of it."""
    mark = draft.approval.details_mark or Mark(0, 0)
    for name, text in stored.items():
        if draft.approval.detail(name) is None:
            detail = Detail(name=name, state=DetailState.HERE, mark=mark)
            _put(draft, _with_text(detail, text, digest_of(text)))
    draft.set(details_digest="")


def bring(
    draft: Draft,
    texts: Mapping[str, str],
    mark: Mark,
    *,
    tenant: Tenant,
    newer: Callable[[Mark], bool],
) -> frozenset[str]:
    """
    Take in the details an ARX brought, instead of all there were; return their names.

    Those that the tenant's APIs have, too, stay until they are read anew, and are not
    taken if they are no JSON or have too many values: they are read instead. Of an
    operation that nobody else has such a text is kept, and the card comes without it.
    *newer* tells whether the ARX is not older than a mark.
    """
    operations = _operations(tenant)
    digests = {name: digest_of(text) for name, text in texts.items()}
    taken = {n: t for n, t in texts.items() if n not in operations or digests[n]}
    for old in draft.approval.details:
        if old.name not in taken and old.name not in operations:
            draft.body(body_name(old.name), None)
            draft.set(details=tuple(d for d in draft.approval.details if d.name != old.name))
    for name, text in taken.items():
        old = draft.approval.detail(name) or Detail(name=name, state=DetailState.HERE, mark=mark)
        # One that a newer ARX asked for is still being read: this text is only better than none.
        settled = {"state": DetailState.HERE, "reason": ""} if newer(old.mark) else {}
        known = old.model_copy(update=settled | {"mark": max(old.mark, mark)})
        draft.body(body_name(name), text)
        _put(draft, _with_text(known, text, digests[name]))
    draft.set(details_mark=max(draft.approval.details_mark or mark, mark))
    return frozenset(taken)


def ask(
    draft: Draft,
    mark: Mark,
    *,
    tenant: Tenant,
    brought: Collection[str],
    again: Callable[[Mark], bool],
) -> None:
    """
    Have those operations of the tenant's APIs read that nobody *brought*.

    One that is known already is read *again* if that is true for its mark.
    """
    for name in _operations(tenant):
        old = draft.approval.detail(name)
        if name in brought or (old is not None and not again(old.mark)):
            continue
        old = old or Detail(name=name, state=DetailState.FETCHING, mark=mark)
        asked = {"asked": old.asked + 1, "asked_at": draft.at, "mark": max(old.mark, mark)}
        fetching = {"state": DetailState.FETCHING, "reason": ""}
        sought = old.model_copy(update=fetching | asked)
        _put(draft, sought)
        draft.again(fetch_job(draft.approval, sought, due=draft.at))


def fetch_job(approval: Approval, detail: Detail, *, due: datetime) -> Job:
    """Return the job that reads an operation. Each fetch has one of its own."""
    return Job(
        key=f"details/{approval.id}/{detail.name}/{detail.asked}",
        kind=JobKind.DETAILS,
        lane=Lane.TENANT,
        due=due,
        approval=approval.key,
        operation=detail.name,
        number=detail.asked,
    )


def jobs_needed(approval: Approval, *, now: datetime) -> list[Job]:
    """Return the jobs that must be alive for the details of this approval."""
    sought = (d for d in approval.details if d.state is DetailState.FETCHING)
    return [fetch_job(approval, d, due=now) for d in sought] if approval.open else []


def fetch_again(draft: Draft, job: Job) -> None:
    """Let a fetch that was given up begin anew, as an operator asks."""
    detail = draft.approval.detail(job.operation)
    if detail is not None:
        again = {"state": DetailState.FETCHING, "asked_at": draft.at, "reason": ""}
        _put(draft, detail.model_copy(update=again))


def wanted(approval: Approval, job: Job) -> Detail | None:
    """Return the operation that *job* should read, None if that is over or asked for anew."""
    detail = approval.detail(job.operation)
    if detail is None or not approval.open or detail.state is not DetailState.FETCHING:
        return None
    return detail if detail.asked == job.number else None


@dataclass(frozen=True)
class Read:
    """What was read at a tenant's, gone through once. *why* it cannot be kept is "" if it can."""

    why: str
    body: str = ""
    size: int = 0  # bytes
    digest: str = ""


def go_through(key: ApprovalKey, found: Fetched) -> Read:
    """Parse what was read about a document, unless it is too much for that."""
    if found.kind is not FetchedKind.FOUND:
        return Read(found.reason or found.kind.value)
    size = _size(found.body)
    if size > TOTAL:
        return Read(_TOO_LARGE)
    if too_many_values(found.body):
        return Read(f"the answer has more than {MOST_VALUES} values")
    digest = digest_of(found.body)
    if not digest:
        return Read("the answer is no JSON, or nested too deeply")
    value: object = json.loads(found.body)
    if isinstance(value, dict) and names_another(cast("dict[str, Json]", value), key):
        return Read("the answer is for another document")
    return Read("", found.body, size, digest)


def fetched(
    approval: Approval,
    job: Job,
    read: Read,
    *,
    tenant: Tenant,
    stamp: Stamp,
    finish: Lease | None,
) -> Change | None:
    """
    Take in what the tenant's API gave; None if nobody waits for it any more.

    The first arrival is no change of what is decided on, another content later is. What
    cannot be used is noted, and the older text stays.
    """
    detail = wanted(approval, job)
    if detail is None:
        return None
    draft = Draft(approval, stamp)
    if why := why_not(approval, detail, read):
        miss(draft, detail, why)
    else:
        _arrive(draft, detail, read)
    draft.converge(channels=tenant.pushed)
    return draft.change(finish=finish)


def why_not(approval: Approval, detail: Detail, read: Read) -> str:
    """Return why what was read cannot be kept beside what is there, "" if it can."""
    others = sum(each.size for each in approval.details if each.name != detail.name)
    return read.why or (_TOO_LARGE if others + read.size > TOTAL else "")


def miss(draft: Draft, detail: Detail, why: str) -> None:
    """Give up reading an operation; the cards say so."""
    _put(draft, detail.model_copy(update={"state": DetailState.MISSING, "reason": why}))
    draft.note(EventKind.DETAILS, {"operation": detail.name, "missing": why})


def changed(before: tuple[Detail, ...], approval: Approval) -> bool:
    """Tell whether an operation that was there is gone, or says something else."""
    now = {detail.name: detail.digest for detail in approval.details}
    return any(old.digest and now.get(old.name) != old.digest for old in before)


def operation_named(tenant: Tenant, name: str) -> str | None:
    """Return an operation as the tenant's file spells it, None if it is not there."""
    return _operations(tenant).get(name)


def body_name(name: str) -> str:
    """Return under which name the text of an operation lies beside the approval."""
    return f"details/{name}"


def digest_of(text: str) -> str:
    """Return the SHA-256 of *text* as canonical JSON, "" if it is none, too deep or too much."""
    if too_many_values(text):
        return ""
    try:
        value: object = _READER.decode(text)
        if too_deep(cast("Json", value)):
            return ""
        canonical = _WRITER.encode(value)
    except _UNREADABLE:
        return ""
    return sha256(canonical.encode()).hexdigest()


def _operations(tenant: Tenant) -> dict[str, str]:
    return {name.upper(): name for name in tenant.api.details}


def _arrive(draft: Draft, detail: Detail, read: Read) -> None:
    here = {"state": DetailState.HERE, "reason": ""}
    arrived = detail.model_copy(update=here | {"digest": read.digest, "size": read.size})
    _put(draft, arrived)
    mark = max(draft.approval.details_mark or detail.mark, detail.mark)
    draft.set(details_mark=mark)
    if arrived.digest == detail.digest:
        return
    draft.body(body_name(detail.name), read.body)
    draft.note(EventKind.DETAILS, {"operation": detail.name, "digest": arrived.digest})
    if detail.digest:
        revise(draft)


def _with_text(detail: Detail, text: str, digest: str) -> Detail:
    digest = digest or sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return detail.model_copy(update={"digest": digest, "size": _size(text)})


def _put(draft: Draft, detail: Detail) -> None:
    others = {each.name: each for each in draft.approval.details}
    by_name = sorted((others | {detail.name: detail}).items())
    draft.set(details=tuple(each for _name, each in by_name))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _number(written: str) -> tuple[str, str]:
    # 10, 10.0 and 10.00 are one number, and never the text "10". Not through a float: 0.1 is none.
    plain = written if "e" in written.lower() or "." not in written else written.rstrip("0")
    return "number", plain.rstrip(
        "."
    )  # a tuple: it is written as a list, and is no level of its own


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no number")


# Made once: to make them takes as long as to use them.
_READER = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=_no_number)
_WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
