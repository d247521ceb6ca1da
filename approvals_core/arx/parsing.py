"""Reads an ARX: every rule of the documents, every problem at once."""

import hashlib
import json
import re
from datetime import datetime

from approvals_core.arx.bounds import MOST_VALUES, too_many_values
from approvals_core.arx.decoding import read_json
from approvals_core.arx.notification import read_notification
from approvals_core.arx.people import Reading, read_action, read_approvers, read_delete_for
from approvals_core.arx.reading import Json, Node, Notes, as_text, too_deep
from approvals_core.arx.shapes import Arx
from approvals_core.arx.summary import (
    ENTRIES,
    IDENTIFIER,
    SHORT,
    names,
    read_identifier,
    read_summary,
)
from approvals_core.arx.times import DAY, read_ticks, ticks_of
from approvals_core.errors import InvalidArx
from approvals_core.models import ApprovalKey, Content, Operation

DETAILS = 50  # operations
_ARX = "ApprovalRequestExpression"
_ROOT = names(
    "DocumentTypeId Operation ApprovalIdentifier Approvers DeleteFor ActionDetail"
    " NotificationDetail AdditionalData SummaryData RefreshDetails DetailsData"
    " OperationDateTime Telemetry"
)
_TELEMETRY = names("Tcv Xcv BusinessProcessName TenantTelemetry")
_CANONICAL = json.JSONEncoder(
    sort_keys=True,
    separators=(",", ":"),
    ensure_ascii=False,
    check_circular=False,  # what was parsed holds nothing within itself
)
_GUID = re.compile(r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.ASCII)
_NO_GUID = "00000000-0000-0000-0000-000000000000"
_OPERATIONS = {str(int(o)): o for o in Operation} | {o.name.lower(): o for o in Operation}
_USUAL = "Send 1 (create), 2 (update) or 3 (delete)."
# Assent's enumeration goes on; its processor knows none of them.
_NOT_TAKEN = {
    "4 (TargetedAction)": (
        " is not supported: the documents name it, and define it nowhere."
        " Send 2 (update): Approvers for who is asked, DeleteFor for who no longer is."
    ),
    "5 (Complete)": " is not supported. Send 3 (delete): the request closes with nobody left.",
    "6 (Skip)": " is not supported. Send 2 (update): DeleteFor for who is skipped.",
}


def parse_arx(body: bytes, *, tenant_id: str, now: datetime) -> Arx:
    """
    Return what a payload says.

    *tenant_id* is the DocumentTypeId of the tenant it came in for. Field names count
    whatever their case; fields we do not know are kept in `raw` and warned of.

    Raises:
        InvalidArx: It cannot be taken; carries every problem at once.
    """
    notes = Notes()
    raw, sent = read_json(body, notes)
    if not isinstance(sent, dict):
        notes.problem("", _no_object(sent), _ARX)
        raise InvalidArx(notes.problems)
    root = Node(sent, notes, known=_ROOT)
    reading = Reading(root, notes, now, _operation(root))
    arx = _read(reading, _document_type_id(root, tenant_id.lower()), _digest(sent), raw)
    if notes.problems or arx is None:
        raise InvalidArx(notes.problems)
    return arx


def _read(reading: Reading, tenant: str, digest: str, raw: str) -> Arx | None:
    root, operation = reading.root, reading.operation
    key, display_number = _identifier(root, tenant)
    ticks = _ticks(reading)
    approvers, delete_for = read_approvers(reading), read_delete_for(reading)
    action = read_action(reading, ticks)
    notification = read_notification(root, operation, reading.now)
    root.pairs("AdditionalData", limit=ENTRIES)
    content = _content(reading, key)
    details = _details(root)
    xcv, tcv = _telemetry(root)
    refresh = root.flag("RefreshDetails", default=True)
    if reading.notes.problems or operation is None:
        return None
    return Arx(
        key=key,
        display_number=display_number,
        operation=operation,
        ticks=ticks,
        approvers=approvers,
        delete_for=delete_for,
        action=action,
        content=content,
        details=details,
        refresh_details=refresh,
        notification=notification,
        xcv=xcv or display_number,
        tcv=tcv,
        digest=digest,
        warnings=reading.notes.warnings,
        raw=raw,
    )


