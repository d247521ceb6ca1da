"""The small cards: lists of what waits, help, and what to say when there is nothing to show."""

import json
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import given, settings

from approvals_core.tenant import Shown
from cards import notices
from cards.elements import LIMIT_IN_BYTES
from tests.card_makers import VIEWER, a_content, a_place, a_tenant, an_approval
from tests.card_reading import assert_inert, texts
from tests.card_schema import problems, walk
from tests.test_card_hostile import anything


def waiting(title: str = "Laptops", number: str = "PR-1") -> notices.Waiting:
    approval = an_approval(a_place(), display_number=number, content=a_content(title=title))
    return notices.Waiting(a_tenant(), approval, a_place())


def actions(card: dict[str, Any], verb: str) -> list[dict[str, Any]]:
    return [piece for _, piece in walk(card) if piece.get("verb") == verb]


def test_a_row_opens_its_request():
    card = notices.pending_list([waiting()], VIEWER).to_dict()

    (opened,) = actions(card, "show")
    assert opened["data"] == {"k": "pr-9q2f4zt1.0"}
    assert opened["fallback"]["data"] == opened["data"]
    assert "€12,480.00" in texts(card)
    assert "PR-1 · Ana Ruiz\nPurchase requisition · Decide by Tue, 24 Nov 2026" in texts(card)


def test_requests_of_several_tenants_say_whose_each_is():
    leave = a_tenant(code="hr", name="People & Culture", request_word="Leave")

    card = notices.pending_list([waiting(), replace(waiting(), tenant=leave)], VIEWER).to_dict()

    assert texts(card).startswith("Waiting for you\nLaptops\n")
    assert "Purchase requisition · Contoso Purchasing · Decide by" in texts(card)
    assert "Leave · People & Culture · Decide by" in texts(card)


def test_requests_of_one_tenant_say_once_whose_they_are():
    card = notices.pending_list([waiting(), waiting()], VIEWER).to_dict()

    assert texts(card).startswith("Waiting for you\nContoso Purchasing\nLaptops\n")
    assert texts(card).count("Contoso Purchasing") == 1


def test_a_name_that_the_kind_has_in_it_is_not_said_again():
    fleet = a_tenant(code="fl", name="Fleet", request_word="Fleet request")

    card = notices.pending_list([waiting(), replace(waiting(), tenant=fleet)], VIEWER).to_dict()

    assert "\nFleet request · Decide by" in texts(card)


def test_a_row_without_a_day_to_decide_by_says_since_when_it_waits():
    each = waiting()
    undated = each.tenant.model_copy(update={"shown": Shown()})

    card = notices.pending_list([replace(each, tenant=undated)], VIEWER).to_dict()

    assert "Purchase requisition · Waits since Wed, 18 Nov 2026" in texts(card)


def test_a_list_with_more_says_where_it_goes_on():
    card = notices.pending_list([waiting()], VIEWER, after="b3BhcXVl").to_dict()

    (further,) = actions(card, "pending")
    assert further["data"] == {"c": "b3BhcXVl"}


def test_the_last_page_offers_no_more():
    assert actions(notices.pending_list([waiting()], VIEWER).to_dict(), "pending") == []


def test_a_page_of_the_list_has_ten_rows():
    card = notices.pending_list([waiting()] * 12, VIEWER).to_dict()

    assert len(actions(card, "show")) == 10


def test_an_empty_list_says_so():
    assert "Nothing waits for you" in texts(notices.pending_list([], VIEWER).to_dict())


def test_a_request_without_a_title_is_listed_by_its_number():
    assert "**" not in texts(notices.pending_list([waiting(title="")], VIEWER).to_dict())
    assert texts(notices.pending_list([waiting(title="")], VIEWER).to_dict()).startswith(
        "Waiting for you\nContoso Purchasing\nPR-1\n"
    )


def test_what_is_not_available_says_nothing_of_any_request():
    said = json.dumps(notices.not_available().to_dict())

    assert "PR-" not in said
    assert notices.not_available().to_dict() == notices.not_available().to_dict()


def test_a_card_whose_request_could_not_be_read_shows_itself_once_it_can():
    for make in (notices.cannot_be_reached, notices.recording):
        card = json.loads(make(VIEWER, key="pr-abc.0").to_json())

        assert card["refresh"]["action"]["data"] == {"k": "pr-abc.0"}
        assert card["refresh"]["userIds"] == [VIEWER.user_id]
        [button] = [each for part in card["body"] for each in part.get("actions", [])]
        assert (button["verb"], button["data"]) == ("show", {"k": "pr-abc.0"})
        assert "refresh" not in make(VIEWER).to_dict()


def test_who_asks_for_a_number_reads_it_again_and_what_else_to_do():
    card = notices.not_available(number="[REQ-1](https://evil.example)\n*now*").to_dict()

    assert_inert(card)
    assert "REQ-1" in texts(card)
    assert "**pending**" in texts(card)
    assert card["speak"] == "“[REQ-1](https://evil.example) *now*” is not available to you"


def test_a_number_is_the_first_on_its_line_and_a_row_can_be_seen_to_be_pressed():
    said = texts(notices.pending_list([waiting()], VIEWER).to_dict())

    assert "\nPR-1 · " in said
    assert "\u203a" in said


def test_every_notice_can_carry_the_notice_line():
    line = "Playground: not a real request"
    for make in (
        notices.welcome,
        notices.help_card,
        notices.out_of_date,
        notices.not_available,
        partial(notices.cannot_be_reached, VIEWER),
        partial(notices.recording, VIEWER, key="pr-abc.0"),
    ):
        assert texts(make(notice_line=line).to_dict()).endswith(line)
    assert line in texts(notices.pending_list([waiting()], VIEWER, notice_line=line).to_dict())


@settings(max_examples=40)  # a list is made and validated in 80 ms
@given(title=anything, number=anything)
def test_a_full_list_of_the_worst_is_valid_small_and_inert(title, number):
    rows = [waiting(title or "x", number or "x")] * 12

    card = notices.pending_list(rows, VIEWER, after="x" * 500)

    assert problems(card.to_dict()) == []
    assert card.size <= LIMIT_IN_BYTES
    assert_inert(card.to_dict())
