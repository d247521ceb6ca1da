"""Which field of a request fills what on its card."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from approvals_core.models import Attachment, Content
from approvals_core.tenant import Shown
from cards.approval import approval_card
from cards.approval.content import shown
from cards.approval.items import Item
from tests.card_details import WIKI_DETAILS, a_wiki_content
from tests.card_makers import VIEWER, a_content, a_place, a_tenant, a_view, an_approval
from tests.card_reading import texts


def shown_of(content: Content, details: dict[str, Any], **fields: Any) -> Any:
    sent = {
        name: each if isinstance(each, str) else json.dumps(each) for name, each in details.items()
    }
    approval = an_approval(a_place(), content=content)
    return shown(a_view(approval, details=sent, tenant=a_tenant(**fields)))


def facts_of(content: Content, details: dict[str, Any]) -> dict[str, Any]:
    return {fact.name: fact.value for fact in shown_of(content, details).facts}


NOTHING = a_content(company_code="", custom_attribute=None, additional={})


def test_the_documented_sample_fills_its_card():
    found = shown_of(a_wiki_content(), WIKI_DETAILS)

    assert [(fact.name, fact.value) for fact in found.facts] == [
        ("Supplier name", "ABC PVT LTD"),
        ("Company code", "1010"),
        ("MS IT comments", "Please review"),
        ("Document number", "Req-118480978"),
        ("Fiscal year", "2022"),
        ("Invoice date", datetime(2020, 10, 12, tzinfo=UTC)),
        ("Is final approver", True),
        ("Payment terms", "2% Discount 10 days, net 60 days"),
    ]
    assert found.items.lines == (Item("Age Paws Paws Nothing", "8", "1", "10", "USD"),)
    assert (found.items.total, found.items.is_whole_total) == ("10", False)


def test_the_documented_sample_reads_well():
    approval = an_approval(a_place(), content=a_wiki_content())

    said = texts(approval_card(a_view(approval, details=WIKI_DETAILS), VIEWER).to_dict())

    for words in (
        "US$19,515.00",
        "Requested by **johndoe11**, Fri, 13 Apr 2018",
        "Mon, 12 Oct 2020",
        "Yes",
        "1 × US$10.00",  # noqa: RUF001 - the multiplication sign
        "US$8.00",
        "Items total\nUS$10.00",
        "Justifications for the request",
        "Image2.png",
    ):
        assert words in said


@pytest.mark.parametrize("value", ["", " ", None, "NA", "n/a", "null", [], {}, ["x"], {"a": "b"}])
def test_what_says_nothing_is_no_fact(value):
    assert facts_of(NOTHING, {"DT1": {"Vendor": value}}) == {}


@pytest.mark.parametrize(
    "value",
    ["PR-2026-00417", "eur", "Ana Ruiz", "JOHNDOE1", "2026-11-18T09:12:00Z"],
)
def test_what_the_card_shows_already_is_no_fact(value):
    assert facts_of(NOTHING, {"DT1": {"Something": value}}) == {}


def test_a_number_that_happens_to_be_the_total_is_a_fact_of_its_own():
    assert facts_of(NOTHING, {"DT1": {"Seats": 12480, "TotalAmount": 12480}}) == {"Seats": "12480"}


def test_the_same_name_or_long_text_is_shown_once_but_short_answers_as_often_as_given():
    details = {
        "DT1": {"Vendor": "Nordlicht", "VendorName": "Nordlicht", "IsUrgent": True},
        "DT2": {"vendor": "Other", "IsFinal": True, "Rooms": 1, "Floors": 1},
    }

    assert facts_of(NOTHING, details) == {
        "Vendor": "Nordlicht",
        "Is urgent": True,
        "Is final": True,
        "Rooms": "1",
        "Floors": "1",
    }


def test_there_are_at_most_eight_facts():
    assert len(facts_of(NOTHING, {"DT1": {f"Key{i}": f"value {i}" for i in range(20)}})) == 8


@pytest.mark.parametrize("broken", ["{", "", "not json", "[" * 100_000, "9" * 5000, "NaN"])
def test_details_that_cannot_be_read_are_left_out(broken):
    found = shown_of(NOTHING, {"DT1": broken, "DT2": {"Vendor": "Nordlicht"}})

    assert [fact.name for fact in found.facts] == ["Vendor"]


def test_items_are_the_first_array_of_objects_that_look_like_items():
    details = {
        "DT1": {"Tags": ["a"], "Attachments": [{"Name": "x.pdf"}], "Flags": [{"Code": 1}]},
        "LINE": {"Deep": {"Rows": [{"Title": "Chair", "LineAmount": "9.50"}]}},
        "MORE": {"Rows": [{"Name": "never"}]},
    }

    assert shown_of(NOTHING, details).items.lines == (Item("Chair", "9.50", unit="EUR"),)


def test_an_item_takes_the_first_name_and_amount_there_is():
    row = {"Title": "T", "Name": "N", "Description": " ", "Total": 3, "Amount": 2, "LineAmount": 1}

    lines = shown_of(NOTHING, {"LINE": [row]} | {"X": {"Rows": [row]}}).items.lines

    assert lines == (Item("N", "2", unit="EUR"),)


@pytest.mark.parametrize(
    ("footer", "label"),
    [
        (12480, "Total"),
        ("12480.00", "Total"),
        (12479.5, "Items total"),
        ("about 10", "Items total"),
    ],
)
def test_a_footer_total_is_called_what_it_is(footer, label):
    details = {"LINE": {"Footer": {"Total": footer}, "Rows": [{"Name": "Chair", "Amount": 1}]}}
    approval = an_approval(a_place(), content=NOTHING)
    sent = {name: json.dumps(each) for name, each in details.items()}

    said = texts(approval_card(a_view(approval, details=sent), VIEWER).to_dict())

    assert said.count("Items total") == (label == "Items total")


def test_we_never_add_up_ourselves():
    details = {
        "LINE": json.dumps({"Rows": [{"Name": "A", "Amount": 1}, {"Name": "B", "Amount": 2}]})
    }
    approval = an_approval(a_place(), content=NOTHING)

    said = texts(approval_card(a_view(approval, details=details), VIEWER).to_dict())

    assert "€3.00" not in said
    assert "Items total" not in said


def test_a_total_that_is_no_number_is_shown_as_sent():
    content = a_content(unit_value="to be agreed", unit_of_measure="EUR")
    approval = an_approval(a_place(), content=content)

    assert "to be agreed" in texts(approval_card(a_view(approval), VIEWER).to_dict())


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("AdditionalData.Due", datetime(2026, 11, 24, tzinfo=UTC)),
        ("DT1.Dates.Due", datetime(2026, 11, 25, tzinfo=UTC)),
        ("DT1.Nothing.There", None),
        ("AdditionalData.Text", None),
        (None, None),
    ],
)
def test_decide_by_is_shown_only_where_the_tenants_file_says_so(path, expected):
    content = a_content(additional={"Due": "2026-11-24", "Text": "soon"})
    details = {"DT1": {"Dates": {"Due": "2026-11-25"}}}

    found = shown_of(content, details, shown=Shown(decide_by=path))

    assert found.decide_by == expected
    assert all(fact.value != expected for fact in found.facts)


def test_long_words_stand_beneath_their_name():
    content = a_content(additional={"Link": "https://erp.example.com/a/very/long/address"})
    approval = an_approval(a_place(), content=content)

    card = json.dumps(approval_card(a_view(approval), VIEWER).to_dict())

    assert '"title": "Link"' not in card
    assert '"text": "Link"' in card


def test_an_attachment_is_a_link_only_where_it_leads_somewhere():
    files = (
        Attachment(name="a.pdf", url="https://erp.example.com/a"),
        Attachment(name="b.pdf", url="javascript:alert(1)"),
        Attachment(name="", id="7"),
    )
    approval = an_approval(a_place(), content=a_content(attachments=files))

    card = json.dumps(approval_card(a_view(approval), VIEWER).to_dict())

    assert card.count('"selectAction"') == 1
    assert "javascript" not in card
    assert "Attachments (3)" in card


def test_more_than_ten_of_anything_is_counted():
    rows = [{"Name": f"Chair {i}", "Amount": i} for i in range(37)]
    approval = an_approval(a_place(), content=NOTHING)
    details = {"LINE": json.dumps({"Rows": rows})}

    said = texts(approval_card(a_view(approval, details=details), VIEWER).to_dict())

    assert "Items (37)" in said
    assert "Chair 9\n" in said
    assert "Chair 10" not in said
    assert "and 27 more" in said
