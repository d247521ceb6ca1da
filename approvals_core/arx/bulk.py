"""Several decisions in one array, and its answer (assent-app WIKI.md, "Bulk approval scenario")."""

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from approvals_core.arx.reading import Json
from approvals_core.arx.wire_out import (
    approval_request,
    by_status,
    decoded,
    document_number,
    lowered,
    names_document,
    read_entry,
    read_response,
    unknown_answer,
)
from approvals_core.ports import Answer, Posted
from approvals_core.tenant import Tenant

log = logging.getLogger(__name__)

_Response = Mapping[str, Json]

# Entries of an answer that are read; one with more is no answer to what was posted.
ENTRIES_LEAST = 100
ENTRIES_EACH = 10  # for each decision, beyond those


def approval_requests(tenant: Tenant, posted: Sequence[Posted]) -> list[dict[str, object]]:
    """Return the ApprovalRequests of several decisions of one tenant, in their order."""
    return [approval_request(tenant, p.approval, p.place, p.decision) for p in posted]


def read_responses(body: bytes, status: int, posted: Sequence[Posted]) -> list[Answer]:
    """
    Return what the tenant's answer to one array means for each decision, in the order of *posted*.

    An entry counts for the document that it names, wherever it stands and whatever its
    Xcv; what it says counts as in `read_response`. Nobody knows what became of a
    decision whose document has no entry, or several that contradict each other, or one
    that could be another's too; nor of any, if there are far more entries than decisions.
    Where no entry is about any of them, the HTTP *status* counts.
    """
    if len(posted) == 1:
        return [read_response(body, status, posted[0].approval.key)]
    sent = decoded(body)
    if isinstance(sent, list) and len(sent) > ENTRIES_EACH * len(posted) + ENTRIES_LEAST:
        return [unknown_answer(status, f"the array has {len(sent)} answers") for _ in posted]
    found = _entries(sent)
    own = _own(found, posted)
    fits = Counter(at for places in own for at in places)  # place in the array -> decisions
    _tell_of_foreign(len(found) - len(fits), posted)
    if not any(own):
        return [by_status(status) for _ in posted]
    return [
        _answer(
            [found[at] for at in places], status, each, several=any(fits[at] > 1 for at in places)
        )
        for places, each in zip(own, posted, strict=True)
    ]


def _entries(answer: Json) -> list[_Response]:
    """Return the entries of an array; a single one may stand without."""
    sent = answer if isinstance(answer, list) else [answer]
    return [lowered(entry) for entry in sent if isinstance(entry, dict)]


def _own(found: Sequence[_Response], posted: Sequence[Posted]) -> list[list[int]]:
    """Return for each decision where in the array the entries about it stand."""
    by_number: dict[str, list[int]] = defaultdict(list)
    for at, entry in enumerate(found):
        by_number[document_number(entry)].append(at)
    by_number.pop("", None)  # about nobody
    keys = [each.approval.key for each in posted]
    return [
        [at for at in by_number.get(key.number.strip(), ()) if names_document(found[at], key)]
        for key in keys
    ]


def _answer(entries: Sequence[_Response], status: int, posted: Posted, *, several: bool) -> Answer:
    if not entries:
        return unknown_answer(status, "the array has no answer for this document")
    if several:
        return unknown_answer(status, "the answer fits several documents")
    answers = [read_entry(entry, status, posted.approval.key) for entry in entries]
    if len({answer.kind for answer in answers}) > 1:
        return unknown_answer(status, "two answers for this document contradict each other")
    return max(answers, key=lambda answer: answer.retry_after or 0)


def _tell_of_foreign(foreign: int, posted: Sequence[Posted]) -> None:
    if foreign:
        log.warning("foreign_answers", extra={"count": foreign, "posted": len(posted)})
