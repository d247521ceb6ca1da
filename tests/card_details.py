"""Requests whose details have every shape: as documented, as nobody foresaw, mapped, missing, endless, hostile."""

import json
from typing import Any

from approvals_core.models import (
    Attachment,
    Content,
    Detail,
    DetailState,
    Level,
    Mark,
    Named,
    PlaceState,
)
from approvals_core.ports import View
from approvals_core.tenant import Api, Section, SectionKind, Shown, ShownField, Tenant
from tests.card_extremes import ARABIC, EMOJI, HOSTILE, LONG, REVERSED
from tests.card_makers import DETAILS, a_content, a_place, a_tenant, a_view, an_approval

GONE = a_place(1, state=PlaceState.REMOVED)

# The SummaryData and DetailsData of the CREATE in assent-app's WIKI.md.
WIKI_DETAILS = {
    "DT1": json.dumps(
        {
            "CurrencyCode": "USD",
            "CurrentApprover": "johndoe1",
            "DocumentNumber": "Req-118480978",
            "FiscalYear": "2022",
            "InvoiceAmount": "10",
            "InvoiceDate": "2020-10-12T00:00:00",
            "InvoiceNumber": "Req-118480978",
            "IsFinalApprover": True,
            "PaymentTerms": "2% Discount 10 days, net 60 days",
            "Vendor": "VendorName-1232050274",
            "VendorComments": "NA",
            "VendorInvoiceNumber": "Req-118480978",
            "VendorName": "VendorName",
            "VendorNumber": "1232050274",
            "ApproverNotes": "NA",
        }
    ),
    "LINE": json.dumps(
        {
            "FooterDetail": {
                "CurrencyCode": "USD",
                "DutyOrCustoms": 0,
                "ShippingAndHandlingOrFreight": 0,
                "SubTotal": 2.5,
                "Tax": 1.5,
                "TotalAmount": 10,
            },
            "LineItems": [
                {
                    "AssosiatedLineItemID": "001",
                    "CurrencyCode": "USD",
                    "Description": "Age Paws Paws Nothing",
                    "ExtendedPrice": 8,
                    "Account": "752001",
                    "LineItemNumber": "1",
                    "SubstanceGroup": "82101905 - Static Media Delivery",
                    "PONumber": None,
                    "Quantity": 1,
                    "SAPCostObject": "9991010",
                    "TaxCode": "G0",
                    "UnitPrice": 10,
                }
            ],
        }
    ),
}


def a_wiki_content() -> Content:
    return Content(
        title="Title of the request",
        unit_value="19515",
        unit_of_measure="USD",
        submitted="2018-04-13T00:00:00",
        detail_page_url="https://tenant.com/",
        company_code="1010",
        submitter=Named(alias="johndoe11", name="johndoe11"),
        custom_attribute=("SupplierName", "ABC PVT LTD"),
        hierarchy=(Level(kind="Interim", approvers=(Named(alias="johndoe1"),)),),
        additional={"MS_IT_Comments": "Please review"},
        attachments=(Attachment(name="Image2.png", url="https://urltothedocument.com"),),
        notes="Justifications for the request",
    )


# A contract, in the words of a system that nobody here knows.
CONTRACT: dict[str, Any] = {
    "HDR": {
        "CurrencyCode": "EUR",
        "ContractNumber": "4600012345",
        "StartDate": "2026-12-01",
        "IsFrameworkOrder": True,
        "AnnualCost": 6240.5,
        "Supplier": {
            "Name": "Nordlicht IT GmbH",
            "City": "Hamburg",
            "IsNew": False,
            "Contacts": [{"Name": "Jan Petersen"}, {"Name": "Aylin Demir"}],
        },
    },
    "ALLOC": [
        {"CostCenter": "4210", "Name": "Product Design", "Share": "60 %", "Amount": 7488},
        {"CostCenter": "4310", "Name": "Research", "Share": "25 %", "Amount": 3120},
        {"CostCenter": "1010", "Name": "Office Lisbon", "Share": "15 %", "Amount": 1872},
    ],
    "PLAN": {
        "Milestones": [
            {
                "Title": "Order placed with the supplier",
                "DueDate": "2026-11-27",
                "Owner": {"Name": "Ana Ruiz", "Mail": "ana@example.com"},
                "Paid": 3744,
                "Currency": "EUR",
            },
            {
                "Title": "Machines delivered and enrolled",
                "DueDate": "2026-12-11",
                "Owner": {"Name": "Tom Okafor", "Mail": "tom@example.com"},
                "Paid": 8736,
                "Currency": "EUR",
            },
        ],
        "Risks": [
            "The price is held until 27 November only",
            "Customs may take a week in December",
        ],
    },
}


def _fields(**paths: str) -> tuple[ShownField, ...]:
    return tuple(
        ShownField(label=label.replace("_", " "), path=path) for label, path in paths.items()
    )


