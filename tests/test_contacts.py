"""How a person is reached: what closes a conversation, what opens it, and what came too late."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from approvals_core.committing import Commits
from approvals_core.errors import ChannelBusy, Unreachable
from approvals_core.models import Contact, Lane
from approvals_core.ports import Store
from bots.teams.channel import TeamsChannel
from bots.teams.contacts import Contacts
from bots.teams.directories import MANY, PROBE_EVERY, PROBE_TAKES, Directories
from bots.teams.inbound import Inbound, parse_activity
from bots.teams.refusals import AppMissing, Forbidden
from tests.clock import Clock
from tests.makers import DIRECTORY, JONAS, MARIA, START, a_person

URL = "https://teams.example/"
REFUSED = Forbidden("HTTP 403 BotNotInConversationRoster")


class FakeConnector:
    """Does what `then` says with every message, before it takes it; `lacking` have no app."""

    def __init__(self) -> None:
        self.then: Callable[[], Any] | None = None
        self.lacking: set[str] = set()
        self.sent: list[str] = []
        self.sending, self.answer = asyncio.Event(), asyncio.Event()

    async def create_conversation(self, _url: str, *, object_id: str, **_how: Any) -> str:
        if object_id in self.lacking:
            raise AppMissing("HTTP 403 ForbiddenOperationException")
        return f"a:{object_id}"

    async def send(self, _url: str, conversation: str, _activity: Any, **_how: Any) -> str:
        if self.then is not None:
            await self.then()
        self.sent.append(conversation)
        return str(len(self.sent))

    async def update(
        self, _url: str, _conversation: str, _message: str, _activity: Any, **_how: Any
    ) -> None:
        if self.then is not None:
            await self.then()

    async def refuse(self) -> None:
        raise REFUSED

    async def refuse_late(self) -> None:
        self.sending.set()
        await self.answer.wait()
        raise REFUSED


class FakeApps:
    """Installs the app, unless `fails`."""

    def __init__(self, connector: FakeConnector) -> None:
        self.fails: Exception | None = None
        self.asked = 0
        self._connector = connector

    async def install(self, person: Any) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.fails is not None:
            raise self.fails
        self._connector.lacking.discard(person.object_id)


class Teams:
    """The channel on a store, with a connector that does as the test says."""

    def __init__(self, store: Store) -> None:
        self.clock = Clock(START)
        self.store = store
        self.commits = Commits(store, now=self.clock.now, wake=lambda: None)
        self.contacts = Contacts(store=store, commits=self.commits)
        self.connector = FakeConnector()
        self.apps = FakeApps(self.connector)
        self.directories = Directories(now=self.clock.now)
        self.channel = TeamsChannel(
            connector=self.connector,  # pyright: ignore[reportArgumentType] - all it is asked for
            contacts=self.contacts,
            directories=self.directories,
            first_contact=URL,
            now=self.clock.now,
            notice_line=None,
            apps=self.apps,
        )

    async def contact(self, person: Any = MARIA) -> Contact:
        found = await self.contacts.get(person.id)
        assert found is not None
        return found

    async def send(self, person: Any = MARIA) -> str:
        return await self.channel.send(person.id, {})

    async def due(self) -> list[str]:
        """Return the keys of the jobs that are due, each once."""
        now = self.clock.now()
        leased = await self.store.lease(
            tuple(Lane), limit=99, now=now, until=now + timedelta(minutes=1)
        )
        for each in leased:
            await self.store.finish(each.lease)
        return sorted(each.job.key.split("/")[0] for each in leased)


@pytest.fixture
def teams(store: Store) -> Teams:
    return Teams(store)


def an_install(person: Any = MARIA, **more: Any) -> Inbound:
    return parse_activity(
        {
            "type": "installationUpdate",
            "action": "add",
            "channelId": "msteams",
            "serviceUrl": "https://emea.teams.example/",
            "from": {"id": f"29:{person.object_id}", "aadObjectId": person.object_id},
            "recipient": {"id": "28:bot"},
            "conversation": {"id": f"a:{person.object_id}", "conversationType": "personal"},
            "channelData": {"tenant": {"id": person.directory}},
        }
        | more
    )


# -- what came too late ------------------------------------------------------------


async def test_a_late_403_does_not_close_a_conversation_that_was_opened_since(
    teams: Teams,
) -> None:
    await teams.contacts.heard(an_install())
    teams.connector.then = teams.connector.refuse_late
    sending = asyncio.create_task(teams.send())
    await teams.connector.sending.wait()

    await teams.contacts.close(MARIA.id, "the app was removed")
    await teams.contacts.heard(an_install())
    teams.connector.answer.set()
    with pytest.raises(Unreachable):
        await sending

    assert (await teams.contact()).closed == ""


async def test_a_late_403_of_a_first_message_does_not_close_what_was_opened_since(
    teams: Teams,
) -> None:
    teams.connector.then = teams.connector.refuse_late
    sending = asyncio.create_task(teams.send())
    await teams.connector.sending.wait()

    await teams.contacts.heard(an_install())
    teams.connector.answer.set()
    with pytest.raises(Unreachable):
        await sending

    contact = await teams.contact()
    assert (contact.closed, contact.service_url) == ("", "https://emea.teams.example/")


async def test_a_late_success_does_not_open_what_was_closed_since(teams: Teams) -> None:
    await teams.contacts.heard(an_install())
    await teams.contacts.close(MARIA.id, "blocked")
    teams.clock.advance(24 * 3600)

    async def removed_meanwhile() -> None:
        await teams.contacts.close(MARIA.id, "the app was removed")

    teams.connector.then = removed_meanwhile
    await teams.send()

    assert (await teams.contact()).closed == "the app was removed"


async def test_a_conversation_of_ours_does_not_replace_one_that_the_person_wrote_in(
    teams: Teams,
) -> None:
    await teams.contacts.heard(an_install())

    await teams.contacts.met(MARIA.id, conversation="a:old", service_url=URL)

    contact = await teams.contact()
    assert contact.conversation == f"a:{MARIA.object_id}"
    assert contact.service_url == "https://emea.teams.example/"


# -- the daily probe ---------------------------------------------------------------


async def test_every_closing_has_a_probe_of_its_own(teams: Teams) -> None:
    await teams.contacts.heard(an_install())
    await teams.contacts.close(MARIA.id, "blocked")
    teams.clock.advance(3600)
    await teams.contacts.heard(an_install())
    teams.clock.advance(3600)
    await teams.contacts.close(MARIA.id, "blocked")
    await teams.due()

    teams.clock.advance(22 * 3600)
    first = await teams.due()
    with pytest.raises(Unreachable, match="blocked"):
        await teams.send()
    teams.clock.advance(2 * 3600)
    second = await teams.due()
    await teams.send()

    assert (first, second) == (["probe"], ["probe"])
    assert (await teams.contact()).closed == ""


async def test_a_probe_that_works_delivers_what_waits(teams: Teams) -> None:
    await teams.contacts.heard(an_install())
    await teams.contacts.close(MARIA.id, "blocked")
    await teams.due()
    teams.clock.advance(24 * 3600)
    await teams.due()

    await teams.send()

    assert await teams.due() == ["deliver"]


async def test_an_update_that_is_a_probe_and_fails_is_not_made_again_the_same_day(
    teams: Teams,
) -> None:
    await teams.contacts.heard(an_install())
    address = await teams.send()
    await teams.contacts.close(MARIA.id, "blocked")
    teams.clock.advance(24 * 3600)
    teams.connector.then = teams.connector.refuse
    with pytest.raises(Forbidden):
        await teams.channel.update(address, {})

    teams.connector.then = None
    with pytest.raises(Unreachable, match="BotNotInConversationRoster"):
        await teams.channel.update(address, {})
    teams.clock.advance(24 * 3600)
    await teams.channel.update(address, {})

    assert (await teams.contact()).closed == ""


async def test_an_update_that_is_a_probe_and_works_delivers_what_waits(teams: Teams) -> None:
    await teams.contacts.heard(an_install())
    address = await teams.send()
    await teams.contacts.close(MARIA.id, "blocked")
    await teams.due()
    teams.clock.advance(24 * 3600)
    await teams.due()

    await teams.channel.update(address, {})

    assert (await teams.contact()).closed == ""
    assert await teams.due() == ["deliver"]


# -- the app installed -------------------------------------------------------------


async def test_who_lacks_the_app_is_given_it_and_the_message(teams: Teams) -> None:
    teams.connector.lacking.add(MARIA.object_id)

    await teams.send()

    assert teams.apps.asked == 1
    assert teams.connector.sent == [f"a:{MARIA.object_id}"]


async def test_the_app_is_installed_once_however_many_cards_wait(teams: Teams) -> None:
    teams.connector.lacking.add(MARIA.object_id)

    outcomes = await asyncio.gather(*(teams.send() for _ in range(5)), return_exceptions=True)

    assert teams.apps.asked == 1
    assert all(isinstance(each, str | ChannelBusy) for each in outcomes)
    assert (await teams.contact()).closed == ""


async def test_the_app_is_not_to_be_installed_twice_a_day(teams: Teams) -> None:
    teams.connector.lacking.add(MARIA.object_id)
    teams.apps.fails = Unreachable("the app may not be installed for this person: HTTP 403")
    for _each in range(2):
        with pytest.raises(Unreachable, match="may not be installed"):
            await teams.send()
    assert teams.apps.asked == 1

    teams.clock.advance(23.5 * 3600)
    with pytest.raises(AppMissing):
        await teams.send()
    assert teams.apps.asked == 1

    teams.clock.advance(24 * 3600)
    teams.apps.fails = None
    await teams.send()
    assert teams.apps.asked == 2


async def test_graph_that_does_not_answer_is_asked_again(teams: Teams) -> None:
    teams.connector.lacking.add(MARIA.object_id)
    teams.apps.fails = ChannelBusy("Graph: HTTP 503", retry_after=15)
    with pytest.raises(ChannelBusy):
        await teams.send()

    teams.apps.fails = None
    await teams.send()

    assert teams.apps.asked == 2


async def test_an_app_that_takes_a_while_to_arrive_is_waited_for_and_not_for_ever(
    teams: Teams,
) -> None:
    teams.connector.lacking = Never({MARIA.object_id})
    for _each in range(2):
        with pytest.raises(ChannelBusy):
            await teams.send()
    assert (await teams.contact()).closed == ""

    teams.clock.advance(300)
    with pytest.raises(AppMissing):
        await teams.send()

    assert (await teams.contact()).closed
    assert teams.apps.asked == 1


class Never(set[str]):
    """A set that forgets nobody."""

    def discard(self, element: object, /) -> None:
        pass


# -- an app blocked for everybody ---------------------------------------------------

PEOPLE = [a_person(number, f"P{number}") for number in range(1, 10)]


async def refused(teams: Teams, *people: Any) -> list[type[BaseException]]:
    outcomes = await asyncio.gather(*(teams.send(p) for p in people), return_exceptions=True)
    return [type(each) for each in outcomes]  # pyright: ignore[reportReturnType]


async def heard(teams: Teams) -> None:
    for person in PEOPLE:
        await teams.contacts.heard(an_install(person))
    await teams.due()


async def test_many_403_at_once_close_the_directory_and_not_its_people(teams: Teams) -> None:
    await heard(teams)
    teams.connector.then = teams.connector.refuse

    await refused(teams, *PEOPLE)

    assert teams.directories.closed == [DIRECTORY]
    closed = [person.name for person in PEOPLE if (await teams.contact(person)).closed]
    assert closed == []
    assert set(await teams.due()) == {"deliver"}  # those who were closed first look again


async def test_whoever_was_closed_just_before_his_directory_is_opened_again(teams: Teams) -> None:
    await heard(teams)
    teams.connector.then = teams.connector.refuse
    for person in PEOPLE[: MANY - 1]:
        await refused(teams, person)
    before = [bool((await teams.contact(person)).closed) for person in PEOPLE[:MANY]]
    await teams.due()

    await refused(teams, PEOPLE[MANY - 1])

    after = [bool((await teams.contact(person)).closed) for person in PEOPLE[:MANY]]
    assert before == [True] * (MANY - 1) + [False]
    assert after == [False] * MANY
    assert await teams.due() == ["deliver"] * (MANY - 1)


async def test_cards_that_may_not_be_changed_close_the_directory_too(teams: Teams) -> None:
    await heard(teams)
    addresses = [await teams.send(person) for person in PEOPLE]
    teams.connector.then = teams.connector.refuse

    updates = (teams.channel.update(address, {}) for address in addresses)
    outcomes = await asyncio.gather(*updates, return_exceptions=True)

    assert teams.directories.closed == [DIRECTORY]
    assert [type(each) for each in outcomes].count(ChannelBusy) == len(PEOPLE) - (MANY - 1)
    assert not (await teams.contact(PEOPLE[0])).closed


@pytest.mark.parametrize("people", [PEOPLE[: MANY - 1], PEOPLE[:1] * 20])
async def test_few_people_are_people(teams: Teams, people: list[Any]) -> None:
    await heard(teams)
    teams.connector.then = teams.connector.refuse

    for person in people:
        await refused(teams, person)

    assert teams.directories.closed == []
    assert (await teams.contact(people[0])).closed


async def test_people_refused_one_after_the_other_are_people(teams: Teams) -> None:
    await heard(teams)
    teams.connector.then = teams.connector.refuse

    for person in PEOPLE:
        await refused(teams, person)
        teams.clock.advance(20)

    assert teams.directories.closed == []


async def test_somebody_reached_in_between_shows_that_the_app_is_not_blocked(
    teams: Teams,
) -> None:
    await heard(teams)
    for number, person in enumerate(PEOPLE):
        teams.connector.then = teams.connector.refuse if number != 4 else None
        await refused(teams, person)

    assert teams.directories.closed == []
    assert (await teams.contact(PEOPLE[0])).closed


async def test_who_never_had_the_app_says_nothing_about_the_directory(teams: Teams) -> None:
    teams.connector.lacking = {person.object_id for person in PEOPLE}
    teams.apps.fails = Unreachable("may not")

    await refused(teams, *PEOPLE)

    assert teams.directories.closed == []


async def test_a_closed_directory_is_sent_nothing_but_a_probe(teams: Teams) -> None:
    await heard(teams)
    teams.connector.then = teams.connector.refuse
    await refused(teams, *PEOPLE)
    teams.connector.then = None

    early = await refused(teams, *PEOPLE)
    teams.clock.advance(PROBE_EVERY.total_seconds())
    teams.connector.then = teams.connector.refuse
    late = await refused(teams, *PEOPLE)

    assert set(early) == set(late) == {ChannelBusy}
    assert teams.connector.sent == []
    assert teams.directories.closed == [DIRECTORY]


async def test_a_probe_that_works_opens_the_directory(teams: Teams) -> None:
    await heard(teams)
    teams.connector.then = teams.connector.refuse
    await refused(teams, *PEOPLE)
    teams.connector.then = None

    teams.clock.advance(PROBE_EVERY.total_seconds())
    await teams.send(JONAS)
    outcomes = await refused(teams, *PEOPLE)

    assert set(outcomes) == {str}
    assert teams.directories.closed == []


async def test_who_comes_while_a_probe_is_under_way_waits_only_for_that(teams: Teams) -> None:
    await heard(teams)
    teams.connector.then = teams.connector.refuse
    await refused(teams, *PEOPLE)
    teams.clock.advance(PROBE_EVERY.total_seconds())
    teams.connector.then = teams.connector.refuse_late
    probe = asyncio.create_task(teams.send(MARIA))
    await teams.connector.sending.wait()

    with pytest.raises(ChannelBusy) as told:
        await teams.send(JONAS)

    assert told.value.retry_after == PROBE_TAKES.total_seconds()
    teams.connector.answer.set()
    with pytest.raises(ChannelBusy):
        await probe


async def test_another_directory_goes_on(teams: Teams) -> None:
    await heard(teams)
    teams.connector.then = teams.connector.refuse
    await refused(teams, *PEOPLE)
    teams.connector.then = None
    elsewhere = MARIA.model_copy(update={"directory": "99999999-0000-4000-8000-000000000000"})

    await teams.send(elsewhere)

    assert len(teams.connector.sent) == 1


async def test_a_closing_that_comes_too_late_does_not_take_anothers_for_its_own(
    store: Store,
) -> None:
    teams = Teams(store)
    await teams.contacts.met(MARIA.id, conversation="a:1", service_url=URL)
    seen = (await teams.contact()).version
    await teams.contacts.close(MARIA.id, "the app was removed")

    assert await teams.contacts.close(MARIA.id, "HTTP 403", seen=seen) is None
