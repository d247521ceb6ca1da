"""Copies one store into another, of whatever kind, and compares the two."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from approvals_core.errors import StoreRefused
from approvals_core.keeping.clocks import Compare, same_clock
from approvals_core.keeping.writers import ALIVE, refuse_closed, writers_in
from approvals_core.models import HOUSE, HistoryEvent, tenant_of
from approvals_core.models.held import Document, Held, Kind
from approvals_core.models.marks import ARRIVING, FINISHED, ISSUERS, MOVED
from approvals_core.ports import Store
from approvals_core.rules.draft import chain_is_sound

PAGE = 100  # requests read and written together
AT_ONCE = 32  # scopes of people: what they write then shares one wait for the disk
PAGE_BESIDE = 1000  # of all else

_HEAD: TypeAdapter[Mapping[str, object]] = TypeAdapter(Mapping[str, object])


class End(NamedTuple):
    """A store, and how operators call it: its address without a password."""

    store: Store
    name: str


class Copied(NamedTuple):
    """How much of each kind was copied, and the requests whose history does not fit its hashes."""

    counts: Mapping[str, int]
    altered: Sequence[str]


class Copying:
    """
    One copy of *source* into *target*, which must be empty.

    The source is closed first and stays so: two services on two copies would decide twice. The
    target cannot be used until all of it is there; a copy that was interrupted begins anew. Of two
    copies into one target the one that began last goes on: the target bears its claim.
    """

    def __init__(
        self,
        source: End,
        target: End,
        *,
        now: Callable[[], datetime],
        compare: Compare = same_clock,
        tell: Callable[[str, int], None] = lambda _what, _count: None,
    ) -> None:
        """
        *tell* hears now and then of how much of what was copied, or compared. *compare* compares
        our clock with the source's.
        """
        self._source = source
        self._target = target
        self._from = source.store.holdings
        self._to = target.store.holdings
        self._now = now
        self._compare_clocks = compare
        self._claim = f"from {source.name}, begun {now():%F %T %Z}, {secrets.token_hex(4)}"
        self._tell = tell

    async def run(self) -> Copied:
        """
        Copy everything, compare it, and let the target be used.

        Raises:
            StoreRefused: It cannot be done as things stand; the message says why.
        """
        began = await self._store_time()
        await self._claim_target()
        await self._close_source()
        await self._check_claim()
        await self._to.clear()
        await self._each_scope(self._copy)
        copied = await self._compare()
        await self._nobody_wrote(began)
        about = await self._from.about()
        if ISSUERS in about:
            await self._to.mark(ISSUERS, about[ISSUERS])
        await self._check_claim()
        await self._from.mark(MOVED, f"to {self._target.name}{FINISHED}{self._now():%F %T %Z}")
        if not await self._to.replace_mark(ARRIVING, self._claim, None):
            raise StoreRefused(self._other_copy())
        return copied

    async def _store_time(self) -> datetime:
        """Return the time by the source's clock: by it the words of all processes are compared."""
        return self._now() - timedelta(seconds=await self._compare_clocks())

    async def _claim_target(self) -> None:
        before = (await self._to.about()).get(ARRIVING)
        if before is None:
            await self._must_be_empty()
        if not await self._to.replace_mark(ARRIVING, before, self._claim):
            raise StoreRefused(self._other_copy())
        try:
            await self._must_differ()
            if before is None:
                await self._must_be_empty()  # who came before our claim; behind it nobody can
        except StoreRefused:
            await self._to.replace_mark(ARRIVING, self._claim, before)
            raise

    async def _must_differ(self) -> None:
        if (await self._from.about()).get(ARRIVING) == self._claim:
            raise StoreRefused("Both addresses lead to the same store.")

    async def _must_be_empty(self) -> None:
        if ISSUERS in await self._to.about() or await self._target.store.scopes():
            raise StoreRefused(f"{self._target.name} holds something already: name an empty store.")

    async def _check_claim(self) -> None:
        if (await self._to.about()).get(ARRIVING) != self._claim:
            raise StoreRefused(self._other_copy())

    def _other_copy(self) -> str:
        return (
            f"Another copy into {self._target.name} has begun since, or is done. This one has ended;"
            " let the other one finish."
        )

    async def _close_source(self) -> None:
        about = await self._from.about()
        if ARRIVING in about:
            refuse_closed(about)
        await self._from.mark(MOVED, f"to {self._target.name}, begun {self._now():%F %T %Z}")
        said = writers_in(await self._source.store.notes(HOUSE))
        now = await self._store_time()
        writing = [word.name for word in said.values() if now - word.by_store < ALIVE]
        if writing:
            await self._from.mark(MOVED, about.get(MOVED))
            raise StoreRefused(
                f"{self._source.name} is written to by {', '.join(sorted(writing))}. Stop the"
                f" service everywhere; one that was killed is forgotten after {ALIVE.seconds}"
                " seconds."
            )
        await self._from.remove(HOUSE, Kind.NOTE, list(said))

    async def _nobody_wrote(self, began: datetime) -> None:
        said = writers_in(await self._source.store.notes(HOUSE))
        if wrote := [word.name for word in said.values() if word.by_store > began - ALIVE]:
            raise StoreRefused(
                f"{', '.join(sorted(wrote))} wrote to {self._source.name} meanwhile. Stop it, then"
                " run the same again."
            )
        if MOVED not in await self._from.about():
            raise StoreRefused(
                f"{self._source.name} was reopened meanwhile. Stop what uses it, then run the same"
                " again."
            )

    async def _each_scope(self, do: Callable[[str], Awaitable[None]]) -> None:
        """Do it for every tenant in turn, and for people some at a time: of those there are many."""
        scopes = await self._source.store.scopes()
        for tenant in filter(tenant_of, scopes):
            await do(tenant)
        small = [scope for scope in scopes if not tenant_of(scope)]
        for start in range(0, len(small), AT_ONCE):
            await asyncio.gather(*map(do, small[start : start + AT_ONCE]))

    async def _copy(self, scope: str) -> None:
        await self._to.write(scope)  # it may hold nothing any more
        async for documents in self._documents(scope):
            await self._check_claim()
            await self._to.write(scope, documents)
            self._tell("copied", len(documents))
        for kind in Kind:
            async for held in self._held(scope, kind):
                await self._check_claim()
                await self._to.write(scope, held=held)

    async def _documents(self, scope: str) -> AsyncIterator[Sequence[Document]]:
        after: str | None = ""
        while after is not None:
            found = await self._from.documents(scope, after=after, limit=PAGE)
            if found.names:
                yield await self._from.read_documents(scope, found.names)
            after = found.after

    async def _held(self, scope: str, kind: Kind) -> AsyncIterator[Sequence[Held]]:
        after: str | None = ""
        while after is not None:
            found = await self._from.names(scope, kind, after=after, limit=PAGE_BESIDE)
            if found.names:
                yield await self._from.read(scope, kind, found.names)
            after = found.after

    async def _compare(self) -> Copied:
        """Compare the stores record by record, and each history with its hashes."""
        counts: Counter[str] = Counter()
        altered: list[str] = []

        async def compare(scope: str) -> None:
            counts.update(await self._compare_counts(scope))
            async for documents in self._documents(scope):
                keys = [document.key for document in documents]
                _must_equal(scope, documents, await self._to.read_documents(scope, keys))
                altered.extend(each.id for each in documents if not is_sound(each))
                self._tell("compared", len(documents))
            for kind in Kind:
                async for held in self._held(scope, kind):
                    names = [each.name for each in held]
                    _must_equal(scope, held, await self._to.read(scope, kind, names))

        await self._each_scope(compare)
        if strange := set(await self._target.store.scopes()) - set(
            await self._source.store.scopes()
        ):
            raise StoreRefused(
                f"The copy holds {len(strange)} scopes that are not here. Run the same again."
            )
        return Copied(counts, altered)

    async def _compare_counts(self, scope: str) -> Mapping[str, int]:
        here, there = await self._from.counts(scope), await self._to.counts(scope)
        if here != there:
            raise StoreRefused(
                f"The copy of {scope} holds {dict(there)}, not {dict(here)}. Run the same again."
            )
        return here


async def reopen(end: End) -> str:
    """
    Let a store be used again that was closed for a copy; return what was marked on it.

    Raises:
        StoreRefused: It is not closed, or is itself a copy that was not finished.
    """
    about = await end.store.holdings.about()
    if ARRIVING in about:
        refuse_closed(about)
    if MOVED not in about:
        raise StoreRefused(f"{end.name} is not closed.")
    await end.store.holdings.mark(MOVED, None)
    return about[MOVED]


def is_sound(document: Document) -> bool:
    """Tell whether the history of a request fits its hashes; not if it cannot be read."""
    try:
        head = _HEAD.validate_json(document.record).get("head")
        events = tuple(HistoryEvent.model_validate_json(each) for each in document.events)
    except ValidationError:
        return False
    return isinstance(head, str) and chain_is_sound(events, head=head)


def _must_equal(scope: str, here: Sequence[object], there: Sequence[object]) -> None:
    if list(here) != list(there):
        raise StoreRefused(
            f"Something of {scope} is not in the copy as it is here. Run the same again."
        )
