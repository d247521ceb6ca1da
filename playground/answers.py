"""What the sample tenant answers: ApprovalResponses as documented (assent-app WIKI.md, "Approval Response")."""

from playground.faults import Fault, FaultKind
from playground.records import Json

DONE = "The submitted action was processed successfully."
ELSEWHERE = "ANOTHER-4711"  # a document number that no request has
# Error type 1 is a business rule of the tenant, 2 something that went wrong there; 2 is the documented sample, sic.
_SAID = {
    1: "Cost centre 4210 has €900.00 left, this request needs €12,480.00. Ask its owner for more budget first.",
    2: (
        "You do not have Safe Limits to approve this request. Please visit <https://somesystem.com > and submit"
        " a new Safe Limit request. Once the have valid Authorization limits, you would be able to take action on"
        " this request. Please contact mailto:<supportalias mailto:<supportalias <mailto:<supportalias>> for any"
        " kind of support."
    ),
    3: "Your request could not be processed. Please try again later",
}
_LOGGED = {
    1: "Code_BG014: Budget exceeded for cost object 4210.",
    2: (
        "Code_SL001: Unable to check safe limits for Safe Service. No active entity present in the database"
        " for the given user."
    ),
    3: "Code_DB002: Timeout while waiting for a connection.",
}


def done(request: Json) -> Json:
    return _response(request, error=None, said=DONE, result=True)


def refused(request: Json, fault: Fault) -> Json:
    """Say no: with *fault*'s error type, or as transient with its RetryInterval."""
    kind = 3 if fault.kind is FaultKind.TRANSIENT else fault.error_type
    if not kind:
        return _response(request, error=None, said=fault.text or _SAID[1], result=False)
    error: Json = {"ErrorMessages": [_LOGGED[kind]], "ErrorType": kind, "RetryInterval": 0}
    if kind == 3:  # noqa: PLR2004 -- documented number
        error["RetryInterval"] = fault.minutes
    if error["RetryInterval"] is None:
        del error["RetryInterval"]
    return _response(request, error=error, said=fault.text or _SAID[kind], result=False)


def for_another(response: Json) -> Json:
    """Return the same answer for a document that nobody asked about."""
    named = {"DisplayDocumentNumber": ELSEWHERE, "DocumentNumber": ELSEWHERE, "FiscalYear": "1999"}
    return response | {"ApprovalIdentifier": named}


def mixed_up(responses: list[Json], kind: FaultKind) -> list[Json]:
    """Return the answers of an array as a tenant gives them that cannot count."""
    match kind:
        case FaultKind.SHORT:
            return responses[:-1]
        case FaultKind.LONG:
            return [*responses, *map(for_another, responses[:1])]
        case FaultKind.REORDERED:
            return responses[::-1]
        case FaultKind.DOUBLED:
            return [one for one in responses for _ in range(2)]
        case _:
            return [one | {"ActionResult": result} for one in responses for result in (True, False)]


def _response(request: Json, *, error: Json | None, said: str, result: bool) -> Json:
    telemetry = request.get("Telemetry") or {}
    outcome = "Success" if result else "Failure"
    return {
        "DocumentTypeID": request.get("DocumentTypeID"),
        "ActionResult": result,
        "ApprovalIdentifier": request.get("ApprovalIdentifier"),
        "E2EErrorInformation": error,
        "DisplayMessage": said,
        "Telemetry": {
            "Tcv": telemetry.get("Tcv"),
            "Xcv": telemetry.get("Xcv"),
            "BusinessProcessName": f"Approvals-TenantName-Action-{outcome}",
        },
    }
