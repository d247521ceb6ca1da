"""Reads who is asked, who no longer, and who did what."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from approvals_core.arx import names as spelling
from approvals_core.arx.reading import Node, Notes
from approvals_core.arx.shapes import ArxAction, ArxApprover
from approvals_core.arx.summary import (
    APPROVERS,
    ENTRIES,
    NOTES,
    PERSON,
    SHORT,
    named,
    names,
    read_named,
)
from approvals_core.arx.times import read_ticks, time_of
from approvals_core.models import Named, Operation

_ARX = "ApprovalRequestExpression"
_APPROVER = PERSON | names("DetailTemplate Delegation OriginalApprovers CanEdit")
_ACTION = names(
    "CorrelationId Name Date Comment ActionBy NewApprover Placement AdditionalData"
    " UserActionFailureReason"
)
_NOBODY = "A DELETE asks nobody: leave Approvers out, or send null."


@dataclass(frozen=True)
class Reading:
    """What every part of a payload is read with."""

    root: Node
    notes: Notes
    now: datetime
    operation: Operation | None


def read_approvers(reading: Reading) -> tuple[ArxApprover, ...]:
    """Return who is asked; nobody in a DELETE."""
    root, member = reading.root, f"{_ARX}.Approvers"
    sent = root.children("Approvers", _APPROVER, limit=APPROVERS)
    if not sent and reading.operation in {Operation.CREATE, Operation.UPDATE}:
        root.problem("Approvers", f"{_ARX}.Approver cannot be null.", member)
    if root.value("Approvers") == []:
        message = f"{member} list cannot be null and the collection cannot be empty."
        remedy = "" if reading.operation is not Operation.DELETE else _NOBODY
        root.problem("Approvers", message, member, remedy=remedy)
    found = [_approver(approver) for approver in sent or ()]
    if found and reading.operation is Operation.DELETE:
        reading.notes.warn("A DELETE asks nobody: its Approvers are not used.")
        return ()
    return _each_once(found, reading.notes)


def _approver(sent: Node) -> ArxApprover:
    who = read_named(sent)
    if not who.alias:
        message = "NameAliasEntity.Alias cannot be null or empty."
        sent.problem("Alias", message, f"{_ARX}.Approvers.Alias")
    _check_alias(sent, sent.pointer("Alias"), who.alias, f"{_ARX}.Approvers.Alias")
    original = sent.texts("OriginalApprovers", limit=APPROVERS)
    return ArxApprover(alias=who.alias, name=who.name, original_approvers=tuple(original or ()))


def _each_once(found: Iterable[ArxApprover], notes: Notes) -> tuple[ArxApprover, ...]:
    once: dict[str, ArxApprover] = {}
    for approver in found:
        if once.setdefault(spelling.fold(approver.alias, ()), approver) is not approver:
            notes.warn("Approvers names somebody twice; the first entry counts.")
    return tuple(once.values())


def _check_alias(node: Node, at: str, alias: str, member: str) -> None:
    if spelling.reserved(alias):
        node.notes.problem(at, "NameAliasEntity.Alias has invalid characters.", member)
    _check_visible(node, at, alias, member)


def _check_visible(node: Node, at: str, alias: str, member: str) -> None:
    if spelling.invisible(alias):
        message = "An alias has characters that cannot be seen or belong to no name."
        node.notes.problem(at, message, member)
    elif spelling.mixed_script(alias):
        message = "An alias mixes letters of several scripts, which look alike."
        node.notes.problem(at, message, member)


def read_delete_for(reading: Reading) -> tuple[str, ...]:
    """Return who is no longer asked; nobody in a CREATE."""
    root, member = reading.root, f"{_ARX}.DeleteFor"
    sent = root.texts("DeleteFor", limit=APPROVERS) or []
    if not sent and reading.operation in {Operation.UPDATE, Operation.DELETE}:
        root.problem("DeleteFor", f"{member} cannnot be null", member)  # Assent's spelling
    for alias in sent:
        _check_alias(root, root.pointer("DeleteFor"), alias, member)
    if sent and reading.operation is Operation.CREATE:
        reading.notes.warn("A CREATE removes nobody: its DeleteFor is not used.")
        return ()
    return tuple(dict.fromkeys(sent))


def read_action(reading: Reading, ticks: int | None) -> ArxAction | None:
    """Return what somebody did; *ticks* is the ARX' own time."""
    sent = reading.root.child("ActionDetail", _ACTION)
    if sent is None:
        if reading.operation in {Operation.UPDATE, Operation.DELETE}:
            message, member = "ActionDetail cannot be null.", f"{_ARX}.ActionDetail"
            reading.root.problem("ActionDetail", message, member)
        return None
    if not (name := sent.text("Name", SHORT).strip()):
        sent.problem("Name", "ActionDetail.Name cannot be null or empty.", "Name")
    additional = sent.pairs("AdditionalData", limit=ENTRIES)
    by_name = {key.lower(): value for key, value in additional.items()}
    return ArxAction(
        by=_action_by(reading, sent),
        name=name,
        at=_action_date(reading, sent, ticks),
        comment=sent.text("Comment", NOTES),
        failure=sent.text("UserActionFailureReason", NOTES).strip(),
        delegate=by_name.get("actionbydelegateinmsapprovals", "").strip(),
        new_approver=_new_approver(sent),
        placement=sent.text("Placement", SHORT).strip(),
    )


def _action_by(reading: Reading, action: Node) -> Named:
    by = action.child("ActionBy", PERSON)
    if by is None:
        action.problem("ActionBy", "ActionDetail.ActionBy cannot be null.", "ActionBy")
        return Named()
    who, member = read_named(by), f"{_ARX}.ActionDetail.ActionBy.Alias"
    if not who.alias and reading.operation is Operation.UPDATE:
        # Assent finds out only after its 200, and drops the payload in silence.
        by.problem("Alias", "NameAliasEntity.Alias cannot be null or empty.", member)
    _check_visible(by, by.pointer("Alias"), who.alias, member)
    return who


def _new_approver(action: Node) -> Named | None:
    found = named(action, "NewApprover")
    return found if found and (found.alias or found.name) else None


def _action_date(reading: Reading, action: Node, ticks: int | None) -> datetime:
    sent = action.text("Date", SHORT)
    found = read_ticks(sent)
    if sent.strip() and found is None:
        action.problem("Date", "ActionDetail.Date is no date.")
    if found:  # .NET writes a date that was never set as year 1
        return time_of(found)
    return reading.now if ticks is None else time_of(ticks)
