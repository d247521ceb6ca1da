"""Who is reminded: somebody with two names, somebody who is asked again, and nobody who is not found."""

import pytest

from approvals_core.arx import ArxNotification
from approvals_core.models import Occasion, PlaceState, Reminder
from approvals_core.operating import Operating
from approvals_core.ports import Store
from bots.cli.reminders import reminder_lines
from tests.makers import JONAS, KEY, MARIA, Core, create, update

A_MOMENT = 3.0  # until who is asked was found
HOUR, DAY = 3600.0, 86_400.0
A_DAY = 24 * 60  # as makers count
DAILY = Reminder(template="Reminder", every=1)
HER_OTHER_NAME, NOBODY = "maria.keller", "ghost"


def told(*to: str, reminder: Reminder | None = None) -> ArxNotification:
    return ArxNotification(template="PendingApproval", to=to, reminder=reminder)


@pytest.fixture
def core(store: Store) -> Core:
    """Maria is known by two names."""
    made = Core(store)
    made.directory.people[HER_OTHER_NAME] = MARIA
    return made


async def reminders(core: Core) -> list[str]:
    """Return who got a mail with a reminder, in the order of sending."""
    sent = (each.letter for each in core.mails.sent)
    return [each.address for each in sent if each.occasion is Occasion.REMINDER]


async def days(core: Core, number: int) -> None:
    for _ in range(number):
        await core.pass_time(DAY)


# -- one person, two names ----------------------------------------------------


async def test_whoever_is_asked_by_another_of_her_names_is_reminded_as_that_payload_says(
    core: Core,
) -> None:
    await core.open(create("johndoe1"))
    daily = told(MARIA.upn, reminder=DAILY)
    await core.receive(update(HER_OTHER_NAME, at=2, notification=daily))
    await core.pass_time(A_MOMENT)

    await core.pass_time(DAY)

    assert (await core.place(MARIA)).reminded == 1
    assert await reminders(core) == [MARIA.upn]


async def test_whose_reminders_ended_by_another_of_her_names_is_not_reminded_any_more(
    core: Core,
) -> None:
    await core.open(create("johndoe1", notification=told(MARIA.upn, reminder=DAILY)))
    await core.receive(update(HER_OTHER_NAME, at=2, notification=told(MARIA.upn)))
    await core.pass_time(A_MOMENT)

    await core.pass_time(DAY)

    assert (await core.place(MARIA)).reminded == 0
    assert await reminders(core) == []


async def test_what_asked_both_of_her_names_asks_her_once(core: Core) -> None:
    await core.open(create("johndoe1", "johndoe2"))
    both = update("johndoe1", HER_OTHER_NAME, "johndoe2", at=2, notification=told(MARIA.upn))
    await core.receive(both)

    await core.pass_time(A_MOMENT)

    (asking,) = (await core.approval()).notifications
    assert asking.seats == (0, 1)


async def test_whoever_is_put_on_one_place_more_is_reminded_as_was_said_for_it(core: Core) -> None:
    await core.open(create("johndoe1"))
    daily = told("ghost@organization.com", MARIA.upn, reminder=DAILY)
    await core.receive(update(NOBODY, at=2, notification=daily))
    await core.work()

    operating = Operating(store=core.store, commits=core.commits, tenants=core.tenants)
    await operating.rebind(KEY, 1, MARIA, by="Olga Operator")
    await core.pass_time(DAY)

    assert (await core.place(MARIA)).reminded == 1
    assert await reminders(core) == [MARIA.upn]


# -- asked again --------------------------------------------------------------


async def test_who_is_asked_again_after_days_is_reminded_at_the_next_time_only(core: Core) -> None:
    await core.open(create("johndoe1", notification=told(MARIA.upn, reminder=DAILY)))
    await core.receive(update("johndoe2", at=2, removes=("johndoe1",)))
    await days(core, 10)
    await core.pass_time(HOUR)

    await core.receive(update("johndoe1", at=10 * A_DAY, removes=("nobody",)))
    await core.pass_time(HOUR)
    early = (await core.place(MARIA)).reminded
    await core.pass_time(DAY)

    assert (early, (await core.place(MARIA)).reminded) == (0, 1)
    assert await reminders(core) == [MARIA.upn]


async def test_a_late_reminder_to_others_is_none_to_whoever_was_asked_after_its_time(
    core: Core,
) -> None:
    """The service was away when it was due; meanwhile, by another machine, she was asked again."""
    both = told(MARIA.upn, JONAS.upn, reminder=DAILY)
    await core.open(create("johndoe1", "johndoe2", notification=both))
    await core.receive(update("johndoe2", at=2, removes=("johndoe1",)))
    await core.work()
    core.clock.advance(DAY + HOUR)
    await core.receive(update("johndoe1", at=A_DAY, removes=("nobody",)))

    await core.pass_time(HOUR)
    late = [(await core.place(person)).reminded for person in (MARIA, JONAS)]
    reached = await reminders(core)
    await core.pass_time(DAY)

    assert (late, reached) == ([0, 1], [JONAS.upn])
    assert [(await core.place(person)).reminded for person in (MARIA, JONAS)] == [1, 2]
    assert sorted(await reminders(core)) == sorted([JONAS.upn, MARIA.upn, JONAS.upn])


# -- nobody found -------------------------------------------------------------


async def test_a_place_without_a_person_was_never_reminded(core: Core) -> None:
    ghosts = told("ghost@organization.com", reminder=DAILY)
    await core.open(create(NOBODY, notification=ghosts))
    await core.pass_time(A_MOMENT)

    await core.pass_time(DAY)

    approval = await core.approval()
    (place,) = approval.places
    assert (place.state, place.reminded, place.reminded_at) == (PlaceState.PENDING, 0, None)
    (line,) = reminder_lines(approval, place, core.tenant, core.commits.now())
    assert line.startswith("Is reminded next at ")
    assert await reminders(core) == []


async def test_who_is_found_after_a_reminder_gets_the_next_one(core: Core) -> None:
    await core.open(create(NOBODY, notification=told(MARIA.upn, reminder=DAILY)))
    await core.pass_time(DAY + HOUR)

    operating = Operating(store=core.store, commits=core.commits, tenants=core.tenants)
    await operating.rebind(KEY, 0, MARIA, by="Olga Operator")
    await core.pass_time(DAY)

    assert (await core.place(MARIA)).reminded == 1
    assert await reminders(core) == [MARIA.upn]
