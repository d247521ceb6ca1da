"""Reads what a tenant's Summary API gives: tolerant of its shape, strict about what it says."""

import json
from typing import cast

from approvals_core.arx import names as spelling
from approvals_core.arx.decoding import read_json
from approvals_core.arx.reading import Json, Node, Notes, as_text
from approvals_core.arx.shapes import ArxApprover
from approvals_core.arx.summary import (
    APPROVERS,
    PERSON,
    SHORT,
    names,
    read_named,
    read_summary,
)
from approvals_core.errors import InvalidArx
from approvals_core.models import ApprovalKey, Content, Record

_SUMMARY = names("SummaryData")
_APART = str.maketrans(",", ";")  # the documents' lists have both


class SummaryRead(Record):
    """
    What the Summary API said of one document.

    *content* None: it cannot be read, and *problem* says why. *state* None: the path
    leads nowhere, or none was given; *approvers* likewise, and if what is there is no
    list of aliases.
    """

    content: Content | None = None
    problem: str = ""
    state: str | None = None
    approvers: tuple[ArxApprover, ...] | None = None


def read_summary_answer(
    text: str, key: ApprovalKey, *, state: str | None = None, approvers: str | None = None
) -> SummaryRead:
    """
    Return what an answer of the Summary API says of the document *key*.

    It may be SummaryData itself, an object that holds it, or an array of one of them.
    *state* and *approvers* are dotted paths that begin in SummaryData, else in the whole.
    Nothing of an answer about another document counts.
    """
    notes = Notes()
    try:
        _raw, sent = read_json(text.encode("utf-8", "surrogatepass"), notes)
    except InvalidArx:
        return SummaryRead(problem="it is no JSON that can be read")
    whole = sent[0] if isinstance(sent, list) and len(sent) == 1 else sent
    if not isinstance(whole, dict):
        return SummaryRead(problem="it is no object")
    summary = _summary_in(whole)
    if any(names_another(each, key) for each in (whole, summary)):
        return SummaryRead(problem="it is about another document")
    content, problem = _content(summary, key, notes)
    return SummaryRead(
        content=content,
        problem=problem,
        state=_state(_found(summary, whole, state)),
        approvers=_approvers(_found(summary, whole, approvers)),
    )


def _summary_in(whole: dict[str, Json]) -> dict[str, Json]:
    """Return SummaryData: what stands in the field of that name (as JSON text, too), else all."""
    found = _field(whole, "summarydata")
    if isinstance(found, str):
        try:
            found = cast("Json", json.loads(found))
        except (ValueError, RecursionError):
            return whole
    return found if isinstance(found, dict) else whole


def names_another(sent: dict[str, Json], key: ApprovalKey) -> bool:
    """Tell whether what a tenant gave names another document; what names none is about ours."""
    type_id = as_text(_field(sent, "documenttypeid")).strip().strip("{}").lower()
    if type_id and type_id != key.tenant:
        return True
    identifier = _field(sent, "approvalidentifier")
    if not isinstance(identifier, dict):
        return False
    number = as_text(_field(identifier, "documentnumber"))
    year = as_text(_field(identifier, "fiscalyear"))
    return bool(number and number != key.number) or bool(year and year != key.year)


def _content(
    summary: dict[str, Json], key: ApprovalKey, notes: Notes
) -> tuple[Content | None, str]:
    """Read SummaryData as an ARX's; what names the document may be left out: we asked for it."""
    own: dict[str, Json] = {
        "DocumentTypeId": key.tenant,
        "ApprovalIdentifier": {
            "DisplayDocumentNumber": key.number,
            "DocumentNumber": key.number,
            "FiscalYear": key.year,
        },
    }
    told = {name.lower() for name, value in summary.items() if value is not None}
    missing = {name: value for name, value in own.items() if name.lower() not in told}
    kept = {n: v for n, v in summary.items() if n.lower() not in {m.lower() for m in missing}}
    root = Node({"SummaryData": kept | missing}, notes, known=_SUMMARY)
    content = read_summary(root, key)
    if notes.problems:
        return None, "; ".join(problem.pointer or "/" for problem in notes.problems[:5])
    return content, ""


def _found(summary: dict[str, Json], whole: dict[str, Json], path: str | None) -> Json:
    if path is None:
        return None
    found = _at(summary, path)
    return _at(whole, path) if found is None else found


def _at(value: Json, path: str) -> Json:
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = _field(value, name.lower())
    return value


def _field(sent: dict[str, Json], lowered: str) -> Json:
    return next((value for name, value in sent.items() if name.lower() == lowered), None)


def _state(found: Json) -> str | None:
    return None if found is None or isinstance(found, (dict, list)) else as_text(found).strip()


def _approvers(found: Json) -> tuple[ArxApprover, ...] | None:
    if isinstance(found, str):
        parts = found.translate(_APART).split(";")
        found = [part.strip() for part in parts if part.strip()]
    if not isinstance(found, list) or len(found) > APPROVERS:
        return None
    read = [_approver(each) for each in found]
    once = {spelling.fold(each.alias, ()): each for each in read if each is not None}
    return None if None in read else tuple(once.values())


def _approver(sent: Json) -> ArxApprover | None:
    """Return somebody who is asked; None if that cannot be a name."""
    alias, name = as_text(sent).strip(), ""
    if isinstance(sent, dict):
        notes = Notes()
        who = read_named(Node(sent, notes, known=PERSON))
        alias, name = ("", "") if notes.problems else (who.alias, who.name)
    elif not isinstance(sent, str):
        return None
    safe = not (spelling.reserved(alias) or spelling.invisible(alias))
    safe = safe and not spelling.mixed_script(alias) and 0 < len(alias) <= SHORT
    return ArxApprover(alias=alias, name=name) if safe else None
