"""The card in a mail, in every state: what Outlook takes, and that it says what Teams says."""

import copy
from typing import Any

import pytest

from cards.approval import Aside, approval_card
from cards.outlook import LIMIT_IN_BYTES
from tests.card_faces import views
from tests.card_forms import (
    ADD_APPROVER,
    asks,
)
from tests.card_makers import (
    APPROVE,
    VIEWER,
    a_view,
)
from tests.card_reading import texts
from tests.card_schema import walk
from tests.mail_faces import a_mail
from tests.outlook_faces import (
    CORRELATION,
    GOLDEN,
    ORIGINATOR,
    PAGE,
    in_mail,
    outlook_faces,
    written,
)
from tests.outlook_reading import pieces_of, posts, titles
from tests.outlook_schema import problems

FACES = outlook_faces()
VIEWS = views()
CLOSED = ("done", "ended-otherwise", "withdrawn", "opened-again")


@pytest.mark.parametrize("name", FACES)
def test_a_card_in_a_mail_is_as_it_was_looked_at(name: str) -> None:
    assert written(FACES[name]) == (GOLDEN / f"{name}.json").read_text(encoding="utf-8")


def test_no_golden_card_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(FACES)


@pytest.mark.parametrize("name", FACES)
def test_a_card_in_a_mail_is_what_outlook_takes(name: str) -> None:
    assert problems(FACES[name]) == []


@pytest.mark.parametrize("name", VIEWS)
def test_every_state_that_teams_shows_is_what_outlook_takes(name: str) -> None:
    assert problems(in_mail(VIEWS[name])) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), "1.4"),
        (("originator",), ""),
        (("refresh",), {}),
        (("msteams",), {}),
        (("actions",), []),
        (("autoInvokeAction", "method"), "GET"),
        (("autoInvokeAction", "url"), "http://approvals.example.com/x"),
        (("body", 0, "roundedCorners"), True),
        (("body", 0, "style"), "good"),
        (("body", 0, "type"), "Table"),
        (("body", 0, "bleed"), "true"),
        (("body", 1, "bleed"), True),
        (("body", 0, "id"), "form.Reject"),
        (("body", 0, "selectAction"), {"type": "Action.OpenUrl", "url": "https://a.example"}),
        (("body", 0, "items", 1, "fallback"), "drop"),
        (("body", 0, "items", 1, "text"), "{{DATE(2026-11-20T00:00:00Z)}}"),
        (("body", 0, "items", 1, "style"), "heading"),
        (("body", 0, "items", 1, "text"), "x" * LIMIT_IN_BYTES),
    ],
)
def test_the_schema_finds_what_outlook_does_not_take(path: tuple[Any, ...], value: Any) -> None:
    card = copy.deepcopy(FACES["pending"])
    there: Any = card
    for step in path[:-1]:
        there = there[step]

    there[path[-1]] = value

    assert problems(card) != []


@pytest.mark.parametrize("kind", ["Action.Submit", "Action.Execute"])
def test_the_schema_finds_buttons_that_outlook_does_not_show(kind: str) -> None:
    card = copy.deepcopy(FACES["pending"])
    posts(card)[0]["type"] = kind

    assert problems(card) != []


@pytest.mark.parametrize("name", sorted({*VIEWS} - {"details-endless", "maximal"}))
def test_a_mail_says_all_that_teams_says_in_the_same_order(name: str) -> None:
    """Not those two: a mail's card has less room, and says less of endless details."""
    view = VIEWS[name]

    said = iter(_sentences(in_mail(view)))

    missing = [
        each for each in _sentences(approval_card(view, VIEWER).to_dict()) if each not in said
    ]
    assert missing == []


def _sentences(card: dict[str, Any]) -> list[str]:
    """Return what is read on the card from top to bottom, above the comment and the buttons."""
    found: list[str] = []
    for _path, piece in walk(card["body"]):
        if piece.get("type") == "Input.Text":
            break
        if piece.get("type") in {"TextBlock", "TextRun"}:
            found += [_bare(line) for line in piece["text"].split("\n") if line]
        if "facts" in piece:
            found += [_bare(fact[name]) for fact in piece["facts"] for name in ("title", "value")]
    return found


