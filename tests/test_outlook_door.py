"""What people do in their mails: whatever happens, the answer is a card, and it is true."""

import asyncio
import re

import pytest

from approvals_core.ledger import Ledger
from approvals_core.models import Person, PlaceState
from approvals_core.ports import Answer, AnswerKind
from approvals_core.rules import binding
from approvals_core.tenant import Choice, Comment
from bots.outlook.tickets import LONGEST_LIFE
from cards.approval import approval_card
from cards.outlook.body import reason_line
from cards.viewer import Viewer
from playground import names
from playground.issuer import Issuer
from tests.far_sides import eventually
from tests.logged import Log
from tests.makers import JONAS, KEY, MARIA, PRIYA, create, delete
from tests.outlook_posts import (
    CORRELATION,
    LETTER,
    PUBLIC_URL,
    REFRESH,
    Mailed,
    SlowStore,
    a_core,
    a_door,
    mailed,
    plain,
    slow_store,
    token_issuer,
)

__all__ = ["mailed", "slow_store", "token_issuer"]

NO = Answer(kind=AnswerKind.REFUSED, message="Over budget")


# -- deciding, and looking ------------------------------------------------------------


async def test_a_press_decides_and_is_answered_with_the_card_as_it_is_then(mailed: Mailed) -> None:
    answered = await mailed.press(MARIA, body="Within budget.")

    [posted] = mailed.core.api.posted
    assert (posted.decision.action, posted.decision.comment) == ("Approve", "Within budget.")
    assert (posted.decision.channel, posted.decision.by) == ("outlook", MARIA)
    assert (posted.place.alias, posted.place.state) == ("johndoe1", PlaceState.SUBMITTING)
    assert "Approved by Maria Keller" in answered.said
    assert "Within budget." in answered.said
    assert "Approve" not in answered.titles


async def test_what_was_chosen_arrives_with_the_comment(
    slow_store: SlowStore, token_issuer: Issuer
) -> None:
    reasons = (Choice(code="41", text="Too dear"), Choice(code="42", text="Not needed"))
    reject = (await a_core(slow_store)).tenant.actions[1]
    asking = reject.model_copy(
        update={"justifications": reasons, "justification": Comment.REQUIRED}
    )
    core = await a_core(slow_store, actions=(asking,))
    async with a_door(core, token_issuer) as mailed:
        answered = await mailed.press(
            MARIA, "Reject", f"{reason_line(asking).value('42')}\r\nNo.\r\nReally."
        )

    [posted] = core.api.posted
    assert (posted.decision.reason_code, posted.decision.reason_text) == ("42", "Not needed")
    assert posted.decision.comment.split() == ["No.", "Really."]
    assert "Rejected by Maria Keller" in answered.said


async def test_opening_shows_what_is_true_and_changes_nothing(mailed: Mailed) -> None:
    before = await mailed.kept()

    answered = await mailed.open(MARIA)

    assert answered.titles[:2] == ["Approve", "Reject"]
    assert "Laptops" in answered.said
    assert await mailed.kept() == before


async def test_what_was_decided_in_teams_shows_in_the_mail_when_it_is_opened(
    mailed: Mailed,
) -> None:
    await mailed.core.click(JONAS, "Reject", "Too dear")

    answered = await mailed.open(MARIA)

    assert "Rejected by Jonas Berg" in answered.said
    assert "Too dear" in answered.said
    assert answered.titles == []


async def test_what_was_decided_in_a_mail_shows_in_teams(mailed: Mailed) -> None:
    await mailed.press(MARIA, body="From my mail")
    await mailed.core.pass_time(5)

    for person in (MARIA, JONAS):
        [screen] = mailed.core.channel.of(person)
        assert "Approved by Maria Keller" in plain(screen.face)
        assert "From my mail" in plain(screen.face)


