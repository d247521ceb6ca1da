"""Reminders: due by dates and frequency, sent once whatever happens, and never after the end."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals_core.arx import ArxNotification
from approvals_core.errors import (
    AnswerLost,
    CardGone,
    CardRefused,
    ChannelBusy,
    Unreachable,
)
from approvals_core.models import (
    Approval,
    DeadLetter,
    Job,
    JobKind,
    Lane,
    Lease,
    Notification,
    Occasion,
    Person,
    PersonId,
    PlaceState,
    Receipt,
    ReceiptState,
    Reminder,
    tenant_scope,
)
from approvals_core.ports import Answer, AnswerKind, Store
from approvals_core.rules import intake, upkeep
from approvals_core.rules.reminding import job_needed, next_due, remind
from approvals_core.tenant import Concurrency
from tests.fakes import FakeChannel
from tests.makers import JONAS, KEY, MARIA, START, Core, a_stamp, a_tenant, create, delete, update

HOUR, DAY = 3600.0, 86400.0
HORIZON = 24 * 45  # hours
LEASE = Lease("scope", "job", "token", START)


def a_reminder(*hours: float, **fields: Any) -> Reminder:
    """Make a reminder with dates at these hours after the start."""
    dates = tuple(sorted({START + timedelta(hours=hour) for hour in hours}))
    return Reminder(template="Reminder", dates=dates, **fields)


def a_notification(reminder: Reminder | None) -> Notification:
    return Notification(
        id="n", occasion=Occasion.ASKED, template="", reminder=reminder, round=1, at=START
    )


def wants(reminder: Reminder, *to: str) -> ArxNotification:
    return ArxNotification(template="PendingApproval", to=to, reminder=reminder)


# -- when it is due -------------------------------------------------------


@pytest.mark.parametrize(
    ("reminder", "after", "due"),
    [
        (None, 0, None),
        (a_reminder(), 0, None),
        (a_reminder(5, 9), 0, 5),
        (a_reminder(5, 9), 5, 9),
        (a_reminder(5, 9), 9, None),
        (a_reminder(-3, 0), -5, None),  # before the payload came nobody was asked
        (a_reminder(every=1), 0, 24),
        (a_reminder(every=1), 23.9, 24),
        (a_reminder(every=1), 24, 48),
        (a_reminder(every=1), 24 * 99 + 1, 24 * 100),
        (a_reminder(30, every=1), 24, 30),
        (a_reminder(30, every=1), 30, 48),
        (a_reminder(24, every=1), 0, 24),
        (a_reminder(5, every=1, expires=START + timedelta(hours=24)), 5, 24),
        (a_reminder(5, every=1, expires=START + timedelta(hours=23)), 5, None),
        (a_reminder(5, expires=START + timedelta(hours=4)), 0, None),
    ],
)
def test_the_next_reminder_is_the_earlier_of_dates_and_frequency_until_it_expires(
    reminder: Reminder | None, after: float, due: float | None
) -> None:
    found = next_due(a_notification(reminder), START + timedelta(hours=after))

    assert found == (None if due is None else START + timedelta(hours=due))


@pytest.mark.parametrize("every", [3_652_059, 2_900_000, 1])
def test_no_frequency_leads_beyond_the_calendar(every: int) -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

    assert next_due(a_notification(a_reminder(every=every)), last) is None


# -- any schedule, any downtime -------------------------------------------


class Look(NamedTuple):
    """The worker looks for due jobs, so many hours after the start."""

    hour: int
    held: bool  # by a decision under way
    twice: bool  # the process died after the commit, and the job is done again


class Schedule(NamedTuple):
    """When somebody is to be reminded, and what happens meanwhile."""

    reminder: Reminder
    looks: tuple[Look, ...]
    ends: int  # hours after the start


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    hours = st.integers(-48, HORIZON)
    expires = draw(st.none() | hours)
    reminder = a_reminder(
        *draw(st.lists(hours, max_size=6)),
        every=draw(st.integers(0, 6)),
        expires=None if expires is None else START + timedelta(hours=expires),
    )
    seldom = st.sampled_from([False, False, False, True])
    when = draw(st.lists(st.integers(1, HORIZON), min_size=1, max_size=40, unique=True))
    looks = tuple(Look(hour, draw(seldom), draw(seldom)) for hour in sorted(when))
    return Schedule(reminder, looks, draw(st.integers(1, 2 * HORIZON)))


def due_times(reminder: Reminder) -> list[int]:
    """Count every hour of the horizon at which a reminder is due, one by one."""
    expires = reminder.expires or START + timedelta(hours=HORIZON)
    found: list[int] = []
    for hour in range(1, HORIZON + 1):
        at = START + timedelta(hours=hour)
        repeated = bool(reminder.every) and hour % (24 * reminder.every) == 0
        if at <= expires and (at in reminder.dates or repeated):
            found.append(hour)
    return found


class Queue:
    """One request and its reminder job, done when due, by the rules alone."""

    def __init__(self, reminder: Reminder) -> None:
        self.tenant = a_tenant()
        asked = create("johndoe1", notification=wants(reminder, "a@x.org"))
        self.approval: Approval | None = None
        self.job: Job | None = None
        self.reminded: list[int] = []  # hours
        self.mails: list[str] = []  # keys
        self._take(self._received(asked, 0))

    def _received(self, arx: Any, hour: float) -> Any:
        at = START + timedelta(hours=hour)
        return intake.receive(
            self.approval,
            arx,
            tenant=self.tenant,
            payload_id=f"payload-{arx.operation}",
            stamp=a_stamp(at=at),
        ).change

    def _take(self, change: Any) -> None:
        self.approval = change.approval
        self.job = next((job for job in change.jobs if job.kind is JobKind.REMIND), self.job)

    def close(self, hour: float) -> None:
        self._take(self._received(delete("johndoe1", at=hour * 60), hour))

    def look(self, look: Look) -> None:
        """Do the job if it is due."""
        now = START + timedelta(hours=look.hour)
        if self.job is None or self.job.due > now:
            return
        self._do(self.job, look, now)
        assert self.job is None or self.job.due > now
        if look.twice and self.job is not None:
            self._do(self.job, look, now)

    def _do(self, job: Job, look: Look, now: datetime) -> None:
        before = self._held() if look.held else self.approval
        assert before is not None
        stamp = a_stamp(at=now)
        change = remind(before, job.round, tenant=self.tenant, stamp=stamp, finish=LEASE)
        self.job = None
        if change is None or change.approval is None:
            return
        if change.approval.notifications[-1].reminded > before.notifications[-1].reminded:
            self.reminded.append(look.hour)
        self.mails += [each.key for each in change.jobs if each.kind is JobKind.MAIL]
        let_go = _moved(change.approval, PlaceState.SUBMITTING, PlaceState.PENDING)
        self._take(change.model_copy(update={"approval": let_go}))

    def _held(self) -> Approval:
        assert self.approval is not None
        return _moved(self.approval, PlaceState.PENDING, PlaceState.SUBMITTING)


def _moved(approval: Approval, one: PlaceState, other: PlaceState) -> Approval:
    places = (
        place.model_copy(update={"state": other}) if place.state is one else place
        for place in approval.places
    )
    return approval.model_copy(update={"places": tuple(places)})


@given(schedules())
def test_each_reminder_is_sent_once_however_the_worker_comes_and_goes(schedule: Schedule) -> None:
    queue, due, seen, expected = Queue(schedule.reminder), due_times(schedule.reminder), 0, []
    open_looks = [look for look in schedule.looks if look.hour < schedule.ends]
    for look in open_looks:
        if any(seen < hour <= look.hour for hour in due) and not look.held:
            expected.append(look.hour)
        seen = look.hour

    for look in open_looks:
        queue.look(look)
    queue.close(schedule.ends)
    for look in schedule.looks[len(open_looks) :]:
        queue.look(look)

    assert queue.reminded == expected
    assert len(set(queue.mails)) == len(queue.mails) == len(expected)


@given(schedules())
def test_a_worker_that_never_rests_sends_every_one_at_its_time(schedule: Schedule) -> None:
    queue = Queue(schedule.reminder)

    for hour in range(1, HORIZON + 1):
        queue.look(Look(hour, held=False, twice=False))

    assert queue.reminded == due_times(schedule.reminder)


# -- on the real core -----------------------------------------------------


class Chat(FakeChannel):
    """
    A channel that fails as it is told, and notes whenever somebody has two live cards.

    `withdraw_fails` are raised before anything happens, `withdraw_loses` after the card is gone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.withdraw_fails: list[Exception] = []
        self.withdraw_loses: list[Exception] = []
        self.most = 0  # cards that somebody had at once

    async def withdraw(self, address: str) -> None:
        if self.withdraw_fails:
            raise self.withdraw_fails.pop(0)
        if address not in self.screens:
            raise CardGone("deleted")
        await super().withdraw(address)
        if self.withdraw_loses:
            raise self.withdraw_loses.pop(0)

    async def send(self, person: PersonId, face: Any) -> str:
        address = await super().send(person, face)
        self.most = max(self.most, sum(s.person == person for s in self.screens.values()))
        return address

    def addresses(self, person: Person) -> list[str]:
        return [address for address, screen in self.screens.items() if screen.person == person.id]


