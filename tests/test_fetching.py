"""Details that no payload brought: read at the tenant's, kept with the request, and never in anybody's way."""

import json
from datetime import timedelta
from typing import Any

import pytest

from approvals_core.arx.bounds import MOST_VALUES
from approvals_core.errors import StaleCard
from approvals_core.leases import LEASE
from approvals_core.models import (
    Change,
    DetailState,
    JobKind,
    Lane,
    PlaceState,
    Refusal,
)
from approvals_core.operating import Operating
from approvals_core.ports import Answer, AnswerKind, Fetched, FetchedKind, Store
from approvals_core.rules.details import TOTAL
from approvals_core.tenant import Api, Maintenance, Tenant
from approvals_core.worker import MOST_FAILURES
from approvals_core.worker.fetching import LONGEST_PAUSE, TRIES, TRIES_ANSWERED
from tests.card_reading import texts
from tests.makers import KEY, MARIA, START, Core, a_stamp, a_tenant, create, delete, update

BUDGET = {"BudgetLeft": "31,900.00 after this"}
LINES = {"LineItems": [{"Description": "Dock", "Quantity": 4, "UnitPrice": 270, "Amount": 1080}]}

TOO_MANY = json.dumps([1] * (MOST_VALUES + 1))


def found(value: object) -> Fetched:
    body = value if isinstance(value, str) else json.dumps(value)
    return Fetched(kind=FetchedKind.FOUND, body=body, status=200)


def with_apis(*operations: str, maintenance: Maintenance | None = None) -> Tenant:
    api = Api(
        base_url="https://erp.example.com",
        resource="api://erp",
        action="/act",
        details={name: f"/details/{name}/{{DocumentNumber}}" for name in operations},
    )
    return a_tenant(api=api, maintenance=maintenance)


@pytest.fixture
async def core(store: Store) -> Core:
    """A tenant that can be asked for two operations, and has both."""
    core = Core(store, tenant=with_apis("DT1", "LINE"))
    core.api.bodies = {"DT1": found(BUDGET), "LINE": found(LINES)}
    return core


async def stored(core: Core) -> dict[str, Any]:
    bodies = await core.store.bodies(KEY, "details/")
    return {name.removeprefix("details/"): json.loads(text) for name, text in bodies.items()}


async def states(core: Core) -> dict[str, DetailState]:
    return {detail.name: detail.state for detail in (await core.approval()).details}


async def queued(core: Core) -> list[str]:
    page = await core.store.jobs(KEY.scope, limit=100)
    return [q.key for q in page.jobs if q.job is not None and q.job.kind is JobKind.DETAILS]


def card(core: Core) -> str:
    return texts(dict(core.channel.of(MARIA)[-1].face))


async def until_given_up(core: Core) -> None:
    for _ in range(TRIES + 1):
        await core.pass_time(1.5 * LONGEST_PAUSE)


# -- what is read ----------------------------------------------------------------


async def test_what_a_create_does_not_bring_is_read_and_shown(core: Core) -> None:
    approval = await core.open(create("johndoe1", details={"LINE": json.dumps(LINES)}))

    assert core.api.read == ["DT1"]
    assert await stored(core) == {"DT1": BUDGET, "LINE": LINES}
    assert "Budget left" in card(core)
    assert approval.revision == 1
    assert await queued(core) == []


async def test_the_card_comes_before_the_details_and_says_that_they_do(core: Core) -> None:
    seen: list[str] = []

    async def look() -> None:
        seen.append(card(core))

    core.api.while_reading = look
    await core.open(create("johndoe1"))

    assert "More details are being fetched from Contoso Purchasing." in seen[0]
    assert "Approve" in seen[0]
    assert "being fetched" not in card(core)
    assert len(core.channel.of(MARIA)) == 1


async def test_what_was_brought_and_is_no_json_is_read_instead(core: Core) -> None:
    await core.open(create("johndoe1", details={"DT1": "<html>", "LINE": "{}"}))

    assert core.api.read == ["DT1"]
    assert await stored(core) == {"DT1": BUDGET, "LINE": {}}


async def test_what_was_brought_with_too_many_values_is_read_instead_or_kept_unshown(
    core: Core,
) -> None:
    await core.open(create("johndoe1", details={"DT1": TOO_MANY, "OTHER": TOO_MANY}))

    assert sorted(core.api.read) == ["DT1", "LINE"]
    assert (await stored(core))["DT1"] == BUDGET
    assert len((await stored(core))["OTHER"]) == MOST_VALUES + 1
    assert "Budget left" in card(core)


