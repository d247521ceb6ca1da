"""Mails: who gets one, with whose card, and how often, whatever fails in between."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from approvals_core.adapters.stores import open_store
from approvals_core.adapters.telemetry.metrics import Metrics
from approvals_core.adapters.telemetry.recorder import Recorder
from approvals_core.arx import Arx, ArxNotification
from approvals_core.errors import (
    AnswerLost,
    CardRefused,
    ChannelBusy,
    DirectoryUnavailable,
    LeaseLost,
    NotBounced,
    StoreUnavailable,
    Unreachable,
)
from approvals_core.leases import LEASE
from approvals_core.ledger import Ledger
from approvals_core.models import (
    MAIL_LANES,
    Change,
    Letter,
    LetterState,
    Occasion,
    Person,
    PlaceState,
    Reminder,
)
from approvals_core.ports import NotFound, Store
from approvals_core.rules.standing import may_decide
from approvals_core.worker.mails import AT_ONCE, PAUSE
from tests.clock import TickingClock
from tests.fakes import FlakyStore
from tests.logged import Log
from tests.makers import (
    JONAS,
    KEY,
    MARIA,
    START,
    Core,
    a_tenant,
    create,
    delete,
    done_by,
    update,
)

MARIAS, JONAS_S = MARIA.upn, JONAS.upn
OTHER = "maria.keller@organization.com"  # Maria's, too; only the directory knows
BOSS = "boss@organization.com"
FIVE_MINUTES = 300.0
OVER = {LetterState.SENT, LetterState.LOST, LetterState.REFUSED, LetterState.DROPPED}
A_MOMENT = 3.0  # until who is asked was found


def told(*to: str, **fields: Any) -> ArxNotification:
    return ArxNotification(template="PendingApproval", to=to, **fields)


def asking(*to: str, cc: tuple[str, ...] = (), **fields: Any) -> Arx:
    """A CREATE that asks Maria and Jonas and sends mails."""
    return create("johndoe1", "johndoe2", notification=told(*to, cc=cc), **fields)


async def letters(core: Core) -> dict[str, Letter]:
    """Return the mails by address; no address has two here."""
    found = await core.store.letters(KEY)
    assert len({each.address for each in found}) == len(found)
    return {each.address: each for each in found}


async def letter(core: Core, address: str = MARIAS) -> Letter:
    return (await letters(core))[address]


async def opened(core: Core, *arxs: Arx) -> None:
    """Take in payloads, find the people, and send what is to be sent."""
    await core.open(*arxs)
    await core.pass_time(A_MOMENT)


async def found_first(core: Core, *to: str) -> None:
    """Ask both approvers, and only then leave mails, which nobody has sent yet."""
    await core.open(create("johndoe1", "johndoe2"))
    await core.receive(update("johndoe2", notification=told(*to), removes=("nobody",)))


def ledger(core: Core) -> Ledger:
    return Ledger(store=core.store, commits=core.commits)


# -- who gets which mail ------------------------------------------------------


async def test_an_approver_gets_the_card_and_all_others_get_none(store: Store) -> None:
    core = Core(store)

    await opened(core, asking(MARIAS, BOSS, cc=(JONAS_S,)))

    sent = {each.letter.address: each.letter for each in core.mails.sent}
    assert sent[MARIAS].seat == 0
    assert sent[MARIAS].person == MARIA.id
    assert [sent[each].seat for each in (BOSS, JONAS_S)] == [None, None]
    assert {each.state for each in (await letters(core)).values()} == {LetterState.SENT}


async def test_an_approver_who_is_not_in_to_gets_no_mail(store: Store) -> None:
    core = Core(store)

    await opened(core, asking(BOSS))

    assert list(await letters(core)) == [BOSS]


async def test_the_card_is_made_from_what_is_true_when_it_is_sent(store: Store) -> None:
    core = Core(store)

    await opened(core, asking(MARIAS))

    (sent,) = core.mails.sent
    assert sent.view.place.person == MARIA
    assert may_decide(sent.view.approval, sent.view.place, sent.view.tenant)
    assert sent.notification.template == "PendingApproval"


async def test_who_is_only_told_sees_all_of_it_and_can_act_by_nothing(store: Store) -> None:
    core = Core(store)

    await opened(core, asking(BOSS))

    (sent,) = core.mails.sent
    view = sent.view
    assert view.approval.content is not None
    assert view.approval.content.title == "Laptops"
    assert view.place.person is None
    assert not may_decide(view.approval, view.place, view.tenant)
    assert view.approval.place(view.place.seat) is None


async def test_how_somebody_signs_in_needs_no_look_up_whatever_its_case(store: Store) -> None:
    core = Core(store)

    await opened(core, asking(MARIAS.upper()))

    assert (await letter(core, MARIAS.upper())).person == MARIA.id
    assert core.directory.asked_by_mail == []


async def test_another_address_is_matched_by_the_directory_alone(store: Store) -> None:
    core = Core(store)
    core.directory.mailboxes[OTHER] = MARIA

    await opened(core, asking(OTHER))

    assert (await letter(core, OTHER)).seat == 0
    assert core.directory.asked_by_mail == [OTHER]


@pytest.mark.parametrize("whose", [NotFound.UNKNOWN, NotFound.SEVERAL, NotFound.GUEST])
async def test_an_address_that_looks_like_an_approvers_is_not_enough(
    store: Store, whose: NotFound
) -> None:
    core = Core(store)
    core.directory.mailboxes["johndoe1@elsewhere.example"] = whose

    await opened(core, asking("johndoe1@elsewhere.example"))

    (sent,) = core.mails.sent
    assert (sent.letter.seat, sent.letter.person) == (None, None)


async def test_the_mailbox_of_somebody_who_is_not_asked_gets_no_card(store: Store) -> None:
    core = Core(store)
    core.directory.mailboxes[BOSS] = Person(directory="d", object_id="boss", name="Boss")

    await opened(core, asking(BOSS))

    assert (await letter(core, BOSS)).seat is None


async def test_an_approver_who_was_removed_gets_what_others_get(store: Store) -> None:
    core = Core(store)

    await opened(core, create("johndoe1", "johndoe2"), update(removes=("johndoe1",)))
    mail = update("johndoe2", at=2, removes=("nobody",), notification=told(MARIAS))
    await opened(core, mail)

    (sent,) = core.mails.sent
    assert sent.letter.seat is None
    assert sent.view.place.person is None


async def test_a_mail_waits_until_the_people_asked_were_found(store: Store) -> None:
    core = Core(store)
    core.directory.mailboxes[OTHER] = MARIA
    core.directory.fails.extend([DirectoryUnavailable("away", retry_after=60.0)] * 2)

    await opened(core, asking(OTHER))
    early = list(core.mails.sent)
    await core.pass_time(60)
    await core.pass_time(A_MOMENT)

    assert early == []
    assert (await letter(core, OTHER)).seat == 0


async def test_a_mail_does_not_wait_for_ever_for_people_to_be_found(store: Store) -> None:
    core = Core(store)
    core.directory.fails.extend([DirectoryUnavailable("away", retry_after=86_400.0)] * 2)

    await opened(core, asking(BOSS))
    await core.pass_time(200)
    early = list(core.mails.sent)
    await core.pass_time(3600)

    assert early == []
    assert [each.letter.address for each in core.mails.sent] == [BOSS]


async def test_people_who_are_found_after_a_while_still_get_their_cards(store: Store) -> None:
    core = Core(store)
    core.directory.fails.extend([DirectoryUnavailable("away", retry_after=1200.0)] * 2)

    await opened(core, asking(MARIAS))
    for _ in range(10):
        await core.pass_time(60)
    early = list(core.mails.sent)
    await core.pass_time(600)
    await core.pass_time(60)

    assert early == []
    assert [each.letter.seat for each in core.mails.sent] == [0]


async def test_who_is_found_later_than_the_others_still_gets_his_card(store: Store) -> None:
    core = Core(store)
    core.directory.mailboxes[MARIAS] = MARIA
    core.directory.fails.append(DirectoryUnavailable("away", retry_after=1200.0))

    await opened(core, asking(MARIAS, JONAS_S, BOSS))
    core.directory.mailboxes[JONAS_S] = JONAS
    for _ in range(21):
        await core.pass_time(60)

    sent = {each.letter.address: each.letter.seat for each in core.mails.sent}
    assert sent == {MARIAS: 0, JONAS_S: 1, BOSS: None}


async def test_if_nobody_can_be_found_for_good_no_mail_waits(store: Store) -> None:
    core = Core(store)
    core.directory.people.clear()

    await opened(core, asking(MARIAS))

    assert [each.letter.seat for each in core.mails.sent] == [None]
    assert core.directory.asked_by_mail == []


async def test_a_directory_that_is_away_puts_the_mail_off_and_decides_nothing(store: Store) -> None:
    core = Core(store)
    core.directory.mailboxes[OTHER] = MARIA
    core.directory.mail_fails.append(DirectoryUnavailable("away", retry_after=30.0))

    await opened(core, asking(OTHER))
    early = list(core.mails.sent)
    await core.pass_time(30)

    assert early == []
    assert (await letter(core, OTHER)).seat == 0


async def test_a_directory_that_is_away_for_days_costs_the_card_and_not_the_mail(
    store: Store,
) -> None:
    core = Core(store)
    core.directory.mailboxes[OTHER] = MARIA
    core.directory.mail_fails.extend([DirectoryUnavailable("away", retry_after=86_400.0)] * 9)

    await opened(core, asking(OTHER))
    for _day in range(5):
        await core.pass_time(86_400)

    (sent,) = core.mails.sent
    assert (sent.letter.seat, sent.letter.person) == (None, None)


async def test_a_place_that_another_decision_holds_still_gets_its_mail(store: Store) -> None:
    core = Core(store)
    await found_first(core, JONAS_S)
    await core.begin(MARIA)

    await core.work()

    (sent,) = core.mails.sent
    assert sent.letter.seat == 1
    assert sent.view.approval.places[0].state is PlaceState.SUBMITTING
    assert not may_decide(sent.view.approval, sent.view.place, sent.view.tenant)


# -- one person, two addresses ------------------------------------------------


async def test_one_person_with_two_addresses_gets_one_mail(store: Store) -> None:
    core = Core(store)
    core.directory.mailboxes[OTHER] = MARIA

    await opened(core, asking(MARIAS, OTHER))

    (sent,) = core.mails.sent
    (other,) = [e for e in (await letters(core)).values() if e.address != sent.letter.address]
    assert sent.letter.person == MARIA.id
    assert other.state is LetterState.DROPPED
    assert "the same person" in other.reason


async def test_one_person_with_two_addresses_gets_one_mail_though_both_are_sent_at_once(
    store: Store,
) -> None:
    core = Core(store)
    aliases = [f"maria{n}@organization.com" for n in range(5)]
    core.directory.mailboxes.update(dict.fromkeys(aliases, MARIA))
    await found_first(core, MARIAS, *aliases)
    core.mails.holding = asyncio.Event()

    working = [asyncio.create_task(core.worker.run_due(MAIL_LANES)) for _ in range(3)]
    await core.mails.crowd.acquire()
    core.mails.holding.set()
    await asyncio.gather(*working)
    await core.pass_time(FIVE_MINUTES)

    assert len(core.mails.sent) == 1
    states = [each.state for each in (await letters(core)).values()]
    assert sorted(states) == [LetterState.DROPPED] * 5 + [LetterState.SENT]


async def test_one_person_with_two_addresses_gets_one_mail_also_from_two_processes(
    store: Store, store_url: str
) -> None:
    one, two = Core(store), Core(await open_store(store_url))
    aliases = [f"maria{n}@organization.com" for n in range(6)]
    one.directory.mailboxes.update(dict.fromkeys(aliases, MARIA))
    await found_first(one, *aliases)
    two.clock, two.directory, two.mails = one.clock, one.directory, one.mails
    two.start()

    async def work(core: Core) -> None:
        while await core.worker.run_due(MAIL_LANES, limit=3):
            pass

    await asyncio.gather(work(one), work(two), work(one), work(two))
    for _ in range(3):
        await one.pass_time(A_MOMENT)
    await two.store.close()

    assert len(one.mails.sent) == 1
    states = [each.state for each in (await letters(one)).values()]
    assert sorted(states) == [LetterState.DROPPED] * 5 + [LetterState.SENT]


async def test_if_the_one_address_is_refused_the_other_gets_the_mail(store: Store) -> None:
    core = Core(store)
    core.directory.mailboxes[OTHER] = MARIA
    await found_first(core, MARIAS, OTHER)
    core.mails.while_sending = lambda: core.worker.run_due(MAIL_LANES)
    core.mails.fails.append(Unreachable("550 no such mailbox"))

    await core.work()

    refused, instead = core.mails.sent
    assert (await letter(core, refused.letter.address)).state is LetterState.REFUSED
    assert (await letter(core, instead.letter.address)).state is LetterState.SENT
    assert instead.letter.person == MARIA.id


# -- what is not needed any more ----------------------------------------------


async def test_a_request_that_closed_meanwhile_sends_no_mail_and_says_why(store: Store) -> None:
    core = Core(store)
    await found_first(core, MARIAS)

    await core.receive(delete("johndoe1", "johndoe2"))
    await core.work()

    assert core.mails.sent == []
    assert (await letter(core)).state is LetterState.DROPPED
    assert (await letter(core)).reason == "the request was closed"


async def test_the_mail_about_the_end_goes_out_without_buttons_and_knows_what_was_decided(
    store: Store,
) -> None:
    core = Core(store)
    await core.open(create("johndoe1"))
    await core.click(MARIA, "Approve")

    await opened(core, delete("johndoe1", notification=told(MARIAS)))

    (sent,) = core.mails.sent
    assert sent.letter.occasion is Occasion.ENDED
    assert (sent.letter.seat, sent.letter.person) == (None, None)
    assert [each.action for each in sent.view.approval.taken] == ["Approve"]


async def test_a_newer_mail_to_the_same_address_takes_the_place_of_an_older_one(
    store: Store,
) -> None:
    core = Core(store)
    await found_first(core, MARIAS, JONAS_S)

    newer = update("johndoe2", at=5, notification=told(MARIAS), removes=("nobody",))
    await core.receive(newer)
    await core.work()

    by_state = {(each.address, each.state) for each in await store.letters(KEY)}
    assert by_state == {
        (MARIAS, LetterState.DROPPED),
        (MARIAS, LetterState.SENT),
        (JONAS_S, LetterState.SENT),
    }
    assert len(core.mails.to(MARIAS)) == 1


async def test_who_is_asked_again_by_a_payload_stamped_a_little_too_early_gets_its_mail(
    store: Store,
) -> None:
    core = Core(store)
    await opened(core, create("johndoe1", at=10, notification=told(MARIAS)))
    await core.click(MARIA, "Approve")
    before = len(core.mails.sent)

    next_step = update(
        "johndoe1", at=8, notification=told(MARIAS), action=done_by("johndoe1")
    )  # by another machine of the tenant, two minutes late
    await core.receive(next_step)
    await core.pass_time(A_MOMENT)

    assert await core.state(MARIA) is PlaceState.PENDING
    (sent,) = core.mails.sent[before:]
    assert (sent.letter.address, sent.letter.seat) == (MARIAS, 0)


async def test_a_request_opened_again_sends_nothing_of_the_round_before(store: Store) -> None:
    core = Core(store)
    await found_first(core, MARIAS)

    await core.receive(delete("johndoe1", "johndoe2", notification=told(MARIAS)))
    await core.receive(create("johndoe1", at=9))
    await core.work()

    assert core.mails.sent == []
    assert {(each.occasion, each.reason) for each in await store.letters(KEY)} == {
        (Occasion.ASKED, "the request was opened again"),
        (Occasion.ENDED, "the request was opened again: that it ended is no longer true"),
    }


def reminding(*to: str, **fields: Any) -> Arx:
    """A CREATE that asks Maria and Jonas, with a reminder after a day."""
    reminder = Reminder(template="Reminder", dates=(START + timedelta(days=1),))
    return create("johndoe1", "johndoe2", notification=told(*to, reminder=reminder), **fields)


async def test_a_reminder_goes_only_to_approvers_who_have_not_decided(store: Store) -> None:
    core = Core(store, tenant=a_tenant(concurrency="all"))
    await opened(core, reminding(MARIAS, JONAS_S, BOSS))
    await core.click(JONAS, "Approve")
    before = len(core.mails.sent)

    await core.pass_time(86_400)

    reminders = [each.letter for each in core.mails.sent[before:]]
    assert [(each.address, each.number) for each in reminders] == [(MARIAS, 1)]
    assert reminders[0].occasion is Occasion.REMINDER
    # Whoever has nothing to decide leaves no line with every reminder.
    assert {each.number for each in await store.letters(KEY) if each.address != MARIAS} == {0}


async def test_a_reminder_that_waited_too_long_gives_way_to_the_next_one(store: Store) -> None:
    core = Core(store)
    dates = tuple(START + timedelta(days=day) for day in (1, 2))
    reminder = Reminder(template="Reminder", dates=dates)
    await opened(core, create("johndoe1", notification=told(MARIAS, reminder=reminder)))
    core.mails.fails.append(ChannelBusy("HTTP 503", retry_after=86_400.0 + 60))

    await core.pass_time(86_400)
    await core.pass_time(86_400)
    await core.pass_time(60)

    ended = {(each.number, each.state) for each in await store.letters(KEY)}
    assert ended == {(0, LetterState.SENT), (1, LetterState.DROPPED), (2, LetterState.SENT)}


# -- once, whatever fails -----------------------------------------------------


async def test_an_attempt_is_written_before_its_first_byte(store: Store) -> None:
    core = Core(store)
    written: list[Letter] = []

    async def look() -> None:
        written.append(await letter(core))

    core.mails.while_sending = look

    await opened(core, asking(MARIAS))

    assert [(each.state, each.attempts) for each in written] == [(LetterState.SENDING, 1)]


async def test_a_lost_answer_is_repeated_once_after_five_minutes_with_the_same_identity(
    store: Store,
) -> None:
    core = Core(store)
    core.mails.fails.extend([AnswerLost("no answer"), AnswerLost("no answer")])

    await opened(core, asking(MARIAS))
    await core.pass_time(FIVE_MINUTES - 10)
    early = len(core.mails.sent)
    await core.pass_time(10)
    await core.pass_time(86_400)

    assert early == 1
    first, second = core.mails.sent
    assert first.letter.id == second.letter.id
    assert (await letter(core)).state is LetterState.LOST
    assert (await letter(core)).reason == "its answer was lost twice"


async def test_a_mail_that_was_opened_is_not_repeated_though_its_answer_was_lost(
    store: Store,
) -> None:
    core = Core(store)
    core.mails.fails.append(AnswerLost("no answer"))
    await opened(core, asking(MARIAS))

    await ledger(core).note_seen(KEY, (await letter(core)).id)
    await core.pass_time(2 * FIVE_MINUTES)

    assert len(core.mails.sent) == 1
    assert (await letter(core)).state is LetterState.SENT
    assert (await letter(core)).reason == ""


async def test_a_mail_that_was_opened_before_we_knew_that_it_was_sent_stays_seen(
    store: Store,
) -> None:
    core = Core(store)

    async def open_it() -> None:
        await ledger(core).note_seen(KEY, (await letter(core)).id)

    core.mails.while_sending = open_it
    core.mails.fails.append(AnswerLost("no answer"))

    await opened(core, asking(MARIAS))
    await core.pass_time(2 * FIVE_MINUTES)

    assert len(core.mails.sent) == 1
    known = await letter(core)
    assert known.state is LetterState.SENT
    assert known.seen_at is not None


async def test_a_process_that_dies_while_it_sends_is_made_up_for_once(store: Store) -> None:
    core = Core(store)
    await found_first(core, MARIAS)
    core.mails.holding = asyncio.Event()
    core.under_way.add(asyncio.create_task(core.worker.run_due(MAIL_LANES)))
    await core.mails.crowd.acquire()

    await core.die()
    core.mails.holding = None
    await core.pass_time(LEASE)
    after_the_lease = len(core.mails.sent)
    await core.pass_time(FIVE_MINUTES)
    await core.pass_time(86_400)

    assert after_the_lease == 1
    first, second = core.mails.sent
    assert first.letter.id == second.letter.id
    assert (await letter(core)).state is LetterState.SENT
    assert (await letter(core)).attempts == 2


async def test_a_mail_that_was_sent_too_slowly_for_its_lease_is_not_sent_again(
    store: Store,
) -> None:
    core = Core(store)
    await found_first(core, MARIAS)
    core.mails.holding = asyncio.Event()
    slow = asyncio.create_task(core.worker.run_due(MAIL_LANES))
    await core.mails.crowd.acquire()

    core.clock.advance(LEASE)
    await core.worker.run_due(MAIL_LANES)  # somebody else has the job now
    doubted = await letter(core)
    core.mails.holding.set()
    await slow
    await core.pass_time(2 * FIVE_MINUTES)

    assert doubted.lost == 1
    assert len(core.mails.sent) == 1
    assert (await letter(core)).state is LetterState.SENT


async def test_what_was_not_taken_is_sent_later_and_counts_as_one_mail(store: Store) -> None:
    core = Core(store)
    core.mails.fails.append(ChannelBusy("HTTP 429", retry_after=60.0))

    await opened(core, asking(MARIAS))
    waiting = await letter(core)
    await core.pass_time(60)

    assert (waiting.state, waiting.reason, waiting.lost) == (LetterState.WAITING, "HTTP 429", 0)
    assert (await letter(core)).state is LetterState.SENT
    assert len({each.letter.id for each in core.mails.sent}) == 1


async def test_a_mail_system_that_is_away_for_days_is_given_up(store: Store) -> None:
    core = Core(store)
    core.mails.fails.extend([ChannelBusy("HTTP 503", retry_after=86_400.0)] * 9)

    await opened(core, asking(MARIAS))
    for _day in range(6):
        await core.pass_time(86_400)

    known = await letter(core)
    assert known.state is LetterState.REFUSED
    assert known.reason == "given up after 4 days: HTTP 503"


async def test_a_mail_that_waits_is_dropped_when_the_request_closes(store: Store) -> None:
    core = Core(store)
    core.mails.fails.append(ChannelBusy("HTTP 503", retry_after=60.0))
    await opened(core, asking(MARIAS))

    await core.receive(delete("johndoe1", "johndoe2"))
    await core.pass_time(60)

    assert len(core.mails.sent) == 1
    assert (await letter(core)).state is LetterState.DROPPED


async def test_a_mail_system_that_says_nothing_in_time_is_asked_once_more(store: Store) -> None:
    core = Core(store)
    core.mails.fails.append(TimeoutError())

    await opened(core, asking(MARIAS))
    waiting = await letter(core)
    await core.pass_time(FIVE_MINUTES)

    assert (waiting.state, waiting.lost) == (LetterState.WAITING, 1)
    assert waiting.reason == "no answer within 60 seconds"
    assert [each.letter.id for each in core.mails.sent] == [waiting.id] * 2


async def test_a_mail_that_may_have_arrived_is_not_said_to_be_dropped(store: Store) -> None:
    core = Core(store)
    core.mails.fails.append(AnswerLost("no answer"))
    await opened(core, asking(MARIAS))

    await core.receive(delete("johndoe1", "johndoe2"))
    await core.pass_time(FIVE_MINUTES)

    assert len(core.mails.sent) == 1
    known = await letter(core)
    assert known.state is LetterState.LOST
    assert known.reason == "its answer was lost, and the request was closed"


async def test_a_mail_whose_answer_was_lost_is_not_sent_earlier_because_its_job_is_asked_for(
    store: Store,
) -> None:
    core = Core(store)
    core.mails.fails.append(AnswerLost("no answer"))
    await opened(core, asking(MARIAS))
    [waiting] = [each.job for each in (await store.jobs(KEY.scope, limit=9)).jobs]
    assert waiting is not None

    asked = waiting.model_copy(update={"due": core.clock.now()})
    await store.commit(Change(id="again", scope=KEY.scope, jobs=(asked,)))
    await core.work()
    early = len(core.mails.sent)
    await core.pass_time(FIVE_MINUTES)

    assert early == 1
    assert len(core.mails.sent) == 2


async def test_who_lost_the_job_writes_nothing(store: Store) -> None:
    core = Core(store)
    await found_first(core, MARIAS)
    now = core.clock.now()
    until = now + timedelta(seconds=1)
    old = (await store.lease(MAIL_LANES, limit=9, now=now, until=until))[0].lease
    await store.lease(MAIL_LANES, limit=9, now=until, until=until + timedelta(seconds=1))

    with pytest.raises(LeaseLost):
        await ledger(core).write(KEY, lambda *_all: pytest.fail("has no right to"), lease=old)


@pytest.mark.parametrize("problem", [Unreachable("550 unknown"), CardRefused("too big")])
async def test_a_refused_mail_is_not_sent_again(store: Store, problem: Exception) -> None:
    core = Core(store)
    core.mails.fails.append(problem)

    await opened(core, asking(MARIAS))
    await core.pass_time(86_400)

    assert len(core.mails.sent) == 1
    assert (await letter(core)).state is LetterState.REFUSED
    assert (await letter(core)).reason == str(problem)


async def test_a_mistake_of_ours_sends_at_most_twice_and_is_said(store: Store, log: Log) -> None:
    core = Core(store)
    core.mails.fails.extend([KeyError("hm"), KeyError("hm")])

    await opened(core, asking(MARIAS))
    await core.pass_time(FIVE_MINUTES)
    await core.pass_time(86_400)

    assert len(core.mails.sent) == 2
    assert (await letter(core)).state is LetterState.REFUSED
    known = await letter(core)
    assert known.reason == f"a mistake of ours: see mail_failed in the log, letter {known.id}"
    assert len(log.of("mail_failed")) == 2


async def test_no_mail_set_up_is_said_once_in_the_log_and_in_each_line(
    store: Store, log: Log
) -> None:
    core = Core(store)
    core.without_mails()

    await opened(core, asking(MARIAS, BOSS))
    await core.pass_time(86_400)

    found = await letters(core)
    assert {(e.state, e.reason) for e in found.values()} == {
        (LetterState.REFUSED, "no mail is set up here")
    }
    assert len(log.of("no_mail_set_up")) == 1


def in_state(state: LetterState) -> Any:
    """Tell of a change whether it writes a letter in this state."""
    return lambda change: any(each.state is state for each in change.letters)


@pytest.mark.parametrize("lost", [LetterState.SENDING, LetterState.SENT])
@pytest.mark.parametrize("overtaken", [False, True])
async def test_a_commit_whose_answer_is_lost_sends_one_mail(
    store: Store, lost: LetterState, *, overtaken: bool
) -> None:
    flaky = FlakyStore(store)
    core = Core(flaky)  # pyright: ignore[reportArgumentType]
    await found_first(core, MARIAS)
    flaky.loses = in_state(lost)
    if overtaken:
        flaky.meanwhile = lambda: core.receive(update("johndoe1", at=7, removes=("nobody",)))

    await core.work()
    await core.pass_time(2 * FIVE_MINUTES)

    assert len(core.mails.sent) == 1
    assert (await letter(core)).state is LetterState.SENT
    assert (await letter(core)).attempts == 1


class FailingOnceBegun(FlakyStore):
    """A store whose texts cannot be read from the moment a mail was begun, while `fails`."""

    fails = True
    begun = False

    async def commit(self, change: Change) -> None:
        await super().commit(change)
        self.begun = self.begun or in_state(LetterState.SENDING)(change)

    async def bodies(self, *which: Any) -> Mapping[str, str]:
        if self.begun and self.fails:
            raise StoreUnavailable("failing over")
        return await self._store.bodies(*which)


async def test_a_store_that_fails_before_the_wire_leaves_no_doubt(store: Store) -> None:
    failing = FailingOnceBegun(store)
    core = Core(failing)  # pyright: ignore[reportArgumentType]
    await found_first(core, MARIAS)

    await core.work()
    for _ in range(3):
        await core.pass_time(10)
    waiting, tried = await letter(core), len(core.mails.sent)
    failing.fails = False
    await core.pass_time(10)

    assert (waiting.state, waiting.lost, tried) == (LetterState.WAITING, 0, 0)
    assert waiting.attempts > 2
    assert len(core.mails.sent) == 1
    assert (await letter(core)).state is LetterState.SENT


async def test_a_store_that_fails_while_the_mail_is_composed_leaves_no_doubt(
    store: Store, log: Log
) -> None:
    core = Core(store)
    core.mails.fails.extend([StoreUnavailable("failing over")] * 3)

    await opened(core, asking(MARIAS))
    waiting = await letter(core)
    for _ in range(3):
        await core.pass_time(10)

    assert (waiting.state, waiting.lost) == (LetterState.WAITING, 0)
    assert (await letter(core)).state is LetterState.SENT
    assert log.of("mail_failed") == []


async def test_a_store_that_fails_after_the_wire_sends_at_most_once_more(store: Store) -> None:
    flaky = FlakyStore(store)
    core = Core(flaky)  # pyright: ignore[reportArgumentType]
    await found_first(core, MARIAS)
    flaky.refuses = in_state(LetterState.SENT)

    await core.work()
    flaky.refuses = lambda _change: False
    await core.pass_time(2 * FIVE_MINUTES)
    await core.pass_time(86_400)

    assert len(core.mails.sent) == 2
    assert (await letter(core)).state is LetterState.SENT


async def test_nothing_of_a_mails_address_or_its_refusal_gets_into_the_log(
    store: Store, log: Log
) -> None:
    core = Core(store)
    core.mails.fails.append(Unreachable(f"550 <{MARIAS}> unknown"))

    await opened(core, asking(MARIAS))

    assert [each["state"] for each in log.of("mail_not_sent")] == ["refused"]
    assert "organization.com" not in log.text


async def test_nothing_of_a_mails_address_gets_into_a_job_that_fails(
    store: Store, log: Log
) -> None:
    core = Core(store)
    core.directory.mail_fails.extend([ValueError("a mistake")] * 99)
    await found_first(core, OTHER)

    for _ in range(30):
        await core.pass_time(FIVE_MINUTES)

    dead = await store.dead_letters(KEY.scope)
    assert [each.job.address for each in dead] == [OTHER]
    assert "organization.com" not in dead[0].job.key
    assert "organization.com" not in str([event.facts for event in await core.history()])
    assert "organization.com" not in log.text


async def test_a_job_that_was_left_under_its_old_key_is_done(store: Store) -> None:
    core = Core(store)
    await found_first(core, MARIAS)
    [leased] = await store.lease(
        MAIL_LANES, limit=1, now=core.clock.now(), until=core.clock.now() + timedelta(seconds=9)
    )
    job = leased.job
    old = f"mail/{(await core.approval()).id}/{job.notification}/{job.number}/{job.address}"
    renamed = job.model_copy(update={"key": old})
    await store.commit(Change(id="old", scope=KEY.scope, jobs=(renamed,), finish=leased.lease))

    await core.work()

    assert [each.letter.address for each in core.mails.sent] == [MARIAS]
    assert (await letter(core)).state is LetterState.SENT
    assert (await store.jobs(KEY.scope, limit=9)).jobs == ()


FAULTS: tuple[Exception | None, ...] = (
    None,
    AnswerLost("no answer"),
    ChannelBusy("HTTP 429", retry_after=20.0),
    Unreachable("550 unknown"),
    OSError("a mistake"),
)


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_fails_in_any_order_a_mail_ends_and_goes_out_at_most_twice(
    store: Store, seed: int
) -> None:
    chance = random.Random(seed)
    flaky = FlakyStore(store)
    core = Core(flaky)  # pyright: ignore[reportArgumentType]
    core.directory.mailboxes[OTHER] = MARIA
    await found_first(core, MARIAS, OTHER, JONAS_S, BOSS)

    for _ in range(12):
        core.mails.fails.extend(chance.choices(FAULTS, k=2))
        if chance.random() < 0.3:
            flaky.loses = in_state(chance.choice(list(LetterState)))
        if chance.random() < 0.3:
            core.mails.holding, core.mails.crowd = asyncio.Event(), asyncio.Semaphore(0)
            dying = asyncio.create_task(core.worker.run_due(MAIL_LANES, limit=2))
            core.under_way.add(dying)
            came = asyncio.create_task(core.mails.crowd.acquire())
            await asyncio.wait([dying, came], return_when=asyncio.FIRST_COMPLETED)
            came.cancel()
            await core.die()
            core.mails.holding = None
        await core.pass_time(chance.choice([1.0, 30.0, LEASE, FIVE_MINUTES]))
    core.mails.fails.clear()
    for _ in range(6):
        await core.pass_time(FIVE_MINUTES)

    found = await letters(core)
    assert set(found) == {MARIAS, OTHER, JONAS_S, BOSS}
    assert {each.state for each in found.values()} <= OVER
    assert max(Counter(core.mails.taken).values(), default=0) <= 2
    assert (
        sum(
            each.person == MARIA.id and each.state in (LetterState.SENT, LetterState.LOST)
            for each in found.values()
        )
        <= 1
    )
    assert [job.key for job in (await store.jobs(KEY.scope, limit=99)).jobs] == []


# -- many ---------------------------------------------------------------------


async def test_mails_that_hang_hold_up_no_card(store: Store) -> None:
    core = Core(store)
    await found_first(core, *(f"cc{n}@organization.com" for n in range(40)))
    core.mails.holding = asyncio.Event()
    running = asyncio.create_task(core.worker.run())
    for _ in range(AT_ONCE):
        await core.mails.crowd.acquire()
    before = len(core.channel.updated)

    await core.receive(update("johndoe1", at=8, removes=("johndoe2",)))
    core.worker.wake()
    async with asyncio.timeout(60):
        while len(core.channel.updated) == before:  # noqa: ASYNC110 (cards tell nobody)
            await asyncio.sleep(0.01)

    assert core.mails.most == AT_ONCE
    core.worker.stop()
    core.mails.holding.set()
    await running


async def test_of_many_mails_that_are_not_taken_few_try_and_all_are_sent_in_the_end(
    store: Store,
) -> None:
    core = Core(store)
    many = [f"cc{n}@organization.com" for n in range(30)]
    await found_first(core, *many)
    core.mails.fails.append(ChannelBusy("HTTP 429", retry_after=PAUSE))

    await core.work()
    tried = len(core.mails.sent)
    for _ in range(10):
        await core.pass_time(PAUSE)

    assert tried == 1
    assert len(core.mails.sent) == len(many) + 1
    assert {each.state for each in (await letters(core)).values()} == {LetterState.SENT}


# -- what comes back ----------------------------------------------------------


async def test_a_card_that_asks_for_its_state_is_seen_once(store: Store) -> None:
    core = Core(store)
    await opened(core, asking(MARIAS))
    name = (await letter(core)).id
    await ledger(core).note_seen(KEY, name)
    first = await letter(core)

    core.clock.advance(60)
    await asyncio.gather(*(ledger(core).note_seen(KEY, name) for _ in range(5)))

    assert first.seen_at is not None
    assert await letter(core) == first


async def test_a_card_that_asks_many_times_at_once_is_noted_once(store: Store) -> None:
    core = Core(store, clock=TickingClock(START))
    await opened(core, asking(MARIAS))
    name, before = (await letter(core)).id, (await core.approval()).version

    await asyncio.gather(*(ledger(core).note_seen(KEY, name) for _ in range(5)))

    assert (await letter(core)).seen_at is not None
    assert (await core.approval()).version == before + 1


async def test_a_card_of_which_nothing_is_known_changes_nothing(store: Store) -> None:
    core = Core(store)
    await opened(core, asking(MARIAS))
    before = await letters(core)

    await ledger(core).note_seen(KEY, "f" * 32)

    assert await letters(core) == before


async def test_a_mail_that_came_back_is_noted_with_who_says_so(store: Store) -> None:
    core = Core(store)
    await opened(core, asking(MARIAS))

    bounced = await ledger(core).bounced(KEY, MARIAS.upper(), reason="mailbox full", by="Olga")

    assert bounced.state is LetterState.BOUNCED
    assert bounced.reason == "mailbox full (says Olga)"
    assert await letter(core) == bounced


async def test_if_a_mail_came_back_the_persons_other_address_gets_it(store: Store) -> None:
    core = Core(store)
    core.directory.mailboxes[OTHER] = MARIA
    await opened(core, asking(MARIAS, OTHER))
    (sent,) = core.mails.sent

    await ledger(core).bounced(KEY, sent.letter.address, reason="", by="Olga")
    await core.work()

    assert {each.letter.address for each in core.mails.sent} == {MARIAS, OTHER}
    assert core.mails.sent[-1].letter.seat == 0


@pytest.mark.parametrize("address", [BOSS, JONAS_S])
async def test_what_did_not_go_out_cannot_come_back(store: Store, address: str) -> None:
    core = Core(store)
    core.mails.fails.append(Unreachable("550 unknown"))
    await opened(core, asking(JONAS_S))

    with pytest.raises(NotBounced, match=address):
        await ledger(core).bounced(KEY, address, reason="", by="Olga")


async def test_the_bodies_of_a_closed_request_go_and_its_letters_stay(store: Store) -> None:
    core = Core(store)
    await opened(core, asking(MARIAS))
    before = await letters(core)

    await core.receive(delete("johndoe1", "johndoe2"))
    await core.pass_time(2 * 86_400)

    assert await store.body_names(KEY) == []
    assert await letters(core) == before


async def test_each_step_of_a_mail_is_counted_once_by_tenant_and_occasion(store: Store) -> None:
    core, metrics = Core(store), Metrics()
    core.commits.telemetry = Recorder(metrics=metrics, spans=None)
    core.mails.fails.append(ChannelBusy("HTTP 429", retry_after=1.0))
    await opened(core, asking(MARIAS))
    await core.pass_time(60)
    await ledger(core).note_seen(KEY, (await letter(core)).id)

    counted = metrics.text("")[0].decode()

    for outcome, times in (("sending", 2), ("waiting", 1), ("sent", 1), ("seen", 1)):
        labels = f'occasion="asked",outcome="{outcome}",tenant="pr"'
        assert f"approvals_mails_total{{{labels}}} {times}.0" in counted
    assert counted.count("approvals_mails_total{") == 4
