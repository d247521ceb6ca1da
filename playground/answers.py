"""What the sample tenant answers: ApprovalResponses as documented (assent-app WIKI.md, "Approval Response")."""

from typing import NamedTuple

from playground import names
from playground.faults import Fault, FaultKind
from playground.names import Registration
from playground.records import Json

DONE = "The submitted action was processed successfully."
ELSEWHERE = "ANOTHER-4711"  # a document number that no request has


class _No(NamedTuple):
    """A refusal: what is *said* to people, and what the tenant logs."""

    said: str
    logged: str


# Error type 1 is a business rule of the tenant's own, by its code.
_RULES = {
    names.PURCHASING.code: _No(
        "Cost centre 4210 has €900.00 left in Contoso Purchasing, too little for this request."
        " Ask its owner for more budget first.",
        "Code_BG014: Budget exceeded for cost object 4210.",
    ),
    names.EXPENSES.code: _No(
        "Contoso Expenses has closed the month of this report. Ask accounting to open it again first.",
        "Code_PC007: Posting period is closed.",
    ),
    names.CAPEX.code: _No(
        "Contoso Capital has €60,000.00 left in next year's plan, too little for this request."
        " Ask controlling to put another project off first.",
        "Code_IM021: Budget exceeded for the investment programme.",
    ),
}
# 2 is something that went wrong there, 3 passes; 2 is the documented sample, sic.
_TROUBLES = {
    2: _No(
        "You do not have Safe Limits to approve this request. Please visit <https://somesystem.com > and submit"
        " a new Safe Limit request. Once the have valid Authorization limits, you would be able to take action on"
        " this request. Please contact mailto:<supportalias mailto:<supportalias <mailto:<supportalias>> for any"
        " kind of support.",
        "Code_SL001: Unable to check safe limits for Safe Service. No active entity present in the database"
        " for the given user.",
    ),
    3: _No(
        "Your request could not be processed. Please try again later",
        "Code_DB002: Timeout while waiting for a connection.",
    ),
}


def done(request: Json) -> Json:
    return _response(request, error=None, said=DONE, result=True)


def refused(request: Json, fault: Fault, by: Registration) -> Json:
    """Say no, as the tenant *by* does: with *fault*'s error type, or as transient with its RetryInterval."""
    kind = 3 if fault.kind is FaultKind.TRANSIENT else fault.error_type
    no = _TROUBLES.get(kind) or _RULES[by.code]
    said = fault.text or no.said
    if not kind:
        return _response(request, error=None, said=said, result=False)
    error: Json = {"ErrorMessages": [no.logged], "ErrorType": kind, "RetryInterval": 0}
    if kind == 3:  # noqa: PLR2004 -- documented number
        error["RetryInterval"] = fault.minutes
    if error["RetryInterval"] is None:
        del error["RetryInterval"]
    return _response(request, error=error, said=said, result=False)


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
