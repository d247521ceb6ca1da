"""Forms on cards: what they ask for, what stands in them, and that what is in them does nothing."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals_core.models import Entries, PlaceState, Refusal
from approvals_core.ports import View
from approvals_core.tenant import ROOM, Action, Choice, Comment, Input, InputKind
from approvals_core.tenant.conditions import Condition
from cards.approval import Aside, approval_card
from cards.buttons import COMMENT, read_comment, read_entries
from cards.elements import LIMIT_IN_BYTES
from playground.reading import button, inputs_of
from tests.card_forms import (
    ADD_APPROVER,
    CONFIRMED,
    FILLED,
    FORWARD,
    HOLD,
    REASONED,
    REASSIGN,
    WITH_INPUTS,
    asks,
    refused,
)
from tests.card_makers import (
    APPROVE,
    DECIDED_AT,
    NEED_INFO,
    REJECT,
    VIEWER,
    a_place,
    a_tenant,
    a_view,
    an_approval,
)
from tests.card_reading import assert_inert, offered, texts
from tests.card_schema import problems, walk

Json = dict[str, Any]


def card(view: View, aside: Aside | None = None) -> Json:
    return approval_card(view, VIEWER, aside or Aside()).to_dict()


def part(made: Json, id_: str) -> Json:
    """Return the piece with this id."""
    return next(piece for _path, piece in walk(made) if piece.get("id") == id_)


def ids(made: Json) -> set[str]:
    return {piece["id"] for _path, piece in walk(made) if "Input." in str(piece.get("type"))}


def titles(actions: list[Json]) -> list[str]:
    return [action["title"] for action in actions]


def test_what_one_click_does_has_a_button_and_what_asks_for_more_opens_a_form() -> None:
    made = card(asks(APPROVE, REASONED))

    row = next(p for _path, p in walk(made) if p.get("type") == "ActionSet")
    assert titles(row["actions"]) == ["Approve", "Reject…"]
    assert row["actions"][1]["targetElements"] == ["form.Reject"]
    form = part(made, "form.Reject")
    assert form["isVisible"] is False
    assert titles([p for _path, p in walk(form) if p.get("verb") == "act"]) == ["Reject"]


def test_a_button_carries_the_same_with_a_form_and_without() -> None:
    made = card(asks(APPROVE, REASONED))

    for each in offered(made):
        assert set(each["data"]) == {"k", "r", "v", "t", "a"}
        assert each["fallback"]["data"] == each["data"]


def test_a_form_that_opens_closes_the_others() -> None:
    made = card(asks(REASONED, CONFIRMED))

    opening = button(made, "Reject…")
    assert opening["targetElements"] == [
        "form.Reject",
        {"elementId": "form.WriteOff", "isVisible": False},
    ]


def test_secondary_actions_stand_behind_more() -> None:
    made = card(asks(APPROVE, REJECT, NEED_INFO, REASSIGN, FORWARD, HOLD))

    first = next(p for _path, p in walk(made) if p.get("type") == "ActionSet")
    assert titles(first["actions"]) == ["Approve", "Reject", "Need info", "More"]
    assert part(made, "more")["isVisible"] is False
    assert titles(part(made, "more")["items"][0]["actions"]) == [
        "Reassign…",
        "Forward…",
        "Put on hold…",
    ]


def test_nothing_is_behind_more_where_all_is_secondary() -> None:
    made = card(asks(FORWARD, HOLD))

    assert titles(offered(made)) == ["Forward", "Put on hold"]
    assert "More" not in texts(made)


@pytest.mark.parametrize("count", [6, 7, 12])
def test_no_row_has_more_buttons_than_teams_shows(count: int) -> None:
    actions = tuple(
        Action(code=f"A{n}", label=f"Action {n}", past="Done", primary=n < 11) for n in range(count)
    )
    made = card(asks(*actions))

    rows = [p["actions"] for _path, p in walk(made) if p.get("type") == "ActionSet"]
    assert all(len(row) <= 6 for row in rows)
    assert titles(offered(made)) == [a.label for a in actions]
    assert ("More" in texts(made)) == (count > 6)


def test_a_choice_whose_condition_does_not_hold_is_not_on_the_card() -> None:
    never = Choice(code="NEVER", text="Never", condition=Condition("false", lambda _content: False))
    action = REASONED.model_copy(update={"justifications": (*REASONED.justifications, never)})
    made = card(asks(action))

    assert [c["value"] for c in part(made, "reason.Reject")["choices"]] == [
        "PRICE",
        "SCOPE",
        "OTHER",
    ]


def test_the_new_approver_is_searched_by_teams_itself() -> None:
    picker = part(card(asks(ADD_APPROVER)), "person.AddApprover")

    assert picker["choices.data"] == {
        "type": "Data.Query",
        "dataset": "graph.microsoft.com/users",
    }
    assert picker["choices"] == []


def test_a_confirmation_is_the_tenants_sentence_and_never_ticked() -> None:
    made = card(asks(CONFIRMED, refusal=refused(CONFIRMED), attempt=2))

    box = part(made, "confirm.WriteOff")
    assert box["title"] == CONFIRMED.confirmation
    assert box["value"] == "false"


def test_a_refused_form_is_open_with_all_that_was_filled_in() -> None:
    made = card(asks(WITH_INPUTS, REJECT, refusal=refused(WITH_INPUTS), attempt=2))

    assert "isVisible" not in part(made, "form.Release")
    values = {i: part(made, i).get("value") for i in ids(made) if i.startswith("input.")}
    assert values == {f"input.Release.{code}": v for code, v in FILLED.inputs.items()}


def test_a_refused_form_behind_more_is_open_too() -> None:
    kept = refused(REASSIGN, comment="He knows the vendor.")
    made = card(asks(APPROVE, REASSIGN, refusal=kept, attempt=2))

    assert "isVisible" not in part(made, "more")
    assert "isVisible" not in part(made, "form.Reassign")
    assert part(made, "comment.Reassign")["value"] == "He knows the vendor."
    assert part(made, "person.Reassign")["value"] == FILLED.new_approver
    assert "value" not in part(made, "comment")


def test_an_answer_keeps_what_was_filled_in_over_what_the_place_remembers() -> None:
    view = asks(WITH_INPUTS, REJECT, refusal=refused(WITH_INPUTS), attempt=2)
    entries = Entries(inputs={"Reference": "NEW-1"})

    made = card(view, Aside(problem="No.", tried="Release", entries=entries))

    assert part(made, "input.Release.Reference")["value"] == "NEW-1"
    assert "value" not in part(made, "input.Release.Note")
    assert "period is closed" not in texts(made)


def test_a_choice_that_is_gone_is_not_chosen_again() -> None:
    kept = refused(REASONED).model_copy(update={"entries": Entries(justification="GONE")})

    assert "value" not in part(card(asks(REASONED, refusal=kept)), "reason.Reject")


def test_what_teams_sends_along_is_read_back_as_it_was_shown() -> None:
    made = card(asks(WITH_INPUTS, ADD_APPROVER, refusal=refused(WITH_INPUTS), attempt=2))
    sent = inputs_of(made, button(made, "Release payment"))

    assert read_entries(sent, "Release") == Entries(inputs=FILLED.inputs)
    assert read_entries(sent, "AddApprover") == Entries()


def test_the_comment_of_the_form_counts_and_else_that_of_the_card() -> None:
    sent = {"comment": "of the card", "comment.Reassign": "of the form"}

    assert read_comment(sent, "Reassign") == "of the form"
    assert read_comment(sent | {"comment.Reassign": " "}, "Reassign") == "of the card"
    assert read_comment(sent, "Approve") == "of the card"


@given(
    st.dictionaries(
        st.sampled_from(
            ["comment", "reason.A", "person.A", "placement.A", "confirm.A", "input.A.x", "input.A."]
        ),
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text())),
    )
)
def test_whatever_is_sent_can_be_read(data: Json) -> None:
    entries = read_entries(data, "A")

    assert all(isinstance(v, str) for v in (entries.justification, *entries.inputs.values()))
    assert entries.confirmed == (data.get("confirm.A") == "true")


def test_no_more_is_read_of_an_input_than_any_may_have() -> None:
    sent = {f"input.A.{n}": "x" * 100_000 for n in range(1000)}

    entries = read_entries(sent, "A")

    assert len(entries.inputs) == 50
    assert all(len(value) == 8000 for value in entries.inputs.values())


HOSTILE = [
    "[Pay](https://evil.example) ![x](https://evil.example/p.png) {{DATE(2017-02-14T06:08:39Z)}}",
    "<script>alert(1)</script> <at>CEO</at> **b** `c` ~~d~~ \u202e\x00",
    "\U0001f600" * 2000,
    '"' * 3000,
]
anything = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=50))


@settings(max_examples=8)  # four cards are made and validated in half a second
@given(
    anything,
    st.builds(
        Entries,
        justification=anything,
        placement=anything,
        new_approver=anything,
        inputs=st.dictionaries(st.sampled_from(sorted(FILLED.inputs)), anything),
    ),
)
def test_what_was_filled_in_comes_back_inert_and_fits(said: str, entries: Entries) -> None:
    for action in (WITH_INPUTS, ADD_APPROVER, REASONED, CONFIRMED):
        kept = Refusal(
            action=action.code, message=said, comment=said, at=DECIDED_AT, entries=entries
        )
        made = approval_card(asks(APPROVE, action, refusal=kept), VIEWER)

        assert problems(made.to_dict()) == []
        assert made.size <= LIMIT_IN_BYTES
        assert_inert(made.to_dict())


def test_hostile_words_of_a_file_do_nothing() -> None:
    words = HOSTILE[0][:160]
    choice = Choice(code="C", text=words)
    action = Action(
        code="A",
        label=words,
        past=words,
        hint=HOSTILE[1],
        justification=Comment.REQUIRED,
        justifications=(choice,),
        inputs=tuple(
            Input(
                code=kind.value,
                label=words,
                kind=kind,
                choices=(choice,) if kind is InputKind.CHOICE else (),
            )
            for kind in InputKind
        ),
        confirmation=HOSTILE[1],
    )
    made = card(asks(action))

    assert problems(made) == []
    assert_inert(made)
    inputs = [p for _path, p in walk(made) if str(p.get("type")).startswith("Input.")]
    labels = [p.get("label", "") + p.get("title", "") for p in inputs]
    assert not any("{{" in each or "](" in each for each in labels)


def _full(character: str) -> tuple[Action, ...]:
    """Return as many forms of the longest texts as a tenant's file may have."""
    word, sentence = character * 160, character * 500
    made: list[Action] = []
    for n in range(12):
        inputs = tuple(
            Input(code=f"{character * 70}{i}", label=word, length=4000) for i in range(2)
        )
        choices = tuple(Choice(code=f"{i}", text=word) for i in range(3))
        action = Action(
            code=f"{character * 30}{n}",
            label=word,
            past="Done",
            hint=sentence,
            confirmation=sentence,
            justification=Comment.REQUIRED,
            justifications=choices,
            new_approver=True,
            inputs=inputs,
            comment_length=4000,
        )
        if sum(each.room for each in (*made, action)) > ROOM:
            break
        made.append(action)
    return tuple(made)