@pytest.fixture
async def core(store: Store) -> Core:
    """Two people who are asked, and reminded every day."""
    made = Core(store)
    made.channel = Chat()
    made.start()
    daily = wants(a_reminder(every=1), "johndoe1@organization.com")
    await made.open(create("johndoe1", "johndoe2", notification=daily))
    return made


def chat(core: Core) -> Chat:
    assert isinstance(core.channel, Chat)
    return core.channel


async def receipt(core: Core, person: Person) -> Receipt:
    found = await core.store.receipt(KEY, round=1, person=person.id, channel="teams")
    assert found is not None
    return found


async def counted(core: Core) -> list[int]:
    """Return how often everybody was reminded, and the request."""
    approval = await core.approval()
    return [*(place.reminded for place in approval.places), approval.notifications[0].reminded]


async def numbers(core: Core) -> list[int]:
    """Return the numbers of the reminders of which there is a mail."""
    letters = await core.store.letters(KEY)
    return sorted(each.number for each in letters if each.occasion is Occasion.REMINDER)


async def settle_down(core: Core) -> None:
    """Let pass what is waited for after failures, in steps."""
    for _ in range(8):
        await core.pass_time(HOUR / 6)


async def reminder_job(core: Core) -> Job | None:
    approval = await core.approval()
    return await core.store.job(KEY.scope, f"remind/{approval.id}/{approval.round}")