async def test_an_update_has_the_details_read_anew_unless_it_says_that_they_are_as_they_were(
    core: Core,
) -> None:
    await core.open(create("johndoe1"))
    core.api.read.clear()

    await core.open(update("johndoe1", refresh_details=False))
    assert core.api.read == []

    await core.open(update("johndoe1", at=2))
    assert sorted(core.api.read) == ["DT1", "LINE"]


async def test_an_update_before_its_create_has_them_read_whatever_it_says(core: Core) -> None:
    await core.open(update("johndoe1", refresh_details=False))

    assert await stored(core) == {"DT1": BUDGET, "LINE": LINES}


async def test_a_payload_that_comes_too_late_has_nothing_read(core: Core) -> None:
    await core.open(create("johndoe1", at=5))
    core.api.read.clear()

    await core.open(update("johndoe1", at=1))

    assert core.api.read == []


async def test_a_delete_of_one_approver_leaves_the_details_alone(core: Core) -> None:
    await core.open(create("johndoe1", "johndoe2"))
    core.api.read.clear()

    await core.open(delete("johndoe2"))

    assert core.api.read == []
    assert await stored(core) == {"DT1": BUDGET, "LINE": LINES}


# -- what changes ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "revisions"),
    [
        ('{"a": 1, "b": 2.50}', '{"b":2.5,\n "a":1.0}', 0),
        ('{"a": 1}', '{"a": 2}', 1),
        ('{"a": 10}', '{"a": "10"}', 1),
        ('{"a": 100}', '{"a": 1}', 1),
        ("[1, 2]", "[2, 1]", 1),
    ],
)
async def test_only_details_that_say_something_else_are_a_change(
    core: Core, before: str, after: str, revisions: int
) -> None:
    core.api.bodies["DT1"] = found(before)
    first = await core.open(create("johndoe1"))
    core.api.bodies["DT1"] = found(after)

    second = await core.open(update("johndoe1", content=first.content))

    assert second.revision - first.revision == revisions


async def test_nobody_decides_on_details_that_changed_meanwhile(core: Core) -> None:
    first = await core.open(create("johndoe1"))
    seen = await core.shown(MARIA)
    core.api.bodies["DT1"] = found({"BudgetLeft": "nothing"})
    await core.open(update("johndoe1", content=first.content))

    with pytest.raises(StaleCard):
        await core.act(MARIA, seen)

    assert core.api.posted == []
    assert "nothing" in card(core)


async def test_a_decision_that_waits_to_be_told_again_comes_back_when_details_differ(
    core: Core,
) -> None:
    first = await core.open(create("johndoe1"))
    core.api.answers.append(Answer(kind=AnswerKind.AGAIN, retry_after=600.0))
    await core.click(MARIA)
    core.api.bodies["LINE"] = found([])
    await core.open(update("johndoe2", content=first.content))

    place = await core.place(MARIA)

    assert place.state is PlaceState.PENDING
    assert isinstance(place.refusal, Refusal)
    assert len(core.api.posted) == 1


# -- what does not come ------------------------------------------------------------


async def test_a_tenant_that_is_away_is_asked_again_for_a_while_and_then_left(core: Core) -> None:
    core.api.bodies.pop("DT1")
    await core.open(create("johndoe1"))
    assert core.api.read.count("DT1") == 1
    assert "being fetched" in card(core)

    await until_given_up(core)

    assert core.api.read.count("DT1") == TRIES
    assert await queued(core) == []
    assert (await states(core))["DT1"] is DetailState.MISSING
    assert "Some details could not be fetched. They are in Contoso Purchasing." in card(core)
    assert "Approve" in card(core)
    [noted] = [e for e in await core.history() if "missing" in e.facts]
    assert noted.facts == {"operation": "DT1", "missing": "HTTP 503"}


async def test_the_pauses_grow_and_honour_what_the_tenant_asks_for(core: Core) -> None:
    busy = Fetched(kind=FetchedKind.UNAVAILABLE, reason="HTTP 429", retry_after=700.0)
    core.api.bodies["DT1"] = busy
    await core.open(create("johndoe1"))

    await core.pass_time(699.0)
    assert core.api.read.count("DT1") == 1
    await core.pass_time(1.0)
    assert core.api.read.count("DT1") == 2


