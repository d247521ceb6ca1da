"""What the card in a mail offers, and what it keeps of what came back."""

import json
from datetime import UTC, datetime

import pytest

from approvals_core.models import PersonId, PlaceState, Refusal
from approvals_core.tenant import Action, Comment
from approvals_core.tenant.conditions import Condition
from bots.outlook.links import TicketLinks
from bots.outlook.tickets import LONGEST_LIFE, Purpose, Tickets
from cards.approval import Aside
from cards.outlook.body import reason_line
from tests.card_forms import (
    ADD_APPROVER,
    CONFIRMED,
    FORWARD,
    REASONED,
    WITH_INPUTS,
    asks,
    refused,
)
from tests.card_makers import (
    APPROVE,
    DECIDED_AT,
    NEED_INFO,
    REJECT,
    a_content,
    a_place,
    a_view,
    an_approval,
    decided,
    taken,
)
from tests.card_reading import texts
from tests.card_schema import walk
from tests.outlook_faces import (
    CHOOSING,
    PAGE,
    in_mail,
)
from tests.outlook_reading import pieces_of, posts, the, titles
from tests.outlook_schema import problems

SECOND = a_place(1)


def test_each_action_is_posted_to_a_link_of_its_own_with_the_comment() -> None:
    card = in_mail(a_view())

    assert titles(card, "Action.Http") == ["Approve", "Reject", "Need info"]
    urls = [post["url"] for post in posts(card)]
    codes = ("Approve", "Reject", "NeedMoreInformation")
    assert all(f"/outlook/act/{code}-" in url for code, url in zip(codes, urls, strict=True))
    for post in posts(card):
        assert post["method"] == "POST"
        assert post["body"] == "{{comment.value}}"
        assert post["headers"] == [
            {"name": "Content-Type", "value": "text/plain"},
            {"name": "Authorization", "value": ""},
        ]


def test_a_real_link_binds_the_button_to_what_was_shown() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    tickets = Tickets(["k" * 40], lambda: now)
    maria = PersonId("11111111-aaaa-4aaa-8aaa-111111111111", "0001")
    links = TicketLinks(tickets, "https://a.example.com", "ab" * 16, maria, now + LONGEST_LIFE)
    approval = an_approval(a_place(attempt=4), SECOND, revision=7)

    card = in_mail(a_view(approval), links=links)

    tickets_read = [tickets.read(post["url"].rpartition("/")[2]) for post in posts(card)]
    assert [ticket.action for ticket in tickets_read] == [
        "Approve",
        "Reject",
        "NeedMoreInformation",
    ]
    assert {(t.purpose, t.revision, t.attempt, t.person) for t in tickets_read} == {
        (Purpose.ACT, 7, 4, maria)
    }
    assert problems(card) == []


def test_the_comment_stands_above_the_buttons() -> None:
    order = [p["type"] for _path, p in walk(in_mail(a_view())["body"]) if "type" in p]

    assert order.index("Input.Text") < order.index("ActionSet")


def test_the_button_that_says_yes_stands_out() -> None:
    looks = [(p.get("style"), p.get("isPrimary")) for p in posts(in_mail(a_view()))]

    assert looks == [("positive", True), ("destructive", None), (None, None)]


def test_twelve_actions_are_offered_in_rows_that_every_host_shows() -> None:
    actions = tuple(
        Action(code=f"A{n}", label=f"Action {n}", past="Done", primary=n < 9) for n in range(12)
    )

    card = in_mail(asks(*actions))

    assert titles(card, "Action.Http") == [f"Action {n}" for n in range(12)]
    assert all(len(row["actions"]) <= 4 for row in pieces_of(card, "ActionSet"))
    assert the(card, "more")["isVisible"] is False
    assert titles(the(card, "more") | {"body": the(card, "more")}, "Action.Http") == [
        "Action 9",
        "Action 10",
        "Action 11",
    ]
    assert problems(card) == []