def _no_object(sent: Json) -> str:
    if sent is None:
        return "ApprovalRequestExpression should have a value but is null."
    return "ApprovalRequestExpression must be an object."


def _digest(sent: dict[str, Json]) -> str:
    """Return what makes two payloads the same one: all but Telemetry, in canonical JSON."""
    counted = {name: value for name, value in sent.items() if name.lower() != "telemetry"}
    return hashlib.sha256(_CANONICAL.encode(counted).encode()).hexdigest()


def _operation(root: Node) -> Operation | None:
    sent = as_text(root.value("Operation")).strip().lower()
    operation = _OPERATIONS.get(sent)
    if operation is None:
        root.problem("Operation", _operation_refused(sent))
    return operation


def _operation_refused(sent: str) -> str:
    if not sent:
        return f"Operation is missing. {_USUAL}"
    for named, why in _NOT_TAKEN.items():
        number, _space, name = named.partition(" ")
        if sent in (number, name.strip("()").lower()):
            return f"Operation {named}{why}"
    return f"Operation {sent[:20]} is not supported. {_USUAL}"


def _document_type_id(root: Node, tenant_id: str) -> str:
    sent = root.text("DocumentTypeId", SHORT).strip().lower()
    found = _GUID.fullmatch(sent)
    member = f"{_ARX}.DocumentTypeId"
    if not sent or (found and found[1] == _NO_GUID):
        root.problem("DocumentTypeId", f"{member} cannot be empty", member)
    elif found is None:
        root.problem("DocumentTypeId", "DocumentTypeId must be a GUID.", member)
    elif found[1] != tenant_id:
        message = "DocumentTypeId and the TenantId of the address should match."
        root.problem("DocumentTypeId", message, member)
    return found[1] if found else tenant_id


def _identifier(root: Node, tenant: str) -> tuple[ApprovalKey, str]:
    identifier = root.child("ApprovalIdentifier", IDENTIFIER)
    if identifier is None:
        message = "ApprovalIdentifier cannot be null."
        root.problem("ApprovalIdentifier", message, "ApprovalIdentifier")
        return ApprovalKey(tenant, ""), ""
    number, year, display_number = read_identifier(identifier)
    return ApprovalKey(tenant, number, year), display_number


def _ticks(reading: Reading) -> int | None:
    sent = reading.root.text("OperationDateTime", SHORT)
    if not sent.strip():
        return None
    ticks = read_ticks(sent)
    if ticks is None:
        reading.root.problem("OperationDateTime", "OperationDateTime is no date.")
    elif ticks > ticks_of(reading.now) + DAY:
        message = "OperationDateTime is more than a day ahead of our clock."
        reading.root.problem("OperationDateTime", message)
    return ticks


def _content(reading: Reading, key: ApprovalKey) -> Content | None:
    content = read_summary(reading.root, key)
    needed = reading.operation in {Operation.CREATE, Operation.UPDATE}
    if needed and reading.root.value("SummaryData") is None:
        message = "SummaryJson cannot be null or empty."
        reading.root.problem("SummaryData", message, f"{_ARX}.SummaryData")
    return content


def _details(root: Node) -> dict[str, str]:
    sent = root.pairs("DetailsData", limit=DETAILS, length=None)
    details: dict[str, str] = {}
    for name, text in sent.items():
        if name.upper() in details:
            root.problem("DetailsData", f"{name[:SHORT]} is given twice.")
        details[name.upper()] = text
        _check_details(root, name, text)
    return details


def _check_details(root: Node, name: str, text: str) -> None:
    shown = name[:SHORT]
    if too_many_values(text):
        many = f"DetailsData.{shown} has more than {MOST_VALUES} values"
        root.notes.warn(f"{many}; the card comes without it.")
        return
    try:
        deep = too_deep(json.loads(text)) if text else False
    except RecursionError:
        deep = True
    except ValueError:
        root.notes.warn(f"DetailsData.{shown} is no JSON; the card comes without it.")
        return
    if deep:
        root.problem("DetailsData", f"DetailsData.{shown} is nested too deeply.")


def _telemetry(root: Node) -> tuple[str, str]:
    sent = root.child("Telemetry", _TELEMETRY)
    if sent is None:
        return "", ""
    return sent.text("Xcv", SHORT).strip(), sent.text("Tcv", SHORT).strip()