async def test_it_comes_after_all_when_the_tenant_is_back(core: Core) -> None:
    core.api.bodies.pop("DT1")
    first = await core.open(create("johndoe1"))
    core.api.bodies["DT1"] = found(BUDGET)

    await core.pass_time(60.0)

    assert "Budget left" in card(core)
    assert (await core.approval()).revision == first.revision


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Fetched(kind=FetchedKind.REFUSED, status=404, reason="HTTP 404"), "HTTP 404"),
        (Fetched(kind=FetchedKind.UNUSABLE, reason="no JSON"), "no JSON"),
        (found("<html>"), "the answer is no JSON, or nested too deeply"),
        (found("[" * 60 + "]" * 60), "the answer is no JSON, or nested too deeply"),
        (found('{"a": NaN}'), "the answer is no JSON, or nested too deeply"),
        (found(TOO_MANY), "the answer has more than 50000 values"),
    ],
)
async def test_an_answer_nobody_can_use_is_asked_for_a_few_times_and_then_noted(
    core: Core, answer: Fetched, why: str
) -> None:
    core.api.bodies["DT1"] = answer

    await core.open(create("johndoe1"))
    await until_given_up(core)

    assert core.api.read.count("DT1") == TRIES_ANSWERED
    detail = (await core.approval()).detail("DT1")
    assert detail is not None
    assert (detail.state, detail.reason) == (DetailState.MISSING, why)
    assert await stored(core) == {"LINE": LINES}


async def test_older_details_stay_and_are_called_old_when_newer_ones_do_not_come(
    core: Core,
) -> None:
    await core.open(create("johndoe1"))
    core.api.bodies["DT1"] = Fetched(kind=FetchedKind.REFUSED, status=500, reason="HTTP 410")

    await core.open(update("johndoe1"))
    await until_given_up(core)

    assert (await stored(core))["DT1"] == BUDGET
    assert "Newer details could not be fetched. Those shown may be old" in card(core)


async def test_the_details_of_one_request_have_a_bound_together(core: Core) -> None:
    core.api.bodies["DT1"] = found(json.dumps("x" * (TOTAL - 2)))

    await core.open(create("johndoe1"))
    await until_given_up(core)

    assert sorted((await states(core)).values()) == [DetailState.HERE, DetailState.MISSING]


async def test_an_operation_that_left_the_tenants_file_is_not_waited_for(core: Core) -> None:
    core.api.bodies.pop("DT1")
    await core.open(create("johndoe1"))
    core.tenants.tenants[0] = with_apis("LINE")

    await core.pass_time(60.0)

    assert core.api.read.count("DT1") == 1
    assert (await states(core))["DT1"] is DetailState.MISSING


async def test_a_tenant_in_maintenance_is_not_asked_before_it_is_over(core: Core) -> None:
    window = Maintenance(starts=START, ends=START + timedelta(hours=5), message="Moving house.")
    core.tenants.tenants[0] = with_apis("DT1", "LINE", maintenance=window)

    await core.open(create("johndoe1"))
    await core.pass_time(4 * 3600.0)
    assert core.api.read == []
    assert "being fetched" in card(core)

    await core.pass_time(3600.0)
    await core.pass_time(3600.0)
    assert await stored(core) == {"DT1": BUDGET, "LINE": LINES}


# -- at the same time --------------------------------------------------------------


async def test_an_update_during_a_fetch_has_it_read_anew_and_the_older_answer_is_dropped(
    core: Core,
) -> None:
    async def change() -> None:
        core.api.bodies["DT1"] = found({"BudgetLeft": "newer"})
        await core.receive(update("johndoe1"))

    core.api.while_reading = change
    await core.open(create("johndoe1", details={"LINE": json.dumps(LINES)}))

    assert (await stored(core))["DT1"] == {"BudgetLeft": "newer"}
    assert await queued(core) == []
    read = [e for e in await core.history() if e.facts.get("operation") == "DT1"]
    assert len(read) == 1


async def test_details_brought_during_a_fetch_are_newer_than_what_it_gives(core: Core) -> None:
    newest = {"DT1": '{"BudgetLeft": "brought"}', "LINE": json.dumps(LINES)}

    async def bring() -> None:
        await core.receive(update("johndoe1", details=newest))

    core.api.while_reading = bring
    await core.open(create("johndoe1"))

    assert (await stored(core))["DT1"] == {"BudgetLeft": "brought"}
    assert set((await states(core)).values()) == {DetailState.HERE}


async def test_older_details_that_come_late_do_not_replace_what_was_read_since(core: Core) -> None:
    await core.open(update("johndoe1", at=5))

    await core.open(create("johndoe1", at=1, details={"DT1": '{"BudgetLeft": "old"}'}))

    assert await stored(core) == {"DT1": BUDGET, "LINE": LINES}


async def test_older_details_are_better_than_none_while_newer_ones_are_read(core: Core) -> None:
    core.api.bodies.clear()
    await core.open(update("johndoe1", at=5))

    await core.open(create("johndoe1", at=1, details={"DT1": '{"BudgetLeft": "old"}'}))

    assert (await stored(core))["DT1"] == {"BudgetLeft": "old"}
    assert (await states(core))["DT1"] is DetailState.FETCHING
    assert "being fetched anew" in card(core)