def test_only_what_the_request_allows_is_offered() -> None:
    content = a_content(actions=("approve", "Escalate"))

    card = in_mail(a_view(an_approval(a_place(), content=content)))

    assert titles(card, "Action.Http") == ["Approve"]


def test_a_reason_is_chosen_in_a_form_that_is_folded_away() -> None:
    card = in_mail(asks(APPROVE, REASONED))

    toggle = next(p for p in pieces_of(card, "Action.ToggleVisibility"))
    form = the(card, toggle["targetElements"][0])
    assert toggle["title"] == "Reject…"
    assert form["isVisible"] is False
    chosen = next(p for _path, p in walk(form) if p.get("type") == "Input.ChoiceSet")
    assert [c["title"] for c in chosen["choices"]] == [
        "Too expensive",
        "Not needed this year",
        "Something else, see the comment",
    ]
    post = next(p for _path, p in walk(form) if p.get("type") == "Action.Http")
    assert post["body"] == f"{{{{{chosen['id']}.value}}}}\n{{{{comment.value}}}}"


def test_no_code_of_the_tenants_is_an_input_or_a_value() -> None:
    card = in_mail(asks(REASONED, CHOOSING, CONFIRMED))

    inputs = [p for _path, p in walk(card) if str(p.get("type")).startswith("Input.")]
    said = json.dumps([[p["id"], p.get("choices"), p.get("valueOn")] for p in inputs])
    for code in ("Reject", "PRICE", "SCOPE", "Account", "DE01", "Urgent", "WriteOff", "true"):
        assert code not in said.replace("Something else", "")


def test_a_choice_that_is_not_for_this_request_is_not_offered() -> None:
    never = Condition("false", lambda _content: False)
    first, *others = REASONED.justifications
    choices = (first.model_copy(update={"condition": never}), *others)
    reasoned = REASONED.model_copy(update={"justifications": choices})

    card = in_mail(asks(reasoned))

    offered = pieces_of(card, "Input.ChoiceSet")[0]["choices"]
    assert [each["title"] for each in offered] == [each.text for each in others]


@pytest.mark.parametrize("action", [ADD_APPROVER, WITH_INPUTS])
def test_what_needs_a_search_or_free_inputs_leads_to_the_page(action: Action) -> None:
    card = in_mail(asks(APPROVE, action))

    opened = {p["title"]: p["url"] for p in pieces_of(card, "Action.OpenUrl")}
    assert opened[f"{action.label}…"] == PAGE
    assert titles(card, "Action.Http") == ["Approve"]


def test_an_action_behind_more_needs_no_form_for_its_comment() -> None:
    card = in_mail(asks(APPROVE, FORWARD))

    assert titles(card, "Action.Http") == ["Approve", "Forward"]
    assert len(pieces_of(card, "Input.Text")) == 1


def test_a_hint_is_read_before_a_secondary_action_is_taken() -> None:
    hinted = FORWARD.model_copy(update={"hint": "It leaves your list."})

    card = in_mail(asks(APPROVE, hinted))

    assert "It leaves your list." in texts(card)
    assert titles(card, "Action.ToggleVisibility") == ["More", "Forward…"]


def test_the_comment_is_as_long_as_the_longest_action_on_the_card_allows() -> None:
    long = NEED_INFO.model_copy(update={"comment_length": 2000})
    elsewhere = ADD_APPROVER.model_copy(update={"comment_length": 4000})

    card = in_mail(asks(APPROVE, REJECT, long, elsewhere))

    assert the(card, "comment")["maxLength"] == 2000
    assert the(card, "comment")["placeholder"] == (
        "Optional for Approve. Needed for Reject or Need info."
    )


def test_no_comment_is_asked_for_where_nothing_takes_one() -> None:
    plain = Action(code="Ok", label="OK", past="Done", comment=Comment.NONE)

    card = in_mail(asks(plain))

    assert not pieces_of(card, "Input.Text")
    assert titles(card, "Action.Http") == ["OK"]


