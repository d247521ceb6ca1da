"""The approval card in every state: what it says, what it offers, and what it never does."""

import json
from typing import Any

import pytest

from approvals_core.models import PlaceState, Refusal
from approvals_core.tenant import Action, Choice, Comment, Concurrency
from cards.approval import Aside, approval_card
from cards.buttons import card_key, read_card_key
from cards.viewer import Viewer
from tests.card_faces import GOLDEN, faces, written
from tests.card_makers import (
    DECIDED_AT,
    NEED_INFO,
    VIEWER,
    a_content,
    a_place,
    a_tenant,
    a_view,
    an_approval,
    decided,
    later,
    taken,
)
from tests.card_reading import offered, texts
from tests.card_schema import problems, walk

FACES = faces()
SECOND = a_place(1)


def card_of(view: Any, aside: Aside = Aside(), **fields: Any) -> dict[str, Any]:  # noqa: B008
    return approval_card(view, VIEWER, aside, **fields).to_dict()


@pytest.mark.parametrize("name", FACES)
def test_a_card_is_as_it_was_looked_at(name):
    assert written(FACES[name]) == (GOLDEN / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FACES)
def test_a_card_is_what_teams_takes(name):
    assert problems(FACES[name].to_dict()) == []


def test_no_golden_card_is_left_over():
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(FACES)


def test_a_button_carries_where_it_was_shown_and_nothing_else():
    approval = an_approval(a_place(attempt=4, round=1), SECOND, revision=7)

    buttons = offered(card_of(a_view(approval)))

    assert [b["title"] for b in buttons] == ["Approve", "Reject", "Need info"]
    assert buttons[0]["data"] == {"k": "pr-9q2f4zt1.0", "r": 1, "v": 7, "t": 4, "a": "Approve"}
    for button in buttons:
        assert button["fallback"]["type"] == "Action.Submit"
        assert button["fallback"]["data"] == button["data"]


def test_a_card_key_is_read_as_it_was_written():
    approval = an_approval(a_place(), SECOND)

    assert read_card_key(card_key(approval, approval.places[1])) == (approval.id, 1)


@pytest.mark.parametrize(
    "key", ["", "pr-1", "pr-1.x", ".1", "pr-1.1.1", "pr/1.1", None, 7, "a.\u0661"]
)
def test_what_is_no_card_key_is_none(key):
    assert read_card_key(key) is None


def test_only_what_the_request_allows_is_offered():
    content = a_content(actions=("approve", "Escalate"))

    buttons = offered(card_of(a_view(an_approval(a_place(), content=content))))

    assert [b["data"]["a"] for b in buttons] == ["Approve"]


def test_the_comment_is_as_long_as_the_longest_action_allows():
    long = NEED_INFO.model_copy(update={"comment_length": 2000})
    tenant = a_tenant(actions=(NEED_INFO, long.model_copy(update={"code": "Longer"})))

    inputs = [p for _, p in walk(card_of(a_view(tenant=tenant))) if p.get("type") == "Input.Text"]

    assert [(p["id"], p["maxLength"], p["placeholder"]) for p in inputs] == [
        ("comment", 2000, "Needed")
    ]


def test_actions_without_comment_get_no_box_for_one():
    plain = Action(code="Ok", label="OK", past="Done", comment=Comment.NONE)

    card = card_of(a_view(tenant=a_tenant(actions=(plain,))))

    assert "Input.Text" not in json.dumps(card)
    assert len(offered(card)) == 1


def test_a_refusal_says_why_and_keeps_what_was_typed():
    refusal = Refusal(
        action="Approve",
        message="Over budget: https://a.example/1, https://b.example/2, https://c.example/3.",
        comment='Line 1\n**Line** "2"  ',
        at=DECIDED_AT,
    )

    card = card_of(a_view(an_approval(a_place(refusal=refusal), SECOND)))

    comment = next(p for _, p in walk(card) if p.get("id") == "comment")
    assert comment["value"] == 'Line 1\n**Line** "2"  '
    assert "Over budget: " in texts(card)
    links = [p for _, p in walk(card) if p.get("type") == "Action.OpenUrl"]
    assert [p["title"] for p in links if "example.com" not in p["url"]] == [
        "Open a.example",
        "Open b.example",
    ]
    assert len(offered(card)) == 3


def test_an_answer_of_ours_comes_before_an_older_refusal():
    refusal = Refusal(action="Approve", message="Old words", comment="old", at=DECIDED_AT)

    card = card_of(
        a_view(an_approval(a_place(refusal=refusal), SECOND)),
        Aside(problem="Please say why.", typed="new"),
    )

    assert "Please say why." in texts(card)
    assert "Old words" not in texts(card)
    assert next(p for _, p in walk(card) if p.get("id") == "comment")["value"] == "new"


@pytest.mark.parametrize(
    ("state", "fields", "said"),
    [
        (PlaceState.SUBMITTING, {}, "Sending to Contoso Purchasing…"),
        (PlaceState.RETRYING, {"due": later(5)}, "We try again on Fri, 20 Nov 2026 11:36."),
        (PlaceState.UNCONFIRMED, {}, "It may have it, or not."),
        (PlaceState.ACCEPTED, {}, "Approved by **Maria Keller**"),
    ],
)
def test_one_decision_holds_everybody_and_everybody_sees_whose(state, fields, said):
    approval = an_approval(decided(state, **fields), SECOND, taken=())

    for seat in (0, 1):
        card = card_of(a_view(approval, seat=seat))

        assert said in texts(card)
        assert "**Maria Keller**" in texts(card)
        assert "Please order before the 27th." in texts(card)
        assert "Fri, 20 Nov 2026 11:31" in texts(card)
        assert offered(card) == []
        assert "refresh" in card


