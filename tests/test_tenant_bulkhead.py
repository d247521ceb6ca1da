"""A tenant's own few calls, and its breaker: what hangs there costs nobody else anything."""

import asyncio
import socket
import threading
from contextlib import AsyncExitStack, suppress

import pytest
from aiohttp import web

from approvals_core.adapters.outgoing import Address
from approvals_core.adapters.resolving import LOOKUPS, OwnResolver
from approvals_core.adapters.tenant_api.breaker import Verdict
from approvals_core.adapters.tenant_api.bulkhead import Bulkhead, NotMade
from approvals_core.ports import Answer, AnswerKind, FetchedKind
from approvals_core.tenant import Breaker, Tenant
from tests.clock import Clock
from tests.test_tenant_api import (
    NoTokens,
    Tokens,
    a_posted,
    a_server,
    an_api,
    answering,
)
from tests.test_wire_out import a_response, a_tenant, an_approval

RULE = Breaker(failures=3, pause=30.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Caller:
    """Makes calls at a bulkhead, which end when they are told to."""

    def __init__(self, bulkhead: Bulkhead, **api) -> None:
        self._bulkhead = bulkhead
        self._tenant = a_tenant(**{"calls": 2, "breaker": RULE} | api)
        self.began: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    def call(
        self, name: str, *, decides: bool = True, verdict: Verdict = Verdict.ANSWERED
    ) -> asyncio.Task[None]:
        self._ends[name] = asyncio.Event()

        async def made() -> None:
            async with self._bulkhead.passage(self._tenant, decides=decides) as passage:
                self.began.append(name)
                await self._ends[name].wait()
                passage.verdict = verdict

        return asyncio.create_task(made())

    def end(self, name: str) -> None:
        self._ends[name].set()

    async def say(self, *verdicts: Verdict) -> None:
        for verdict in verdicts:
            task = self.call("one", verdict=verdict)
            self.end("one")
            await task


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class TestKinds:
    async def test_reads_that_fail_keep_no_decision_out(self, clock):
        caller = Caller(Bulkhead(clock=clock.now))
        for _ in range(2 * RULE.failures):
            reading = caller.call("read", decides=False, verdict=Verdict.SILENT)
            caller.end("read")
            with suppress(NotMade):
                await reading

        await caller.say(Verdict.ANSWERED)

        assert caller.began[-1] == "one"
        with pytest.raises(NotMade):
            await caller.call("read", decides=False)

    async def test_a_tenant_that_takes_no_decisions_is_not_read_either(self, clock):
        caller = Caller(Bulkhead(clock=clock.now))
        await caller.say(*[Verdict.SILENT] * RULE.failures)

        with pytest.raises(NotMade):
            await caller.call("read", decides=False)


class TestSlots:
    async def test_no_more_calls_than_the_file_says(self, clock):
        caller = Caller(Bulkhead(clock=clock.now))
        calls = [caller.call(name) for name in "abc"]
        await turns()
        began = list(caller.began)
        caller.end("b")
        await turns()

        assert began == ["a", "b"]
        assert caller.began == ["a", "b", "c"]
        for name in "ac":
            caller.end(name)
        await asyncio.gather(*calls)

    async def test_who_finds_no_slot_in_time_is_told(self, clock):
        bulkhead = Bulkhead(clock=clock.now, patience=0.02)
        caller = Caller(bulkhead)
        calls = [caller.call(name) for name in "ab"]
        await turns()

        with pytest.raises(NotMade, match="2 calls of Contoso Purchasing wait"):
            await caller.call("c")
        caller.end("a")
        caller.end("b")
        await asyncio.gather(*calls)

        assert bulkhead.under_way == 0
        assert caller.began == ["a", "b"]

    async def test_decisions_have_their_turn_before_reads(self, clock):
        caller = Caller(Bulkhead(clock=clock.now), calls=1)
        calls = [caller.call("a")]
        await turns()
        calls.append(caller.call("read", decides=False))
        await turns()
        calls += [caller.call("b"), caller.call("c")]
        await turns()

        for name in ("a", "b", "c", "read"):
            caller.end(name)
            await turns()
        await asyncio.gather(*calls)

        assert caller.began == ["a", "b", "c", "read"]

    async def test_reads_leave_half_of_the_slots_to_decisions(self, clock):
        caller = Caller(Bulkhead(clock=clock.now), calls=4)
        calls = [caller.call(f"read {n}", decides=False) for n in range(4)]
        await turns()
        calls += [caller.call("a"), caller.call("b")]
        await turns()

        assert caller.began == ["read 0", "read 1", "a", "b"]
        for name in ("read 0", "read 1", "read 2", "read 3", "a", "b"):
            caller.end(name)
        await asyncio.gather(*calls)

    async def test_a_slot_given_to_one_who_goes_away_is_not_lost(self, clock):
        bulkhead = Bulkhead(clock=clock.now)
        caller = Caller(bulkhead, calls=1)
        async with bulkhead.passage(a_tenant(calls=1), decides=True):
            gone, next_one = caller.call("gone"), caller.call("next")
            await turns()
        gone.cancel()  # the slot was given to it, and it has not run yet
        await turns()

        assert caller.began == ["next"]
        caller.end("next")
        await next_one
        assert bulkhead.under_way == 0

    async def test_who_leaves_the_queue_holds_up_nobody(self, clock):
        bulkhead = Bulkhead(clock=clock.now)
        caller = Caller(bulkhead, calls=1)
        first, gone, next_one = (caller.call(name) for name in "abc")
        await turns()
        gone.cancel()
        await turns()
        for name in "ac":
            caller.end(name)
        await asyncio.gather(first, next_one)

        assert caller.began == ["a", "c"]
        assert bulkhead.under_way == 0


class TestBreaker:
    async def test_so_many_failures_in_a_row_open_it(self, clock):
        bulkhead = Bulkhead(clock=clock.now)
        caller = Caller(bulkhead)

        await caller.say(Verdict.SILENT, Verdict.SILENT, Verdict.ANSWERED)
        await caller.say(Verdict.SILENT, Verdict.NOTHING, Verdict.SILENT)
        await caller.say(Verdict.SILENT)

        clock.advance(10)
        with pytest.raises(NotMade, match="Contoso Purchasing does not answer") as told:
            await caller.say(Verdict.ANSWERED)
        assert told.value.retry_after == 20.0
        assert len(caller.began) == 7

    async def test_after_the_pause_one_call_tries_and_the_others_wait_for_it(self, clock):
        caller = Caller(Bulkhead(clock=clock.now), calls=8)
        await caller.say(*[Verdict.SILENT] * 3)
        clock.advance(30)
        caller.began.clear()

        calls = [caller.call(name) for name in "abc"]
        await turns()
        tried = list(caller.began)
        caller.end("a")
        await turns()

        assert tried == ["a"]
        assert caller.began == ["a", "b", "c"]
        for name in "bc":
            caller.end(name)
        await asyncio.gather(*calls)

    async def test_one_that_tries_in_vain_opens_it_again_for_all_who_wait(self, clock):
        caller = Caller(Bulkhead(clock=clock.now))
        await caller.say(*[Verdict.SILENT] * 3)
        clock.advance(30)
        trying = caller.call("a", verdict=Verdict.SILENT)
        await turns()
        waiting = caller.call("b")
        await turns()
        caller.end("a")
        await trying

        with pytest.raises(NotMade) as told:
            await waiting
        assert told.value.retry_after == 30.0
        assert "b" not in caller.began

    async def test_one_that_got_nowhere_leaves_it_to_the_next_to_try(self, clock):
        caller = Caller(Bulkhead(clock=clock.now))
        await caller.say(*[Verdict.SILENT] * 3)
        clock.advance(30)

        await caller.say(Verdict.NOTHING, Verdict.ANSWERED, Verdict.SILENT, Verdict.ANSWERED)

        assert len(caller.began) == 7

    async def test_calls_from_before_neither_open_nor_close_it(self, clock):
        caller = Caller(Bulkhead(clock=clock.now), calls=8)
        late = [caller.call("late", verdict=Verdict.ANSWERED)]
        await turns()
        await caller.say(*[Verdict.SILENT] * 3)
        caller.end("late")
        await asyncio.gather(*late)

        with pytest.raises(NotMade):
            await caller.say(Verdict.ANSWERED)


class TestOverHttp:
    """What counts as a failure of the tenant, and what its callers are told."""

    @pytest.mark.parametrize("status", [500, 502, 503])
    async def test_server_errors_open_it_and_nothing_leaves_any_more(self, status):
        async with a_server(answering(b"", status)) as (url, seen), an_api() as api:
            tenant = a_tenant(base_url=url, action="/act", summary="/s", breaker=RULE)
            failed = [await api.post_decision(tenant, a_posted()) for _ in range(3)]
            answer = await api.post_decision(tenant, a_posted())
            found = await api.summary(tenant, an_approval())

        assert len(seen.requests) == 3
        assert (answer.kind, answer.retry_after) == (AnswerKind.AGAIN, 30.0)
        assert answer.reason == "Contoso Purchasing does not answer at the moment"
        assert [each.tried for each in (*failed, answer)] == [True, True, True, False]
        assert (found.kind, found.retry_after) == (FetchedKind.UNAVAILABLE, 30.0)

    @pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 429])
    async def test_a_tenant_that_answers_is_not_left_alone(self, status):
        async with a_server(answering(b"", status)) as (url, seen):
            tokens = Tokens()
            tokens.renewable = False
            async with an_api(tokens) as api:
                tenant = a_tenant(base_url=url, action="/act", breaker=RULE)
                for _ in range(5):
                    await api.post_decision(tenant, a_posted())

        assert len(seen.requests) == 5

    async def test_no_connection_opens_it(self):
        async with an_api() as api:
            tenant = a_tenant(base_url="http://127.0.0.1:9", action="/act", breaker=RULE)
            answers = [await api.post_decision(tenant, a_posted()) for _ in range(4)]

        assert [(answer.reason.partition(":")[0], answer.tried) for answer in answers] == [
            *[("no connection", True)] * 3,
            ("Contoso Purchasing does not answer at the moment", False),
        ]

    async def test_the_issuers_failures_are_not_the_tenants(self):
        async with a_server(answering()) as (url, _), an_api(NoTokens()) as api:
            tenant = a_tenant(base_url=url, action="/act", breaker=RULE)
            reasons = {(await api.post_decision(tenant, a_posted())).reason for _ in range(5)}

        assert reasons == {"no token: invalid_client (AADSTS7000215)"}

    async def test_an_issuer_that_hangs_is_not_the_tenants_failure(self):
        class SlowTokens(Tokens):
            async def token(
                self, tenant: Tenant, *, refused: str = "", user_assertion: str | None = None
            ) -> str:
                await asyncio.Event().wait()
                return ""

        async with a_server(answering()) as (url, _), an_api(SlowTokens()) as api:
            tenant = a_tenant(base_url=url, action="/act", breaker=RULE, answer_within=0.02)
            reasons = {(await api.post_decision(tenant, a_posted())).reason for _ in range(5)}

        assert reasons == {"no token: timed out, at most 0.02 s"}

    async def test_our_own_refusal_to_call_is_not_the_tenants_failure(self):
        async with an_api(loopback=False) as api:
            tenant = a_tenant(base_url="http://10.0.0.5", action="/act", breaker=RULE)
            kinds = {(await api.post_decision(tenant, a_posted())).kind for _ in range(5)}

        assert kinds == {AnswerKind.NOT_TAKEN}

    async def test_a_hung_tenant_fills_its_own_slots_and_nobody_elses(self):
        hung, answered = asyncio.Event(), asyncio.Semaphore(0)

        async def hang(_request: web.Request) -> web.StreamResponse:
            answered.release()
            await hung.wait()
            return web.json_response(a_response())

        async with AsyncExitStack() as stack:
            slow, seen = await stack.enter_async_context(a_server(hang))
            quick, _ = await stack.enter_async_context(a_server(answering()))
            api = await stack.enter_async_context(an_api(patience=0.02))
            hanging = a_tenant(base_url=slow, action="/act", calls=3)
            other = a_tenant(base_url=quick, action="/act").model_copy(update={"code": "other"})
            clicks = [
                asyncio.create_task(api.post_decision(hanging, a_posted())) for _ in range(50)
            ]
            for _ in range(3):
                await answered.acquire()
            others = [await api.post_decision(other, a_posted()) for _ in range(5)]
            done, waiting = set[asyncio.Task[Answer]](), set(clicks)
            while len(waiting) > hanging.api.calls:
                ended, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                done |= ended
            hung.set()
            await asyncio.wait(waiting)

        assert {answer.kind for answer in others} == {AnswerKind.ACCEPTED}
        assert len(seen.requests) == 3
        assert len(done) == 47
        assert {click.result().kind for click in done} == {AnswerKind.AGAIN}
        assert {click.result().kind for click in waiting} == {AnswerKind.ACCEPTED}


