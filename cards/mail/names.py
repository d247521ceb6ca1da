"""What a tenant's template can name, and what each name says of one request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from approvals_core.models import Occasion, PlaceState
from approvals_core.ports import View
from approvals_core.rules.standing import last_taken
from cards import text
from cards.approval.content import parsed
from cards.approval.route import called, who
from cards.approval.sections import summary_of
from cards.approval.standing import past_of
from cards.formats import day, moment, money, time_as_sent
from cards.html.parts import Request
from cards.html.request import steps_html, written
from cards.mail.document import Foot, ToDo
from cards.viewer import Viewer


@dataclass(frozen=True)
class Name:
    """What stands below a name: nothing below a text, and anything in a table of the tenant's own."""

    below: Mapping[str, "Name"] = field(default_factory=dict[str, "Name"])
    anything: bool = False


def _names(*names: str, **tables: Name) -> Name:
    return Name({**dict.fromkeys(names, Name()), **tables})


_ANYTHING = Name(anything=True)
_PERSON = _names("Alias", "Name")
_SUMMARY = _names(
    *("Title", "UnitValue", "UnitOfMeasure", "CurrencyCode", "SubmittedDate", "CompanyCode"),
    *("ApproverNotes", "DetailPageURL"),
    Submitter=_PERSON,
    CustomAttribute=_names("CustomAttributeName", "CustomAttributeValue"),
    AdditionalData=_ANYTHING,
    ApprovalIdentifier=_names("DisplayDocumentNumber", "DocumentNumber", "FiscalYear"),
)
_ACTION = _names(
    *("Name", "Past", "Date", "Comment", "Reason"), ActionBy=_PERSON, NewApprover=_names("Name")
)
NAMES = {
    **_SUMMARY.below,
    "SummaryData": _SUMMARY,
    "Details": _ANYTHING,
    "Approver": _PERSON,
    "ActionDetail": _ACTION,
    "Tenant": _names("Name", "Code", "RequestWord"),
    **dict.fromkeys(("Total", "DecideBy", "State", "Sentence", "Occasion"), Name()),
    **dict.fromkeys(("PageURL", "ToDo", "Why", "Subject"), Name()),
    **dict.fromkeys(("ApproverChain", "request"), Name()),  # HTML
}


class Told(NamedTuple):
    """What the mail says beside the request."""

    occasion: Occasion
    action: str  # that the payload named
    subject: str
    first: str
    to_do: ToDo
    foot: Foot


def values(
    names: frozenset[str],
    view: View,
    viewer: Viewer,
    told: Told,
    found: Request,
) -> dict[str, object]:
    """Return what each of *names* says, which are some of `NAMES`; the others are not made."""
    makers = _makers(view, viewer, told, found)
    return {name: makers[name]() for name in names}


def _makers(
    view: View, viewer: Viewer, told: Told, found: Request
) -> dict[str, Callable[[], object]]:
    summary = _summary(view, viewer)
    return {
        **{name: _giving(value) for name, value in summary.items()},
        "SummaryData": lambda: summary,
        "Total": lambda: found.total,
        "DecideBy": lambda: found.decide_by,
        "Details": lambda: parsed(view.details),
        "Approver": lambda: _approver(view),
        "ActionDetail": lambda: _action(view, viewer, told.action),
        "Tenant": lambda: _tenant(view),
        "State": lambda: found.badge,
        "Sentence": lambda: told.first,
        "Occasion": lambda: told.occasion.value,
        "PageURL": lambda: told.to_do.url,
        "ToDo": lambda: " ".join(told.to_do.words),
        "Why": lambda: told.foot.why,
        "Subject": lambda: told.subject,
        "ApproverChain": lambda: steps_html(found.route) if found.route else "",
        "request": lambda: written(found, inline=True),
    }


def _giving(value: object) -> Callable[[], object]:
    return lambda: value


def _summary(view: View, viewer: Viewer) -> dict[str, object]:
    """Return the summary by its names on the wire; amount and date are written for the reader."""
    content, approval = view.approval.content, view.approval
    number = {
        "DisplayDocumentNumber": approval.display_number,
        "DocumentNumber": approval.key.number,
        "FiscalYear": approval.key.year,
    }
    if content is None:
        return {**dict.fromkeys(_SUMMARY.below, ""), "ApprovalIdentifier": number}
    at = time_as_sent(content.submitted)
    return {
        **summary_of(content),
        "UnitValue": money(content.unit_value, "", viewer.locale) if content.unit_value else "",
        "SubmittedDate": day(at, viewer.locale, viewer.zone) if at else content.submitted,
        "DetailPageURL": text.safe_url(content.detail_page_url) or "",
        "ApprovalIdentifier": number,
    }


def _approver(view: View) -> dict[str, object]:
    """Return the reader, if he is an approver, else all who are asked now."""
    if view.place.seat >= 0:
        return {"Alias": view.place.alias, "Name": called(view.approval, view.place)}
    asked = [p for p in view.approval.places if p.state is not PlaceState.REMOVED]
    return {
        "Alias": ", ".join(place.alias for place in asked),
        "Name": ", ".join(called(view.approval, place) for place in asked),
    }


def _action(view: View, viewer: Viewer, named: str) -> dict[str, object]:
    """Return what was done last in this round; only what the payload *named*, if nothing was."""
    taken = last_taken(view.approval)
    if taken is None:
        return {"Name": named}
    action = view.tenant.action(taken.action)
    past, _look = past_of(view, taken.action)
    return {
        "Name": action.label if action else taken.action,
        "Past": past,
        "Date": moment(taken.at, viewer.locale, viewer.zone),
        "Comment": taken.comment,
        "Reason": taken.reason,
        "ActionBy": {"Alias": taken.by, "Name": who(view.approval, taken)},
        "NewApprover": {"Name": taken.new_approver},
    }


def _tenant(view: View) -> dict[str, object]:
    tenant = view.tenant
    return {"Name": tenant.name, "Code": tenant.code, "RequestWord": tenant.request_word}
