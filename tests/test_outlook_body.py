"""What a button of a card in a mail sends: written, filled in as Outlook does, and read again."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals_core.models import Entries
from approvals_core.rules.filling import NOT_TICKED, TICKED
from approvals_core.tenant import Action, Choice, Comment, Input, InputKind
from cards.outlook.body import (
    LONGEST,
    body_template,
    can_be_sent,
    confirm_line,
    held_apart,
    input_line,
    read_body,
    reason_line,
)
from tests.card_forms import ADD_APPROVER, CONFIRMED, REASONED, WITH_INPUTS
from tests.card_makers import APPROVE, REJECT
from tests.outlook_faces import CHOOSING

FULL = CHOOSING.model_copy(
    update={
        "comment": Comment.OPTIONAL,
        "justification": Comment.OPTIONAL,
        "justifications": REASONED.justifications,
    }
)
SILENT = Action(code="Later", label="Not this year", past="Postponed", comment=Comment.NONE)
PRICE = {"reason": "PRICE"}
ALL = {"reason": "SCOPE", "Account": "PT01", "Urgent": TICKED, "confirm": TICKED}
_PLACEHOLDER = re.compile(r"\{{2}([a-z0-9_$@]+).value\}{2}", re.IGNORECASE)


def sent(action: Action, comment: str = "", *, chosen: dict[str, str] | None = None) -> str:
    """Fill in a body as Outlook's renderer does (AdaptiveCards, shared.ts, StringWithSubstitutions)."""
    values = {"comment": comment} | _values(action, chosen or {})
    filled = template = body_template(action)
    for found in _PLACEHOLDER.finditer(template):
        filled = filled.replace(found[0], values.get(found[1], ""), 1)
    return filled


def _values(action: Action, chosen: dict[str, str]) -> dict[str, str]:
    lines = {"reason": reason_line(action), "confirm": confirm_line(action)}
    lines |= {asked.code: input_line(action, asked) for asked in action.inputs}
    return {lines[name].id: lines[name].value(value) or "" for name, value in chosen.items()}


@pytest.mark.parametrize(
    ("action", "comment", "chosen", "entries"),
    [
        (APPROVE, "", {}, Entries()),
        (APPROVE, "Fine for Q4.\nPlease order.", {}, Entries()),
        (SILENT, "", {}, Entries()),
        (REASONED, "Too late.", PRICE, Entries(justification="PRICE")),
        (REASONED, "", PRICE, Entries(justification="PRICE")),
        (REASONED, "Too late.", {}, Entries()),
        (CONFIRMED, "", {"confirm": TICKED}, Entries(confirmed=True)),
        (CONFIRMED, "", {"confirm": NOT_TICKED}, Entries()),
        (
            FULL,
            "One\n\nTwo",
            ALL,
            Entries(
                justification="SCOPE", inputs={"Account": "PT01", "Urgent": TICKED}, confirmed=True
            ),
        ),
        (FULL, "One", {"Urgent": NOT_TICKED}, Entries(inputs={"Urgent": NOT_TICKED})),
    ],
)
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_what_was_filled_in_is_read_again(
    action: Action, comment: str, chosen: dict[str, str], entries: Entries, line_break: str
) -> None:
    text = sent(action, comment, chosen=chosen).replace("\n", line_break)

    assert read_body(text, action) == (comment, entries)


@pytest.mark.parametrize(
    "comment",
    [
        "{{reason.value}}",
        "{{comment.value}} and more",
        "$& $$ $' \\n \\\\",
        '"},{"admin":true',
        "a=1&b=2%20",
        "</script><!--",
        "\u202egnp.exe",
        "\x00\x07",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "-- \nMaria",
        "c3499c27",
    ],
)
@pytest.mark.parametrize("action", [APPROVE, REASONED, FULL])
def test_a_comment_may_hold_anything_and_is_no_choice(action: Action, comment: str) -> None:
    chosen = {"reason": "PRICE"} if action.justifications else {}

    text, entries = read_body(sent(action, comment, chosen=chosen), action)

    assert text == comment
    assert entries.justification == ("PRICE" if action.justifications else "")
    assert entries.inputs == {}
    assert not entries.confirmed


def test_inputs_left_blank_are_blank_even_if_nobody_replaced_them() -> None:
    text = body_template(FULL)

    assert text.count("{{") == 5
    assert read_body(text, FULL) == ("", Entries())


def test_a_body_that_lost_its_blank_lines_loses_nothing_that_was_said() -> None:
    """Some client may trim what it sends: the choices know themselves, the comment begins after them."""
    text = sent(FULL, "Please look.", chosen={"confirm": TICKED})

    assert text.startswith("\n\n")
    assert read_body(text.strip(), FULL) == ("Please look.", Entries(confirmed=True))
    assert read_body("Please look.", FULL) == ("Please look.", Entries())


