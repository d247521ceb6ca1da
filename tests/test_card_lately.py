"""What was drawn lately is shown again where it is the same, and never where it is not."""

import json
from dataclasses import replace
from typing import Any

import pytest

from approvals_core.ports import View
from approvals_core.tenant import Shown
from cards.approval.lately import LONGEST, Sent, drawn, shown
from cards.approval.room import ROOMS
from cards.elements import Piece
from tests.card_makers import VIEWER, a_content, a_place, a_tenant, a_view, an_approval

ROOM = ROOMS[0]
DETAILS = {"DT1": json.dumps({"CostCentre": "4210", "InvoiceAmount": "19.5"})}


def a_request(seat: int = 0, *, details: dict[str, str] = DETAILS, **fields: Any) -> View:
    tenant = fields.pop("tenant", a_tenant())
    both = an_approval(a_place(0), a_place(1), **fields)
    return a_view(both, seat=seat, details=details, tenant=tenant)


def rendered(pieces: tuple[Piece, ...]) -> list[object]:
    return [piece.render() for piece in pieces]


def test_the_same_request_is_drawn_once_for_all_its_approvers() -> None:
    first = drawn(Sent(a_request(0)), VIEWER, ROOM)

    second = drawn(Sent(a_request(1)), replace(VIEWER, user_id="29:another"), ROOM)

    assert second is first


@pytest.mark.parametrize(
    "other",
    [
        a_request(details={"DT1": json.dumps({"CostCentre": "4711"})}),
        a_request(content=a_content(title="Another", company_code="9999")),
        a_request(tenant=a_tenant(shown=Shown(hidden=("DT1",)))),
        a_request(content=a_content(additional={"Quarter": "Q3", "CostCentre": "4210"})),
    ],
    ids=["details", "summary", "tenant's file", "additional"],
)
def test_what_differs_is_drawn_anew(other: View) -> None:
    usual = rendered(drawn(Sent(a_request()), VIEWER, ROOM))

    assert rendered(drawn(Sent(other), VIEWER, ROOM)) != usual
    assert rendered(drawn(Sent(a_request()), VIEWER, ROOM)) == usual


def test_a_fact_that_names_who_is_asked_is_left_out_whatever_was_drawn_before() -> None:
    content = a_content(additional={"Owner": "Jonas Berg"})
    place = a_place(0)
    named, other = (
        a_view(an_approval(place.model_copy(update={"name": name}), content=content), details={})
        for name in ("Jonas Berg", "Somebody else")
    )

    told = [str(rendered(drawn(Sent(view), VIEWER, ROOM))) for view in (other, named, other)]

    assert ["Jonas Berg" in each for each in told] == [True, False, True]


def test_everybody_reads_amounts_as_he_is_used_to() -> None:
    english = rendered(drawn(Sent(a_request()), replace(VIEWER, locale="en-US"), ROOM))

    german = rendered(drawn(Sent(a_request()), replace(VIEWER, locale="de-DE"), ROOM))

    assert english != german


def dated(sent: str) -> View:
    return a_request(details={"DT1": json.dumps({"InvoiceDate": sent})})


@pytest.mark.parametrize("sent", ["2026-11-18", "2026-11-18T00:00:00Z"])
def test_days_are_drawn_once_for_all_zones(sent: str) -> None:
    berlin = drawn(Sent(dated(sent)), replace(VIEWER, zone="Europe/Berlin"), ROOM)

    honolulu = drawn(Sent(dated(sent)), replace(VIEWER, zone="Pacific/Honolulu"), ROOM)

    assert honolulu is berlin
    assert "18 Nov 2026" in json.dumps(rendered(berlin))


@pytest.mark.parametrize(
    "details",
    [
        {"InvoiceDate": "2026-11-18T00:00:30Z"},
        {"Supplier": {"Until": "2026-11-18T15:40:00Z"}},
        {"Visits": ["2026-11-18T15:40:00Z"]},
        {"Stays": [{"City": "Rome", "From": "2026-11-18T15:40:00Z", "Nights": "2"}]},
    ],
    ids=["fact", "group", "list", "table"],
)
def test_times_are_drawn_for_each_zone(details: dict[str, object]) -> None:
    request = a_request(details={"DT1": json.dumps(details)})

    berlin = drawn(Sent(request), replace(VIEWER, zone="Europe/Berlin"), ROOM)
    honolulu = drawn(Sent(request), replace(VIEWER, zone="Pacific/Honolulu"), ROOM)

    assert rendered(honolulu) != rendered(berlin)


def test_what_would_fill_the_memory_is_not_kept() -> None:
    long = {"DT1": json.dumps({"Notes": "x" * LONGEST})}

    found = shown(Sent(a_request(details=long)))

    assert shown(Sent(a_request(details=long))) == found
    assert shown(Sent(a_request(details=long))) is not found


def test_halves_of_characters_spoil_nothing() -> None:
    request = a_request(content=a_content(notes="\ud800"))

    assert shown(Sent(request)) == shown(Sent(request))


def test_the_order_in_which_things_were_sent_is_kept() -> None:
    sent = {"Project": "North", "Quarter": "Q3"}
    turned = dict(reversed(sent.items()))

    first = Sent(a_request(content=a_content(additional=sent)))

    assert first == Sent(a_request(content=a_content(additional=sent)))
    assert first != Sent(a_request(content=a_content(additional=turned)))


def test_requests_with_different_halves_of_characters_are_not_taken_for_one() -> None:
    first = Sent(a_request(content=a_content(notes="\ud800")))

    assert first != Sent(a_request(content=a_content(notes="\udc00")))
