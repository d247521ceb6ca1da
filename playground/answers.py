"""What the sample tenant answers: ApprovalResponses as documented (assent-app WIKI.md, "Approval Response")."""

from playground.faults import Fault, FaultKind
from playground.records import Json

DONE = "The submitted action was processed successfully."
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
    return _response(request, error=None, said=DONE)


def refused(request: Json, fault: Fault) -> Json:
    """Say no: with *fault*'s error type, or as transient with its RetryInterval."""
    kind = 3 if fault.kind is FaultKind.TRANSIENT else fault.error_type
    error = {"ErrorMessages": [_LOGGED[kind]], "ErrorType": kind}
    error["RetryInterval"] = fault.minutes if kind == 3 else 0  # noqa: PLR2004 -- documented number
    return _response(request, error=error, said=fault.text or _SAID[kind])


def _response(request: Json, *, error: Json | None, said: str) -> Json:
    telemetry = request.get("Telemetry") or {}
    outcome = "Failure" if error else "Success"
    return {
        "DocumentTypeID": request.get("DocumentTypeID"),
        "ActionResult": error is None,
        "ApprovalIdentifier": request.get("ApprovalIdentifier"),
        "E2EErrorInformation": error,
        "DisplayMessage": said,
        "Telemetry": {
            "Tcv": telemetry.get("Tcv"),
            "Xcv": telemetry.get("Xcv"),
            "BusinessProcessName": f"Approvals-TenantName-Action-{outcome}",
        },
    }
