"""What a sample system does by itself: from a decision it works out the ARX that comes next."""

import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from playground.names import DOMAIN
from playground.records import Json

CREATE, UPDATE, DELETE = 1, 2, 3
_APPROVING = ("approve", "approveexception", "approvepart")
_HANDING_ON = ("reassign", "passon")
_QUARTERS = 4
_PAYMENT_TERMS = "30 days net"
_YEAR = re.compile(r"20\d\d")

NameOf = Callable[[str], str]


def fresh(template: str, *, at: datetime) -> str:
    """Return the CREATE of *template* as a request of its own: with a new number, and sent *at*."""
    number = re.search(r'"DocumentNumber"\s*:\s*"([^"]+)"', template)
    arx = template
    if number is not None:
        arx = arx.replace(number[1], re.sub(r"\d+", _other_digits, number[1]))
    return re.sub(
        r'("OperationDateTime"\s*:\s*)"[^"]*"', lambda found: f'{found[1]}"{_written(at)}"', arx
    )


def _other_digits(found: re.Match[str]) -> str:
    if _YEAR.fullmatch(found[0]):
        return found[0]
    return str(secrets.randbelow(9) + 1) + "".join(str(secrets.randbelow(10)) for _ in found[0][1:])


def asked_in(arx: Json) -> list[str]:
    """Return the aliases whom an ARX asks."""
    return [str(one.get("Alias", "")) for one in arx.get("Approvers") or []]


def next_arx(newest: Json, decision: Json, *, name_of: NameOf, at: datetime) -> Json | None:
    """
    Return the ARX that follows from a decision; None: nothing moves.

    *newest* is the ARX sent last for the document. The route is its ApprovalHierarchy:
    whoever approves is followed by the next level, and after the last one nobody is asked.
    """
    if newest.get("Operation") == DELETE:
        return None
    step = _Step(newest, decision, name_of, at)
    action = str(decision.get("Action", "")).casefold()
    if action in _APPROVING:
        return step.on()
    if action == "reject":
        return step.ended()
    if action in _HANDING_ON:
        return step.handed_on()
    return step.with_one_more() if action == "addapprover" else None


