"""What every story has: a far side that repeats what was not answered, and an end to each doubt."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum

from approvals_core.adapters.stores import open_store
from approvals_core.adapters.tenant_files import load_tenants
from approvals_core.models import ApprovalKey, Place, PlaceState
from approvals_core.rules.settling import Settlement
from bots.cli.doing import utc_now
from bots.cli.places import PlacesDesk
from playground.outside import Playground
from playground.reading import button, words
from playground.records import Json, Message
from playground.teams import Answer
from tests.crash.lives import Lives
from tests.crash.truth import Truth, messages_of, offers, tenant_of

MARIA, *OTHERS = EVERYBODY = ("johndoe1", "johndoe2", "johndoe3")
NOBODY: tuple[str, ...] = ()
CLEANED_UP = 7200.0  # seconds after which a closed request's texts are gone


class Ending(StrEnum):
    """How an unconfirmed decision ends."""

    ARX = "arx"
    SETTLE = "settle"


class Telling(ABC):
    """
    Tells a story in which Maria Keller approves, in a world that keeps its promises.

    *honours_keys* says whether the tenant tells a decision that it has already.
    `unconfirmed` is True once nobody knew whether the tenant had one.
    """

    asked: Sequence[str] = EVERYBODY  # who gets cards

    def __init__(self, lives: Lives, *, honours_keys: bool, ending: Ending) -> None:
        self.unconfirmed = False
        self._lives = lives
        self._honours_keys = honours_keys
        self._ending = ending

    @abstractmethod
    async def tell(self) -> None:
        """Let all come to rest after each step, and see that everything is true then."""

    @abstractmethod
    async def tell_in_a_hurry(self) -> None:
        """Wait for nothing but what is pressed; everything must be true at the end."""

    @abstractmethod
    async def _hear(self, key: ApprovalKey) -> None:
        """Let the tenant send what follows from the decision, whether it has it or not."""

    @abstractmethod
    async def _decide_again(self, key: ApprovalKey) -> None:
        """Let Maria decide on a request that was given back to her."""

    @property
    def _outside(self) -> Playground:
        return self._lives.playground

    # -- what the world does --------------------------------------------------

    async def _install(self) -> None:
        for alias in self.asked:
            await self._insist(lambda who=alias: self._outside.teams.install(who))

    async def _post(self, key: ApprovalKey, arx: Json) -> None:
        async def post() -> Json | None:
            sent = await tenant_of(self._outside, key).send(arx)
            assert sent.status in (200, None), sent.answer
            return sent.answer if sent.status else None

        taken = await self._lives.insist(post)
        assert taken["Disposition"] in ("applied", "duplicate")

    async def _click(self, key: ApprovalKey) -> None:
        """Press the oldest card that offers it: a twin that nobody knows of, where there is one."""
        found = messages_of(self._outside, MARIA, key)
        message = next(m for m in found if offers(m.shown_to(MARIA)))
        await self._press(message, "Approve", {"comment": "Within Budget"})

    async def _press(self, message: Message, title: str, inputs: Json) -> Answer:
        action = button(message.shown_to(MARIA) or {}, title)
        click = self._outside.teams.click
        return await self._insist(lambda: click(MARIA, message.id, action, inputs))

    async def _insist(self, do: Callable[[], Awaitable[Answer]]) -> Answer:
        async def answered() -> Answer | None:
            answer = await do()
            return None if answer.status is None else answer

        answer = await self._lives.insist(answered)
        assert answer.status in (200, 201, 202), answer
        return answer

    # -- what becomes of a decision -------------------------------------------

    async def _decided(self, key: ApprovalKey) -> None:
        """See that it arrived once. Where nobody knows, see that this is said, and end it."""
        place = await self._place(key)
        if place.state is PlaceState.UNCONFIRMED:
            self.unconfirmed = True
            await self._doubted(key)
            await self._end_doubt(key, place)
            await self._lives.rest()
            place = await self._place(key)
        if place.state is PlaceState.ACCEPTED:
            assert await self._taken(key) == 1
            await self._true(key, can_decide=NOBODY)
        else:
            assert self.unconfirmed
            assert place.state is PlaceState.REMOVED

    async def _doubted(self, key: ApprovalKey) -> None:
        assert not self._honours_keys, "the same id again would have told"
        await self._true(key, can_decide=NOBODY)
        assert "Please look there before you do anything" in self._says(MARIA, key)
        others = (alias for alias in self.asked if alias != MARIA)
        assert all("did not confirm" in self._says(alias, key) for alias in others)

    async def _end_doubt(self, key: ApprovalKey, place: Place) -> None:
        if self._ending is Ending.ARX:
            await self._hear(key)
        elif await self._taken(key):
            await self._settle(key, place, Settlement.ACCEPTED)
        else:
            await self._settle(key, place, Settlement.NOT_TAKEN)
            await self._lives.rest()
            await self._true(key, can_decide=self.asked)
            await self._decide_again(key)

    async def _settle(self, key: ApprovalKey, place: Place, found: Settlement) -> None:
        """Say what an operator found out, as `settle` does."""
        store = await open_store(self._lives.store_url)
        tenants = load_tenants(self._lives.tenants)
        desk = PlacesDesk(store, tenants, lambda _line: None, now=utc_now)
        await desk.settle(key.number, place.seat, found, by="an operator")
        await store.close()

    async def _taken(self, key: ApprovalKey) -> int:
        """Return how many decisions the tenant took on a request."""
        async with Truth.of(self._lives, key) as truth:
            return len(truth.taken())

    # -- what is true ---------------------------------------------------------

    async def _true(self, key: ApprovalKey, *, can_decide: Sequence[str]) -> None:
        async with Truth.of(self._lives, key) as truth:
            await truth.holds(honours_keys=self._honours_keys)
        for alias in self.asked:
            newest = messages_of(self._outside, alias, key)[-1]
            assert offers(newest.shown_to(alias)) is (alias in can_decide), alias

    async def _over(self, key: ApprovalKey, *, arxs: int, mailed: bool) -> None:
        async with Truth.of(self._lives, key) as truth:
            await truth.over(arxs=arxs, mailed=mailed)

    def _says(self, alias: str, key: ApprovalKey) -> str:
        return words(messages_of(self._outside, alias, key)[-1].shown_to(alias) or {})

    async def _place(self, key: ApprovalKey) -> Place:
        """Return Maria's place."""
        async with Truth.of(self._lives, key) as truth:
            return next(place for place in truth.approval.places if place.alias == MARIA)