async def test_a_reminder_moves_the_card_to_the_end_of_the_chat(core: Core) -> None:
    before = chat(core).addresses(MARIA)

    await core.pass_time(DAY)

    after = chat(core).addresses(MARIA)
    assert len(before) == len(after) == 1
    assert before != after
    assert chat(core).most == 1
    kept = await receipt(core, MARIA)
    assert (kept.address, kept.reminded, kept.state) == (after[0], 1, ReceiptState.SHOWN)
    assert await counted(core) == [1, 1, 1]
    assert await numbers(core) == [1]


async def test_a_card_that_was_moved_stays_there_until_the_next_reminder(core: Core) -> None:
    await core.pass_time(DAY)
    moved = chat(core).addresses(MARIA)

    await core.receive(update("johndoe3", at=2 * 24 * 60))
    await core.work()

    assert chat(core).addresses(MARIA) == moved


async def test_what_was_due_during_a_downtime_is_sent_once_and_then_the_next_in_time(
    core: Core,
) -> None:
    await core.pass_time(3.5 * DAY)
    await core.die()
    await core.work()
    assert await counted(core) == [1, 1, 1]

    await core.pass_time(0.5 * DAY)

    assert await counted(core) == [2, 2, 2]
    assert await numbers(core) == [1, 2]