async def test_the_first_opening_is_noted_in_the_ledger_and_later_ones_are_not(
    mailed: Mailed,
) -> None:
    await mailed.send_letter(MARIA)

    await mailed.open(MARIA)
    await eventually(mailed.seen)
    noted = await mailed.letter()
    mailed.core.clock.advance(3600)
    await mailed.open(MARIA)
    await nothing_is_noted()

    assert await mailed.letter() == noted


async def nothing_is_noted() -> None:
    """Wait for whoever notes at present that a mail was opened: he who opens it does not."""
    noting = Ledger.note_seen.__qualname__
    tasks = {t for t in asyncio.all_tasks() if getattr(t.get_coro(), "__qualname__", "") == noting}
    await asyncio.gather(*tasks)


async def test_a_press_that_is_no_opening_is_not_noted(mailed: Mailed) -> None:
    await mailed.send_letter(MARIA)

    await mailed.press(MARIA)
    mailed.core.clock.advance(60)
    await mailed.open(MARIA)

    await eventually(mailed.seen)
    letter = await mailed.letter()
    assert letter is not None
    assert letter.seen_at == mailed.core.clock.now()


# -- the cards in the answers ---------------------------------------------------------


async def test_every_answer_has_new_tickets_for_the_same_mail_and_person(mailed: Mailed) -> None:
    path = await mailed.path(MARIA, purpose=REFRESH)
    mailed.core.clock.advance(29 * 24 * 3600)

    answered = await mailed.post(path, token=mailed.token(MARIA))

    assert answered.url("Approve").startswith(f"{PUBLIC_URL}/outlook/act/")
    again = answered.body["autoInvokeAction"]["url"]
    assert again.startswith(f"{PUBLIC_URL}/outlook/refresh/")
    for url in (answered.url("Approve"), again):
        ticket = mailed.tickets.read(url.rpartition("/")[2])
        assert ticket.expires == mailed.core.clock.now() + LONGEST_LIFE
        assert (ticket.letter, ticket.person) == (LETTER, MARIA.id)
    body = answered.body
    assert (body["originator"], body["correlationId"]) == (names.ORIGINATOR, CORRELATION)
    assert f"{PUBLIC_URL}/requests/{(await mailed.core.approval()).id}" in str(body)


async def test_the_buttons_of_an_answer_work(mailed: Mailed) -> None:
    mailed.core.api.answers.append(NO)
    refused = await mailed.press(MARIA, body="First try")
    old = await mailed.path(MARIA, attempt=1)

    stale = await mailed.post(old, token=mailed.token(MARIA))
    taken = await mailed.post(refused.url("Approve"), token=mailed.token(MARIA))

    assert "Over budget" in refused.said
    assert "First try" in str(refused.body)
    assert "changed since this card was made" in stale.said
    assert "Approved by Maria Keller" in taken.said
    assert len(mailed.core.api.posted) == 2


async def test_a_mail_that_is_too_old_says_so_and_shows_and_decides_nothing(
    mailed: Mailed,
) -> None:
    opened = await mailed.path(MARIA, purpose=REFRESH)
    pressed = await mailed.path(MARIA)
    before = await mailed.kept()
    mailed.core.clock.advance(LONGEST_LIFE.total_seconds() + 1)

    for path in (opened, pressed):
        answered = await mailed.post(path, token=mailed.token(MARIA))

        assert "too old" in answered.said
        assert answered.url("Open the request") == f"{PUBLIC_URL}/requests/{before[0].id}"
        assert answered.titles == []
        assert "Laptops" not in str(answered.body)
    assert await mailed.kept() == before


async def test_a_mail_that_is_too_old_is_still_its_owners_only(mailed: Mailed) -> None:
    path = await mailed.path(MARIA, purpose=REFRESH)
    mailed.core.clock.advance(LONGEST_LIFE.total_seconds() + 1)

    answered = await mailed.post(path, token=mailed.token(JONAS))

    assert (answered.status, answered.line) == (403, "This mail was sent to somebody else.")