@pytest.mark.parametrize(
    "line", ["PRICE", "price", "true", "reason=PRICE", "0", "{}", "null", "\u202e", "x" * 5000]
)
def test_a_line_that_is_none_of_our_values_is_no_choice(line: str) -> None:
    comment, entries = read_body(f"{line}\nToo late.", REASONED)

    assert entries == Entries()
    assert comment == f"{line}\nToo late."


def test_the_values_of_another_action_or_list_choose_nothing() -> None:
    other = REASONED.model_copy(update={"code": "Return"})
    confirm = FULL.model_copy(update={"code": "Other"})

    assert read_body(sent(other, chosen=PRICE), REASONED)[1] == Entries()
    assert not read_body(sent(confirm, chosen={"confirm": TICKED}), FULL)[1].confirmed


def test_an_action_without_comment_takes_none() -> None:
    assert read_body("Hello", SILENT) == ("", Entries())
    assert read_body(sent(CONFIRMED, "Hello", chosen={"confirm": TICKED}), CONFIRMED)[0] == ""


def test_a_body_always_says_something_for_a_post_needs_one() -> None:
    assert body_template(SILENT)
    assert read_body(body_template(SILENT), SILENT) == ("", Entries())


def test_an_endless_body_is_cut() -> None:
    comment, _entries = read_body("x" * 1_000_000, APPROVE)

    assert comment == "x" * LONGEST


def test_a_longer_comment_than_allowed_stays_too_long() -> None:
    """What is too long is refused with a word, never shortened silently."""
    longest = APPROVE.comment_length

    comment, _entries = read_body(sent(APPROVE, "x" * (longest + 1)), APPROVE)

    assert len(comment) == longest + 1


@pytest.mark.parametrize("text", ["{{reason.value}}", "{{{x}}}", "{{{{", "a { b {c}", "}}"])
def test_what_is_held_apart_in_an_input_comes_back_as_it_was(text: str) -> None:
    held = held_apart(text)

    assert "{{" not in held
    assert held.replace("\u200b", "") == text
    assert read_body(sent(APPROVE, held), APPROVE)[0] == text


@pytest.mark.parametrize(
    ("action", "able"),
    [
        (APPROVE, True),
        (REJECT, True),
        (REASONED, True),
        (CONFIRMED, True),
        (CHOOSING, True),
        (ADD_APPROVER, False),
        (WITH_INPUTS, False),
    ],
)
def test_what_needs_a_search_or_free_inputs_is_for_the_page(action: Action, able: bool) -> None:  # noqa: FBT001
    assert can_be_sent(action) is able


def test_ids_and_values_are_what_outlook_replaces_whatever_the_codes_are() -> None:
    odd = "{{a.value}}\n-.\u202e \U0001f600"
    hostile = Action(
        code=f"1{odd}",
        label="x",
        past="x",
        justification=Comment.REQUIRED,
        justifications=(Choice(code=f"2{odd}", text="x"), Choice(code=f"3{odd}", text="y")),
        inputs=(
            Input(
                code=f"4{odd}",
                label="x",
                kind=InputKind.CHOICE,
                choices=(Choice(code=f"5{odd}", text="z"),),
            ),
        ),
        confirmation="x",
    )
    asked = hostile.inputs[0]
    lines = [reason_line(hostile), input_line(hostile, asked), confirm_line(hostile)]

    assert all(re.fullmatch(r"[a-z0-9_]+", line.id) for line in lines)
    values = [value for line in lines for value in line.values]
    assert len(set(values)) == len(values) == 5
    assert all(re.fullmatch(r"[a-z0-9]+", value) for value in values)
    chosen = {"reason": f"3{odd}", asked.code: f"5{odd}", "confirm": TICKED}
    _comment, entries = read_body(sent(hostile, chosen=chosen), hostile)
    assert entries == Entries(
        justification=f"3{odd}", inputs={asked.code: f"5{odd}"}, confirmed=True
    )


@given(text=st.text(max_size=300))
def test_any_body_is_read_and_chooses_nothing_by_chance(text: str) -> None:
    comment, entries = read_body(text, FULL)

    assert entries == Entries()
    assert len(comment) <= len(text)
    json.dumps(comment)


@given(comment=st.text(st.characters(exclude_characters="\r", codec="utf-8"), max_size=200))
def test_any_comment_comes_through_beside_choices(comment: str) -> None:
    chosen: Any = ALL

    read, entries = read_body(sent(FULL, comment, chosen=chosen), FULL)

    assert read == comment.replace("{\u200b{", "{{")
    assert entries.confirmed