async def test_a_process_that_dies_reminds_nobody_again(core: Core) -> None:
    await core.pass_time(DAY)

    for _ in range(3):
        await core.die()
        await core.pass_time(HOUR)

    assert await counted(core) == [1, 1, 1]
    assert await numbers(core) == [1]


async def test_nobody_is_reminded_of_what_has_ended(core: Core) -> None:
    await core.receive(delete("johndoe1", "johndoe2"))

    await core.pass_time(30 * DAY)

    assert await counted(core) == [0, 0, 0]
    assert await numbers(core) == []
    assert await reminder_job(core) is None


async def test_a_new_round_without_reminders_ends_those_of_the_one_before(core: Core) -> None:
    await core.receive(delete("johndoe1", "johndoe2", at=60))
    await core.receive(create("johndoe1", at=120))

    await core.pass_time(30 * DAY)

    assert await counted(core) == [0, 0, 0]
    assert await core.worker.sweep() == 0


async def test_the_job_of_an_earlier_round_reminds_nobody_in_the_next(core: Core) -> None:
    await core.receive(delete("johndoe1", "johndoe2", at=60))
    await core.receive(create("johndoe1", at=120, notification=wants(a_reminder(every=1))))
    at, approval = START + timedelta(days=9), await core.approval()

    rounds = [
        remind(approval, round_, tenant=core.tenant, stamp=a_stamp(at=at), finish=LEASE)
        for round_ in (1, 2)
    ]

    assert [change is None for change in rounds] == [True, False]


async def test_whoever_a_newer_notification_asks_is_reminded_as_it_says_and_nobody_else(
    core: Core,
) -> None:
    weekly = wants(a_reminder(every=7), "johndoe2@organization.com")
    await core.pass_time(HOUR)
    await core.receive(update("johndoe2", at=60, notification=weekly))

    for _ in range(6):
        await core.pass_time(DAY)
    early = await counted(core)
    await core.pass_time(DAY)

    assert early[:2] == [6, 0]
    assert (await counted(core))[:2] == [7, 1]
    newest = (await core.approval()).notifications[-1]
    assert (newest.reminded, newest.to) == (1, ("johndoe2@organization.com",))


async def test_a_newer_notification_that_asks_nobody_by_name_says_when_all_are_reminded(
    core: Core,
) -> None:
    weekly = wants(a_reminder(every=7), "johndoe2@organization.com")

    await core.receive(update(at=60, notification=weekly))
    await core.pass_time(7 * DAY)

    assert (await counted(core))[:2] == [1, 1]


async def test_a_newer_notification_without_a_reminder_ends_those_of_whom_it_asks(
    core: Core,
) -> None:
    plain = ArxNotification(template="PendingApproval", to=("johndoe2@organization.com",))
    await core.receive(update("johndoe2", at=60, notification=plain))

    await core.pass_time(2 * DAY)

    assert (await counted(core))[:2] == [1, 0]  # what was due twice comes once


async def test_a_late_older_notification_changes_no_newer_ones_reminders(core: Core) -> None:
    weekly = wants(a_reminder(every=7), "johndoe1@organization.com")
    often = wants(a_reminder(every=2), "johndoe1@organization.com", "johndoe2@organization.com")
    await core.receive(update("johndoe1", at=60, notification=weekly))

    await core.receive(update("johndoe1", "johndoe2", at=30, notification=often))

    for _ in range(7):
        await core.pass_time(DAY)
    assert (await counted(core))[:2] == [1, 3]


async def test_a_decision_under_way_holds_the_reminder_and_the_schedule_goes_on(
    core: Core,
) -> None:
    await core.begin(MARIA)
    await core.pass_time(DAY)
    assert await counted(core) == [0, 0, 0]
    await core.tell(Answer(kind=AnswerKind.REFUSED, message="Over budget"))
    await core.work()
    assert await counted(core) == [0, 0, 0]

    await core.pass_time(DAY)

    assert await counted(core) == [1, 1, 1]


