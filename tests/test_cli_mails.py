"""What operators are told of mails, and how they say that one came back, on both stores."""

from datetime import UTC, datetime

import pytest

from approvals_core.models import (
    Job,
    Lane,
    Letter,
    LetterState,
    Notification,
    Occasion,
    ReceiptState,
)
from approvals_core.ports import Store
from tests.store_makers import (
    KEY,
    NOON,
    a_change,
    a_job,
    a_letter,
    a_payload,
    a_place,
    a_receipt,
    an_approval,
)
from tests.terminal import Terminal, tenants, terminal

__all__ = ["tenants", "terminal"]

SENT = a_letter(state=LetterState.SENT, sent_at=NOON)
BOSS = "boss@contoso.com"
FAR = datetime(2199, 1, 1, tzinfo=UTC)
REFUSED = a_letter(
    id="1" * 32,
    address=BOSS,
    seat=None,
    person=None,
    state=LetterState.REFUSED,
    reason="550 unknown\x1b[31m\nBcc: eve@example.com",
)
OF_BEFORE = a_letter(id="2" * 32, round=1, address="old@contoso.com")


async def kept(store: Store, *letters: object) -> None:
    place = a_place(round=2, attempt=1)
    approval = an_approval(places=(place,), round=2, revision=2)
    now = [each.model_copy(update={"round": 2}) for each in (SENT, REFUSED)]
    await store.commit(a_change(approval, letters=(*now, OF_BEFORE, *letters)))


async def test_the_explanation_says_what_became_of_each_mail_of_the_round(
    store: Store, terminal: Terminal
) -> None:
    await kept(store)

    assert await terminal.type("requests", "explain", "pr-one") == 0

    assert (
        "  asked to ann@contoso.com, with the card of place 0: sent at 2025-01-01 12:00:00 UTC"
        in terminal.lines
    )
    assert "asked to boss@contoso.com: refused at" in terminal.text
    assert "old@contoso.com" not in terminal.text
    assert "mails bounced pr-one ADDRESS --by YOU" in terminal.text
    assert "not sent again" in terminal.text


async def listed(store: Store, terminal: Terminal, *letters: Letter, **receipt: object) -> str:
    """Return what waits for an operator, with these mails to Ann and a card in Teams as *receipt* says."""
    card = a_receipt(round=2, state=ReceiptState.UNREACHABLE, address="", **receipt)
    approval = an_approval(places=(a_place(round=2),), round=2, revision=2)
    await store.commit(a_change(approval, letters=letters, receipts=(card,) if receipt else ()))
    assert await terminal.type("requests", "list", "--attention") == 0
    return terminal.text


NO_CHAT = {"reason": "he has no chat with the bot"}
TO_ANN = {"round": 2, "state": LetterState.REFUSED}


@pytest.mark.parametrize("state", [LetterState.REFUSED, LetterState.LOST, LetterState.BOUNCED])
async def test_an_approver_whom_neither_mail_nor_card_reached_waits_for_an_operator(
    store: Store, terminal: Terminal, state: LetterState
) -> None:
    text = await listed(store, terminal, a_letter(round=2, state=state), **NO_CHAT)

    assert "(no mail and no card reached Ann: python -m bots.cli requests explain pr-one)" in text


@pytest.mark.parametrize(
    "letters",
    [
        [a_letter(**TO_ANN), a_letter(round=2, id="1" * 32, state=LetterState.SENT)],
        [a_letter(**TO_ANN, seen_at=NOON)],
        [a_letter(**TO_ANN, occasion=Occasion.ENDED)],
        [a_letter(**TO_ANN | {"round": 1})],
        [a_letter(**TO_ANN, person=None, address=BOSS)],
        [],
    ],
)
async def test_one_whom_a_mail_may_reach_still_waits_for_no_operator(
    store: Store, terminal: Terminal, letters: list[Letter]
) -> None:
    assert "Nothing waits for an operator." in await listed(store, terminal, *letters, **NO_CHAT)


async def test_one_who_has_his_card_in_teams_waits_for_no_operator(
    store: Store, terminal: Terminal
) -> None:
    shown = {"state": ReceiptState.SHOWN, "address": "here"}
    card = a_receipt(round=2, **shown)
    approval = an_approval(places=(a_place(round=2),), round=2, revision=2)
    await store.commit(a_change(approval, letters=(a_letter(**TO_ANN),), receipts=(card,)))

    await terminal.type("requests", "list", "--attention")

    assert "Nothing waits for an operator." in terminal.text


async def test_the_explanation_says_which_recipients_were_left_out(
    store: Store, terminal: Terminal
) -> None:
    why = "NotificationDetail.To, recipient 2: it is no alias; it is left out."
    asked = Notification(id="payload-1", occasion=Occasion.ASKED, template="T", round=2, at=NOON)
    approval = an_approval(places=(a_place(round=2),), round=2, revision=2, notifications=(asked,))
    await store.commit(a_change(approval, payload=a_payload(warnings=(why, "Not a field: x"))))

    assert await terminal.type("requests", "explain", "pr-one") == 0

    assert f"  payload payload-1: {why}" in terminal.lines
    assert "Not a field" not in terminal.text


