"""Mails that wait: in which order they go, what each waits for, and for how long."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from approvals_core.arx import Arx
from approvals_core.errors import AnswerLost, ChannelBusy, MailboxBusy
from approvals_core.leases import LEASE
from approvals_core.ledger import deliveries
from approvals_core.models import (
    MAIL_LANES,
    Change,
    Lane,
    Letter,
    LetterState,
    Occasion,
    Reminder,
)
from approvals_core.ports import Fetched, FetchedKind, Store
from approvals_core.rules import lines, mail_waits
from approvals_core.tenant import Tenant
from approvals_core.worker.mails import AT_ONCE, PAUSE
from tests.makers import JONAS, KEY, MARIA, START, Core, a_tenant, create, delete, update
from tests.test_mails import A_MOMENT, BOSS, FIVE_MINUTES, asking, letter, opened, told

MARIAS, JONAS_S = MARIA.upn, JONAS.upn
DAY = 86_400.0
NO_MAILS = a_tenant(channels=("teams",))


def addresses(core: Core) -> list[str]:
    """Return to whom mails went out, in order."""
    return [each.letter.address for each in core.mails.sent]


async def lanes(core: Core) -> dict[str, Lane]:
    """Return where each mail waits, by address."""
    jobs = (await core.store.jobs(KEY.scope, limit=5000)).jobs
    return {each.job.address: each.lane for each in jobs if each.job and each.job.address}


# -- in which order -----------------------------------------------------------


async def test_whose_decision_is_asked_for_goes_first_and_reminders_go_last(store: Store) -> None:
    core = Core(store)
    reminder = Reminder(template="Reminder", dates=(START + timedelta(minutes=1),))
    await opened(core, create("johndoe1", notification=told(MARIAS, reminder=reminder)))
    core.mails.fails.append(MailboxBusy("HTTP 429", retry_after=300.0))
    await core.receive(update("johndoe2", at=2, notification=told(BOSS), removes=("nobody",)))
    await core.pass_time(120)  # the mailbox is held, and the reminder falls due
    before = len(core.mails.sent)

    crowd = told(JONAS_S, cc=("cc@organization.com",), bcc=("bcc@organization.com",))
    await core.receive(update("johndoe2", at=3, notification=crowd, removes=("nobody",)))
    await core.pass_time(300)
    await core.pass_time(A_MOMENT)

    went = addresses(core)[before:]
    assert set(went[:2]) == {BOSS, JONAS_S}
    assert set(went[2:4]) == {"cc@organization.com", "bcc@organization.com"}
    assert went[4:] == [MARIAS]
    assert core.mails.sent[-1].letter.occasion is Occasion.REMINDER


async def test_a_card_does_not_wait_behind_a_thousand_copies(store: Store) -> None:
    core = Core(store)
    crowd = tuple(f"cc{n}@organization.com" for n in range(1000))
    await core.open(create("johndoe1", "johndoe2"))
    await core.receive(update("johndoe1", notification=told(BOSS, cc=crowd), removes=("nobody",)))
    for _ in range(20):
        await core.worker.run_due(MAIL_LANES, limit=AT_ONCE)
    begun = len(core.mails.sent)

    await core.receive(update("johndoe2", at=3, notification=told(JONAS_S), removes=("nobody",)))
    await core.worker.run_due(MAIL_LANES, limit=AT_ONCE)

    assert begun == 20 * AT_ONCE
    assert JONAS_S in addresses(core)[begun : begun + AT_ONCE]


async def test_a_card_overtakes_copies_that_the_mailbox_did_not_take(store: Store) -> None:
    core = Core(store)
    crowd = tuple(f"cc{n}@organization.com" for n in range(50))
    await core.open(create("johndoe1", "johndoe2"))
    core.mails.fails.append(MailboxBusy("our own pace", retry_after=60.0))
    await core.receive(update("johndoe1", notification=told(cc=crowd), removes=("nobody",)))
    await core.work()
    tried = len(core.mails.sent)

    await core.receive(update("johndoe2", at=3, notification=told(JONAS_S), removes=("nobody",)))
    await core.pass_time(59)
    held = len(core.mails.sent)
    await core.pass_time(1)

    assert (tried, held) == (1, 1)
    assert addresses(core)[1] == JONAS_S
    assert len(core.mails.sent) == 1 + 1 + len(crowd)


async def test_one_mail_that_is_not_taken_holds_the_others_back_for_a_moment_only(
    store: Store,
) -> None:
    core = Core(store)
    await core.open(create("johndoe1", "johndoe2"))
    core.mails.fails.append(ChannelBusy("greylisted", retry_after=300.0))
    both = told(JONAS_S, MARIAS)
    await core.receive(update("johndoe1", notification=both, removes=("nobody",)))

    await core.work()
    at_once = len(core.mails.sent)
    await core.pass_time(PAUSE)

    assert at_once == 1
    assert len(core.mails.sent) == 2


async def test_mails_under_way_leave_the_others_in_the_store(store: Store) -> None:
    core = Core(store)
    crowd = [f"cc{n}@organization.com" for n in range(40)]
    await core.open(create("johndoe1", "johndoe2"))
    await core.receive(update("johndoe1", notification=told(*crowd), removes=("nobody",)))
    core.mails.holding = asyncio.Event()

    running = asyncio.create_task(core.worker.run())
    for _ in range(AT_ONCE):
        await core.mails.crowd.acquire()
    jobs = (await store.jobs(KEY.scope, limit=99)).jobs
    core.worker.stop()
    core.mails.holding.set()
    await running

    assert sum(each.leased and each.lane in MAIL_LANES for each in jobs) == AT_ONCE


async def test_after_a_pause_the_most_urgent_mail_goes_alone_and_then_all_go(store: Store) -> None:
    core = Core(store)
    crowd = told(cc=tuple(f"cc{n}@organization.com" for n in range(9)))
    await core.open(create("johndoe1", "johndoe2"))
    core.mails.fails.append(MailboxBusy("our own pace", retry_after=60.0))
    await core.receive(update("johndoe1", notification=crowd, removes=("nobody",)))
    await core.work()
    held = core.chores.mails_at_once()
    await core.receive(update("johndoe2", at=3, notification=told(JONAS_S), removes=("nobody",)))
    core.clock.advance(60)
    core.mails.holding = asyncio.Event()

    running = asyncio.create_task(core.worker.run())
    await core.mails.crowd.acquire()  # the one that was told to wait
    await core.mails.crowd.acquire()
    jobs = (await store.jobs(KEY.scope, limit=99)).jobs  # a card may be under way, too
    alone = [each for each in jobs if each.leased and each.lane in MAIL_LANES]
    core.mails.holding.set()
    for _ in range(9):
        await core.mails.crowd.acquire()
    core.worker.stop()
    await running

    assert held == 0
    assert [each.job.address for each in alone if each.job] == [JONAS_S]
    assert len(core.mails.sent) == 11
    assert core.chores.mails_at_once() == AT_ONCE


async def test_mails_wait_in_lanes_of_their_own(store: Store) -> None:
    core = Core(store)
    await core.open(create("johndoe1"))

    await core.receive(
        update("johndoe1", notification=told(MARIAS, cc=(BOSS,)), removes=("nobody",))
    )
    asked = await lanes(core)
    await core.work()
    await core.receive(delete("johndoe1", notification=told(JONAS_S)))

    assert asked == {MARIAS: Lane.MAIL, BOSS: Lane.MAIL_COPY}
    assert (await lanes(core))[JONAS_S] is Lane.MAIL_COPY


async def test_a_mail_that_was_left_among_the_cards_goes_out_in_its_turn(store: Store) -> None:
    core = Core(store)
    await core.open(create("johndoe1"))
    await core.receive(update("johndoe1", notification=told(BOSS), removes=("nobody",)))
    now = core.clock.now()
    [leased] = await store.lease(MAIL_LANES, limit=1, now=now, until=now + timedelta(seconds=9))
    old = leased.job.model_copy(update={"lane": Lane.CARD})
    await store.commit(Change(id="old", scope=KEY.scope, jobs=(old,), finish=leased.lease))

    await core.worker.run_due([Lane.CARD])
    moved = await lanes(core)
    await core.work()

    assert moved == {BOSS: Lane.MAIL}
    assert addresses(core) == [BOSS]


# -- a tenant without mails ---------------------------------------------------


async def test_a_slip_in_the_tenants_file_costs_no_mail(store: Store) -> None:
    core = Core(store)
    usual: Sequence[Tenant] = list(core.tenants.tenants)
    await core.open(create("johndoe1"))
    await core.receive(update("johndoe1", notification=told(MARIAS), removes=("nobody",)))

    core.tenants.tenants[:] = [NO_MAILS]
    await core.work()
    waiting = await letter(core)
    core.tenants.tenants[:] = usual
    await core.pass_time(60)

    assert (waiting.state, waiting.attempts) == (LetterState.WAITING, 0)
    assert waiting.reason == lines.NO_CHANNEL
    assert addresses(core) == [MARIAS]
    assert (await letter(core)).state is LetterState.SENT


async def test_a_tenant_that_has_no_mails_for_days_sends_none(store: Store) -> None:
    core = Core(store)
    await core.open(create("johndoe1"))
    await core.receive(update("johndoe1", notification=told(MARIAS), removes=("nobody",)))

    core.tenants.tenants[:] = [NO_MAILS]
    looks = 0
    for _hour in range(24 * 5):
        await core.pass_time(3600)
        looks += bool((await store.jobs(KEY.scope, limit=9)).jobs)

    assert addresses(core) == []
    assert looks < 24 * 4 + 1
    ended = await letter(core)
    assert ended.state is LetterState.DROPPED
    assert ended.reason == "no mails go out for this tenant any more"


def test_the_looks_for_a_channel_become_rarer() -> None:
    waited, looks = timedelta(), 0
    while waited < timedelta(days=1):
        waited += mail_waits.channel_looked_for(waited)
        looks += 1

    assert looks < 40


async def test_a_mail_whose_tenants_file_is_gone_waits_for_it(store: Store) -> None:
    core = Core(store)
    usual = list(core.tenants.tenants)
    await core.open(create("johndoe1"))
    await core.receive(update("johndoe1", notification=told(MARIAS), removes=("nobody",)))

    core.tenants.tenants.clear()
    await core.work()
    core.tenants.tenants[:] = usual
    await core.pass_time(FIVE_MINUTES)

    assert addresses(core) == [MARIAS]


# -- details ------------------------------------------------------------------


def with_details(**fields: Any) -> Tenant:
    usual = a_tenant()
    api = usual.api.model_copy(update={"details": {"Lines": "/lines"}})
    return usual.model_copy(update={"api": api, **fields})


def readable(core: Core) -> None:
    core.api.bodies["Lines"] = Fetched(kind=FetchedKind.FOUND, body='{"Lines": []}')


def asking_all() -> Arx:
    return asking(MARIAS, cc=(BOSS,))


async def test_who_is_told_waits_for_the_details_and_then_gets_them(store: Store) -> None:
    core = Core(store, tenant=with_details())

    await opened(core, asking_all())
    await core.pass_time(10)
    early = addresses(core)
    approval = await core.approval()
    waits = {each.letter.address: each.letter.reason for each in await deliveries(store, approval)}
    readable(core)
    for _ in range(6):
        await core.pass_time(20)

    assert early == [MARIAS]
    assert waits[BOSS] == "it waits for the details"
    assert addresses(core) == [MARIAS, BOSS]
    assert "LINES" in core.mails.sent[-1].view.details


async def test_who_is_told_waits_three_minutes_at_most(store: Store) -> None:
    core = Core(store, tenant=with_details())

    await opened(core, asking_all())
    await core.pass_time(170)
    early = addresses(core)
    await core.pass_time(10)

    assert early == [MARIAS]
    assert addresses(core) == [MARIAS, BOSS]


async def test_who_is_asked_waits_for_the_details_some_seconds_at_most(store: Store) -> None:
    core = Core(store, tenant=with_details())
    await core.open(create("johndoe1", "johndoe2"))

    await core.receive(asking(MARIAS, at=2))
    await core.work()
    at_once = addresses(core)
    for _ in range(5):
        await core.pass_time(1)

    assert at_once == []
    assert addresses(core) == [MARIAS]


async def test_details_that_are_there_hold_up_nobody(store: Store) -> None:
    core = Core(store, tenant=with_details())
    readable(core)

    await opened(core, asking_all())

    assert set(addresses(core)) == {MARIAS, BOSS}
    assert all("LINES" in each.view.details for each in core.mails.sent)


# -- how it stands meanwhile --------------------------------------------------


async def standing(core: Core) -> dict[str, tuple[Letter, float | None]]:
    """Return each mail by address, and in how many seconds it is looked at again."""
    found = await deliveries(core.store, await core.approval())
    now = core.clock.now()
    return {
        letter.address: (letter, (job.next - now).total_seconds() if job else None)
        for letter, job in found
    }


async def test_of_a_mail_that_waits_it_is_known_when_it_is_tried_again(store: Store) -> None:
    core = Core(store)
    core.mails.fails.append(ChannelBusy("HTTP 503", retry_after=60.0))

    await opened(core, asking(MARIAS))

    told_of, seconds = (await standing(core))[MARIAS]
    assert (told_of.state, told_of.reason) == (LetterState.WAITING, "HTTP 503")
    assert seconds == pytest.approx(60.0 - A_MOMENT)


async def test_of_a_mail_that_was_not_begun_it_is_known_that_it_comes(store: Store) -> None:
    core = Core(store, tenant=with_details())

    await opened(core, asking_all())
    await core.pass_time(5)
    found = await standing(core)

    assert found[MARIAS][0].state is LetterState.SENT
    assert found[MARIAS][1] is None
    waiting, seconds = found[BOSS]
    assert (waiting.state, waiting.attempts) == (LetterState.WAITING, 0)
    assert seconds is not None
    assert seconds > 0


async def test_of_a_mail_whose_process_died_it_is_known_when_it_is_looked_at_again(
    store: Store,
) -> None:
    core = Core(store)
    await core.open(create("johndoe1"))
    await core.receive(update("johndoe1", notification=told(MARIAS), removes=("nobody",)))
    core.mails.holding = asyncio.Event()
    core.under_way.add(asyncio.create_task(core.worker.run_due(MAIL_LANES)))
    await core.mails.crowd.acquire()

    await core.die()

    under_way, seconds = (await standing(core))[MARIAS]
    assert under_way.state is LetterState.SENDING
    assert seconds is not None
    assert 0 < seconds <= LEASE


async def test_a_mail_whose_process_died_goes_out_again_five_minutes_after_it_was_begun(
    store: Store,
) -> None:
    core = Core(store)
    await core.open(create("johndoe1"))
    await core.receive(update("johndoe1", notification=told(MARIAS), removes=("nobody",)))
    core.mails.holding = asyncio.Event()
    core.under_way.add(asyncio.create_task(core.worker.run_due(MAIL_LANES)))
    await core.mails.crowd.acquire()
    await core.die()
    core.mails.holding = None

    for _ in range(3):
        await core.pass_time(99)
    early = len(core.mails.sent)
    await core.pass_time(3)

    assert early == 1
    assert addresses(core) == [MARIAS, MARIAS]


async def test_a_lost_mail_that_meets_a_busy_moment_waits_for_that_moment_only(
    store: Store,
) -> None:
    core = Core(store)
    busy = ChannelBusy("too many mails at once for this mailbox", retry_after=2.0)
    core.mails.fails.extend([AnswerLost("no answer"), busy])
    await core.open(create("johndoe1", "johndoe2"))
    await core.receive(update("johndoe2", notification=told(JONAS_S), removes=("nobody",)))
    await core.work()

    await core.pass_time(FIVE_MINUTES)
    early = len(core.mails.sent)
    await core.pass_time(2)

    assert (early, len(core.mails.sent)) == (2, 3)
    assert (await letter(core, JONAS_S)).state is LetterState.SENT


async def test_a_clock_that_was_an_hour_ahead_holds_no_mails_for_an_hour(store: Store) -> None:
    core = Core(store)
    await core.open(create("johndoe1", "johndoe2"))
    core.clock.advance(3600)  # by mistake
    core.mails.fails.append(MailboxBusy("HTTP 429", retry_after=300.0))
    await core.receive(update("johndoe2", notification=told(MARIAS), removes=("nobody",)))
    await core.work()
    held = core.chores.mails_at_once()

    core.clock.advance(-3600)
    await core.receive(update("johndoe2", at=3, notification=told(JONAS_S), removes=("nobody",)))
    await core.work()

    assert held == 0
    assert addresses(core) == [MARIAS, JONAS_S]


async def test_a_pause_that_is_asked_for_again_is_the_longer_of_both(store: Store) -> None:
    core = Core(store)
    await core.open(create("johndoe1", "johndoe2"))
    core.mails.fails.extend([MailboxBusy("x", retry_after=60.0), ChannelBusy("y", retry_after=9.0)])
    both = told(JONAS_S, MARIAS)
    await core.receive(update("johndoe1", notification=both, removes=("nobody",)))

    await core.worker.run_due(MAIL_LANES, limit=2)
    await core.pass_time(59)
    early = len(core.mails.sent)
    await core.pass_time(1)

    assert (early, len(core.mails.sent)) == (2, 4)


class SlowStore:
    """A store in which something happens while it gives what a mail is made from, once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def bodies(self, *which: Any) -> Mapping[str, str]:
        if self.meanwhile is not None:
            hook, self.meanwhile = self.meanwhile, None
            await hook()
        return await self._store.bodies(*which)


