"""A request's whole life with nobody at the keyboard: the tenant asks, its approvers approve, until nobody is asked."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.reading import button, buttons
from playground.records import Json, Message, Sender
from playground.teams import Teams
from playground.tenant import SampleTenant
from playground.world import World

PATIENCE = 30.0  # seconds for each step
APPROVE = "Approve"  # the button that is pressed
COMMENTS = ("Needed, and within budget.", "Fine with me.")

Tell = Callable[[str, Sequence[str]], None]  # the request's number, and the steps done, by name


class StoryStuck(Exception):
    """A step did not come; the message says which."""


@dataclass(frozen=True)
class Telling:
    """How far a story has come. No two are equal: *run* counts the stories of this tenant."""

    run: int
    number: str = ""
    steps: tuple[str, ...] = ()  # done, by name: "CREATE: Maria Keller is asked"
    under_way: bool = True
    stuck: str = ""  # why it stopped, "" if it did not


class Story:
    """One request's life; *pause* seconds pass before each press, so that one can look on."""

    def __init__(
        self,
        world: World,
        teams: Teams,
        tenant: SampleTenant,
        *,
        tell: Tell = lambda _number, _steps: None,
        pause: float = 0.0,
    ) -> None:
        self._world = world
        self._teams = teams
        self._tenant = tenant
        self._tell = tell
        self._pause = pause
        self._number = ""
        self._year = ""
        self._steps: list[str] = []

    async def live(self, template: str) -> str:
        """
        Start the request of *template*, let everybody who is asked approve it; return its number.

        Raises:
            StoryStuck: A card, or the tenant's next word, did not come.
        """
        sent = await self._tenant.start_request(template)
        identifier = (sent.arx or {}).get("ApprovalIdentifier") or {}
        self._number = identifier.get("DocumentNumber", "")
        self._year = identifier.get("FiscalYear", "")
        self._done(f"CREATE: {self._names(self._asked())}")
        level = 0
        while asked := self._asked():
            await self._approve(asked[0], COMMENTS[level % len(COMMENTS)])
            await self._moved_on(asked)
            level += 1
        return self._number

    async def _approve(self, alias: str, comment: str) -> None:
        message = await self._card_of(alias)
        await asyncio.sleep(self._pause)
        action, told = button(message.shown_to(alias) or {}, APPROVE), self._told()
        await self._teams.click(alias, message.id, action, {"comment": comment})
        self._done(f"{self._name(alias)} approves: “{comment}”")
        why = f"{self._tenant.registered.code} was not told what {alias} decided."
        await self._until(lambda: self._told() > told, why)
        self._done(f"The tenant is told what {self._name(alias)} decided")

    async def _card_of(self, alias: str) -> Message:
        why = f"{alias} got no card about {self._number} with {APPROVE} on it."
        await self._until(lambda: _card(self._world, alias, self._number) is not None, why)
        message = _card(self._world, alias, self._number)
        assert message is not None, "it was there just now"
        return message

    async def _moved_on(self, asked: list[str]) -> None:
        why = f"{self._tenant.registered.code} did not go on with {self._number}."
        await self._until(lambda: self._asked() != asked, why)
        now = self._asked()
        self._done(f"{'UPDATE' if now else 'DELETE'}: {self._names(now)}")

    async def _until(self, look: Callable[[], bool], why: str) -> None:
        try:
            await self._world.until(look, within=PATIENCE)
        except TimeoutError:
            raise StoryStuck(why) from None

    def _done(self, step: str) -> None:
        self._steps.append(step)
        self._tell(self._number, tuple(self._steps))

    def _names(self, asked: list[str] | None) -> str:
        if not asked:
            return "nobody is asked any more"
        verb = "is" if len(asked) == 1 else "are"
        return f"{', '.join(map(self._name, asked))} {verb} asked"

    def _name(self, alias: str) -> str:
        person = self._world.find_person(alias)
        return person.name if person else alias

    def _asked(self) -> list[str] | None:
        return self._tenant.asked(self._number, self._year)

    def _told(self) -> int:
        """Return how many decisions about the request reached the tenant."""
        return sum(self._number in str(one.body) for one in self._tenant.actions())


def _card(world: World, alias: str, number: str) -> Message | None:
    """Return somebody's newest card about a request, once it can be approved."""
    chat = world.chat_of(alias)
    messages = [] if chat is None else chat.messages
    about = [one for one in messages if one.sender is Sender.BOT and _is_about(one, number)]
    return about[-1] if about and _offers(about[-1].shown_to(alias)) else None


def _is_about(message: Message, number: str) -> bool:
    return number in str(message.card)


def _offers(card: Json | None) -> bool:
    return APPROVE in [one.get("title") for one in buttons(card or {})]
