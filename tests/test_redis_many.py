"""What the store in Redis has to withstand on many machines: replicas that lag, primaries that go, clusters that move."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TypeVar

import pytest
from redis.crc import key_slot

from approvals_core.adapters.redis_store.keys import ABOUT, ScopeKeys
from approvals_core.adapters.stores import open_store
from approvals_core.committing import Commits
from approvals_core.errors import StoreRefused, StoreUnavailable
from approvals_core.models import Change, Lane
from approvals_core.ports import Store
from tests.logged import Log
from tests.opened import opened
from tests.redis_group import (
    SLOTS,
    WITHIN,
    Running,
    cluster,
    cluster_url,
    replicated,
    sentinel,
    server,
    wait_until,
)
from tests.redis_server import DURABLE
from tests.store_child import whole_change
from tests.store_makers import (
    KEY,
    MINUTE,
    NOON,
    SCOPE,
    a_change,
    a_job,
    a_payload,
    an_approval,
    an_event,
    jobs_change,
)
from tests.test_store_processes import child, everything_is_there, line

MARKED = ("HGETALL", ABOUT)  # asks what is marked on the store
ENOUGH = 200  # commits acknowledged before something is killed
# A sentinel that notices that the machine stood still does nothing for 30 seconds (Sentinel's TILT mode,
# redis.io/docs/latest/operate/oss_and_stack/management/sentinel).
TILTS = pytest.mark.timeout(300)

_T = TypeVar("_T")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[list[Running]]:
    """A primary, and a replica of it."""
    with replicated(tmp_path) as running:
        yield running


async def commit(store: Store, change: Change) -> None:
    """Commit as the use cases do: the same again while nobody knows."""
    commits = Commits(store, now=lambda: NOON, wake=lambda: None)
    await commits.commit(change)


async def at_last(ask: Callable[[], Awaitable[_T]]) -> _T:
    """Ask for as long as another server takes to take over, or a replica to answer."""
    async with asyncio.timeout(WITHIN):
        while True:
            with suppress(StoreUnavailable):
                return await ask()


async def commit_somehow(store: Store, change: Change) -> None:
    await at_last(lambda: commit(store, change))


# -- what is safe -------------------------------------------------------------


async def test_a_replica_is_refused_as_the_address(pair: list[Running]) -> None:
    with pytest.raises(StoreRefused, match="is a replica"):
        await open_store(pair[1].url)


async def test_the_weaker_durability_is_taken_only_where_it_is_named(tmp_path: Path) -> None:
    with server(tmp_path, appendfsync="everysec") as running:
        with pytest.raises(StoreRefused, match="appendfsync always"):
            await open_store(running.url)

        async with opened(open_store(f"{running.url}?durability=everysec")) as store:
            await store.commit(a_change())

            assert await store.approval(KEY)


async def test_everysec_still_wants_a_file_and_no_eviction(tmp_path: Path) -> None:
    with (
        server(tmp_path, appendonly="no", maxmemory_policy="allkeys-lru") as running,
        pytest.raises(StoreRefused, match="appendonly yes, maxmemory-policy noeviction"),
    ):
        await open_store(f"{running.url}?durability=everysec")


async def test_a_managed_server_hides_its_settings_but_may_not_evict(tmp_path: Path) -> None:
    with server(tmp_path, appendonly="no", appendfsync="no") as running:
        running.ask("ACL", "SETUSER", "default", "-config", "-role", "-cluster")

        async with opened(open_store(f"{running.url}?durability=managed")) as store:
            await store.commit(a_change())
            assert await store.approval(KEY)

        running.ask("ACL", "SETUSER", "default", "+config")
        running.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        with pytest.raises(StoreRefused, match="noeviction"):
            await open_store(f"{running.url}?durability=managed")


async def test_a_managed_server_that_hides_whether_it_evicts_is_refused(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        running.ask("ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-info")

        with pytest.raises(StoreRefused, match="allow INFO to this user"):
            await open_store(f"{running.url.replace('//', '//app:pw@')}?durability=managed")


async def test_a_server_that_comes_back_with_unsafe_settings_is_given_nothing(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        with server(tmp_path) as running:
            store = await stack.enter_async_context(opened(open_store(running.url)))
            await commit(store, a_change())
            running.kill()
        with pytest.raises(StoreUnavailable):
            await store.commit(jobs_change(a_job()))
        with (
            server(tmp_path, at=running.port, appendfsync="everysec"),
            pytest.raises(StoreUnavailable, match="appendfsync always"),
        ):
            await store.commit(jobs_change(a_job()))

        with server(tmp_path, at=running.port):
            await commit_somehow(store, jobs_change(a_job()))

            assert await store.approval(KEY)
            assert await store.job(SCOPE, a_job().key)


@TILTS
async def test_a_replica_with_unsafe_settings_that_took_over_is_given_nothing_until_they_are_safe(
    tmp_path: Path, log: Log
) -> None:
    with server(tmp_path / "primary") as primary:
        follows = server(
            tmp_path / "replica",
            replicaof=f"127.0.0.1 {primary.port}",
            appendonly="no",
            maxmemory_policy="allkeys-lru",
        )
        with follows as replica, sentinel(tmp_path / "sentinel", primary, "approvals") as asked:
            wait_until(lambda: asked.ask("SENTINEL", "REPLICAS", "approvals"))
            wait_until(lambda: "online" in str(primary.ask("INFO", "replication")))
            async with opened(open_store(f"redis+sentinel://{asked.name}/approvals")) as store:
                wait_until(lambda: replica.ask(*MARKED) == primary.ask(*MARKED))
                primary.kill()
                with pytest.raises(StoreUnavailable):
                    await store.commit(a_change())
                wait_until(lambda: replica.ask("ROLE")[0] == "master")
                wait_until(lambda: named_by(asked) == replica.port)

                with pytest.raises(StoreUnavailable, match="appendonly yes, maxmemory-policy noev"):
                    await store.commit(a_change())
                assert not replica.ask("KEYS", f"approvals:{{{SCOPE}}}:*")

                assert "wait_replicas=0" in log.of("redis_may_lose")[0]["risk"]
                assert len(log.of("redis_unsafe")) == 1

                for name, value in DURABLE.items():
                    replica.ask("CONFIG", "SET", name, value)
                await commit_somehow(store, a_change())


def named_by(asked: Running) -> int:
    """Return the port of whom a sentinel calls the primary."""
    return int(asked.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "approvals")[1])


# -- replicas -----------------------------------------------------------------


async def test_who_waits_for_more_replicas_than_there_are_is_refused(pair: list[Running]) -> None:
    with pytest.raises(StoreRefused, match="has 1 replicas"):
        await open_store(f"{pair[0].url}?wait_replicas=2&wait_ms=100")


async def test_what_a_replica_has_not_is_never_acknowledged_not_even_when_repeated(
    pair: list[Running],
) -> None:
    primary, replica = pair
    url = f"{primary.url}?wait_replicas=1"
    change = a_change(events=(an_event(),))
    async with opened(open_store(url)) as store, opened(open_store(url)) as other:
        replica.freeze()

        with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
            await store.commit(change)
        for _ in range(2):  # the first time it tells the server its scripts, which is a write, too
            with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
                await other.commit(change)  # it is there, by another connection

        replica.go_on()
        await commit_somehow(store, change)
        assert len(await store.history(KEY)) == 1


async def test_who_was_second_is_not_told_of_what_a_replica_has_not(pair: list[Running]) -> None:
    primary, replica = pair
    url = f"{primary.url}?wait_replicas=1"
    async with opened(open_store(url)) as store, opened(open_store(url)) as other:
        await commit_somehow(other, a_change())
        replica.freeze()
        with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
            await store.commit(a_change(an_approval(version=2), payload=a_payload()))
        found = await other.approval_by_id(SCOPE, an_approval().id)
        assert found is not None

        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
                await other.commit(a_change(an_approval(version=2, id="pr-two")))
            with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
                await other.payload_by_digest(SCOPE, a_payload().digest)
            with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
                await other.settled(found)

        replica.go_on()
        digest = a_payload().digest
        assert await at_last(lambda: other.payload_by_digest(SCOPE, digest)) == a_payload()
        await at_last(lambda: other.settled(found))
        assert found.version == 2


async def test_what_was_read_before_another_server_took_over_without_it_is_told_to_nobody(
    pair: list[Running],
) -> None:
    async with opened(open_store(f"{pair[0].url}?wait_replicas=1&wait_ms=4000")) as store:
        await commit_somehow(store, a_change())

        with pytest.raises(StoreUnavailable, match="is gone"):
            await store.settled(an_approval(version=2))
        with pytest.raises(StoreUnavailable, match="is gone"):
            await store.settled(an_approval(key=KEY._replace(number="REQ-9")))


async def test_a_promoted_replica_has_all_that_was_acknowledged(pair: list[Running]) -> None:
    primary, replica = pair
    async with child(f"{primary.url}?wait_replicas=1&wait_ms=4000", "write") as writer:
        acknowledged = {int(await line(writer)) for _ in range(ENOUGH)}
        primary.kill()
        assert writer.stdout is not None
        rest = (await writer.stdout.read()).decode()
    acknowledged |= {int(number) for number in rest.splitlines()}

    replica.ask("REPLICAOF", "NO", "ONE")

    async with opened(open_store(replica.url)) as store:
        await everything_is_there(store, acknowledged)


async def test_a_primary_that_became_a_replica_takes_nothing_and_tells_no_old_news(
    pair: list[Running],
) -> None:
    before, after = pair
    async with opened(open_store(f"{before.url}?wait_replicas=1&wait_ms=4000")) as store:
        await commit_somehow(store, a_change())
    async with opened(open_store(before.url)) as store:
        after.ask("REPLICAOF", "NO", "ONE")
        before.ask("REPLICAOF", "127.0.0.1", after.port)

        with pytest.raises(StoreUnavailable, match="replica"):
            await store.commit(jobs_change(a_job()))

        async def old_news() -> None:
            while True:
                await store.approval(KEY)

        with pytest.raises(StoreUnavailable, match="replica"):
            await asyncio.wait_for(old_news(), 60)
        before.ask("REPLICAOF", "NO", "ONE")
        await store.commit(jobs_change(a_job()))
        assert await store.approval(KEY)


@TILTS
async def test_sentinels_lead_to_whoever_is_the_primary_and_nothing_acknowledged_is_lost(
    pair: list[Running], tmp_path: Path
) -> None:
    primary, replica = pair
    with sentinel(tmp_path / "sentinel", primary, "approvals") as asked:
        wait_until(lambda: asked.ask("SENTINEL", "REPLICAS", "approvals"))
        url = f"redis+sentinel://127.0.0.1:1,{asked.name}/approvals?wait_replicas=1&wait_ms=4000"
        async with opened(open_store(url)) as store, child(url, "write") as writer:
            acknowledged = {int(await line(writer)) for _ in range(ENOUGH)}
            primary.kill()
            assert writer.stdout is not None
            acknowledged |= {int(each) for each in (await writer.stdout.read()).split()}
            wait_until(lambda: replica.ask("ROLE")[0] == "master")

            with pytest.raises(StoreUnavailable):
                await commit(store, whole_change(0))  # nobody follows the new one yet
            with server(tmp_path / "0-again", replicaof=f"127.0.0.1 {replica.port}"):
                await commit_somehow(store, whole_change(0))

            await everything_is_there(store, acknowledged)


async def test_sentinels_that_know_no_such_primary_are_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="approvals"):
        await open_store("redis+sentinel://127.0.0.1:1/approvals")


# -- clusters -----------------------------------------------------------------


async def test_a_cluster_is_opened_as_one_and_nothing_else_is(tmp_path: Path) -> None:
    with cluster(tmp_path / "cluster") as members, server(tmp_path / "one") as one:
        with pytest.raises(StoreRefused, match=r"write redis\+cluster://"):
            await open_store(members[0].url)
        with pytest.raises(StoreRefused, match="is no cluster"):
            await open_store(cluster_url([one]))


async def test_every_primary_of_a_cluster_must_be_safe(tmp_path: Path) -> None:
    with cluster(tmp_path) as members:
        members[2].ask("CONFIG", "SET", "appendfsync", "everysec")

        with pytest.raises(StoreRefused, match="appendfsync always"):
            await open_store(cluster_url(members))


async def test_scopes_are_followed_when_their_slot_moves(tmp_path: Path) -> None:
    with cluster(tmp_path) as members:
        async with opened(open_store(cluster_url(members))) as store:
            await store.commit(a_change(events=(an_event(),)))
            slot = key_slot(ScopeKeys(SCOPE).jobs.encode())
            owner = members[slot * len(members) // SLOTS]
            other = next(each for each in members if each != owner)

            begin_to_move(slot, owner, other)
            under_way = await store.approval(KEY), await store.history(KEY)
            end_move(slot, members, other)
            await commit_somehow(store, jobs_change(a_job()))

            assert under_way == (await store.approval(KEY), await store.history(KEY))
            assert under_way[0] is not None
            leased = await store.lease([Lane.CARD], limit=9, now=NOON, until=NOON + MINUTE)
            assert [each.job.key for each in leased] == [a_job().key]


async def test_a_cluster_whose_primary_is_killed_goes_on_with_its_replica(tmp_path: Path) -> None:
    with cluster(tmp_path, replicas=3) as members:
        url = cluster_url(members[:3])
        slot = key_slot(ScopeKeys(SCOPE).jobs.encode())
        async with opened(open_store(url)) as store:
            async with child(f"{url}?wait_replicas=1&wait_ms=4000", "write") as writer:
                acknowledged = {int(await line(writer)) for _ in range(ENOUGH)}
                members[slot * 3 // SLOTS].kill()
                assert writer.stdout is not None
                rest = (await writer.stdout.read()).decode()
            acknowledged |= {int(number) for number in rest.splitlines()}

            await commit_somehow(store, whole_change(0))

            await everything_is_there(store, acknowledged)


def begin_to_move(slot: int, owner: Running, other: Running) -> None:
    """Move every key of *slot*, which stays the owner's for now."""
    other.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", owner.ask("CLUSTER", "MYID"))
    owner.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", other.ask("CLUSTER", "MYID"))
    keys = owner.ask("CLUSTER", "GETKEYSINSLOT", slot, 1000)
    owner.ask("MIGRATE", "127.0.0.1", other.port, "", 0, 5000, "KEYS", *keys)


def end_move(slot: int, members: list[Running], other: Running) -> None:
    for each in (other, *members):
        each.ask("CLUSTER", "SETSLOT", slot, "NODE", other.ask("CLUSTER", "MYID"))