async def test_whoever_may_not_see_the_request_any_more_gets_no_word_of_it(
    mailed: Mailed,
) -> None:
    opened, pressed = await mailed.path(MARIA, purpose=REFRESH), await mailed.path(MARIA)
    await mailed.core.open(delete("johndoe1", "johndoe2"), create("johndoe2", at=5))
    before = await mailed.kept()

    for path in (opened, pressed):
        answered = await mailed.post(path, token=mailed.token(MARIA))

        assert "not available to you" in answered.said
        assert "Laptops" not in str(answered.body)
        assert "Jonas" not in str(answered.body)
        assert (answered.body["originator"], answered.body["correlationId"]) == (
            names.ORIGINATOR,
            CORRELATION,
        )
    assert await mailed.kept() == before


# -- places that an operator changed ------------------------------------------------


async def rebind(mailed: Mailed, seat: int, person: Person) -> None:
    """Put *person* on a place, as an operator does."""
    core = mailed.core
    await core.commits.change(
        KEY,
        lambda approval, stamp: binding.rebind(
            approval, seat, person, by="op", tenant=core.tenant, stamp=stamp
        ),
    )


async def moved_and_back(mailed: Mailed) -> None:
    """Give Maria's place to Priya, and back: she sits on another one then."""
    await rebind(mailed, 0, PRIYA)
    await rebind(mailed, 0, MARIA)
    assert (await mailed.core.place(MARIA)).seat != 0


async def test_the_mail_of_somebody_who_was_put_back_opens_with_buttons_that_work(
    mailed: Mailed,
) -> None:
    opened = await mailed.path(MARIA, purpose=REFRESH)
    await moved_and_back(mailed)

    answered = await mailed.post(opened, token=mailed.token(MARIA))
    taken = await mailed.post(answered.url("Approve"), token=mailed.token(MARIA))

    assert answered.titles[:2] == ["Approve", "Reject"]
    assert "Laptops" in answered.said
    assert "Approved by Maria Keller" in taken.said
    assert [(p.decision.by, p.place.seat) for p in mailed.core.api.posted] == [
        (MARIA, (await mailed.core.place(MARIA)).seat)
    ]


async def test_a_button_from_before_decides_nothing_on_the_place_one_has_now(
    mailed: Mailed,
) -> None:
    pressed = await mailed.path(MARIA)
    await moved_and_back(mailed)
    before = await mailed.kept()

    for _ in range(2):
        answered = await mailed.post(
            pressed, "My words", token=mailed.token(MARIA), Action_Request_Id="press-1"
        )

        assert answered.titles[:2] == ["Approve", "Reject"]
        assert "Your place changed since this card was made." in answered.said
        assert "My words" in str(answered.body)
        assert "Recording" not in answered.said
    assert await mailed.kept() == before
    assert mailed.core.api.posted == []


async def test_whoever_was_replaced_still_sees_in_his_mail_what_he_did(mailed: Mailed) -> None:
    opened = await mailed.path(MARIA, purpose=REFRESH)
    await mailed.core.click(MARIA, "Question", "Which vendor?")
    await mailed.core.work()
    await rebind(mailed, 0, PRIYA)

    answered = await mailed.post(opened, token=mailed.token(MARIA))

    assert "not available to you" not in answered.said
    assert answered.titles == []


async def test_whoever_was_replaced_and_did_nothing_gets_no_word_of_it(mailed: Mailed) -> None:
    opened = await mailed.path(MARIA, purpose=REFRESH)
    await rebind(mailed, 0, PRIYA)

    answered = await mailed.post(opened, token=mailed.token(MARIA))

    assert "not available to you" in answered.said
    assert "Laptops" not in str(answered.body)