async def left_in_a_slow_store(store: Store) -> tuple[Core, SlowStore]:
    slow = SlowStore(store)
    core = Core(slow)  # pyright: ignore[reportArgumentType]
    await core.open(create("johndoe1", "johndoe2"))
    await core.receive(update("johndoe2", notification=told(JONAS_S), removes=("nobody",)))
    return core, slow


async def test_a_mail_whose_job_another_took_while_it_was_read_is_not_sent_beside_it(
    store: Store,
) -> None:
    core, slow = await left_in_a_slow_store(store)

    async def another() -> None:
        core.clock.advance(LEASE)
        await core.worker.run_due(MAIL_LANES)  # takes the attempt for lost

    slow.meanwhile = another
    await core.worker.run_due(MAIL_LANES)
    early = len(core.mails.sent)
    await core.pass_time(FIVE_MINUTES)

    assert (early, len(core.mails.sent)) == (0, 1)
    ended = await letter(core, JONAS_S)
    assert (ended.state, ended.lost) == (LetterState.SENT, 1)


async def test_a_store_that_does_not_answer_in_time_before_the_wire_leaves_no_doubt(
    store: Store,
) -> None:
    core, slow = await left_in_a_slow_store(store)

    async def in_vain() -> None:
        raise TimeoutError

    slow.meanwhile = in_vain
    await core.worker.run_due(MAIL_LANES)
    waiting = await letter(core, JONAS_S)
    await core.pass_time(10)

    assert (waiting.state, waiting.lost) == (LetterState.WAITING, 0)
    assert addresses(core) == [JONAS_S]


async def test_a_lost_answer_waits_from_when_its_attempt_began(store: Store) -> None:
    core = Core(store)

    async def slow() -> None:
        core.clock.advance(50)

    core.mails.while_sending = slow
    core.mails.fails.append(AnswerLost("no answer"))
    await core.open(create("johndoe1"))
    await core.receive(update("johndoe1", notification=told(MARIAS), removes=("nobody",)))
    await core.work()

    await core.pass_time(FIVE_MINUTES - 51)
    early = len(core.mails.sent)
    await core.pass_time(1)

    assert (early, len(core.mails.sent)) == (1, 2)
