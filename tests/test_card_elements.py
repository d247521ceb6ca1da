"""The typed pieces of a card: strict where the package below is silent."""

import json
from pathlib import Path

import pytest
from adaptivecards.adaptivecard import AdaptiveCard
from adaptivecards.baseobject import BareObject

import cards
from cards.elements import Action, Card, Execute, OpenUrl, Prose, Refresh, TextBlock
from tests.card_schema import problems


def a_card(*body: BareObject, **fields: Refresh) -> Card:
    return Card(*body, speak="s", fallback_text="f", lang="en", **fields)


def test_a_property_that_does_not_exist_is_an_error():
    with pytest.raises(TypeError, match="Action has no property titel"):
        Action(titel="Approve")


def test_a_property_of_the_wrong_type_is_an_error():
    with pytest.raises(TypeError, match="maxLines"):
        TextBlock("x", lines="three")  # pyright: ignore[reportArgumentType] - what is tested


def test_what_is_not_set_is_not_sent():
    assert json.loads(a_card(TextBlock("x")).to_json())["body"] == [
        {"type": "TextBlock", "text": "x", "wrap": True}
    ]


def test_a_button_has_a_submit_for_older_clients():
    button = Execute("Approve", verb="act", data={"k": "1"}, style="positive")

    assert json.loads(str(button))["fallback"] == {
        "type": "Action.Submit",
        "title": "Approve",
        "data": {"k": "1"},
        "style": "positive",
    }


def test_a_card_says_all_that_teams_needs():
    refresh = Refresh(Execute("Refresh", verb="refresh", data={}, submit_instead=False), ["29:1"])

    card = a_card(Prose("a\nb"), refresh=refresh)

    assert problems(card.to_dict()) == []
    assert card.to_dict()["refresh"] == {
        "action": {"type": "Action.Execute", "title": "Refresh", "verb": "refresh", "data": {}},
        "userIds": ["29:1"],
    }


def test_a_cards_size_is_what_goes_over_the_wire():
    card = a_card(TextBlock("€"))

    assert card.size == len(card.to_json())
    assert "€".encode() in card.to_json()


def test_the_pieces_are_the_packages_own_and_nobody_else_knows_it():
    users = {
        path.parent.name
        for path in Path(cards.__file__).parent.rglob("*.py")
        if "adaptivecards" in path.read_text(encoding="utf-8").replace("`adaptivecards`", "")
    }

    assert users == {"elements"}
    assert isinstance(a_card(), AdaptiveCard)
    assert isinstance(OpenUrl("a", "https://a.example"), BareObject)


TEXT = {"type": "TextBlock", "text": "x", "wrap": True}


def an_action(kind: str, **fields: object) -> dict[str, object]:
    return {"type": "ActionSet", "actions": [{"type": kind, **fields}]}


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"type": "TextBlock", "text": "x", "wrap": True, "size": 5}, "size"),
        ({"type": "TextBlock", "text": "x", "wrap": True, "size": "LargeX"}, "size"),
        ({"type": "TextBlock", "text": "x", "wrapp": True}, "'wrapp' was unexpected"),
        ({"type": "TextBlock", "text": "x"}, "does not say whether it wraps"),
        ({"type": "Container", "items": []}, "nothing in it"),
        ({"type": "Input.Text", "id": "a"}, "without label"),
        ({"type": "Marquee"}, "Marquee"),
        ({"type": "Image", "url": "https://a.example/i.png"}, "without altText"),
        ({"type": "Image", "url": "data:image/png;base64,AA", "altText": "x"}, "no address"),
        (
            {
                "type": "ColumnSet",
                "columns": [
                    {
                        "type": "Column",
                        "items": [
                            {
                                "type": "Image",
                                "url": "https://a.example/i.png",
                                "altText": "Fabrikam",
                            },
                            {"type": "TextBlock", "text": "Fabrikam", "wrap": True},
                        ],
                    }
                ],
            },
            "read twice",
        ),
        ({"type": "Table", "columns": [], "rows": []}, "different on phones"),
        ({"type": "TextBlock", "text": "x", "wrap": True, "fontType": "Monospace"}, "on phones"),
        ({"type": "TextBlock", "text": "Done", "wrap": True, "color": "Good"}, "hardly seen"),
        (
            {
                "type": "ColumnSet",
                "columns": [{"type": "Column", "width": "90px", "items": [TEXT]}],
            },
            "much of a phone's width",
        ),
        (an_action("Action.OpenUrl", title="", url="https://a.example"), "no title"),
        (an_action("Action.OpenUrl", title="x" * 91, url="https://a.example"), "no title"),
        (an_action("Action.OpenUrl", title="x", url="javascript:alert(1)"), "no address"),
        (an_action("Action.OpenUrl", title="x", url="https://bank.example@evil.example"), "no add"),
        (an_action("Action.ToggleVisibility", title="x", targetElements=["y"]), "has the id 'y'"),
        (an_action("Action.Execute", title="x", verb="act"), "without a Submit"),
    ],
)
def test_the_tests_own_judge_sees_what_is_wrong(wrong, complaint):
    card = a_card().to_dict() | {"body": [wrong]}

    assert any(complaint in problem for problem in problems(card))


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"speak": ""}, "$.speak: says nothing"),
        ({"fallbackText": ""}, "$.fallbackText: says nothing"),
        (
            {"actions": [{"type": "Action.OpenUrl", "title": "x", "url": "https://a.example"}]},
            "$.actions",
        ),
        ({"body": [{**TEXT, "text": "x" * 29_000}]}, "bytes are too many"),
        ({"body": [{**TEXT, "id": "a"}, {**TEXT, "id": "a"}]}, "id 'a' twice"),
    ],
)
def test_it_sees_what_is_wrong_with_a_whole_card(wrong, complaint):
    assert any(
        complaint in problem for problem in problems(a_card(TextBlock("x")).to_dict() | wrong)
    )


def test_it_has_nothing_against_a_good_card():
    assert problems(a_card(TextBlock("x")).to_dict()) == []