class _Step:
    """One decision on one request, and where it leads."""

    def __init__(self, newest: Json, decision: Json, name_of: NameOf, at: datetime) -> None:
        self._newest = newest
        self._decision = decision
        self._name_of = name_of
        self._at = at
        self._by = str(decision.get("ActionByAlias", ""))
        self._levels = [_aliases(level) for level in self._hierarchy()]

    def on(self) -> Json:
        following = self._levels[self._level() + 1 : self._level() + 2]
        if not following:
            return self.ended()
        return self._arx(UPDATE, asks=following[0], drops=asked_in(self._newest), after=True)

    def ended(self) -> Json:
        return self._arx(DELETE, asks=[], drops=asked_in(self._newest))

    def handed_on(self) -> Json:
        level = [self._new() if one == self._by else one for one in self._levels[self._level()]]
        return self._arx(
            UPDATE, asks=[self._new()], drops=[self._by], hierarchy=self._with(level, replaces=True)
        )

    def with_one_more(self) -> Json:
        """Ask the new approver first, or once the present one is done."""
        first = self._given("SequenceID").casefold() == "before"
        hierarchy = self._with([self._new()], before=first)
        now = asked_in(self._newest)
        return self._arx(
            UPDATE, asks=[self._new()] if first else now, drops=now, hierarchy=hierarchy
        )

    def _hierarchy(self) -> list[Json]:
        return list((self._newest.get("SummaryData") or {}).get("ApprovalHierarchy") or [])

    def _level(self) -> int:
        """Return at which level of the route he who decided stands; before the first one if nowhere."""
        wanted = self._by.casefold()
        at = (n for n, level in enumerate(self._levels) if wanted in map(str.casefold, level))
        return next(at, -1)

    def _given(self, name: str) -> str:
        return str((self._decision.get("ActionDetails") or {}).get(name) or "")

    def _new(self) -> str:
        return self._given("NewApproverAlias")

    def _with(
        self, level: list[str], *, before: bool = False, replaces: bool = False
    ) -> list[Json]:
        """Return the route with one more level beside the present one, or in its place."""
        hierarchy, at = self._hierarchy(), max(self._level(), 0)
        kind = hierarchy[at].get("ApproverType") if replaces and hierarchy else "Interim"
        new = {"Approvers": [self._person(one) for one in level], "ApproverType": kind}
        begins = at if before or replaces else at + 1
        return [*hierarchy[:begins], new, *hierarchy[begins + (1 if replaces else 0) :]]

    def _person(self, alias: str) -> Json:
        return {"Alias": alias, "Name": self._name_of(alias)}

    def _arx(
        self,
        operation: int,
        *,
        asks: list[str],
        drops: list[str],
        after: bool = False,
        hierarchy: list[Json] | None = None,
    ) -> Json:
        summary = self._newest.get("SummaryData") or {}
        if hierarchy is not None:
            summary = summary | {"ApprovalHierarchy": hierarchy}
        return self._newest | {
            "Operation": operation,
            "Approvers": [self._person(one) for one in asks] or None,
            "DeleteFor": drops,
            "ActionDetail": self._action_detail(asks if after else []),
            "SummaryData": summary,
            "OperationDateTime": _written(self._at),
            "Telemetry": self._telemetry(operation),
            **self._notification(asks),
        }

    def _notification(self, asks: list[str]) -> Json:
        """Ask for a mail to each who is asked next, or to who began it once it is over; {}: it never asked for mails."""
        before = self._newest.get("NotificationDetail")
        if not before:
            return {}
        submitter = (self._newest.get("SummaryData") or {}).get("Submitter") or {}
        to = asks or [str(submitter.get("Alias", ""))]
        wanted = {"TemplateKey": "PendingApproval" if asks else "ApprovalComplete"}
        wanted["To"] = ";".join(f"{alias}@{DOMAIN}" for alias in to if alias)
        return {"NotificationDetail": before | wanted}

    def _action_detail(self, following: list[str]) -> Json:
        """Say who did what, for the history (assent-app WIKI.md, "Update Payload")."""
        new = self._new() or next(iter(following), "")
        delegate = self._decision.get("ActionByDelegateInMSApprovals") or ""
        return {
            "CorrelationId": (self._decision.get("Telemetry") or {}).get("Tcv", ""),
            "Name": self._decision.get("Action"),
            "Date": self._given("ActionDate") or _written(self._at),
            "Comment": self._given("Comment"),
            "ActionBy": self._person(self._by),
            "NewApprover": self._person(new) if new else None,
            "Placement": self._given("SequenceID") or ("After" if following else ""),
            "AdditionalData": {"ActionByDelegateInMSApprovals": delegate},
            "UserActionFailureReason": "",
        }

    def _telemetry(self, operation: int) -> Json:
        before = self._newest.get("Telemetry") or {}
        words = {UPDATE: "Update", DELETE: "Delete"}
        name = str(before.get("BusinessProcessName", "")).rpartition("-")[0]
        return before | {
            "Tcv": secrets.token_hex(16),
            "BusinessProcessName": f"{name}-{words[operation]}",
        }


def details_of(operation: str, summary: Json) -> Json | None:
    """Return a details operation that no ARX carried; None: there is no such operation."""
    make = {"PLAN": _plan, "DT1": _requisition}.get(operation)
    return make(summary) if make else None


def _plan(summary: Json) -> Json:
    """Return when it is spent: in equal parts, over the year after the one in which it is asked for."""
    amount = float(summary.get("UnitValue") or 0) / _QUARTERS
    asked_in_year = str((summary.get("ApprovalIdentifier") or {}).get("FiscalYear") or "")
    year = int(asked_in_year) + 1 if _YEAR.fullmatch(asked_in_year) else ""
    unit = str(summary.get("UnitOfMeasure") or "")
    written = f"€{amount:,.2f}" if unit == "EUR" else f"{amount:,.2f} {unit}".strip()
    rows = [{"Quarter": f"Q{n} {year}".strip(), "Amount": written} for n in range(1, _QUARTERS + 1)]
    return {"Quarters": rows}


def _requisition(summary: Json) -> Json:
    """Return a requisition's head: what its summary says of it, and how it is paid."""
    identifier = summary.get("ApprovalIdentifier") or {}
    own = summary.get("CustomAttribute") or {}
    name = own.get("CustomAttributeName")
    named = {name: own.get("CustomAttributeValue")} if name else {}
    more = summary.get("AdditionalData") or {}
    return {
        "DocumentNumber": identifier.get("DocumentNumber", ""),
        "CurrencyCode": summary.get("UnitOfMeasure", ""),
        **named,
        **{key: value for key, value in more.items() if key != "DecideBy"},
        "PaymentTerms": _PAYMENT_TERMS,
    }


def _aliases(level: Json) -> list[str]:
    return [str(one.get("Alias", "")) for one in level.get("Approvers") or []]


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
