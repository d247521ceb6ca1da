"""Cards in mails of the worst that people, systems and tenants' files send: valid, small and inert all the same."""

import copy
import json
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from approvals_core.models import Attachment
from approvals_core.ports import View
from approvals_core.tenant import ROOM, Action, Choice, Comment, Input, InputKind
from cards.approval import Aside
from tests.card_forms import (
    REASONED,
)
from tests.card_makers import (
    APPROVE,
    a_content,
    a_tenant,
    a_view,
    an_approval,
)
from tests.card_reading import assert_inert, links_in
from tests.card_schema import walk
from tests.outlook_faces import (
    in_mail,
)
from tests.outlook_reading import pieces_of, the, titles
from tests.outlook_schema import problems
from tests.test_card_hostile import STRESS, anything, hostile_views


@settings(max_examples=60)
@given(view=hostile_views(), said=anything)
@example(view=a_view(), said=STRESS[0])
@example(view=a_view(), said="{{comment.value}}{{{x}}}")
def test_whatever_is_sent_the_card_is_valid_small_and_inert(view: View, said: str) -> None:
    card = in_mail(view, Aside(said=said, problem=said, typed=said))

    assert problems(card) == []
    assert_inert(without_our_links(card))


def without_our_links(card: dict[str, Any]) -> dict[str, Any]:
    """Leave away the links to files that `assert_inert` knows as pressable rows in Teams."""
    bare = copy.deepcopy(card)
    for _path, piece in walk(bare):
        if str(piece.get("text")).startswith("[📎"):
            piece["text"] = piece["text"].rpartition("](https://")[0].removeprefix("[")
    return bare


words = st.sampled_from([each[:150].strip().replace("\ud800", "") for each in STRESS])


@st.composite
def hostile_actions(draw: st.DrawFn) -> tuple[Action, ...]:
    count = draw(st.sampled_from([1, 3, 12]))
    actions = tuple(_hostile_action(draw, number) for number in range(count))
    assume(sum(action.room for action in actions) <= ROOM)  # as every tenant's file
    return actions


def _hostile_action(draw: st.DrawFn, number: int) -> Action:
    def word() -> str:
        return draw(words)

    listed = tuple(Choice(code=f"{n}{word()}"[:80], text=word()) for n in range(3))
    inputs = (
        Input(code="a", label=word(), kind=InputKind.CHECKBOX),
        Input(code="b", label=word(), kind=InputKind.CHOICE, choices=listed),
    )
    reasoned = draw(st.booleans())
    return Action(
        code=f"{number}{word()}"[:160],
        label=word(),
        past=word(),
        hint=word(),
        primary=draw(st.booleans()),
        justification=Comment.REQUIRED if reasoned else Comment.NONE,
        justifications=listed if reasoned else (),
        inputs=inputs if draw(st.booleans()) else (),
        confirmation=word() if draw(st.booleans()) else None,
    )


@settings(max_examples=40)
@given(actions=hostile_actions(), said=anything)
def test_whatever_a_tenants_file_says_the_card_is_valid_small_and_inert(
    actions: tuple[Action, ...], said: str
) -> None:
    tenant = a_tenant().model_copy(update={"actions": actions, "name": said[:160] or "x"})

    card = in_mail(a_view(tenant=tenant), Aside(problem=said, typed=said, tried=actions[0].code))

    assert problems(card) == []
    assert_inert(without_our_links(card))


@pytest.mark.parametrize(
    "name",
    [
        "quote.pdf",
        "a](https://evil.example)[b.pdf",
        "[x](https://evil.example)",
        "x]",
        "[[[",
        "]]]",
        "![p](https://evil.example/p.png)",
        "ends with a backslash\\",
        "*b* _i_ ~~s~~ `c` <b>",
        "{{DATE(2026-11-20)}}",
    ],
)
def test_the_name_of_a_file_leads_to_the_file_whatever_it_is(name: str) -> None:
    file = Attachment(name=name, url="https://erp.example.com/f/9d1f")

    card = in_mail(a_view(an_approval(content=a_content(attachments=(file,)))))

    rows = [p["text"] for p in pieces_of(card, "TextBlock") if "📎" in p["text"]]
    assert [links_in(row) for row in rows] == [["https://erp.example.com/f/9d1f"]]
    shown = MarkdownIt("js-default").render(rows[0])
    assert shown.startswith('<p><a href="https://erp.example.com/f/9d1f">📎 ')
    assert shown.endswith("</a></p>\n")
    assert shown.count("<") == 4  # the paragraph and the link, and nothing else


def test_a_megabyte_of_anything_is_cut_down() -> None:
    endless = "<!--</script>\u202e{{x.value}}" * 40_000
    content = a_content(title=endless, notes=endless, additional={endless[:80]: endless})
    approval = an_approval(content=content, display_number=endless)

    card = in_mail(a_view(approval), Aside(said=endless, problem=endless, typed=endless))

    assert problems(card) == []
    assert "\u202e" not in json.dumps(card, ensure_ascii=False)


def test_a_card_with_more_than_it_can_hold_leaves_choosing_to_the_page() -> None:
    many = tuple(Choice(code=f"C{n}", text="A reason that takes its time " * 5) for n in range(25))
    forms = tuple(
        REASONED.model_copy(
            update={"code": f"R{n}", "label": f"Reject {n}", "justifications": many}
        )
        for n in range(2)
    )
    tenant = a_tenant().model_copy(update={"actions": (APPROVE, *forms)})

    typed = "\U0001f600" * 2500

    card = in_mail(a_view(tenant=tenant), Aside(problem="Please look again.", typed=typed))

    assert problems(card) == []
    assert the(card, "comment")["value"] == typed[: APPROVE.comment_length]
    assert titles(card, "Action.Http") == ["Approve"]
    assert {"Reject 0…", "Reject 1…"} <= set(titles(card, "Action.OpenUrl"))
