"""What the card makes of details: by their shape, as a tenant's file maps them, and when they are not there."""

import json
import re
from typing import Any

import pytest

from approvals_core.models import Attachment, Detail, DetailState, Mark, PlaceState
from approvals_core.tenant import Api, Section, SectionKind, Shown, ShownField
from cards.approval import approval_card
from cards.approval.arrivals import arrival_words
from cards.approval.content import MOST_FILES, shown
from cards.approval.files import link_of
from cards.approval.room import ROOMS, Room
from cards.approval.sections import (
    COLUMNS,
    MOST_KEYS,
    MOST_SECTIONS,
    Fact,
    Group,
    Lines,
    Table,
    columns_of,
)
from cards.approval.tables import in_sections
from cards.approval.values import Amount
from cards.elements import LIMIT_IN_BYTES
from cards.html.reading import request_of, seen_by_nobody
from tests.card_details import (
    CONTRACT,
    GONE,
    MAPPED,
    WIKI_DETAILS,
    a_wiki_content,
    details_views,
    endless,
    hostile,
)
from tests.card_makers import VIEWER, a_content, a_place, a_tenant, a_view, an_approval
from tests.card_reading import assert_inert, texts

FIELD = ShownField(label="Name", path="Name")


def shown_of(details: dict[str, Any], **fields: Any) -> Any:
    sent = {name: json.dumps(value) for name, value in details.items()}
    return shown(a_view(details=sent, tenant=a_tenant(**fields)))