def test_where_each_decides_for_himself_nobody_is_held():
    approval = an_approval(decided(PlaceState.ACCEPTED), SECOND, taken=())
    tenant = a_tenant(concurrency=Concurrency.ALL)

    card = card_of(a_view(approval, seat=1, tenant=tenant))

    assert len(offered(card)) == 3


def test_the_tenants_own_words_after_acceptance_are_shown():
    approval = an_approval(decided(PlaceState.ACCEPTED, message="Order 4711 was placed."), SECOND)

    assert "Order 4711 was placed." in texts(card_of(a_view(approval)))


@pytest.mark.parametrize("done", [taken(failed="No budget"), taken(round=0)])
def test_what_failed_or_was_done_in_an_older_round_closes_no_card(done):
    removed = a_place(state=PlaceState.REMOVED)

    card = card_of(a_view(an_approval(removed, taken=(done,))))

    assert "Contoso Purchasing closed this request." in texts(card)


def test_an_address_named_twice_gets_one_button():
    message = "See https://a.example/1 (https://a.example/1)."

    card = card_of(a_view(), Aside(problem=message))

    assert json.dumps(card).count("Open a.example") == 1


@pytest.mark.parametrize("done", [(), (taken(),), (taken(1),)])
def test_who_is_no_longer_asked_has_nothing_to_do_but_a_link(done):
    removed = a_place(state=PlaceState.REMOVED)

    card = card_of(a_view(an_approval(removed, SECOND, taken=done)))

    assert "Nothing more for you to do." in texts(card)
    assert offered(card) == []
    assert "refresh" not in card
    assert "Input.Text" not in json.dumps(card)
    assert any(p.get("type") == "Action.OpenUrl" for _, p in walk(card))


def test_a_closed_card_says_what_its_owner_did_himself():
    both = (taken(), taken(1, action="Reject"))
    removed = a_place(state=PlaceState.REMOVED)

    card = card_of(a_view(an_approval(removed, SECOND, taken=both)))

    assert "Approved by **Maria Keller**" in texts(card)


def test_a_card_without_the_tenants_link_has_ours():
    removed = a_place(state=PlaceState.REMOVED)
    approval = an_approval(removed, SECOND, content=a_content(detail_page_url="javascript:x"))

    card = card_of(a_view(approval), page_url="https://approvals.example/pr-1")

    links = [p["url"] for _, p in walk(card) if p.get("type") == "Action.OpenUrl"]
    assert "https://approvals.example/pr-1" in links


def test_a_card_of_an_older_round_stays_closed():
    approval = an_approval(a_place(round=2), SECOND, round=2, taken=(taken(),))

    card = card_of(a_view(approval, round=1))

    assert "A newer card shows it." in texts(card)
    assert "Approved by **Maria Keller**" in texts(card)
    assert offered(card) == []
    assert "refresh" not in card


def test_a_decision_being_written_down_is_never_called_failed():
    card = card_of(a_view(), Aside(recording="Approve"))

    assert "Recording your decision…" in texts(card)
    assert offered(card) == []
    assert "refresh" in card


def test_a_tenant_that_takes_no_decisions_offers_none():
    card = card_of(a_view(tenant=a_tenant(enabled=False)))

    assert "Contoso Purchasing takes no decisions at the moment." in texts(card)
    assert offered(card) == []


@pytest.mark.parametrize(("user_id", "ids"), [("29:1a2b3c", ["29:1a2b3c"]), ("", [])])
def test_a_card_refreshes_for_its_own_viewer_only(user_id, ids):
    card = approval_card(a_view(), Viewer(user_id=user_id)).to_dict()

    refresh: Any = card["refresh"]
    assert refresh["userIds"] == ids
    assert refresh["action"]["verb"] == "refresh"
    assert refresh["action"]["data"] == {"k": "pr-9q2f4zt1.0"}


def test_a_sentence_of_the_moment_stands_above_the_state():
    card = card_of(a_view(), Aside(said="Jonas Berg was faster."))

    assert "Jonas Berg was faster." in json.dumps(card["body"][1])


def test_a_notice_line_is_the_last_thing_on_the_card():
    card = card_of(a_view(), notice_line="Playground: not a real request")

    assert card["body"][-1]["text"] == "Playground: not a real request"


def test_the_same_request_gives_the_same_card():
    assert card_of(a_view()) == card_of(a_view())


def test_a_long_comment_is_kept_to_the_last_letter():
    actions = (NEED_INFO.model_copy(update={"comment_length": 4000}),)
    comment = "Because of \U0001f600 " * 250

    card = card_of(
        a_view(tenant=a_tenant(actions=actions)), Aside(problem="Please shorten.", typed=comment)
    )

    assert next(p for _, p in walk(card) if p.get("id") == "comment")["value"] == comment


def test_who_brought_in_one_more_is_not_told_that_all_is_done():
    placements = (Choice(code="Before", text="Before me"),)
    add = Action(
        code="Add", label="Add", past="Approver added", new_approver=True, placements=placements
    )
    tenant = a_tenant(actions=(add,))
    done = taken(action="Add", new_approver="Tom Okafor", placement="Before")
    removed = a_place(state=PlaceState.REMOVED)

    card = card_of(a_view(an_approval(removed, SECOND, taken=(done,)), tenant=tenant))

    assert "Contoso Purchasing says who is asked next." in texts(card)
    assert "Nothing more for you to do." not in texts(card)
    assert "Comes in: Before me" in texts(card)