async def test_each_for_himself_only_those_are_reminded_who_have_not_decided(store: Store) -> None:
    core = Core(store, tenant=a_tenant(concurrency=Concurrency.ALL))
    await core.open(create("johndoe1", "johndoe2", notification=wants(a_reminder(every=1))))
    await core.click(MARIA)

    await core.pass_time(DAY)

    assert await counted(core) == [0, 1, 1]


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("we died"),
        AnswerLost("perhaps"),
        ChannelBusy("later", retry_after=5.0),
        ChannelBusy("much later", retry_after=300.0),
    ],
    ids=["died", "lost", "busy", "very-busy"],
)
async def test_whatever_happens_while_a_card_is_taken_away_one_comes_at_the_end(
    core: Core, failure: Exception, *, lost: bool
) -> None:
    before = chat(core).addresses(MARIA)
    fails = chat(core).withdraw_loses if lost else chat(core).withdraw_fails
    fails += [failure, failure]

    await core.pass_time(DAY)
    await settle_down(core)

    after = chat(core).addresses(MARIA)
    assert len(after) == 1
    assert after != before
    assert chat(core).most == 1
    kept = await receipt(core, MARIA)
    assert (kept.address, kept.reminded, kept.reason) == (after[0], 1, "")


async def test_answers_that_are_lost_for_long_put_no_card_before_an_operator(core: Core) -> None:
    chat(core).withdraw_fails += [AnswerLost("perhaps")] * 24

    await core.pass_time(DAY)
    await settle_down(core)
    await settle_down(core)

    assert not chat(core).withdraw_fails
    assert [(await receipt(core, person)).reminded for person in (MARIA, JONAS)] == [1, 1]
    assert (await core.store.depth(core.clock.now())).dead == {}


@pytest.mark.parametrize(
    "failure",
    [RuntimeError("we died"), ChannelBusy("later", retry_after=300.0), AnswerLost("perhaps")],
    ids=["died", "busy", "lost"],
)
async def test_whatever_happens_before_the_card_comes_anew_it_comes(
    core: Core, failure: Exception
) -> None:
    chat(core).send_fails.extend([failure, failure])

    await core.pass_time(DAY)
    await settle_down(core)

    for person in (MARIA, JONAS):
        (address,) = chat(core).addresses(person)
        kept = await receipt(core, person)
        assert (kept.address, kept.reminded, kept.state) == (address, 1, ReceiptState.SHOWN)
    assert chat(core).most == 1


async def test_a_card_that_was_taken_away_already_comes_anew(core: Core) -> None:
    for address in chat(core).addresses(MARIA):
        del chat(core).screens[address]

    await core.pass_time(DAY)

    assert len(chat(core).addresses(MARIA)) == 1


@pytest.mark.parametrize("refusal", [CardRefused("no"), Unreachable("forbidden")])
async def test_a_card_that_may_not_be_taken_away_stays_and_is_kept_current(
    core: Core, refusal: Exception
) -> None:
    before = chat(core).addresses(MARIA)
    chat(core).withdraw_fails += [refusal, refusal]

    await core.pass_time(DAY)
    await settle_down(core)

    assert chat(core).addresses(MARIA) == before
    kept = await receipt(core, MARIA)
    assert (kept.state, kept.reminded) == (ReceiptState.SHOWN, 1)


async def test_a_card_decided_while_it_was_moved_comes_back_though_it_looks_as_before(
    core: Core,
) -> None:
    """It is gone, and what it should show is what it last showed: only its receipt knows better."""
    chat(core).withdraw_loses += [RuntimeError("we died")] * 2
    core.clock.advance(DAY)
    await core.worker.run_due((Lane.REMINDER,))
    await core.worker.run_due((Lane.CARD,))
    approval = await core.approval()
    calm = tuple(place.model_copy(update={"reminded": 0}) for place in approval.places)
    change = approval.model_copy(update={"places": calm, "version": approval.version + 1})
    stamp = core.commits.stamp()
    await core.store.commit(
        upkeep.restore_jobs(approval, [], stamp=stamp).model_copy(update={"approval": change})
    )

    await settle_down(core)

    assert len(chat(core).addresses(MARIA)) == 1


