"""A store is copied whole to another, of whatever kind, and only one of the two can be used."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from approvals_core.adapters.stores import open_store
from approvals_core.errors import StoreClosed, StoreRefused, StoreUnavailable
from approvals_core.keeping.copying import Copied, Copying, End, is_sound, reopen
from approvals_core.keeping.writers import ALIVE, ARRIVING, MOVED, Writers, refuse_closed
from approvals_core.models import HOUSE
from approvals_core.ports import Holdings, Store
from tests.clock import Clock
from tests.makers import KEY, MARIA, START, Core, create, delete, done_by, update
from tests.opened import opened
from tests.store_makers import ANN, SCOPE, a_change, a_lease, a_payload, numbered
from tests.test_store_holdings import all_held, everything, fill, one_document

ISSUERS = ("https://login.example", "https://bots.example")


@pytest.fixture(params=["sqlite", "redis"])
async def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a second empty store, of each kind in turn."""
    url = f"sqlite:///{tmp_path}/target.db"
    if request.param == "redis":
        url = f"{request.getfixturevalue('redis_url')}?db=1"
        async with Redis.from_url(url) as client:
            await client.flushdb()
    return url


@pytest.fixture
async def target(target_url: str) -> AsyncIterator[Store]:
    """A second empty store, of each kind in turn."""
    async with opened(open_store(target_url)) as made:
        yield made


def a_copy(source: Store, target: Store, *, now: Callable[[], datetime] = lambda: START) -> Copying:
    return Copying(End(source, "the old one"), End(target, "the new one"), now=now)


async def copied(source: Store, target: Store) -> Copied:
    return await a_copy(source, target).run()


async def a_story(store: Store) -> Core:
    """A document that was decided and moved on, and what the makers of stores have."""
    core = Core(store)
    await core.open(create("johndoe1", "johndoe2"))
    await core.click(MARIA, comment="Within budget")
    await core.receive(update("johndoe2", removes=["johndoe1"], action=done_by("johndoe1")))
    await fill(store)
    return core


async def test_the_copy_answers_every_question_alike(store: Store, target: Store) -> None:
    await store.stamp(ISSUERS)
    core = await a_story(store)
    before = await everything(store)

    told = await copied(store, target)

    assert await everything(target) == before
    assert await target.approval(KEY) == await core.approval()
    assert await target.history(KEY) == await store.history(KEY)
    assert told.counts["request"] == 2
    assert told.altered == ["pr-one"]  # its events are made up
    with pytest.raises(StoreRefused):
        await target.stamp(("https://others.example",))
    await target.stamp(ISSUERS)


async def test_the_copy_goes_on_where_the_service_was(store: Store, target: Store) -> None:
    core = Core(store)
    await core.open(create("johndoe1", "johndoe2"))
    await core.click(MARIA)

    await copied(store, target)
    moved = Core(target, clock=core.clock)
    await moved.receive(delete("johndoe1", "johndoe2", action=done_by("johndoe1")))
    await moved.pass_time(2 * 3600)

    assert not (await moved.approval()).open
    assert moved.api.posted == []
    assert await target.body_names(KEY) == []


async def test_more_than_a_page_is_copied(store: Store, target: Store) -> None:
    for number in range(230):
        change = a_change(
            numbered(f"{number}"), payload=a_payload(id=f"p{number}", digest=f"{number}")
        )
        await store.commit(change)

    told = await copied(store, target)

    assert told.counts == {"request": 230, "payload": 230}
    assert (await target.holdings.counts(SCOPE)) == told.counts


async def test_after_it_only_the_copy_can_be_used(store: Store, target: Store) -> None:
    await copied(store, target)

    with pytest.raises(StoreRefused, match=r"closed for a copy \(to the new one, finished"):
        await a_writer(store).begin()
    await a_writer(target).begin()


async def test_a_copy_is_not_begun_while_somebody_writes(store: Store, target: Store) -> None:
    await a_story(store)
    writer = a_writer(store)
    await writer.begin()

    with pytest.raises(StoreRefused, match="written to by worker 7 on a machine"):
        await copied(store, target)
    await writer.end()

    await a_writer(store).begin()  # the refusal closed nothing


async def test_who_was_killed_is_forgotten_after_a_while(store: Store, target: Store) -> None:
    await a_writer(store).begin()

    told = await a_copy(store, target, now=lambda: START + ALIVE).run()

    assert told.counts == {}
    assert await target.notes(HOUSE) == {}


async def test_who_wakes_meanwhile_can_write_nothing(store: Store, target: Store) -> None:
    await a_story(store)
    before = await everything(store)
    asleep = a_writer(store)

    async def wake() -> None:
        with pytest.raises(StoreRefused):
            await asleep.begin()
        with pytest.raises(StoreClosed):
            await asleep._say({asleep._note: asleep._word()})  # it had begun long before

    await a_copy(store, failing(target, "read", then=wake)).run()

    assert await everything(target) == before


