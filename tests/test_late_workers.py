"""A worker that stood still for longer than its lease: what it writes when it wakes up hides nothing."""

from datetime import timedelta

from approvals_core.errors import AnswerLost, ChannelBusy
from approvals_core.leases import LEASE
from approvals_core.models import EventKind, Lane, LeasedJob, PlaceState
from approvals_core.ports import Answer, AnswerKind, Store
from approvals_core.rules.deciding import POST_LEASE
from tests.logged import Log
from tests.makers import KEY, MARIA, Core, create, delete

MEANWHILE = LEASE + 1  # seconds


async def two(store: Store) -> tuple[Core, Core]:
    """Two workers of one house, with the same chats."""
    late = Core(store)
    other = Core(store, clock=late.clock)
    other.channel = late.channel
    other.start()
    return late, other


def stands_still(late: Core, other: Core, then: Exception) -> None:
    """Let *late* stand still at its next card until the other did its work, and be told *then*."""

    async def meanwhile() -> None:
        late.clock.advance(MEANWHILE)
        await other.work()
        raise then

    late.channel.while_sending = meanwhile


async def address(store: Store) -> str:
    [receipt] = await store.receipts(KEY)
    return receipt.address


async def test_who_is_told_to_wait_after_his_lease_does_not_forget_the_card_of_another(
    store: Store, log: Log
) -> None:
    late, other = await two(store)
    await late.receive(create("johndoe1"))
    stands_still(late, other, ChannelBusy("throttled", retry_after=60))

    await late.work()

    assert [await address(store)] == other.channel.sent
    assert [line["job"].split("/")[0] for line in log.of("lease_lost")] == ["card"]


async def test_the_card_of_another_is_closed_with_its_request(store: Store) -> None:
    late, other = await two(store)
    await late.receive(create("johndoe1"))
    stands_still(late, other, ChannelBusy("throttled", retry_after=60))
    await late.work()

    await other.pass_time(200)
    await other.receive(delete("johndoe1", at=3))
    await other.pass_time(600)

    [screen] = other.channel.of(MARIA)
    assert "Action.Execute" not in str(screen.face)


async def test_an_answer_lost_after_the_lease_does_not_forget_the_card_of_another(
    store: Store,
) -> None:
    late, other = await two(store)
    await late.receive(create("johndoe1"))
    stands_still(late, other, AnswerLost("HTTP 500"))

    await late.work()

    assert [await address(store)] == other.channel.sent


async def leased(core: Core) -> LeasedJob:
    """Hand out the decision that is to be told."""
    now = core.clock.now()
    until = now + timedelta(seconds=POST_LEASE)
    [job] = await core.store.lease((Lane.DECISION,), limit=1, now=now, until=until)
    return job


async def test_who_lost_a_decision_before_he_told_it_leaves_it_to_the_other(store: Store) -> None:
    late, other = await two(store)
    await late.open(create("johndoe1"))
    late.api.answers.append(Answer(kind=AnswerKind.AGAIN, reason="HTTP 429"))
    await late.click(MARIA)
    late.clock.advance(10)
    his = await leased(late)
    late.clock.advance(POST_LEASE + 1)
    others = await leased(other)

    await late.worker.run_one(his)
    await other.worker.run_one(others)

    assert (len(late.api.posted), len(other.api.posted)) == (1, 1)
    assert await late.state(MARIA) is PlaceState.ACCEPTED
    assert EventKind.UNCONFIRMED not in await late.kinds()