def sections_of(details: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {section.title: section for section in shown_of(details, **fields).sections}


def said(details: dict[str, Any], **fields: Any) -> str:
    sent = {name: json.dumps(value) for name, value in details.items()}
    return texts(approval_card(a_view(details=sent, **fields), VIEWER).to_dict())


# -- by their shape ----------------------------------------------------------------


def test_the_documented_sample_is_shown_whole():
    approval = an_approval(a_place(), GONE, content=a_wiki_content())

    words = texts(approval_card(a_view(approval, details=WIKI_DETAILS), VIEWER).to_dict())

    for part in (
        *("Items (1)", "1 × US$10.00", "US$8.00"),  # noqa: RUF001 - the multiplication sign
        *("Sub total", "US$2.50", "Tax", "US$1.50", "Items total\nUS$10.00"),
        *("More details", "VendorName-1232050274", "Vendor number", "1232050274"),
    ):
        assert part in words
    for part in ("Duty or customs", "Shipping and handling", "Currency code", "Vendor comments"):
        assert part not in words


def test_objects_are_facts_lists_of_objects_tables_and_lists_of_values_lines():
    found = sections_of(CONTRACT)

    assert list(found)[-5:] == ["Supplier", "Contacts", "Alloc", "Milestones", "Risks"]
    assert isinstance(found["Supplier"], Group)
    assert found["Contacts"] == Lines("Contacts", ("Jan Petersen", "Aylin Demir"))
    assert isinstance(found["Milestones"], Table)
    assert found["Milestones"].labels == ("Title", "Due date", "Owner", "Paid")
    assert found["Milestones"].rows[0][2:] == ("Ana Ruiz, ana@example.com", Amount("3744", "EUR"))
    assert found["Risks"].lines[1] == "Customs may take a week in December"


def test_money_dates_and_truths_are_written_as_such():
    words = said(CONTRACT)

    assert "€6,240.50" in words
    assert "Due date Fri, 27 Nov 2026 · Owner Ana Ruiz, ana@example.com" in words
    assert "Is new\nNo" in words
    assert "Cost center 4210" in words


@pytest.mark.parametrize(
    "name", ["CostCenter", "TaxCode", "PriceGroup", "AmountType", "TotalCount"]
)
def test_what_is_only_called_like_money_is_none(name):
    assert "€4,210.00" not in said({"X": {"Inner": {name: 4210}}})


def test_columns_are_what_identifies_what_describes_amounts_and_what_most_rows_have():
    rows = [
        {
            "Line": i + 1,
            "Guid": f"0f8fad5b-d9cb-469f-a165-70867728950{i}",
            "Currency": "EUR",
            "Plant": "Lisbon",
            "UnitPrice": 10 + i,
            "Remark": "x" if i else None,
            "MaterialNumber": f"M-{i}",
            "Colour": ("red", "blue", "green")[i],
            "Description": f"Part {i}",
            "NetAmount": 20 + i,
        }
        for i in range(3)
    ]

    assert columns_of(rows) == ["MaterialNumber", "Description", "UnitPrice", "NetAmount"]
    assert columns_of([{k: v for k, v in row.items() if k != "UnitPrice"} for row in rows]) == [
        *("MaterialNumber", "Description", "Colour", "NetAmount")
    ]
    assert len(columns_of([{f"Field{i}": i for i in range(20)}])) == COLUMNS


def test_a_table_too_wide_for_a_phone_stands_beneath_each_other():
    narrow = [
        {"Number": f"A-{i}", "Name": f"Dock {i}", "Amount": i, "Plant": f"P{i}"} for i in (3, 4)
    ]
    wide = [
        row | {"Amount": 1e9 + row["Amount"], "Plant": f"Castelo Branco {i}"}
        for i, row in enumerate(narrow)
    ]

    assert "Number\nName\nPlant\nAmount" in said({"TABLE": narrow})
    assert "Number A-3" not in said({"TABLE": narrow})
    assert "Dock 3\nNumber A-3 · Plant Castelo Branco 0\n€1,000,000,003.00" in said({"TABLE": wide})


def test_more_rows_and_lines_than_there_is_room_for_are_counted():
    words = said(endless())

    assert "Schedule (100)" in words
    assert "and 90 more" in words
    assert re.search(r"\d+ more parts of the details are not shown here\.", words)


def test_details_have_a_share_of_the_card_and_no_more():
    most = approval_card(details_views()["details-endless"], VIEWER)
    none = approval_card(a_view(details={}), VIEWER)

    assert most.size <= LIMIT_IN_BYTES
    assert most.size - none.size < ROOMS[0].details + 5000  # of items and facts


def test_hostile_details_show_as_text_and_do_nothing():
    sent = {name: json.dumps(value) for name, value in hostile().items()}
    views = (
        a_view(details=sent),
        a_view(an_approval(a_place(state=PlaceState.REMOVED)), details=sent),
    )

    for view in views:
        card = approval_card(view, VIEWER)
        assert_inert(card.to_dict())
        assert card.size <= LIMIT_IN_BYTES


@pytest.mark.parametrize(
    "text",
    ['{"a": 1E9999999999999999999}', "[" * 9999, '{"a": ' + "9" * 5000 + "}", "NaN", "", "{"],
)
def test_what_cannot_be_read_leaves_the_card_without_it(text):
    assert "Laptops" in texts(approval_card(a_view(details={"DT1": text}), VIEWER).to_dict())


def test_of_very_many_parts_the_first_are_made_and_the_others_counted():
    many = {f"Part{i}": {"Colour": "red"} if i % 2 else ["x"] for i in range(1000)}

    made = shown_of({"X": many})

    assert (len(made.sections), made.beyond) == (MOST_SECTIONS, 1000 - MOST_SECTIONS)
    text = said({"X": many})
    drawn = sum(f"Part{i}\n" in text for i in range(1000))
    assert f"{1000 - drawn} more parts of the details are not shown here." in text


def test_columns_are_chosen_from_a_bounded_number_of_keys():
    rows = [{f"Field{i}": i + row for i in range(MOST_KEYS)} for row in range(2)]

    chosen = columns_of([row | {"Description": f"Part {at}"} for at, row in enumerate(rows)])

    assert "Description" not in chosen
    assert len(chosen) == COLUMNS


class Drawn(tuple[Fact, ...]):  # noqa: SLOT001 - it counts
    """Facts that count how often some of them were taken to be drawn."""

    taken = 0

    def __getitem__(self, at: Any) -> Any:
        self.taken += 1
        return super().__getitem__(at)


@pytest.mark.parametrize(("room", "times"), [(0, 0), (150, 1), (1000, 1)])
def test_a_section_is_not_drawn_again_that_cannot_get_smaller(room: int, times: int):
    facts = Drawn([Fact("Colour", "red " * 50)])

    in_sections((Group("Paint", facts),), VIEWER, Room(details=room))

    assert facts.taken == times


# -- as the tenant's file maps them ------------------------------------------------


def test_a_mapped_operation_is_shown_as_mapped_and_not_a_second_time():
    words = texts(approval_card(details_views()["details-mapped"], VIEWER).to_dict())

    assert "Budget\nCost centre\n" in words
    assert "Asked for\n€12,480.00" in words
    assert "What is bought (3)" in words
    assert "Article\nPieces\nPrice" in words
    assert "and 1 more" in words
    assert "Items (" not in words
    assert "Budget left" not in words  # DT1 is hidden
    assert words.count("Cost centre") == 1


def test_a_path_finds_its_field_whatever_its_case_and_leads_into_lists():
    section = Section(
        title="First",
        source="line.lineitems.0",
        fields=(FIELD, ShownField(label="Tags", path="Tags"), ShownField(label="No", path="x.y.z")),
    )
    details = {"LINE": {"LineItems": [{"name": "Dock", "Tags": ["a", "b", "c", "d", "e"]}]}}

    [group] = shown_of(details, shown=Shown(sections=(section,))).mapped

    assert [(fact.name, fact.value) for fact in group.facts] == [
        ("Name", "Dock"),
        ("Tags", "a, b, c, and 2 more"),
    ]


@pytest.mark.parametrize("source", ["NOWHERE", "LINE.Nowhere", "LINE.Text.Deeper", "LINE.Text"])
def test_a_section_without_anything_to_show_is_left_out(source):
    kinds = (SectionKind.FACTS, SectionKind.TABLE)
    sections = tuple(
        Section(title="Empty", kind=kind, source=source, fields=(FIELD,)) for kind in kinds
    )

    assert shown_of({"LINE": {"Text": "plain"}}, shown=Shown(sections=sections)).mapped == ()


def test_what_the_summary_keeps_as_text_is_read_where_a_path_leads_into_it():
    section = Section(title="Plan", source="SummaryData.AdditionalData.Plan", fields=(FIELD,))
    content = a_content(additional={"Plan": '{"Name": "Move", "Cost": 1.50}'})
    tenant = a_tenant(shown=Shown(sections=(section,)))

    found = shown(a_view(an_approval(a_place(), content=content), tenant=tenant)).mapped

    assert found == (Group("Plan", (Fact("Name", "Move"),)),)


def test_an_operation_is_hidden_whatever_its_case():
    assert sections_of({"HDR": {"Inner": {"A": "b"}}}, shown=Shown(hidden=("hdr",))) == {}
    assert MAPPED.hidden == ("DT1",)


# -- what is not there -------------------------------------------------------------


@pytest.mark.parametrize("digest", ["", "d"])
def test_what_stays_as_it_is_says_only_what_was_to_come_when_it_was_made(digest):
    coming = (Detail(name="DT1", state=DetailState.FETCHING, mark=Mark(0, 1), digest=digest),)
    view = a_view(an_approval(a_place(), details=coming))
    onlookers = seen_by_nobody(view)

    [asked], [told] = (arrival_words(each, as_sent=True) for each in (view, onlookers))

    assert asked.startswith("When this was sent, ")
    assert asked.endswith("Open the request to see them.")
    assert told.startswith("When this was sent, ")
    assert told.endswith("You find them in Contoso Purchasing.")
    assert request_of(view, VIEWER, as_sent=True).arrivals == (asked,)
    assert "are being fetched" in request_of(view, VIEWER).arrivals[0]


@pytest.mark.parametrize(
    ("state", "digest", "words"),
    [
        (DetailState.FETCHING, "", "More details are being fetched from Contoso Purchasing."),
        (
            DetailState.FETCHING,
            "d",
            "These details are being fetched anew from Contoso Purchasing.",
        ),
        (DetailState.MISSING, "", "Some details could not be fetched."),
        (DetailState.MISSING, "d", "Newer details could not be fetched."),
    ],
)
def test_the_card_says_what_is_to_come_and_what_is_not(state, digest, words):
    kept = (Detail(name="DT1", state=state, mark=Mark(0, 1), digest=digest),)
    asked = an_approval(a_place(), details=kept)
    closed = an_approval(a_place(state=PlaceState.REMOVED), details=kept)
    hides = a_tenant(shown=Shown(hidden=("dt1",)))

    assert words in texts(approval_card(a_view(asked), VIEWER).to_dict())
    assert words not in texts(approval_card(a_view(asked, tenant=hides), VIEWER).to_dict())
    assert words not in texts(approval_card(a_view(closed), VIEWER).to_dict())


# -- attachments -------------------------------------------------------------------


def test_attachments_that_only_the_details_name_are_listed_once():
    details = {
        "FILES": {
            "Attachments": [
                {"ID": "77", "Name": "Headcount-plan-LIS.xlsx"},
                {"ID": "78", "Name": "Contract.pdf", "FileSize": "2048", "Url": None},
                {},
                "no file",
            ]
        }
    }

    found = shown_of(details).attachments

    assert [(f.name, f.size) for f in found[1:]] == [
        ("Headcount-plan-LIS.xlsx", 43_000),
        ("Contract.pdf", 2048),
    ]


def test_of_very_many_files_the_first_are_looked_at_and_the_others_counted():
    files = {"FILES": {"Attachments": [{"Id": str(i)} for i in range(5000)]}}

    made = shown_of(files)

    assert (len(made.attachments), made.further_files) == (2 + MOST_FILES, 5000 - MOST_FILES)
    assert "Attachments (5002)" in said(files)
    assert "and 4992 more" in said(files)


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("https://files.example.com/1", True),
        ("https://erp.example.com/other/1", True),
        ("https://erp.example.com/api/f/77", False),
        ("http://files.example.com/1", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_a_link_leads_where_a_person_can_open_the_file(url, opened):
    api = Api(
        base_url="https://erp.example.com/api/",
        resource="api://erp",
        action="/act",
        attachment="/f/{AttachmentId}",
    )
    link = link_of(Attachment(id="77", name="Plan", url=url), a_tenant(api=api))

    assert bool(link) == opened


def test_the_card_says_where_files_without_a_link_are():
    def words(*files: Attachment) -> str:
        content = a_content(attachments=files)
        return texts(
            approval_card(a_view(an_approval(a_place(), content=content)), VIEWER).to_dict()
        )

    open_to_all = Attachment(name="a.pdf", url="https://files.example.com/1")
    note = (
        "Files without a link can only be opened in [Contoso Purchasing](https://erp.example.com/"
    )

    assert note in words(open_to_all, Attachment(id="77", name="b.pdf"))
    assert "Files without a link" not in words(open_to_all)