def test_a_card_on_which_nothing_can_be_done_says_where_it_can() -> None:
    card = in_mail(asks(ADD_APPROVER), page_url="")

    assert "This request cannot be decided here. Please decide in Contoso Purchasing." in texts(
        card
    )
    assert posts(card) == []


# -- what came back ------------------------------------------------------------------------


def test_a_refusal_says_why_and_keeps_what_was_typed() -> None:
    refusal = Refusal(
        action="Approve",
        message="Over budget: https://a.example/1 says why.",
        comment='Line 1\n**Line** "2"  ',
        at=DECIDED_AT,
    )

    card = in_mail(a_view(an_approval(a_place(refusal=refusal), SECOND)))

    assert the(card, "comment")["value"] == 'Line 1\n**Line** "2"  '
    assert "Over budget: " in texts(card)
    assert "Open a.example" in titles(card, "Action.OpenUrl")
    assert len(posts(card)) == 3


def test_a_form_that_came_back_stands_open_with_what_was_chosen() -> None:
    card = in_mail(asks(APPROVE, REASONED, attempt=2, refusal=refused(REASONED, comment="Why?")))

    chosen = next(p for p in pieces_of(card, "Input.ChoiceSet"))
    assert chosen["value"] == reason_line(REASONED).value("SCOPE")
    assert the(card, "comment")["value"] == "Why?"
    form = next(p for p in pieces_of(card, "Container") if str(p.get("id")).startswith("form_"))
    assert "isVisible" not in form


def test_a_confirmation_is_never_ticked_beforehand() -> None:
    card = in_mail(asks(APPROVE, CONFIRMED, attempt=2, refusal=refused(CONFIRMED)))

    box = next(p for p in pieces_of(card, "Input.Toggle"))
    assert box["value"] == box["valueOff"]
    assert "told to the auditors" in texts(card)  # a long title does not wrap beside its box
    assert box["title"] == "Yes"


def test_what_was_behind_more_and_came_back_is_seen() -> None:
    card = in_mail(asks(APPROVE, FORWARD, attempt=2, refusal=refused(FORWARD)))

    assert "isVisible" not in the(card, "more")


def test_a_long_comment_is_kept_to_the_last_letter() -> None:
    actions = (NEED_INFO.model_copy(update={"comment_length": 4000}),)
    comment = "Because of \U0001f600 " * 250

    card = in_mail(asks(*actions), Aside(problem="Please shorten.", typed=comment))

    assert the(card, "comment")["value"] == comment


def test_what_was_typed_never_becomes_another_inputs_value() -> None:
    aside = Aside(problem="No.", typed="{{reason_ab604a36.value}} {{{DATE}}}")

    card = in_mail(asks(REASONED), aside)

    value = the(card, "comment")["value"]
    assert "{{" not in value
    assert value.replace("\u200b", "") == "{{reason_ab604a36.value}} {{{DATE}}}"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (PlaceState.SUBMITTING, "Sending to Contoso Purchasing…"),
        (PlaceState.UNCONFIRMED, "It may have it, or not."),
        (PlaceState.ACCEPTED, "Approved by **Maria Keller**"),
    ],
)
def test_one_decision_holds_everybody_and_everybody_sees_whose(
    state: PlaceState, said: str
) -> None:
    approval = an_approval(decided(state), SECOND, taken=())

    for seat in (0, 1):
        card = in_mail(a_view(approval, seat=seat))

        assert said in texts(card)
        assert "Please order before the 27th." in texts(card)
        assert posts(card) == []
        assert "autoInvokeAction" in card


def test_a_closed_card_says_what_became_of_it() -> None:
    gone = a_place(state=PlaceState.REMOVED)

    card = in_mail(a_view(an_approval(gone, SECOND, taken=(taken(1),))))

    assert "Approved by **Jonas Berg**" in texts(card)
    assert posts(card) == []
    assert not pieces_of(card, "Input.Text")


def test_the_same_request_gives_the_same_card() -> None:
    assert in_mail(a_view()) == in_mail(a_view())
