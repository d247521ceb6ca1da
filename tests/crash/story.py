"""One request from its CREATE to its end, told by a far side that repeats what was not answered."""

import json
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Any

from approvals_core.adapters.stores import open_store
from approvals_core.adapters.tenant_files import load_tenants
from approvals_core.models import Place, PlaceState
from approvals_core.rules.settling import Settlement
from bots.cli.desk import Desk
from playground.reading import button, words
from playground.records import Json
from playground.teams import Answer
from tests.crash.lives import Lives
from tests.crash.truth import KEY, Truth, messages_of, offers

MARIA, *OTHERS = EVERYBODY = ("johndoe1", "johndoe2", "johndoe3")
NOBODY: tuple[str, ...] = ()
CLEANED_UP = 7200.0  # seconds after which a closed request's texts are gone


class Ending(StrEnum):
    """How an unconfirmed decision ends."""

    ARX = "arx"
    SETTLE = "settle"


class Story:
    """
    Three are asked, Maria Keller approves, the tenant asks the others, then nobody any more.

    *honours_keys* says whether the tenant tells a decision that it has already.
    `unconfirmed` is True once nobody knew whether the tenant had it.
    """

    def __init__(self, lives: Lives, *, honours_keys: bool, ending: Ending) -> None:
        self._lives = lives
        self._outside = lives.playground
        self._honours_keys = honours_keys
        self._ending = ending
        self.unconfirmed = False

    async def tell(self) -> None:
        """Let all come to rest after each step, and see that everything is true then."""
        await self._begin()
        await self._true(can_decide=EVERYBODY)
        await self._click()
        await self._lives.rest()
        await self._decided()
        await self._arx("wiki-update")
        await self._lives.rest()
        await self._true(can_decide=OTHERS)
        await self._arx("wiki-delete", DeleteFor=OTHERS)
        await self._end()

    async def tell_in_a_hurry(self) -> None:
        """Wait for nothing but a card to click on; everything must be true at the end."""
        await self._begin()
        await self._click()
        await self._arx("wiki-update")
        await self._arx("wiki-delete", DeleteFor=OTHERS)
        await self._end()

    async def _begin(self) -> None:
        for alias in EVERYBODY:
            await self._insist(lambda who=alias: self._outside.teams.install(who))
        await self._arx("wiki-create")
        await self._lives.rest()

    async def _end(self) -> None:
        await self._lives.rest()
        await self._true(can_decide=NOBODY)
        await self._lives.rest(CLEANED_UP)
        async with Truth.of(self._lives) as truth:
            await truth.over()

    # -- what the world does --------------------------------------------------

    async def _arx(self, sample: str, **fields: Any) -> None:
        arx = json.loads(self._outside.sample(sample)) | fields

        async def post() -> Json | None:
            sent = await self._outside.tenant.send(arx)
            assert sent.status in (200, None), sent.answer
            return sent.answer if sent.status else None

        taken = await self._lives.insist(post)
        assert taken["Disposition"] in ("applied", "duplicate")

    async def _click(self) -> None:
        """Press the oldest card that offers it: a twin that nobody knows of, where there is one."""
        message = next(m for m in messages_of(self._outside, MARIA) if offers(m.shown_to(MARIA)))
        action = button(message.shown_to(MARIA) or {}, "Approve")
        typed = {"comment": "Within Budget"}
        await self._insist(lambda: self._outside.teams.click(MARIA, message.id, action, typed))

    async def _insist(self, do: Callable[[], Awaitable[Answer]]) -> None:
        async def answered() -> Answer | None:
            answer = await do()
            return None if answer.status is None else answer

        answer = await self._lives.insist(answered)
        assert answer.status in (200, 201, 202), answer

    # -- what becomes of the decision -----------------------------------------

    async def _decided(self) -> None:
        """See that it arrived once. Where nobody knows, see that this is said, and end it."""
        place = await self._place()
        if place.state is PlaceState.UNCONFIRMED:
            self.unconfirmed = True
            await self._doubted()
            place = await self._end_doubt()
        if place.state is PlaceState.ACCEPTED:
            assert self._applied() == 1
            await self._true(can_decide=NOBODY)
        else:
            assert self.unconfirmed
            assert place.state is PlaceState.REMOVED

    async def _doubted(self) -> None:
        assert not self._honours_keys, "the same id again would have told"
        await self._true(can_decide=NOBODY)
        assert "Please look there before you do anything" in self._says(MARIA)
        assert all("did not confirm" in self._says(alias) for alias in OTHERS)

    async def _end_doubt(self) -> Place:
        if self._ending is Ending.ARX:
            await self._arx("wiki-update")
        elif self._applied():
            await self._settle(Settlement.ACCEPTED)
        else:
            await self._settle(Settlement.NOT_TAKEN)
            await self._lives.rest()
            await self._true(can_decide=EVERYBODY)
            await self._click()
        await self._lives.rest()
        return await self._place()

    async def _settle(self, found: Settlement) -> None:
        """Say what an operator found out, as `settle` does."""
        seat = (await self._place()).seat
        store = await open_store(self._lives.store_url)
        desk = Desk(store, load_tenants(self._lives.tenants), say=lambda _line: None)
        await desk.settle(KEY.number, seat, found, by="an operator")
        await store.close()

    def _applied(self) -> int:
        return [each.applied for each in self._outside.tenant.actions()].count(True)

    # -- what is true ---------------------------------------------------------

    async def _true(self, *, can_decide: Sequence[str]) -> None:
        async with Truth.of(self._lives) as truth:
            await truth.holds(honours_keys=self._honours_keys)
        for alias in EVERYBODY:
            newest = messages_of(self._outside, alias)[-1]
            assert offers(newest.shown_to(alias)) is (alias in can_decide), alias

    def _says(self, alias: str) -> str:
        return words(messages_of(self._outside, alias)[-1].shown_to(alias) or {})

    async def _place(self) -> Place:
        async with Truth.of(self._lives) as truth:
            return next(place for place in truth.approval.places if place.alias == MARIA)