@pytest.mark.parametrize("character", ["\U0001f600", "a", '"'])
def test_the_largest_forms_a_file_may_have_fit_a_card(character: str) -> None:
    actions = _full(character)
    first = actions[0]
    typed = {asked.code: "\U0001f600" * 4000 for asked in first.inputs}
    kept = Refusal(
        action=first.code,
        message="\U0001f600" * 4000,
        comment="\U0001f600" * 4000,
        at=DECIDED_AT,
        entries=Entries(inputs=typed),
    )
    approval = an_approval(a_place(refusal=kept), a_place(1, state=PlaceState.REMOVED))

    made = approval_card(a_view(approval, tenant=a_tenant(actions=actions)), VIEWER)

    assert made.size <= LIMIT_IN_BYTES


def test_a_file_whose_forms_fit_no_card_is_refused() -> None:
    choices = tuple(Choice(code=str(n), text="x" * 160) for n in range(90))
    action = REASONED.model_copy(update={"justifications": choices})

    with pytest.raises(ValueError, match="too much for a card"):
        a_tenant(actions=(action,))


def test_the_comment_above_the_buttons_is_for_those_that_are_seen() -> None:
    made = card(asks(APPROVE, HOLD))

    assert part(made, COMMENT)["placeholder"] == "Optional for Approve"
    assert part(made, "form.Hold")["isVisible"] is False