MAPPED = Shown(
    decide_by="AdditionalData.DecideBy",
    hidden=("DT1",),
    sections=(
        Section(
            title="Budget",
            source="SummaryData",
            fields=_fields(
                Cost_centre="AdditionalData.CostCentre",
                Asked_for="UnitValue",
                Deliver_to="AdditionalData.DeliverTo",
            ),
        ),
        Section(
            title="What is bought",
            kind=SectionKind.TABLE,
            source="LINE.LineItems",
            fields=_fields(Article="Description", Pieces="Quantity", Price="UnitPrice"),
            rows=2,
        ),
    ),
)


def details_views() -> dict[str, View]:
    """Return requests by the name of their face."""
    wiki = an_approval(a_place(), GONE, content=a_wiki_content(), display_number="REQ-34562-126")
    calm = a_content(additional={"DecideBy": "2026-11-24T17:00:00Z"}, notes="", attachments=())
    quiet = an_approval(a_place(), GONE, content=calm)
    return {
        "details-wiki": a_view(wiki, details=WIKI_DETAILS),
        "details-by-shape": a_view(quiet, details=_texts(CONTRACT)),
        "details-mapped": a_view(tenant=a_tenant(shown=MAPPED)),
        "details-coming": _with_states(DetailState.FETCHING, digest="", texts={}),
        "details-coming-anew": _with_states(DetailState.FETCHING, digest="d", texts=DETAILS),
        "details-missing": _with_states(DetailState.MISSING, digest="", texts={}),
        "details-missing-anew": _with_states(DetailState.MISSING, digest="d", texts=DETAILS),
        "details-endless": a_view(details=_texts(endless())),
        "details-hostile": a_view(quiet, details=_texts(hostile())),
        "details-long-words": a_view(quiet, details=_texts(long_words())),
        "attachments-elsewhere": a_view(tenant=_with_attachment_api()),
    }


def _texts(details: dict[str, Any]) -> dict[str, str]:
    return {name: json.dumps(value) for name, value in details.items()}


def _with_states(state: DetailState, *, digest: str, texts: dict[str, str]) -> View:
    known = tuple(
        Detail(name=name, state=state, mark=Mark(0, 1), digest=digest) for name in ("DT1", "LINE")
    )
    return a_view(an_approval(a_place(), GONE, details=known), details=texts)


def endless() -> dict[str, Any]:
    """Return a hundred of everything."""
    rows = [
        {
            "PositionNumber": f"{1000 + 7 * i}",
            "Description": f"Part {i} of the new storage rack",
            "DueDate": f"2026-12-{1 + i % 28:02}",
            "NetAmount": 125.5 * i,
        }
        for i in range(100)
    ]
    return {
        "LINE": {"Items": rows},
        "SCHEDULE": rows,
        "NOTES": [
            f"Remark {i}: the rack must carry {i} kg on each of its shelves" for i in range(40)
        ],
        "HDR": {f"Field{i}": f"What the system keeps in field {i}" for i in range(80)},
        **{f"X{i}": {"Inner": {"Name": f"Block {i}", "Rows": rows}} for i in range(9)},
    }


def hostile() -> dict[str, Any]:
    """Return details whose every name and text would like to be more than text."""
    return {
        HOSTILE[:30]: {
            HOSTILE: HOSTILE,
            "**Total** amount": 1e300,
            "Is\u202efdp": True,
            "Half": "\ud83d",
            "Deep": {"a": {"b": {"c": {"d": {"e": {"f": HOSTILE}}}}}},
            HOSTILE[20:60]: {HOSTILE[:40]: HOSTILE, REVERSED: ARABIC},
        },
        "LIST": [HOSTILE, f"- {HOSTILE}", "1. one\n2. two", {"x": HOSTILE}, [[HOSTILE]], None],
        "TABLE": [
            {"Name": HOSTILE, "[l](javascript:x)": "# big", "Amount": "1e9", "Note\n\n- x": EMOJI},
            {"Name": "| a | b |", "[l](javascript:x)": "`x`", "Amount": "-0", "Note\n\n- x": "> y"},
        ],
    }


def long_words() -> dict[str, Any]:
    """Return a table and fields whose words are wider than a phone."""
    return {
        "HDR": {"Address": {LONG: LONG, "Iban": "DE02120300000000202051DE0212030000"}},
        "TABLE": [
            {"Number": "A-1", "Description": LONG, "Owner": "W" * 60, "Amount": 123456789012.25},
            {"Number": "A-2", "Description": "x" * 200, "Owner": LONG, "Amount": 1},
        ],
    }


def _with_attachment_api() -> Tenant:
    api = Api(
        base_url="https://erp.example.com",
        resource="api://erp",
        action="/act",
        attachment="/f/{AttachmentId}",
    )
    return a_tenant(api=api)
