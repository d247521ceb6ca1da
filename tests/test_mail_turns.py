"""Who is next at the mailbox: what one mail meets holds up no other, and no lane starves behind another."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from approvals_core.errors import ChannelBusy, MailboxBusy, RecipientBusy
from approvals_core.models import MAIL_LANES, Lane, Letter, LetterState, Notification, Occasion
from approvals_core.ports import Store, View
from approvals_core.rules import mail_waits
from approvals_core.worker.mails import AT_ONCE, Turns
from approvals_core.worker.mails.turns import EACH
from playground.outside import Playground
from tests.fakes import FakeMails
from tests.makers import JONAS, KEY, START, Core, create, update
from tests.running import run_service
from tests.store_makers import MINUTE, NOON, a_job, jobs_change
from tests.test_mails import BOSS, told

FULL = "@full.example.com"
SCOPE = KEY.scope


class PickyMails(FakeMails):
    """Takes every mail but those to the domain *FULL*, which meet *trouble*."""

    def __init__(self, trouble: Callable[[], Exception]) -> None:
        super().__init__()
        self._trouble = trouble
        self.tried = 0

    async def send(self, letter: Letter, notification: Notification, view: View) -> None:
        if letter.address.endswith(FULL):
            self.tried += 1
            raise self._trouble()
        await super().send(letter, notification, view)

    @property
    def took_for(self) -> list[str]:
        return [each.letter.address for each in self.sent]


def a_core(store: Store, trouble: Callable[[], Exception]) -> tuple[Core, PickyMails]:
    core, mails = Core(store), PickyMails(trouble)
    core.mails = mails
    core.start()
    return core, mails


async def asked_with_a_copy(core: Core, count: int) -> None:
    """Leave *count* mails to the domain that takes none, and a copy for somebody else."""
    await core.open(create("johndoe1", "johndoe2"))
    crowd = tuple(f"p{n}{FULL}" for n in range(count))
    await core.receive(
        update("johndoe2", notification=told(*crowd, cc=(BOSS,)), removes=("nobody",))
    )


async def run(core: Core, seconds: int) -> None:
    """Do mails as the worker does: each second, as many as the mailbox takes."""
    for _ in range(seconds):
        core.clock.advance(1)
        for _ in range(10):
            limit = core.chores.mails_at_once()
            if limit <= 0 or not await core.worker.run_due(MAIL_LANES, limit=limit):
                break


def a_full_mailbox() -> Exception:
    return RecipientBusy("SMTP: 452 4.2.2: the mailbox is full", retry_after=300.0)


# -- what one mail meets ------------------------------------------------------


async def test_a_recipient_who_takes_nothing_now_holds_up_no_other_mail(store: Store) -> None:
    core, mails = a_core(store, a_full_mailbox)

    await asked_with_a_copy(core, 6)
    await run(core, 1)

    assert mails.tried == 6
    assert mails.took_for == [BOSS]
    assert core.chores.mails_at_once() == AT_ONCE


async def test_a_recipient_who_takes_nothing_now_does_not_end_a_pause_of_the_mailbox(
    store: Store,
) -> None:
    troubles = [MailboxBusy("HTTP 429", retry_after=60.0), a_full_mailbox()]
    core, mails = a_core(store, lambda: troubles.pop(0))
    await asked_with_a_copy(core, 2)

    await core.worker.run_due(MAIL_LANES, limit=2)
    held = core.chores.mails_at_once()
    await run(core, 59)
    early = list(mails.took_for)
    await run(core, 1)

    assert (held, early) == (0, [])
    assert mails.took_for == [BOSS]


async def test_a_mail_that_its_recipient_does_not_take_is_tried_more_and_more_rarely(
    store: Store,
) -> None:
    core, mails = a_core(store, a_full_mailbox)
    await asked_with_a_copy(core, 1)
    tried: list[int] = []

    for _ in range(96 * 12 + 12):
        await core.pass_time(300)
        tried.append(mails.tried)

    assert tried[1] == 2  # the first time as soon as was asked for
    assert tried[-1] < 110
    [ended] = [one for one in await store.letters(KEY) if one.address.endswith(FULL)]
    assert ended.state is LetterState.REFUSED
    assert ended.reason.startswith("given up after 4 days")


def test_a_mail_that_came_late_to_its_turn_is_tried_again_when_it_was_asked_for() -> None:
    """Greylisting wants some minutes, however long the mail waited for the mailbox before."""
    first = Letter(
        approval=KEY,
        id="0" * 32,
        notification="n",
        occasion=Occasion.ASKED,
        address=BOSS,
        round=1,
        state=LetterState.SENDING,
        attempts=1,
        at=START,
    )

    pause = mail_waits.taken_later(first, timedelta(hours=9), timedelta(minutes=5))

    assert pause == timedelta(minutes=5)


# -- no lane starves ----------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        lambda: ChannelBusy("SMTP: its greeting: the connection ended", retry_after=60.0),
        lambda: MailboxBusy("SMTP: its answer to the recipient: 550 5.1.8", retry_after=60.0),
    ],
    ids=["the server", "the mailbox"],
)
async def test_mails_that_hold_up_all_others_each_time_starve_no_copy(
    store: Store, trouble: Callable[[], Exception]
) -> None:
    core, mails = a_core(store, trouble)
    await asked_with_a_copy(core, 16)  # each holds the others up for five seconds or more

    await run(core, 600)

    assert mails.took_for == [BOSS]


async def leave(store: Store, lane: Lane, count: int, *, since: timedelta) -> None:
    made = (a_job(f"{lane.name} {n}", lane=lane, due=NOON - since) for n in range(count))
    await store.commit(jobs_change(*made, scope=SCOPE, id=lane.name))


async def given(turns: Turns, count: int) -> list[Lane]:
    """Return the lanes of the mails that are given out, one at a time."""
    lanes: list[Lane] = []
    for _ in range(count):
        until = NOON + 5 * MINUTE
        found = await turns.lease(MAIL_LANES, limit=1, now=NOON, until=until)
        lanes.extend(each.job.lane for each in found)
    return lanes


async def test_one_mail_of_four_is_the_one_that_waits_longest(store: Store) -> None:
    await leave(store, Lane.MAIL, 20, since=2 * MINUTE)
    await leave(store, Lane.MAIL_COPY, 2, since=3 * MINUTE)
    await leave(store, Lane.MAIL_REMINDER, 1, since=9 * MINUTE)

    lanes = await given(Turns(store), 3 * EACH)

    urgent = [Lane.MAIL] * (EACH - 1)
    assert lanes == [
        *(*urgent, Lane.MAIL_REMINDER),
        *(*urgent, Lane.MAIL_COPY),
        *(*urgent, Lane.MAIL_COPY),
    ]


async def test_of_two_that_wait_as_long_the_less_urgent_has_the_turn(store: Store) -> None:
    await leave(store, Lane.MAIL, 20, since=2 * MINUTE)
    await leave(store, Lane.MAIL_COPY, 20, since=2 * MINUTE)

    assert (await given(Turns(store), EACH))[-1] is Lane.MAIL_COPY


async def test_who_waits_for_seconds_only_overtakes_nobody(store: Store) -> None:
    await leave(store, Lane.MAIL, 20, since=timedelta(seconds=1))
    await leave(store, Lane.MAIL_COPY, 20, since=timedelta(seconds=50))

    assert set(await given(Turns(store), 3 * EACH)) == {Lane.MAIL}


async def test_no_more_mails_are_given_out_than_there_are_places(store: Store) -> None:
    await leave(store, Lane.MAIL, 20, since=2 * MINUTE)
    await leave(store, Lane.MAIL_COPY, 20, since=9 * MINUTE)
    turns, until = Turns(store), NOON + 5 * MINUTE
    await given(turns, EACH - 1)

    found = await turns.lease(MAIL_LANES, limit=3, now=NOON, until=until)

    assert [each.job.lane for each in found] == [Lane.MAIL_COPY, Lane.MAIL, Lane.MAIL]


async def test_a_new_mail_goes_at_once_though_seventy_others_are_put_off(
    store: Store,
) -> None:
    core, mails = a_core(store, a_full_mailbox)
    await asked_with_a_copy(core, 70)
    await run(core, 300)
    mails.sent.clear()

    await core.receive(update("johndoe2", at=3, notification=told(JONAS.upn), removes=("nobody",)))
    await run(core, 1)

    assert JONAS.upn in mails.took_for


async def test_as_many_mails_are_under_way_as_the_settings_say(
    playground: Playground, store_url: str, tmp_path: Path
) -> None:
    async with run_service(
        playground, store_url=store_url, folder=tmp_path, mail_at_once=7
    ) as service:
        assert service.house.worker._mails_at_once() == 7
