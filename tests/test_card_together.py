"""The cards for deciding several requests together: what can be ticked, and what became of each."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals_core.models import PlaceState
from approvals_core.tenant import (
    ROOM,
    Action,
    Choice,
    Closed,
    Comment,
    Limits,
    Submission,
    WhileClosed,
)
from cards import notices
from cards.buttons import read_tick, tick_value
from cards.elements import LIMIT_IN_BYTES, Card
from cards.together import FilledIn, Told, results, several, tick_list
from tests.card_faces_together import (
    a_bulk_tenant,
    a_row,
    decided_now,
    together_faces,
    told,
)
from tests.card_makers import VIEWER, a_place, an_approval
from tests.card_reading import assert_inert, texts
from tests.card_schema import problems, walk
from tests.test_card_hostile import anything

TENANT = a_bulk_tenant()


def pieces(card: Card, kind: str) -> list[dict[str, Any]]:
    return [piece for _, piece in walk(card.to_dict()) if piece.get("type") == kind]


def titles(card: Card) -> list[str]:
    return [each["title"] for each in pieces(card, "Action.Execute")]


def ticks(card: Card) -> list[dict[str, Any]]:
    return [each for each in pieces(card, "Input.Toggle") if each["id"].startswith("tick")]


def rows(count: int, **fields: Any) -> list[notices.Waiting]:
    return [a_row(number, TENANT, **fields) for number in range(count)]


# -- to tick --------------------------------------------------------------


def test_a_tick_sends_key_round_revision_and_attempt_and_nothing_else():
    [tick] = ticks(tick_list(TENANT, rows(1), VIEWER))

    assert read_tick(tick["valueOn"]) == ("exp-0000000000000000", 0, 1, 3, 1)
    assert (tick["valueOff"], tick["value"]) == ("", "")


def test_the_buttons_carry_the_tenants_code_and_the_actions():
    card = tick_list(TENANT, rows(2), VIEWER, here="page")
    acts = [each for each in pieces(card, "Action.Execute") if each["verb"] == "act"]

    assert [each["data"] for each in acts] == [
        {"s": "exp", "a": "Approve", "c": "page"},
        {"s": "exp", "a": "Reject", "c": "page"},
    ]


def test_what_was_ticked_and_typed_is_there_when_the_list_comes_back():
    waiting = rows(3)
    ticked = tick_value(waiting[1].approval, waiting[1].place)
    filled_in = FilledIn(frozenset([ticked]), comment="Why?", reasons={"Reject": "POLICY"})

    card = tick_list(TENANT, waiting, VIEWER, filled_in=filled_in, problem="Say why.")

    assert [each["value"] for each in ticks(card)] == ["", ticked, ""]
    assert [each["value"] for each in pieces(card, "Input.Text")] == ["Why?"]
    assert [each["value"] for each in pieces(card, "Input.ChoiceSet")] == ["POLICY"]
    assert "Say why." in texts(card.to_dict())
    assert str(card.to_dict()["fallbackText"]).startswith("Say why.")


def test_a_confirmation_is_never_ticked_beforehand():
    card = tick_list(TENANT, rows(2), VIEWER, filled_in=FilledIn(everything=True))

    [confirmation] = [t for t in pieces(card, "Input.Toggle") if not t["id"].startswith("tick")]
    assert (confirmation["id"], confirmation["value"]) == ("confirm.Reject", "false")
    assert all(each["value"] == each["valueOn"] for each in ticks(card))


def test_all_can_be_ticked_where_all_may_be_decided():
    few = TENANT.model_copy(update={"limits": Limits(together=2)})

    assert "Tick all" in titles(tick_list(TENANT, rows(3), VIEWER))
    assert "Tick all" not in titles(tick_list(few, rows(3), VIEWER))
    assert "at most 2" in texts(tick_list(few, rows(3), VIEWER).to_dict())


def test_a_row_says_which_actions_are_its_only_ones():
    waiting = [a_row(0, TENANT), a_row(1, TENANT, actions=("Approve",))]

    said = texts(tick_list(TENANT, waiting, VIEWER).to_dict())

    assert said.count("Together only: Approve. Open it for more.") == 1


def test_what_cannot_be_decided_together_cannot_be_ticked():
    waiting = [a_row(0, TENANT), a_row(1, TENANT, actions=("SomethingElse",))]

    assert len(ticks(tick_list(TENANT, waiting, VIEWER))) == 1


def test_a_page_without_anything_to_tick_leads_on():
    waiting = [a_row(1, TENANT, actions=("SomethingElse",))]

    card = tick_list(TENANT, waiting, VIEWER, after="next")

    assert "Nothing more can be decided together here." in texts(card.to_dict())
    assert titles(card) == ["Show more", "All that waits"]


def test_the_list_of_all_offers_several_of_a_tenant_that_has_two_or_more():
    single = a_bulk_tenant(
        code="one", api=TENANT.api.model_copy(update={"submission": Submission.SINGLE})
    )
    waiting = [*rows(2), a_row(2, single), a_row(3, single)]

    assert several(waiting) == [TENANT]
    assert several(waiting[1:]) == []


def test_a_title_is_inert_beside_its_tick():
    hostile = [_named(f"{each} [a](https://evil.example)") for each in ("**Bold**", "<b>", "# x")]

    assert_inert(tick_list(TENANT, hostile, VIEWER).to_dict())


@settings(max_examples=10)
@given(st.lists(anything, min_size=1, max_size=4), anything)
def test_whatever_is_written_the_list_stays_valid_and_small(words: list[str], comment: str):
    waiting = [_named(each) for each in words]

    card = tick_list(TENANT, waiting, VIEWER, filled_in=FilledIn(comment=comment), problem=comment)

    assert problems(card.to_dict()) == []
    assert card.size <= LIMIT_IN_BYTES


def _named(title: str) -> notices.Waiting:
    row = a_row(0, TENANT)
    content = row.approval.content
    assert content is not None
    named = {"content": content.model_copy(update={"title": title}), "display_number": title[:80]}
    approval = an_approval(a_place()).model_copy(update=named)
    return notices.Waiting(TENANT, approval, a_place())


def test_a_full_list_and_a_full_result_of_the_longest_texts_fit_into_a_message():
    worst = [told(n, a_place(), said="\U0001f9d1\u200d\U0001f4bb" * 600) for n in range(20)]

    assert together_faces()["several-worst"].size <= LIMIT_IN_BYTES
    assert results("exp", worst, VIEWER).size <= LIMIT_IN_BYTES


def _returned(comment: str, *actions: Action, **fields: Any) -> tuple[Card, int]:
    """Return the list as it comes back with a long comment, and how many of 20 rows it has."""
    tenant = a_bulk_tenant(actions=actions)
    waiting = [a_row(number, tenant, **fields) for number in range(20)]
    last = tick_value(waiting[-1].approval, waiting[-1].place)
    filled_in = FilledIn(frozenset([last]), comment=comment)

    card = tick_list(tenant, waiting, VIEWER, filled_in=filled_in, problem=comment)

    assert card.size <= LIMIT_IN_BYTES
    assert last in [each["value"] for each in ticks(card)]
    return card, len(ticks(card))


def _free(code: str, **fields: Any) -> Action:
    return Action(code=code, label=code, past=code, bulk=True, **fields)


@pytest.mark.parametrize("sign", ["\u00fc", '"'])
def test_a_long_comment_comes_back_whole_and_the_list_has_fewer_rows(sign: str):
    actions = [_free(code, comment_length=4000) for code in ("Approve", "Hold")]

    card, shown = _returned(sign * 4000, *actions)

    [comment] = pieces(card, "Input.Text")
    assert comment["value"] == sign * 4000
    assert f"and {20 - shown} more" in texts(card.to_dict())


def test_beside_forms_of_the_greatest_size_a_comment_is_cut_before_the_list_is_too_large():
    reasons = tuple(Choice(code=f"c{i}", text=f"Reason number {i} of them") for i in range(27))
    free = {"justification": Comment.REQUIRED, "justifications": reasons}
    actions = [_free(f"A{i}", comment_length=4000, **free) for i in range(4)]
    tenant = a_bulk_tenant(actions=tuple(actions))
    assert sum(action.room for action in tenant.actions) > 0.95 * ROOM

    card, shown = _returned("\U0001f600" * 4000, *actions)

    [comment] = pieces(card, "Input.Text")
    assert 500 <= len(comment["value"]) < 4000
    assert shown == 5


# -- what became of each --------------------------------------------------


def test_what_is_on_its_way_says_so_and_looks_again():
    card = together_faces()["together-sending"]

    shown = card.to_dict()
    assert "Sending 3 to Contoso Expenses…" in texts(shown)
    assert "Look again" in titles(card)
    refresh: Any = shown["refresh"]
    assert refresh["action"]["data"]["s"] == "exp"
    assert len(refresh["action"]["data"]["d"]) == 4
    assert refresh["userIds"] == [VIEWER.user_id]


def test_what_has_ended_looks_no_more():
    card = together_faces()["together-sent"]

    assert "refresh" not in card.to_dict()
    assert "Look again" not in titles(card)
    assert "3 Approved" in texts(card.to_dict())


def test_each_line_says_what_happened_to_its_request():
    said = texts(together_faces()["together-mixed"].to_dict())

    for part in (
        "Approved by Maria Keller",
        "The budget is used up.",
        "Approved by Jonas Berg",
        "The request changed since this card was made. Please look again.",
        "Contoso Expenses did not confirm this. It may have it, or not.",
        "Nobody knows yet whether this is recorded.",
        "This request is not available to you.",
    ):
        assert part in said


def test_a_line_does_not_promise_that_this_card_changes():
    unsure = told(0, decided_now(PlaceState.UNCONFIRMED))

    assert "This card changes" not in texts(results("exp", [unsure], VIEWER).to_dict())


def test_of_what_he_may_not_see_nothing_is_said():
    hidden = Told("exp-1.0", None, said="This request is not available to you.")

    said = texts(results("exp", [told(0, a_place()), hidden], VIEWER).to_dict())

    assert "One request" in said


@settings(max_examples=10)
@given(st.lists(anything, min_size=1, max_size=4))
def test_whatever_is_said_the_results_stay_valid_and_small_enough(words: list[str]):
    lines = [told(n, a_place(), said=each or "x") for n, each in enumerate(words)]

    card = results("exp", lines, VIEWER)

    assert problems(card.to_dict()) == []
    assert card.size <= LIMIT_IN_BYTES


# -- while the tenant takes no decisions ----------------------------------


def closed_rows(decisions: WhileClosed) -> list[notices.Waiting]:
    closed = Closed(message="We move to new servers.", decisions=decisions)
    return [replace(each, closed=closed) for each in rows(2)]


def test_a_list_of_a_tenant_that_refuses_says_so_and_offers_no_decision():
    waiting = closed_rows(WhileClosed.REFUSE)
    card = tick_list(TENANT, waiting, VIEWER)

    assert "takes no decisions at the moment" in texts(card.to_dict())
    assert "We move to new servers." in texts(card.to_dict())
    assert (ticks(card), pieces(card, "Input.Text")) == ([], [])
    assert titles(card)[-2:] == ["Look again", "All that waits"]
    assert not {"Approve", "Reject", "Tick all"} & set(titles(card))
    assert several(waiting) == []
    listed = notices.pending_list(waiting, VIEWER)
    assert texts(listed.to_dict()).count("Takes no decisions now") == 2


def test_what_was_ticked_and_typed_stays_when_it_closed_meanwhile():
    waiting = closed_rows(WhileClosed.REFUSE)
    value = tick_value(waiting[1].approval, waiting[1].place)
    filled_in = FilledIn(ticked=frozenset({value}), comment="Over budget.")
    card = tick_list(TENANT, waiting, VIEWER, filled_in=filled_in, problem="Closed.")

    assert [tick["value"] for tick in ticks(card)] == ["", value]
    assert [each["value"] for each in pieces(card, "Input.Text")] == ["Over budget."]
    assert "Nothing was decided." in texts(card.to_dict())
    assert "Approve" not in titles(card)


def test_a_list_of_a_tenant_that_keeps_decisions_says_so_and_offers_them():
    waiting = closed_rows(WhileClosed.WAIT)
    card = tick_list(TENANT, waiting, VIEWER)

    assert "You can decide: it is kept" in texts(card.to_dict())
    assert "Approve" in titles(card)
    assert several(waiting) == [TENANT]
