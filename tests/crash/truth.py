"""What must be true whenever all is quiet, seen from outside: the store, the chats, the mails and the tenant's book."""

import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from approvals_core.adapters.stores import open_store
from approvals_core.adapters.tenant_files import load_tenants
from approvals_core.models import (
    Approval,
    ApprovalKey,
    EventKind,
    JobKind,
    LetterState,
    Occasion,
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
from cards.approval import approval_card
from cards.viewer import Viewer, viewer_of
from house.core import CUSTOM_LINE
from playground.mailboxes import ELSEWHERE, ReceivedMail
from playground.outside import Playground
from playground.reading import buttons, words
from playground.records import Json, Message, Sender
from playground.teams import Answer
from playground.tenant import SampleTenant
from tests.crash.mails import Site, looked_at, mailed_card, without_tickets

__all__ = ["Truth", "messages_of", "offers", "tenant_of"]

Find = Callable[[Playground, str, ApprovalKey], list[Message]]


def messages_of(outside: Playground, alias: str, key: ApprovalKey) -> list[Message]:
    """Return the bot's messages about one request in somebody's chat, the oldest first; no lists."""
    chat, numbers = outside.world.chat_of(alias), _numbers(outside)
    said = [m for m in (chat.messages if chat else []) if m.sender is Sender.BOT]
    return [m for m in said if {one for one in numbers if one in str(m.card)} == {key.number}]


def _numbers(outside: Playground) -> set[str]:
    """Return the number of each request that any tenant has sent."""
    sent = [one.arx for tenant in outside.tenants.values() for one in tenant.book.sent if one.arx]
    return {arx["ApprovalIdentifier"]["DocumentNumber"] for arx in sent}


def offers(card: Json | None) -> bool:
    """Tell whether a card lets its reader approve."""
    return any(each.get("title") == "Approve" for each in buttons(card or {}))


def _other_words(shown: Json, face: Json) -> str:
    """Say what only one of both says, for whoever reads why a test failed."""
    old, new = (words(card).splitlines() for card in (shown, face))
    return f"{[s for s in old if s not in new]}, and should say {[s for s in new if s not in old]}"


def tenant_of(outside: Playground, key: ApprovalKey) -> SampleTenant:
    """Return the far side that the request is from."""
    tenants = outside.tenants.values()
    return next(one for one in tenants if one.registered.document_type == key.tenant)


def with_icons_at(address: str, tenant: Tenant) -> Tenant:
    """Return *tenant* as the service at *address* has it: with addresses of its icons."""
    if tenant.icons is None:
        return tenant
    return tenant.model_copy(update={"icons": tenant.icons.served_at(address)})


class Truth(NamedTuple):
    """Everything that is stored about one request, and the world around it; *find* its messages in a chat."""

    store: Store
    approval: Approval
    tenant: Tenant
    lives: Site
    outside: Playground
    find: Find = messages_of

    @classmethod
    @asynccontextmanager
    async def of(cls, lives: Site, key: ApprovalKey) -> AsyncIterator["Truth"]:
        """Look into the store that the service has open, too."""
        store = await open_store(lives.store_url)
        try:
            approval = await store.approval(key)
            tenant = load_tenants(lives.tenants).by_id(key.tenant)
            assert approval is not None
            assert tenant is not None
            shown = with_icons_at(lives.playground.teams.bot, tenant)
            yield cls(store, approval, shown, lives, lives.playground)
        finally:
            await store.close()

    @property
    def key(self) -> ApprovalKey:
        return self.approval.key

    @property
    def deaths(self) -> int:
        return len(self.lives.deaths)

    async def holds(self, *, honours_keys: bool) -> None:
        """Raise AssertionError for what does not."""
        self._told_right(honours_keys=honours_keys)
        await self._recorded_right()
        await self._nothing_waits_on_nobody()
        for place in self.approval.places:
            await self._cards_are_current(place)
            await self._opened_mails_are_current(place)

    async def over(self, *, arxs: int, mailed: bool) -> None:
        """
        Raise AssertionError unless the request is closed and nothing is left to do.

        *arxs* is how many it took, each counted once; *mailed* whether mails told its end.
        """
        assert not self.approval.open
        assert await self.store.bodies(self.key) == {}
        for scope in await self.store.scopes():
            left = (await self.store.jobs(scope, limit=100)).jobs
            kinds = {queued.job and queued.job.kind for queued in left}
            assert kinds <= {JobKind.NIGHTLY, JobKind.SWEEP}  # which renew themselves
        await self._recorded_right()
        await self._mails_are_right(mailed=mailed)
        told = [event.kind for event in await self.store.history(self.key)]
        assert told.count(EventKind.RECEIVED) == arxs

    async def _mails_are_right(self, *, mailed: bool) -> None:
        """Everybody who was to get a mail got it: once, and once more for each death at most."""
        letters = await self.store.letters(self.key)
        arrived = Counter(mail.letter for mail in self._inboxes())
        known = {letter.id for letter in letters}
        assert set(arrived) <= known, "somebody has a mail of which nobody knows"
        for letter in letters:
            if letter.state is LetterState.SENT:
                assert 1 <= arrived[letter.id] <= 1 + self.deaths, letter
            else:
                assert letter.state is LetterState.DROPPED or letter.lost, letter
        ended = [each for each in letters if each.occasion is Occasion.ENDED]
        assert bool(ended) is mailed
        for letter in ended:
            lost = letter.state is LetterState.LOST and self.deaths >= letter.lost > 1
            assert letter.state is LetterState.SENT or lost, letter

    def _inboxes(self) -> Iterator[ReceivedMail]:
        boxes = self.outside.world.mailboxes
        for owner in (*self.outside.world.people, ELSEWHERE):
            yield from boxes.of(owner)

    def same(self, shown: Json, face: Json) -> bool:
        """Tell whether what somebody sees is what he should see."""
        return shown == face

    # -- the tenant's book ----------------------------------------------------

    def taken(self) -> list[str]:
        """Return the id of each decision about the request as often as the tenant did it."""
        times = Counter(decision for decision, applied in self._told() if applied)
        book = tenant_of(self.outside, self.key).book
        # It answers what it knows from its book, also where the rest of an array is new to it.
        return list(times) if book.honours_keys else list(times.elements())

    def _told(self) -> Iterator[tuple[str, bool]]:
        """Yield the decision's id of each time that one arrived, and whether it was done then."""
        for post in tenant_of(self.outside, self.key).actions():
            for body in post.body if isinstance(post.body, list) else [post.body]:
                if body["ApprovalIdentifier"]["DocumentNumber"] == self.key.number:
                    yield body["Telemetry"]["Tcv"], post.applied

    def _told_right(self, *, honours_keys: bool) -> None:
        """No decision was made twice, however often the process died."""
        posts: dict[str, int] = defaultdict(int)
        for decision, _applied in self._told():
            posts[decision] += 1
        for times in posts.values():
            assert times == 1 or honours_keys, "posted twice"
        assert len(self.taken()) <= 1, "applied twice"

    # -- the store ------------------------------------------------------------

    async def _recorded_right(self) -> None:
        history = tuple(await self.store.history(self.key))
        assert chain_is_sound(history, head=self.approval.head)
        for scope in await self.store.scopes():
            assert await self.store.dead_letters(scope) == []

    async def _nothing_waits_on_nobody(self) -> None:
        for needed in upkeep.jobs_needed(self.approval, now=datetime.now(UTC)):
            keys = (needed.job.key, *needed.others)
            alive = [await self.store.job(self.key.scope, key) for key in keys]
            assert any(alive), f"nobody has {needed.job.key}"
        for place in self.approval.places:
            assert place.state is not PlaceState.UNCONFIRMED or needs_operator(place)

    # -- cards ----------------------------------------------------------------

    async def _cards_are_current(self, place: Place) -> None:
        """Every card says what is stored: to its reader, and to whoever else opens the message."""
        found = self.find(self.outside, place.alias, self.key)
        messages = {message.id: message for message in found}
        assert len(messages) <= 1 + self.deaths, f"{place.alias} has more than the lost ones"
        face, receipts = await self._face(place), await self._receipts(place)
        assert receipts, f"nobody knows where the card of {place.alias} is"
        for receipt in receipts:
            assert receipt.state is ReceiptState.SHOWN, receipt.reason
            known = messages.pop(json.loads(receipt.address)[-1])
            shown = known.shown_to(place.alias) or {}
            assert known.card == face, (
                f"{place.alias} has an old card: {_other_words(known.card or {}, face)}"
            )
            assert self.same(shown, face), (
                f"{place.alias} sees an old card: {_other_words(shown, face)}"
            )
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

        async def refreshed() -> Answer | None:
            answer = await self.outside.teams.refresh(place.alias, twin.id)
            assert answer is not None
            return None if answer.status is None else answer

        await self.lives.insist(refreshed)
        found = self.find(self.outside, place.alias, self.key)
        seen = next(m for m in found if m.id == twin.id)
        assert self.same(seen.shown_to(place.alias) or {}, await self._face(place)), (
            f"{place.alias} sees an old twin"
        )

    async def _receipts(self, place: Place) -> list[Receipt]:
        receipts = await self.store.receipts(self.key)
        return [each for each in receipts if place.person and each.person == place.person.id]

    async def _face(self, place: Place) -> Json:
        """Return the card that shows what is stored."""
        view, viewer = await self._view(place), await self._viewer(place)
        page = f"{self.outside.teams.bot}/requests/{self.approval.id}"
        card = approval_card(view, viewer, notice_line=CUSTOM_LINE, page_url=page)
        return json.loads(card.to_json())

    async def _opened_mails_are_current(self, place: Place) -> None:
        """Each mail with a card that its reader has opened says what is stored once he opens it again."""
        outlook, secret = self.outside.outlook, self.outside.secret_key
        ours = {letter.id for letter in await self.store.letters(self.key)}
        for mail in self.outside.world.mailboxes.of(place.alias):
            if mail.letter not in ours or mail.card is None:
                continue
            if not outlook.reading(place.alias, mail.id).read:
                continue
            shown = await looked_at(self.lives, place.alias, mail)
            view, viewer = await self._view(place), await self._viewer(place)
            face = mailed_card(view, viewer, mail, secret=secret, service=self.outside.teams.bot)
            shown, face = without_tickets(shown, secret), without_tickets(face, secret)
            assert self.same(shown, face), (
                f"{place.alias} sees an old card in a mail: {_other_words(shown, face)}"
            )

    async def _view(self, place: Place) -> View:
        bodies = await self.store.bodies(self.key, "details/")
        return View(
            tenant=self.tenant,
            approval=self.approval,
            place=place,
            round=self.approval.round,
            details={name.removeprefix("details/"): text for name, text in bodies.items()},
        )

    async def _viewer(self, place: Place) -> Viewer:
        return viewer_of(await self.store.contact(place.person.id) if place.person else None)
