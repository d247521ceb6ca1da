"""What we post to a tenant's Action API, and how its answer is read (assent-app WIKI.md)."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from approvals_core.arx.reading import Json, as_text
from approvals_core.models import Approval, ApprovalKey, Decision, Person, Place
from approvals_core.ports import Answer, AnswerKind
from approvals_core.tenant import AliasIs, Tenant

MESSAGE = 4000  # characters of DisplayMessage kept
ERRORS = 20  # messages kept, for the log
ERROR = 1000  # characters of each

RETRY_UNNAMED = 5  # minutes, where the tenant names no time that makes sense
RETRY_LEAST = 1
RETRY_MOST = 60

_TRANSIENT = {"3", "unintendedtransienterror"}  # ErrorType, as number or by name
_NOT_TAKEN_AGAIN = {401, 429}
_MAY_HAVE_ARRIVED = {408, 409}


def approval_request(
    tenant: Tenant, approval: Approval, place: Place, decision: Decision
) -> dict[str, object]:
    """Return the ApprovalRequest of one decision, as documented for a single approval."""
    request: dict[str, object | None] = {
        "DocumentTypeID": tenant.document_type_id,
        "Action": decision.action,
        "ActionByAlias": place.alias,
        "ActionByDelegateInMSApprovals": _delegate(tenant, place, decision),
        "OriginalApproverInTenantSystem": next(iter(place.original_approvers), None),
        "ActionDetails": _action_details(tenant, decision),
        "ApprovalIdentifier": _identifier(approval),
        "AdditionalData": _additional(tenant, approval, decision),
        "Telemetry": {
            "Tcv": decision.id,
            "Xcv": approval.xcv or approval.display_number,
            "BusinessProcessName": f"Approvals-{tenant.name}-ApprovalAction-{decision.action}",
            "TenantTelemetry": {},
        },
    }
    return {name: value for name, value in request.items() if value is not None}


def read_response(body: bytes, status: int, key: ApprovalKey) -> Answer:
    """
    Return what the tenant's answer means for the document *key*.

    A well-formed ApprovalResponse for it counts by its ActionResult, whatever the
    HTTP *status*; true with an error status contradicts itself and is unusable. Of
    an array the entry of the document counts. Anything else counts by the status.
    """
    response = _response_for(decoded(body), key)
    return by_status(status) if response is None else read_entry(response, status, key)


def read_entry(response: Mapping[str, Json], status: int, key: ApprovalKey) -> Answer:
    """Return what one ApprovalResponse, its names in lower case, means for the document *key*."""
    result = response.get("actionresult")
    if "actionresult" not in response:
        return by_status(status, _message(response))
    if not isinstance(result, bool):
        return unknown_answer(status, "ActionResult is no truth value")
    if not names_document(response, key):
        return unknown_answer(status, "the answer is for another document")
    if result:
        return _accepted(status, response)
    return _refused(status, response)


def _delegate(tenant: Tenant, place: Place, decision: Decision) -> str | None:
    if place.person is not None and place.person.id == decision.by.id:
        return None
    return _alias(decision.by, tenant)


def _action_details(tenant: Tenant, decision: Decision) -> dict[str, str]:
    """Return what was chosen, by the names Assent has for it; what was not is not there."""
    named = decision.new_approver
    chosen = {
        "ReasonCode": decision.reason_code,
        "ReasonText": decision.reason_text,
        "NewApproverAlias": _alias(named, tenant) if named else "",
        "SequenceID": decision.placement,
        "ApproverType": decision.approver_type,
    }
    said = {"Comment": decision.comment, "ActionDate": _date(decision.at)}
    return said | {name: value for name, value in chosen.items() if value}


def _alias(person: Person, tenant: Tenant) -> str:
    """Return what the tenant calls somebody whom it did not name itself."""
    if tenant.people.alias_is is AliasIs.MAIL_NICKNAME and person.nickname:
        return person.nickname
    alias, at, domain = person.upn.rpartition("@")
    if at and domain.lower() in tenant.people.mail_domains:
        return alias
    return person.upn or person.object_id


def _identifier(approval: Approval) -> dict[str, str]:
    identifier = {
        "DisplayDocumentNumber": approval.display_number,
        "DocumentNumber": approval.key.number,
    }
    return identifier | ({"FiscalYear": approval.key.year} if approval.key.year else {})


def _additional(tenant: Tenant, approval: Approval, decision: Decision) -> dict[str, str]:
    content = approval.content
    if content is None or not tenant.api.echo_additional_data:
        return dict(decision.inputs)
    return content.additional | decision.inputs


def _date(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def decoded(body: bytes) -> Json:
    """Return the JSON of an answer, None if it is none."""
    try:
        text = body.decode("utf-8-sig")
        return _whole(json.loads(text)) if "\\ud" in text.lower() else json.loads(text)
    except (ValueError, RecursionError):  # what is no UTF-8 is a ValueError too
        return None


def _whole(sent: Json) -> Json:
    """Replace halves of characters: tenants cut texts in the middle of an emoji, and nobody can store those."""
    if isinstance(sent, str):
        return sent.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(sent, list):
        return [_whole(each) for each in sent]
    if isinstance(sent, dict):
        return {str(_whole(name)): _whole(value) for name, value in sent.items()}
    return sent


def _response_for(answer: Json, key: ApprovalKey) -> Mapping[str, Json] | None:
    if isinstance(answer, dict):
        return lowered(answer)
    if not isinstance(answer, list):
        return None
    entries = [lowered(entry) for entry in answer if isinstance(entry, dict)]
    ours = [entry for entry in entries if document_number(entry) and names_document(entry, key)]
    return ours[0] if len(ours) == 1 else None


def names_document(response: Mapping[str, Json], key: ApprovalKey) -> bool:
    """Tell whether an answer contradicts none of what names the document."""
    identifier = _object(response.get("approvalidentifier"))
    said = (
        (as_text(response.get("documenttypeid")).lower().strip(" {}"), key.tenant),
        (document_number(response), key.number.strip()),
        (as_text(identifier.get("fiscalyear")).strip(), key.year.strip()),
    )
    return all(not named or not ours or named == ours for named, ours in said)


def document_number(response: Mapping[str, Json]) -> str:
    """Return the DocumentNumber an answer names, or ""."""
    identifier = _object(response.get("approvalidentifier"))
    return as_text(identifier.get("documentnumber")).strip()


def _accepted(status: int, response: Mapping[str, Json]) -> Answer:
    if not _is_success(status):
        return unknown_answer(status, "ActionResult is true")
    return Answer(kind=AnswerKind.ACCEPTED, message=_message(response))


def _refused(status: int, response: Mapping[str, Json]) -> Answer:
    error = _object(response.get("e2eerrorinformation"))
    message, errors = _message(response), _errors(error.get("errormessages"))
    kind = as_text(error.get("errortype")).strip().lower()
    if kind not in _TRANSIENT:
        reason = f"refused, ErrorType {kind[:20] or 'missing'}, HTTP {status}"
        return Answer(kind=AnswerKind.REFUSED, message=message, errors=errors, reason=reason)
    minutes, named = _retry_interval(error.get("retryinterval"))
    reason = "ErrorType 3" if named else f"ErrorType 3, no usable RetryInterval: {minutes} minutes"
    return Answer(
        kind=AnswerKind.AGAIN,
        message=message,
        errors=errors,
        retry_after=minutes * 60.0,
        reason=reason,
    )


def _retry_interval(sent: Json) -> tuple[float, bool]:
    """Return minutes within our bounds, and whether the tenant named them."""
    try:
        minutes = float("" if isinstance(sent, bool) else as_text(sent))
    except ValueError:
        return RETRY_UNNAMED, False
    if not minutes > 0:  # NaN is not
        return RETRY_UNNAMED, False
    return min(max(minutes, RETRY_LEAST), RETRY_MOST), True


def by_status(status: int, message: str = "") -> Answer:
    """Return what an answer means that says nothing of the document."""
    reason = f"HTTP {status}"
    if status in _NOT_TAKEN_AGAIN:
        return Answer(kind=AnswerKind.AGAIN, message=message, reason=reason)
    if status in range(400, 500) and status not in _MAY_HAVE_ARRIVED:
        return Answer(kind=AnswerKind.NOT_TAKEN, message=message, reason=reason)
    return unknown_answer(status, "no usable answer")


def unknown_answer(status: int, why: str) -> Answer:
    """Say that nobody knows whether the decision arrived."""
    return Answer(kind=AnswerKind.UNKNOWN, reason=f"HTTP {status}, {why}")


def _is_success(status: int) -> bool:
    return status in range(200, 300)


def _message(response: Mapping[str, Json]) -> str:
    return as_text(response.get("displaymessage")).strip()[:MESSAGE]


def _errors(sent: Json) -> tuple[str, ...]:
    found = sent if isinstance(sent, list) else [] if sent is None else [sent]
    return tuple(as_text(error)[:ERROR] for error in found[:ERRORS])


def _object(value: Json) -> Mapping[str, Json]:
    return lowered(value) if isinstance(value, dict) else {}


def lowered(sent: dict[str, Json]) -> dict[str, Json]:
    """Return *sent* with its names in lower case: tenants write them as they like."""
    return {name.lower(): value for name, value in sent.items()}