async def test_an_older_rounds_mail_stays_closed_for_somebody_who_was_put_back(
    mailed: Mailed,
) -> None:
    opened = await mailed.path(MARIA, purpose=REFRESH)
    await mailed.core.open(delete("johndoe1", "johndoe2"), create("johndoe1", "johndoe2", at=5))
    await moved_and_back(mailed)
    assert (await mailed.core.place(MARIA)).round == 2

    answered = await mailed.post(opened, token=mailed.token(MARIA))

    assert "A newer card shows it." in answered.said
    assert answered.titles == []
    assert "Laptops" not in str(answered.body)


# -- bodies, methods, headers ---------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/json", "text/html; charset=utf-16", "x", ""])
async def test_the_body_is_read_as_text_whatever_it_calls_itself(mailed: Mailed, kind: str) -> None:
    await mailed.press(MARIA, body='{"comment": "as it is"}', Content_Type=kind)

    assert mailed.core.api.posted[0].decision.comment == '{"comment": "as it is"}'


async def test_a_body_that_is_no_text_is_read_as_far_as_it_is_one(mailed: Mailed) -> None:
    path = await mailed.path(MARIA)

    await mailed.post(path, b"\xef\xbb\xbffine \xff\xfe \xc3\xa9", token=mailed.token(MARIA))

    assert mailed.core.api.posted[0].decision.comment == "fine \ufffd\ufffd \u00e9"


async def test_a_body_that_is_too_long_leaves_the_card_with_what_was_typed(mailed: Mailed) -> None:
    before = await mailed.kept()

    answered = await mailed.press(MARIA, body="x" * 16_385)

    assert (answered.status, answered.line) == (413, "This is too long. Please shorten it.")
    assert await mailed.kept() == before


async def test_a_compressed_body_is_not_unpacked(mailed: Mailed) -> None:
    path, token = await mailed.path(MARIA), mailed.token(MARIA)
    headers = {"Authorization": f"Bearer {token}", "Content-Encoding": "identity, br"}

    async with mailed.client.post(path, data=b"x", headers=headers) as answer:
        assert answer.status == 415
        assert answer.headers["CARD-ACTION-STATUS"]
    assert mailed.core.api.posted == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"])
async def test_only_a_post_does_anything(mailed: Mailed, method: str) -> None:
    before = await mailed.kept()
    headers = {"Authorization": f"Bearer {mailed.token(MARIA)}"}

    for path in (await mailed.path(MARIA), await mailed.path(MARIA, purpose=REFRESH)):
        async with mailed.client.request(method, path, headers=headers) as answer:
            assert answer.status == 405
    assert await mailed.kept() == before


async def test_a_press_is_found_in_the_log_by_outlooks_ids_and_what_was_typed_is_not(
    mailed: Mailed, log: Log
) -> None:
    await mailed.press(
        MARIA, body="a private word", Card_Correlation_Id=CORRELATION, Action_Request_Id="press-1"
    )

    [asked] = log.of("mail_asked")
    approval = await mailed.core.approval()
    assert (asked["card_correlation"], asked["action_request"]) == (CORRELATION, "press-1")
    assert (asked["approval"], asked["letter"], asked["purpose"]) == (approval.id, LETTER, "act")
    assert all(word not in log.text for word in ("private", "Maria", mailed.token(MARIA)))


async def test_ids_that_would_write_the_log_are_dropped(mailed: Mailed, log: Log) -> None:
    await mailed.press(MARIA, Card_Correlation_Id="a b", Action_Request_Id="x" * 129)

    [asked] = log.of("mail_asked")
    assert not {"card_correlation", "action_request"} & asked.keys()


async def test_the_card_in_the_answer_says_what_the_one_in_teams_does(mailed: Mailed) -> None:
    answered = await mailed.press(MARIA, body="Fine *by* me")

    approval = await mailed.core.approval()
    view = await mailed.core.approvals.view(approval.id, 0, by=MARIA.id)
    in_teams = plain(approval_card(view, Viewer()).to_dict())
    state = re.search(r"^.*Approved by.*$", in_teams, re.MULTILINE)
    assert state is not None
    assert state[0] in answered.said