class TestNames:
    async def test_a_name_server_that_hangs_for_one_keeps_no_other_waiting(self):
        hanging, released = threading.Semaphore(0), threading.Event()

        def hang(*_: object, **__: object) -> list[Address]:
            hanging.release()
            released.wait()
            raise OSError("no such name")

        hung, other = OwnResolver("hung", hang), OwnResolver("other")
        waiting = [asyncio.create_task(hung.resolve("slow.example", 443)) for _ in range(20)]
        await asyncio.to_thread(hanging.acquire)
        found = await other.resolve("localhost", 443, socket.AF_INET)
        everybodys = await asyncio.to_thread(lambda: "free")
        began = [t.name for t in threading.enumerate()].count("names-hung")
        released.set()
        failures = await asyncio.gather(*waiting, return_exceptions=True)

        assert found[0]["host"] == "127.0.0.1"
        assert everybodys == "free"
        assert began <= LOOKUPS
        assert all(isinstance(failure, OSError) for failure in failures)

    async def test_each_tenant_looks_up_names_by_itself(self):
        async with a_server(answering()) as (url, seen), an_api() as api:
            tenant = a_tenant(base_url=url.replace("127.0.0.1", "localhost"), action="/act")
            answer = await api.post_decision(tenant, a_posted())

        assert answer.kind is AnswerKind.ACCEPTED
        assert seen.requests[0].headers["Host"].startswith("localhost:")