async def test_who_writes_meanwhile_spoils_the_copy(store: Store, target: Store) -> None:
    await a_story(store)
    older = a_writer(store)

    async def wake() -> None:
        await store.holdings.mark(MOVED, None)  # an older program does not look
        await older._say({older._note: older._word()})
        await store.holdings.mark(MOVED, "to the new one")

    copying = a_copy(store, failing(target, "read", then=wake))

    with pytest.raises(StoreRefused, match="wrote to the old one meanwhile"):
        await copying.run()
    with pytest.raises(StoreRefused, match="not finished"):
        refuse_closed(await target.holdings.about())


async def test_a_source_that_was_reopened_meanwhile_spoils_the_copy(
    store: Store, target: Store
) -> None:
    await a_story(store)

    async def begin_anew() -> None:
        await reopen(End(store, "the old one"))

    with pytest.raises(StoreRefused, match="was reopened meanwhile"):
        await a_copy(store, failing(target, "read", then=begin_anew)).run()
    with pytest.raises(StoreRefused, match="not finished"):
        refuse_closed(await target.holdings.about())


@pytest.mark.parametrize("step", ["clear", "write", "counts", "read", "replace_mark"])
async def test_of_two_copies_into_one_store_the_later_one_goes_on_alone(
    store: Store, target: Store, step: str
) -> None:
    await store.stamp(ISSUERS)
    await a_story(store)
    before = await everything(store)

    async def begin_another() -> None:
        second = a_copy(store, failing(target, "clear"))
        with pytest.raises(StoreUnavailable):
            await second.run()  # it has claimed the target, and was not cut off for good

    at = 1 if step == "replace_mark" else 0  # the first one is the claim, the second the end
    first = a_copy(store, failing(target, step, then=begin_another, at=at))
    with pytest.raises(StoreRefused, match="Another copy into the new one has begun"):
        await first.run()
    with pytest.raises(StoreRefused, match="not finished"):
        refuse_closed(await target.holdings.about())

    await copied(store, target)
    assert await everything(target) == before


async def test_a_copy_that_is_done_is_not_claimed_by_who_saw_it_unfinished(
    store: Store, target: Store
) -> None:
    await store.stamp(ISSUERS)
    await a_story(store)
    before = await everything(store)
    await target.holdings.mark(ARRIVING, "from the old one, cut off")

    async def finish_first() -> None:
        await copied(store, target)

    late = a_copy(store, failing(target, "replace_mark", then=finish_first))
    with pytest.raises(StoreRefused, match="has begun since, or is done"):
        await late.run()

    assert await everything(target) == before
    await a_writer(target).begin()


@pytest.mark.parametrize("step", ["mark", "read_documents", "read"])
async def test_a_copy_that_was_thought_to_hang_spoils_nothing_of_the_one_in_its_place(
    store: Store, target: Store, step: str
) -> None:
    core = await a_story(store)

    async def copy_and_go_on() -> None:
        await copied(store, target)
        moved = Core(target, clock=core.clock)
        await moved.receive(delete("johndoe2"))

    first = a_copy(failing(store, step, then=copy_and_go_on), target)
    with pytest.raises(StoreRefused, match="Another copy"):
        await first.run()

    found = await target.approval(KEY)
    assert found is not None
    assert not found.open
    await a_writer(target).begin()


async def test_a_copy_with_more_in_it_than_there_was_is_not_used(
    store: Store, target: Store
) -> None:
    await a_story(store)

    async def litter() -> None:
        await target.holdings.write("t:nobody")

    with pytest.raises(StoreRefused, match="scopes that are not here"):
        await a_copy(store, failing(target, "counts", then=litter)).run()


async def test_a_target_that_somebody_fills_just_before_it_is_claimed_is_left_alone(
    store: Store, target: Store
) -> None:
    await a_story(store)

    async def fills() -> None:
        await target.commit(a_change())

    with pytest.raises(StoreRefused, match="holds something already"):
        await a_copy(store, failing(target, "replace_mark", then=fills)).run()

    assert await target.scopes() == [SCOPE]
    await a_writer(target).begin()


async def test_a_target_that_holds_something_is_left_alone(store: Store, target: Store) -> None:
    await a_story(store)
    await fill(target)
    before = await everything(target)

    with pytest.raises(StoreRefused, match="holds something already"):
        await copied(store, target)

    assert await everything(target) == before
    await a_writer(store).begin()


async def test_a_store_is_not_copied_onto_itself(store: Store, store_url: str) -> None:
    async with opened(open_store(store_url)) as again:
        with pytest.raises(StoreRefused, match="same store"):
            await copied(store, again)

        await a_writer(store).begin()