async def test_a_fetch_that_comes_back_after_the_request_closed_leaves_nothing(core: Core) -> None:
    async def close() -> None:
        await core.receive(delete("johndoe1"))

    core.api.while_reading = close
    await core.open(create("johndoe1", details={"LINE": json.dumps(LINES)}))

    assert await stored(core) == {"LINE": LINES}
    assert await queued(core) == []
    assert "being fetched" not in card(core)


async def test_of_two_fetches_of_the_same_one_counts(core: Core) -> None:
    async def let_another_have_it() -> None:
        core.clock.advance(LEASE + 100.0)
        await core.worker.run_due()

    core.api.while_reading = let_another_have_it
    await core.open(create("johndoe1", details={"LINE": json.dumps(LINES)}))

    assert core.api.read == ["DT1", "DT1"]
    assert await stored(core) == {"DT1": BUDGET, "LINE": LINES}
    assert sum(e.facts.get("operation") == "DT1" for e in await core.history()) == 1
    assert await queued(core) == []


async def test_a_fetch_whose_process_died_is_made_by_the_next_one(core: Core) -> None:
    class Died(BaseException):
        """The process is gone: nothing after it is done."""

    async def die() -> None:
        raise Died

    core.api.while_reading = die
    await core.receive(create("johndoe1", details={"LINE": json.dumps(LINES)}))
    with pytest.raises(Died):
        await core.worker.run_due((Lane.TENANT,))
    core.start()

    await core.work()
    await core.pass_time(LEASE + 100.0)

    assert await stored(core) == {"DT1": BUDGET, "LINE": LINES}


# -- for operators -----------------------------------------------------------------


async def test_a_fetch_that_keeps_failing_becomes_a_dead_letter_and_can_be_replayed(
    core: Core,
) -> None:
    core.api.bodies["DT1"] = {"not": "an answer"}  # pyright: ignore[reportArgumentType] (a mistake of ours)
    await core.open(create("johndoe1", details={"LINE": json.dumps(LINES)}))
    for _ in range(MOST_FAILURES):
        await core.pass_time(600.0)
    [letter] = await core.store.dead_letters(KEY.scope)
    assert letter.job.kind is JobKind.DETAILS
    assert (await states(core))["DT1"] is DetailState.MISSING

    core.api.bodies["DT1"] = found(BUDGET)
    operating = Operating(store=core.store, commits=core.commits, tenants=core.tenants)
    assert await operating.replay(letter, by="Olga") == ""
    await core.work()

    assert await stored(core) == {"DT1": BUDGET, "LINE": LINES}


async def test_a_job_that_got_lost_is_mended_by_the_sweep(core: Core) -> None:
    await core.receive(create("johndoe1", details={"LINE": json.dumps(LINES)}))
    [leased] = await core.store.lease(
        (Lane.TENANT,), limit=9, now=START, until=START + timedelta(seconds=1)
    )
    await core.store.finish(leased.lease)
    await core.work()
    assert "DT1" not in await stored(core)

    assert await core.worker.sweep() == 1
    await core.work()

    assert "DT1" in await stored(core)


async def test_closing_drops_the_details_and_a_new_round_reads_them_anew(core: Core) -> None:
    await core.open(create("johndoe1"), delete("johndoe1"))

    await core.pass_time(2 * 3600.0)
    assert await stored(core) == {}
    assert (await core.approval()).details == ()

    await core.open(update("johndoe1", at=3, refresh_details=False))
    assert await stored(core) == {"DT1": BUDGET, "LINE": LINES}


async def test_a_new_round_has_details_read_anew_that_are_still_there(core: Core) -> None:
    await core.open(create("johndoe1"), delete("johndoe1"))
    core.api.read.clear()

    await core.open(update("johndoe1", at=3, refresh_details=False))

    assert sorted(core.api.read) == ["DT1", "LINE"]


async def test_details_of_a_record_of_yesterday_are_known_by_what_lies_beside_it(
    store: Store,
) -> None:
    core = Core(store)
    first = await core.open(create("johndoe1", details={"DT1": '{"a": 1}', "LINE": "{}"}))
    stamp = a_stamp(77)
    old = first.model_copy(
        update={
            "details": (),
            "details_digest": "as it was computed then",
            "version": first.version + 1,
            "last_change": stamp.change,
        }
    )
    await store.commit(Change(id=stamp.change, scope=KEY.scope, approval=old))

    same = await core.open(
        update("johndoe1", content=first.content, details={"DT1": '{"a":1}', "LINE": "{}"})
    )
    assert same.revision == first.revision
    assert [detail.name for detail in same.details] == ["DT1", "LINE"]

    fewer = await core.open(
        update("johndoe1", at=2, content=first.content, details={"DT1": '{"a":1}'})
    )
    assert fewer.revision == first.revision + 1
    assert await stored(core) == {"DT1": {"a": 1}}
