"""Several decisions in one array, and its answer (assent-app WIKI.md, "Bulk approval scenario")."""

import logging
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


def approval_requests(tenant: Tenant, posted: Sequence[Posted]) -> list[dict[str, object]]:
    """Return the ApprovalRequests of several decisions of one tenant, in their order."""
    return [approval_request(tenant, p.approval, p.place, p.decision) for p in posted]


def read_responses(body: bytes, status: int, posted: Sequence[Posted]) -> list[Answer]:
    """
    Return what the tenant's answer to one array means for each decision, in the order of *posted*.

    An entry counts for the document that it names, wherever it stands and whatever its
    Xcv; what it says counts as in `read_response`. Nobody knows what became of a
    decision whose document has no entry, or several that contradict each other, or one
    that could be another's too. Where no entry is about any of them, the HTTP *status* counts.
    """
    if len(posted) == 1:
        return [read_response(body, status, posted[0].approval.key)]
    found = _entries(decoded(body))
    own = [[entry for entry in found if _is_about(entry, each)] for each in posted]
    _tell_of_foreign(found, posted)
    if not any(own):
        return [by_status(status) for _ in posted]
    return [
        _answer(entries, status, each, posted) for entries, each in zip(own, posted, strict=True)
    ]


def _entries(answer: Json) -> list[_Response]:
    """Return the entries of an array; a single one may stand without."""
    sent = answer if isinstance(answer, list) else [answer]
    return [lowered(entry) for entry in sent if isinstance(entry, dict)]


def _is_about(entry: _Response, posted: Posted) -> bool:
    return bool(document_number(entry)) and names_document(entry, posted.approval.key)


def _answer(
    entries: Sequence[_Response], status: int, posted: Posted, all_posted: Sequence[Posted]
) -> Answer:
    if not entries:
        return unknown_answer(status, "the array has no answer for this document")
    if any(sum(_is_about(entry, each) for each in all_posted) > 1 for entry in entries):
        return unknown_answer(status, "the answer fits several documents")
    answers = [read_entry(entry, status, posted.approval.key) for entry in entries]
    if len({answer.kind for answer in answers}) > 1:
        return unknown_answer(status, "two answers for this document contradict each other")
    return max(answers, key=lambda answer: answer.retry_after or 0)


def _tell_of_foreign(found: Sequence[_Response], posted: Sequence[Posted]) -> None:
    foreign = sum(not any(_is_about(entry, each) for each in posted) for entry in found)
    if foreign:
        log.warning("foreign_answers", extra={"count": foreign, "posted": len(posted)})