async def test_what_a_mail_system_says_cannot_play_with_the_terminal(
    store: Store, terminal: Terminal
) -> None:
    await kept(store)

    await terminal.type("requests", "show", "pr-one")

    [line] = [line for line in terminal.lines if BOSS in line]
    assert "\x1b" not in line
    assert "Bcc: eve@example.com" in line  # on the same line, as words


async def test_a_mail_that_was_opened_is_said_to_be(store: Store, terminal: Terminal) -> None:
    opened = a_letter(
        id="3" * 32,
        address="seen@contoso.com",
        occasion=Occasion.REMINDER,
        number=2,
        round=2,
        state=LetterState.SENT,
        sent_at=NOON,
        seen_at=NOON,
    )
    await kept(store, opened)

    await terminal.type("requests", "explain", "pr-one")

    [line] = [line for line in terminal.lines if "seen@" in line]
    assert "reminder 2 to seen@contoso.com" in line
    assert "opened first at 2025-01-01 12:00:00 UTC" in line


async def told_of(store: Store, terminal: Terminal, letter: Letter, *jobs: Job) -> str:
    """Return what is said of *letter*, whose job is one of *jobs*."""
    approval = an_approval(places=(a_place(round=2, attempt=1),), round=2, revision=2)
    await store.commit(a_change(approval, letters=(letter,), jobs=jobs))
    await terminal.type("requests", "explain", "pr-one")
    [line] = [line for line in terminal.lines if letter.address in line and "bounced" not in line]
    return line


def job_of(letter: Letter, due: datetime) -> Job:
    return a_job(f"mail/{an_approval().id}/{letter.id}", lane=Lane.MAIL, due=due)


async def test_when_a_mail_that_waits_is_tried_again_is_said(
    store: Store, terminal: Terminal
) -> None:
    waiting = a_letter(round=2, state=LetterState.WAITING, reason="HTTP 503")

    line = await told_of(store, terminal, waiting, job_of(waiting, FAR))

    assert "waiting at 2025-01-01 12:00:00 UTC: HTTP 503; tried again at 2199-01-01" in line


async def test_a_mail_that_is_due_is_said_to_wait_for_the_mailbox(
    store: Store, terminal: Terminal
) -> None:
    waiting = a_letter(round=2, state=LetterState.WAITING, attempts=0)

    line = await told_of(store, terminal, waiting, job_of(waiting, NOON))

    assert line.endswith(
        "; it is due since 2025-01-01 12:00:00 UTC, and goes once the mailbox takes it"
    )


async def test_of_an_attempt_under_way_is_said_when_it_is_looked_at_again(
    store: Store, terminal: Terminal
) -> None:
    sending = a_letter(round=2)

    line = await told_of(store, terminal, sending, job_of(sending, FAR))

    assert "; if that process died, it is looked at again at 2199-01-01" in line


async def test_a_mail_that_nothing_sends_any_more_is_said_to_be_so(
    store: Store, terminal: Terminal
) -> None:
    line = await told_of(store, terminal, a_letter(round=2, state=LetterState.WAITING))

    assert line.endswith("; nothing sends it any more, see `python -m bots.cli dead-letters list`")


async def test_without_mails_nothing_is_said_of_them(store: Store, terminal: Terminal) -> None:
    await store.commit(a_change())

    await terminal.type("requests", "explain", "pr-one")

    assert "Mails" not in terminal.lines
    assert "\nMails" not in terminal.text


async def test_mails_that_failed_are_listed(store: Store, terminal: Terminal) -> None:
    lost = a_letter(id="4" * 32, address="lost@contoso.com", round=2, state=LetterState.LOST)
    waiting = a_letter(id="5" * 32, address="new@contoso.com", state=LetterState.WAITING)
    await kept(store, lost, waiting)

    assert await terminal.type("mails", "list") == 0

    told = {line.split(" at ")[0] for line in terminal.lines}
    assert told == {
        "pr-one  REQ-1  asked to boss@contoso.com: refused",
        "pr-one  REQ-1  asked to lost@contoso.com, with the card of place 0: lost",
    }


async def test_if_no_mail_failed_that_is_said(store: Store, terminal: Terminal) -> None:
    await store.commit(a_change(letters=(SENT,)))

    assert await terminal.type("mails", "list", "--tenant", "pr") == 0

    assert terminal.lines == ["No mail about an open request was refused, was lost or came back."]


async def test_an_operator_says_that_a_mail_came_back(store: Store, terminal: Terminal) -> None:
    await kept(store)

    code = await terminal.type(
        *("mails", "bounced", "REQ-1", "ann@contoso.com"),
        *("--by", "Olga Operator", "--reason", "mailbox full"),
    )

    assert code == 0
    assert "bounced" in terminal.text
    line = await store.letter(KEY, SENT.id)
    assert line is not None
    assert line.state is LetterState.BOUNCED
    assert line.reason == "mailbox full (says Olga Operator)"


async def test_what_did_not_go_out_is_not_noted_as_come_back(
    store: Store, terminal: Terminal
) -> None:
    await kept(store)
    before = await store.letters(KEY)

    for address in (BOSS, "nobody@contoso.com"):
        assert await terminal.type("mails", "bounced", "pr-one", address, "--by", "Olga") == 1
        assert address in terminal.text

    assert await store.letters(KEY) == before