def _bare(words: str) -> str:
    """Take away how a text is written, and where a link leads."""
    label = words.partition("](")[0].removeprefix("[") if words.startswith("[") else words
    kept = label.replace("\u200b", "").replace("\\", "").replace("[", "(").replace("]", ")")
    return kept.replace("`", "\u02cb").strip()


@pytest.mark.parametrize("name", VIEWS)
def test_every_card_says_whose_it_is_and_hides_the_mail_beneath(name: str) -> None:
    card = in_mail(VIEWS[name])

    assert card["version"] == "1.0"
    assert card["originator"] == ORIGINATOR
    assert card["correlationId"] == CORRELATION
    assert card["hideOriginalBody"] is True


@pytest.mark.parametrize(
    ("name", "badge", "color"),
    [("pending", "Pending", None), ("rejected", "Rejected by you", "attention")],
)
def test_red_is_for_what_went_wrong_and_waiting_is_no_alarm(name, badge, color) -> None:
    [said] = [each for each in pieces_of(FACES[name], "TextBlock") if each["text"] == badge]

    assert said.get("color") == color
    assert said["weight"] == "bolder"


def test_the_header_reaches_the_edges_as_in_teams() -> None:
    [header] = [each for each in pieces_of(FACES["pending"], "Container") if each.get("bleed")]

    assert header["style"] == "emphasis"
    assert header is FACES["pending"]["body"][0]


def test_the_page_is_called_alike_in_card_and_mail() -> None:
    assert a_mail(VIEWS["pending"]).html.count(">Open the request</a>") > 0
    for view in (VIEWS["pending"], VIEWS["approved"]):
        opened = pieces_of(in_mail(view), "Action.OpenUrl")
        assert [each["title"] for each in opened if each["url"] == PAGE] == ["Open the request"]


def test_a_card_asks_for_its_newest_state_when_the_mail_is_opened() -> None:
    card = in_mail(a_view())

    asked = card["autoInvokeAction"]
    assert (asked["type"], asked["method"]) == ("Action.Http", "POST")
    assert "/outlook/refresh/" in asked["url"]
    assert {"name": "Authorization", "value": ""} in asked["headers"]


@pytest.mark.parametrize("name", VIEWS)
def test_only_the_card_of_a_closed_request_asks_no_more_and_it_has_a_link(name: str) -> None:
    card = in_mail(VIEWS[name])

    is_closed = name in CLOSED or "opened-again" in name
    assert ("autoInvokeAction" not in card) == is_closed
    assert not is_closed or pieces_of(card, "Action.OpenUrl")
    assert not is_closed or not posts(card)


@pytest.mark.parametrize("name", ["no-longer-asked", "removed-while-held"])
def test_who_is_asked_no_more_sees_how_it_goes_on_and_can_do_nothing(name: str) -> None:
    card = in_mail(VIEWS[name])

    assert "autoInvokeAction" in card
    assert not posts(card)


def test_a_card_that_waits_says_when_it_shows_more() -> None:
    said = "This card shows the newest state whenever you open the mail."

    assert said in texts(in_mail(VIEWS["sending"]))
    assert said in texts(in_mail(a_view(), Aside(recording="Approve")))
    assert said not in texts(in_mail(a_view()))
    assert said not in texts(in_mail(VIEWS["done"]))


def test_a_notice_line_is_the_last_thing_on_the_card() -> None:
    for view in (a_view(), VIEWS["sending"]):
        card = in_mail(view, notice_line="Playground: not a real request")

        assert card["body"][-1]["text"] == "Playground: not a real request"


@pytest.mark.parametrize("name", VIEWS)
def test_the_way_to_the_page_is_on_every_card(name: str) -> None:
    links = [piece["url"] for piece in pieces_of(in_mail(VIEWS[name]), "Action.OpenUrl")]

    assert links.count(PAGE) >= 1


@pytest.mark.parametrize("page_url", ["", "javascript:alert(1)", "https://a@evil.example/"])
def test_without_a_page_nothing_leads_there(page_url: str) -> None:
    card = in_mail(asks(APPROVE, ADD_APPROVER), page_url=page_url)

    assert titles(card, "Action.Http") == ["Approve"]
    assert titles(card, "Action.OpenUrl") == ["Open in Contoso Purchasing"]
    assert problems(card) == []
