"""What must be true whenever all is quiet, seen from outside: the store, the chats and the tenant's book."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from app import CUSTOM_LINE
from approvals_core.adapters.stores import open_store
from approvals_core.adapters.tenant_files import load_tenants
from approvals_core.models import (
    Approval,
    EventKind,
    JobKind,
    Place,
    PlaceState,
    Receipt,
    ReceiptState,
    needs_operator,
)
from approvals_core.ports import Store, View
from approvals_core.rules import upkeep
from approvals_core.rules.draft import chain_is_sound
from approvals_core.tenant import Tenant
from bots.teams.channel import viewer_of
from cards.approval import approval_card
from playground.outside import Playground
from playground.reading import buttons
from playground.records import Json, Message, Received, Sender
from tests.crash.lives import Lives
from tests.failing import KEY

ARXS = 3  # CREATE, UPDATE, DELETE: what is posted again counts once

__all__ = ["KEY", "Truth", "messages_of", "offers"]


def messages_of(outside: Playground, alias: str) -> list[Message]:
    """Return the bot's messages about the request in somebody's chat, the oldest first."""
    chat = outside.world.chat_of(alias)
    said = [m for m in (chat.messages if chat else []) if m.sender is Sender.BOT]
    return [m for m in said if KEY.number in str(m.card)]


def offers(card: Json | None) -> bool:
    """Tell whether a card lets its reader approve."""
    return any(each.get("title") == "Approve" for each in buttons(card or {}))


class Truth(NamedTuple):
    """Everything that is stored about the request, and the world around it."""

    store: Store
    approval: Approval
    tenant: Tenant
    outside: Playground
    deaths: int

    @classmethod
    @asynccontextmanager
    async def of(cls, lives: Lives) -> AsyncIterator["Truth"]:
        """Look into the store that the service has open, too."""
        store = await open_store(lives.store_url)
        try:
            approval, tenant = await store.approval(KEY), load_tenants(lives.tenants).by_code("pr")
            assert approval is not None
            assert tenant is not None
            yield cls(store, approval, tenant, lives.playground, len(lives.deaths))
        finally:
            await store.close()

    async def holds(self, *, honours_keys: bool) -> None:
        """Raise AssertionError for what does not."""
        self._told_right(honours_keys=honours_keys)
        await self._recorded_right()
        await self._nothing_waits_on_nobody()
        for place in self.approval.places:
            await self._cards_are_current(place)

    async def over(self) -> None:
        """Raise AssertionError unless the request is closed and nothing is left to do."""
        assert not self.approval.open
        assert await self.store.bodies(KEY) == {}
        for scope in await self.store.scopes():
            left = (await self.store.jobs(scope, limit=100)).jobs
            kinds = {queued.job and queued.job.kind for queued in left}
            assert kinds <= {JobKind.NIGHTLY}  # which renews itself
        await self._recorded_right()
        told = [event.kind for event in await self.store.history(KEY)]
        assert told.count(EventKind.RECEIVED) == ARXS

    def _told_right(self, *, honours_keys: bool) -> None:
        """No decision was made twice, however often the process died."""
        posts: dict[str, list[Received]] = defaultdict(list)
        for each in self.outside.tenant.actions():
            posts[each.headers["Idempotency-Key"]].append(each)
        for posted in posts.values():
            assert len(posted) == 1 or honours_keys, "posted twice"
            assert [each.applied for each in posted].count(True) <= 1, "applied twice"

    async def _recorded_right(self) -> None:
        history = tuple(await self.store.history(KEY))
        assert chain_is_sound(history, head=self.approval.head)
        for scope in await self.store.scopes():
            assert await self.store.dead_letters(scope) == []

    async def _nothing_waits_on_nobody(self) -> None:
        for needed in upkeep.jobs_needed(self.approval, now=datetime.now(UTC)):
            keys = (needed.job.key, *needed.others)
            alive = [await self.store.job(KEY.scope, key) for key in keys]
            assert any(alive), f"nobody has {needed.job.key}"
        for place in self.approval.places:
            assert place.state is not PlaceState.UNCONFIRMED or needs_operator(place)

    # -- cards ----------------------------------------------------------------

    async def _cards_are_current(self, place: Place) -> None:
        """Every card says what is stored: to its reader, and to whoever else opens the message."""
        messages = {message.id: message for message in messages_of(self.outside, place.alias)}
        assert len(messages) <= 1 + self.deaths, f"{place.alias} has more than the lost ones"
        face, receipts = await self._face(place), await self._receipts(place)
        assert receipts, f"nobody knows where the card of {place.alias} is"
        for receipt in receipts:
            assert receipt.state is ReceiptState.SHOWN, receipt.reason
            known = messages.pop(json.loads(receipt.address)[-1])
            assert known.card == face, f"{place.alias} has an old card"
            assert known.shown_to(place.alias) == face, f"{place.alias} sees an old card"
        for twin in messages.values():
            await self._twin_becomes_current(place, twin)

    async def _twin_becomes_current(self, place: Place, twin: Message) -> None:
        """
        A card whose receipt was lost shows what is true as soon as somebody looks at it.

        One that is closed for its reader asks no more, and offers nothing.
        """
        refresh = (twin.shown_to(place.alias) or {}).get("refresh") or {}
        if self.outside.world.people[place.alias].mri not in (refresh.get("userIds") or []):
            assert not offers(twin.shown_to(place.alias)), f"{place.alias} has a twin that is old"
            return
        await self.outside.teams.refresh(place.alias, twin.id)
        seen = next(m for m in messages_of(self.outside, place.alias) if m.id == twin.id)
        assert seen.shown_to(place.alias) == await self._face(place), (
            f"{place.alias} sees an old twin"
        )

    async def _receipts(self, place: Place) -> list[Receipt]:
        receipts = await self.store.receipts(KEY)
        return [each for each in receipts if place.person and each.person == place.person.id]

    async def _face(self, place: Place) -> Json:
        """Return the card that shows what is stored."""
        bodies = await self.store.bodies(KEY, "details/")
        view = View(
            tenant=self.tenant,
            approval=self.approval,
            place=place,
            round=self.approval.round,
            details={name.removeprefix("details/"): text for name, text in bodies.items()},
        )
        contact = await self.store.contact(place.person.id) if place.person else None
        card = approval_card(view, viewer_of(contact), notice_line=CUSTOM_LINE)
        return json.loads(card.to_json())