async def test_a_decision_before_the_card_was_moved_changes_it_in_place(core: Core) -> None:
    before = chat(core).addresses(MARIA)
    core.clock.advance(DAY)
    await core.worker.run_due((Lane.REMINDER,))
    await core.click(MARIA)

    await core.pass_time(HOUR)

    assert chat(core).addresses(MARIA) == before
    assert "approved" in str(chat(core).of(MARIA)[0].face).lower()


async def test_a_reminder_job_that_was_lost_is_mended_by_the_sweep(core: Core) -> None:
    now = core.clock.now() + timedelta(days=2)
    until = now + timedelta(seconds=60)
    (leased,) = await core.store.lease((Lane.REMINDER,), limit=1, now=now, until=until)
    await core.store.finish(leased.lease)
    assert await reminder_job(core) is None

    mended = [await core.worker.sweep(), await core.worker.sweep()]
    await core.pass_time(DAY)

    assert mended == [1, 0]
    assert await counted(core) == [1, 1, 1]


async def test_the_sweep_finds_nothing_to_mend_while_a_decision_holds_the_last_reminder(
    store: Store,
) -> None:
    core = Core(store)
    await core.open(create("johndoe1", notification=wants(a_reminder(24))))
    await core.begin(MARIA)

    await core.pass_time(1.5 * DAY)

    assert await reminder_job(core) is None
    assert await core.worker.sweep() == 0


async def test_a_reminder_of_the_year_9999_waits_in_every_store(store: Store) -> None:
    core = Core(store)
    last = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    distant = Reminder(template="Reminder", dates=(last,), expires=last)
    await core.open(create("johndoe1", notification=wants(distant)))

    for _ in range(3):
        await core.pass_time(400 * DAY)

    job = await reminder_job(core)
    assert job is not None
    assert job.due == core.clock.now() + timedelta(days=365)
    assert await core.store.next_due((Lane.REMINDER,)) == job.due
    assert await counted(core) == [0, 0]


# -- what an operator sees ------------------------------------------------


def dead(job: Job) -> DeadLetter:
    scope = tenant_scope(KEY.tenant)
    return DeadLetter(id="letter", scope=scope, job=job, error="RuntimeError", at=START)


@pytest.mark.parametrize("closed", [False, True])
def test_a_reminder_that_failed_is_put_back_only_while_one_is_to_come(*, closed: bool) -> None:
    queue = Queue(a_reminder(every=1))
    job, approval = queue.job, queue.approval
    assert job is not None
    if closed:
        queue.close(1)
        approval = queue.approval
    assert approval is not None

    replayed = upkeep.replay(approval, dead(job), by="op", tenant=queue.tenant, stamp=a_stamp())

    assert bool(replayed.moved_on) is closed
    assert [each.key for each in replayed.change.jobs] == ([] if closed else [job.key])


@pytest.mark.parametrize("kept", [True, False])
def test_a_mail_that_failed_is_put_back_only_while_what_it_is_about_is_known(*, kept: bool) -> None:
    queue = Queue(a_reminder(every=1))
    queue.look(Look(24, held=False, twice=False))
    approval = queue.approval
    assert approval is not None
    approval = approval if kept else approval.model_copy(update={"notifications": ()})
    job = Job(
        key=queue.mails[0],
        kind=JobKind.MAIL,
        lane=Lane.CARD,
        due=START,
        approval=KEY,
        notification=f"payload-{1}",
    )

    replayed = upkeep.replay(approval, dead(job), by="op", tenant=queue.tenant, stamp=a_stamp())

    assert bool(replayed.moved_on) is not kept


def test_nothing_is_needed_where_no_reminder_is_to_come() -> None:
    queue = Queue(a_reminder(24))
    queue.look(Look(30, held=False, twice=False))

    assert queue.approval is not None
    assert job_needed(queue.approval, now=START + timedelta(days=2)) is None