async def test_a_copy_that_was_not_finished_is_no_source(store: Store, target: Store) -> None:
    await store.holdings.mark(ARRIVING, "from elsewhere")

    with pytest.raises(StoreRefused, match="not finished"):
        await copied(store, target)


async def test_a_closed_store_can_be_opened_again(store: Store) -> None:
    with pytest.raises(StoreRefused, match="is not closed"):
        await reopen(End(store, "this one"))
    await store.holdings.mark(MOVED, "to the new one")

    assert await reopen(End(store, "this one")) == "to the new one"

    await a_writer(store).begin()


async def test_a_difference_is_found(store: Store, target: Store) -> None:
    await a_story(store)

    async def spoil() -> None:
        document = await one_document(target)
        await target.holdings.write(SCOPE, [document._replace(events=document.events[:1])])

    with pytest.raises(StoreRefused, match="not in the copy as it is here"):
        await a_copy(failing(store, "counts", then=spoil), target).run()


STEPS = (
    *("mark", "replace_mark", "clear", "write"),
    *("counts", "read_documents", "read", "remove", "about"),
)


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_copy_that_was_cut_off_is_run_again(
    store: Store, target: Store, step: str, side: str
) -> None:
    await store.stamp(ISSUERS)
    await a_story(store)
    before, held = await everything(store), await all_held(store, ANN.id.scope)
    cuts = 0
    for at in range(40):
        source = failing(store, step, at=at) if side == "source" else store
        aim = failing(target, step, at=at) if side == "target" else target
        try:
            await copied(source, aim)
        except StoreUnavailable:
            cuts += 1
            await cannot_be_used(target)
            continue
        break

    assert await everything(target) == before
    assert await all_held(target, ANN.id.scope) == held
    assert cuts or (step, side) in NEVER
    await a_writer(target).begin()


async def test_what_was_done_since_a_copy_was_cut_off_is_not_done_again(
    store: Store, target: Store
) -> None:
    await a_story(store)
    with pytest.raises(StoreUnavailable):
        await a_copy(store, failing(target, "counts")).run()
    await reopen(End(store, "the old one"))
    await store.finish(a_lease("mine"))
    before = await everything(store)

    await copied(store, target)

    assert await target.job(SCOPE, "mine") is None
    assert await everything(target) == before


NEVER = {("clear", "source"), ("write", "source"), ("remove", "target"), ("mark", "target")}
NEVER |= {("replace_mark", "source")}


async def cannot_be_used(target: Store) -> None:
    """Either it is empty, or it is known not to be finished."""
    about = await target.holdings.about()
    assert ARRIVING in about or not await target.scopes()


async def test_processes_that_write_say_so_until_they_end(store: Store) -> None:
    clock = Clock(START)
    one, other = a_writer(store, now=clock.now), a_writer(store, now=clock.now)
    await one.begin()
    await other.begin()
    both = await store.notes(HOUSE)
    await other.end()

    assert len(both) == 2
    assert list((await store.notes(HOUSE)).values()) == [
        f"{START.isoformat()} worker 7 on a machine"
    ]
    clock.advance(timedelta(days=2).total_seconds())
    await other.begin()
    assert len(await store.notes(HOUSE)) == 1


async def test_histories_of_a_story_are_sound_and_altered_ones_are_not(store: Store) -> None:
    await a_story(store)
    names = await store.holdings.documents((await a_scope(store)), limit=9)
    documents = await store.holdings.read_documents(await a_scope(store), names.names)
    sound = [each for each in documents if is_sound(each)]

    assert len(sound) == 1
    assert not is_sound(sound[0]._replace(events=sound[0].events[1:]))
    assert not is_sound(sound[0]._replace(record="no record"))
    assert not is_sound(sound[0]._replace(record="[]"))


async def a_scope(store: Store) -> str:
    return next(scope for scope in await store.scopes() if scope.startswith("t:"))


def a_writer(store: Store, *, now: Callable[[], datetime] = lambda: START) -> Writers:
    return Writers(store, now=now, name="worker 7 on a machine")


class Failing:
    """Holdings of which one step fails once, or after which something else happens."""

    def __init__(self, holdings: Holdings, step: str, at: int, then: Any) -> None:
        self._holdings = holdings
        self._step = step
        self._left = at
        self._then = then

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._holdings, name)
        return self._cut(found) if name == self._step else found

    def _cut(self, found: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def cut(*given: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == -1 and self._then is None:
                raise StoreUnavailable("killed")
            if self._left == -1:
                await self._then()
            return await found(*given, **named)

        return cut


class FailingStore:
    """A store with such holdings."""

    def __init__(self, store: Store, holdings: Any) -> None:
        self._store = store
        self.holdings = holdings

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def failing(store: Store, step: str, *, at: int = 0, then: Any = None) -> Any:
    return FailingStore(store, Failing(store.holdings, step, at, then))
