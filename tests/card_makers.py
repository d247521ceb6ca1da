"""Requests as the cards' tests need them: the laptops for Lisbon, in every state."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from approvals_core.models import (
    ActionTaken,
    Approval,
    ApprovalKey,
    Attachment,
    Content,
    Decision,
    Level,
    Mark,
    Named,
    Person,
    Place,
    PlaceState,
)
from approvals_core.ports import View
from approvals_core.rules.standing import as_seen
from approvals_core.tenant import Action, Api, Caller, Comment, People, Shown, Style, Tenant
from cards.viewer import Viewer

TENANT_ID = "93f9b688-ddc3-43aa-b617-c05a415d1612"
DIRECTORY = "11111111-aaaa-4aaa-8aaa-111111111111"
ASKED_AT = datetime(2026, 11, 18, 9, 12, tzinfo=UTC)
DECIDED_AT = datetime(2026, 11, 20, 10, 31, tzinfo=UTC)

MARIA = Person(directory=DIRECTORY, object_id="0001", name="Maria Keller")
JONAS = Person(directory=DIRECTORY, object_id="0002", name="Jonas Berg")
PRIYA = Person(directory=DIRECTORY, object_id="0003", name="Priya Nair")


def a_person(name: str) -> Person:
    return MARIA.model_copy(update={"name": name})


VIEWER = Viewer(user_id="29:1a2b3c", locale="en-GB", zone="Europe/Berlin")

APPROVE = Action(code="Approve", label="Approve", past="Approved", style=Style.POSITIVE)
REJECT = Action(
    code="Reject",
    label="Reject",
    past="Rejected",
    style=Style.DESTRUCTIVE,
    comment=Comment.REQUIRED,
)
NEED_INFO = Action(
    code="NeedMoreInformation",
    label="Need info",
    past="Information asked for",
    comment=Comment.REQUIRED,
)


def a_tenant(**fields: Any) -> Tenant:
    usual: dict[str, Any] = {
        "document_type_id": TENANT_ID,
        "code": "pr",
        "name": "Contoso Purchasing",
        "request_word": "Purchase requisition",
        "people": People(directory=DIRECTORY),
        "callers": (Caller(directory=DIRECTORY, app_id=DIRECTORY),),
        "api": Api(base_url="https://erp.example.com", resource="api://erp", action="/act"),
        "actions": (APPROVE, REJECT, NEED_INFO),
        "shown": Shown(decide_by="AdditionalData.DecideBy"),
    }
    return Tenant(**usual | fields)


def a_place(seat: int = 0, **fields: Any) -> Place:
    person = (MARIA, JONAS, PRIYA)[seat]
    alias = f"johndoe{seat + 1}"
    usual: dict[str, Any] = {
        "seat": seat,
        "alias": alias,
        "names": (alias,),
        "person": person,
        "mark": Mark(0, 1),
        "state": PlaceState.PENDING,
        "attempt": 1,
        "round": 1,
        "asked_at": ASKED_AT,
    }
    return Place(**usual | fields)


def a_content(**fields: Any) -> Content:
    usual: dict[str, Any] = {
        "title": "Laptops for the Lisbon design team",
        "unit_value": "12480",
        "unit_of_measure": "EUR",
        "submitted": "2026-11-18T09:12:00Z",
        "detail_page_url": "https://erp.example.com/requests/PR-2026-00417",
        "company_code": "1010",
        "submitter": Named(alias="johndoe11", name="Ana Ruiz"),
        "custom_attribute": ("Vendor", "Nordlicht IT GmbH"),
        "hierarchy": (
            Level(kind="Line manager", approvers=(Named(alias="johndoe2"),)),
            Level(kind="Finance", approvers=(Named(alias="johndoe1"),)),
            Level(kind="CFO", approvers=(Named(alias="johndoe3", name="Priya Nair"),)),
        ),
        "additional": {
            "CostCentre": "4210 – Product Design",  # noqa: RUF001 - as people type it
            "Project": "LIS-EXPANSION_2026",
            "DeliverTo": "Rua Garrett 12, Lisbon",
            "DecideBy": "2026-11-24T17:00:00Z",
        },
        "attachments": (
            Attachment(
                name="Quote_Nordlicht_Q-20931.pdf",
                url="https://erp.example.com/f/9d1f",
                size=188_416,
            ),
            Attachment(id="77", name="Headcount-plan-LIS.xlsx", size=43_000),
        ),
        "notes": "Four designers join on 1 December. Their machines must arrive a week earlier "
        "so that IT can enrol them. The vendor holds this price until 27 November.",
    }
    return Content(**usual | fields)


DETAILS = {
    "DT1": json.dumps({"BudgetLeft": "€31,900.00 after this request", "CurrencyCode": "EUR"}),
    "LINE": json.dumps(
        {
            "FooterDetail": {"CurrencyCode": "EUR", "TotalAmount": 12480},
            "LineItems": [
                {
                    "Description": "ThinkPad P16s Gen 4, 64 GB",
                    "Quantity": 4,
                    "UnitPrice": 2240,
                    "ExtendedPrice": 8960,
                },
                {
                    "Description": 'Dell U3225QE 32" monitor',
                    "Quantity": 4,
                    "UnitPrice": 610,
                    "ExtendedPrice": 2440,
                },
                {
                    "Description": "USB-C dock, 130 W",
                    "Quantity": 4,
                    "UnitPrice": 270,
                    "ExtendedPrice": 1080,
                },
            ],
        }
    ),
}

BY_LINE_MANAGER = ActionTaken(
    by="johndoe2",
    action="Approve",
    at=datetime(2026, 11, 18, 14, 40, tzinfo=UTC),
    seat=1,
    round=1,
)


def an_approval(*places: Place, **fields: Any) -> Approval:
    usual: dict[str, Any] = {
        "key": ApprovalKey(TENANT_ID, "PR-2026-00417", "2026"),
        "id": "pr-9q2f4zt1",
        "revision": 3,
        "round": 1,
        "display_number": "PR-2026-00417",
        "content": a_content(),
        "places": places or (a_place(), a_place(1, state=PlaceState.REMOVED)),
        "taken": (BY_LINE_MANAGER,),
        "opened_at": ASKED_AT,
    }
    return Approval(**usual | fields)


def a_decision(**fields: Any) -> Decision:
    usual: dict[str, Any] = {
        "id": "d1",
        "action": "Approve",
        "comment": "Fine for Q4, budget line is confirmed.\nPlease order before the 27th.",
        "by": MARIA,
        "at": DECIDED_AT,
        "channel": "teams",
        "round": 1,
        "revision": 3,
        "attempted_at": DECIDED_AT,
    }
    return Decision(**usual | fields)


def decided(state: PlaceState, seat: int = 0, **fields: Any) -> Place:
    decision = a_decision(**{"by": (MARIA, JONAS, PRIYA)[seat]} | fields)
    return a_place(seat, state=state, decision=decision)


def taken(seat: int | None = 0, **fields: Any) -> ActionTaken:
    usual: dict[str, Any] = {
        "by": f"johndoe{(seat or 0) + 1}",
        "action": "Approve",
        "at": DECIDED_AT,
        "comment": "Fine for Q4, budget line is confirmed.\nPlease order before the 27th.",
        "seat": seat,
        "round": 1,
    }
    return ActionTaken(**usual | fields)


def a_view(
    approval: Approval | None = None,
    *,
    seat: int = 0,
    tenant: Tenant | None = None,
    details: dict[str, str] | None = None,
    round: int | None = None,  # noqa: A002 - as in View
) -> View:
    """Return what the person of a place may see of a request."""
    approval = approval or an_approval()
    place = approval.places[seat]
    shown = approval.round if round is None else round
    seen = as_seen(approval, place, shown) if shown != approval.round else approval
    known = DETAILS if details is None else details
    return View(
        tenant=tenant or a_tenant(),
        approval=seen,
        place=place,
        round=shown,
        details={} if seen.content is None else known,
        closed=(tenant or a_tenant()).closed(DECIDED_AT),
    )


def later(minutes: int) -> datetime:
    return DECIDED_AT + timedelta(minutes=minutes)
