"""Whatever comes in whatever order: what the design promises holds after every step, and when all is quiet."""

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis.asyncio import Redis

from approvals_core.adapters.stores import open_store
from approvals_core.arx import Arx, ArxApprover, ArxNotification, parse_arx
from approvals_core.errors import (
    AnswerLost,
    CardGone,
    ChannelBusy,
    DirectoryUnavailable,
    NotSettled,
)
from approvals_core.models import (
    ATTENTION,
    Approval,
    Content,
    EventKind,
    Lane,
    Operation,
    Place,
    PlaceState,
    ReceiptState,
    Reminder,
    needs_operator,
)
from approvals_core.ports import Answer, AnswerKind, NotFound, Posted, View
from approvals_core.rules import binding, intake, upkeep
from approvals_core.rules.deciding import Click
from approvals_core.rules.draft import chain_is_sound
from approvals_core.rules.settling import Settlement
from approvals_core.rules.standing import may_decide
from approvals_core.tenant import Concurrency, Limits, Tenant
from tests.clock import TickingClock
from tests.fakes import FlakyStore
from tests.makers import (
    JONAS,
    KEY,
    MARIA,
    PEOPLE,
    PRIYA,
    START,
    Core,
    a_stamp,
    a_tenant,
    an_arx,
    done_by,
)

SAMPLES = Path(__file__).parent.parent / "playground" / "samples"
ALIASES = ("johndoe1", "johndoe2", "johndoe3")
NAMES = (*ALIASES, "JohnDoe1@organization.com", MARIA.object_id, "ghost")


# -- orders of arrival ----------------------------------------------------


@st.composite
def some_arx(draw: st.DrawFn, *, at: float, names: Sequence[str] = ALIASES) -> Arx:
    """One ARX as a tenant might send it."""
    operation = draw(st.sampled_from(Operation))
    asks = draw(st.lists(st.sampled_from(names), unique=True, max_size=3))
    removes = draw(st.lists(st.sampled_from(names), unique=True, max_size=2))
    details = draw(st.dictionaries(st.sampled_from(["DT1", "LINE"]), st.sampled_from("{}[]")))
    if operation is Operation.DELETE:
        asks, content, details = [], None, {}
    else:
        content = Content(title=draw(st.sampled_from(["Laptops", "Yachts"])))
    if operation is Operation.CREATE:
        removes = []
    action = None
    if operation is not Operation.CREATE:
        failure = draw(st.sampled_from(["", "", "The budget is closed."]))
        action = done_by(draw(st.sampled_from(names)), failure=failure)
    minutes = draw(st.none() | st.lists(st.integers(-1, 30), max_size=2))
    return an_arx(
        operation,
        at=at,
        approvers=tuple(ArxApprover(alias=alias) for alias in asks),
        delete_for=tuple(removes),
        content=content,
        details=details,
        action=action,
        refresh_details=draw(st.booleans()),
        notification=None if minutes is None else reminding(minutes),
    )


def reminding(minutes: Sequence[int]) -> ArxNotification:
    """Ask for a mail, and for reminders so many minutes after the start."""
    dates = tuple(START + timedelta(minutes=minute) for minute in sorted({*minutes}))
    reminder = Reminder(template="Reminder", dates=dates) if dates else None
    return ArxNotification(template="PendingApproval", to=("johndoe1",), reminder=reminder)


@st.composite
def in_two_orders(draw: st.DrawFn) -> tuple[list[Arx], list[Arx]]:
    count = draw(st.integers(2, 5))
    sent = [draw(some_arx(at=number)) for number in range(count)]
    return sent, draw(st.permutations(sent))


def arrive(arxs: Sequence[Arx], tenant: Tenant) -> tuple[Approval, dict[str, str]]:
    """Take them in, and find each approver as soon as he is named."""
    approval: Approval | None = None
    details: dict[str, str] = {}
    for number, arx in enumerate(arxs):
        received = intake.receive(
            approval,
            arx,
            tenant=tenant,
            payload_id=f"p{number}",
            stamp=a_stamp(number),
        )
        assert received.change.approval is not None
        approval = received.change.approval
        for name, text in received.change.bodies.items():
            if name.startswith("details/"):
                details |= {name.removeprefix("details/"): text or ""}
        details = {name: text for name, text in details.items() if text}
    assert approval is not None
    return approval, details


def what_counts(approval: Approval) -> dict[str, Any]:
    return {
        "places": {p.names: (p.state is PlaceState.REMOVED, p.mark) for p in approval.places},
        "content": (approval.content, approval.content_mark),
        "details": (approval.details, approval.details_mark),
        "newest": approval.newest,
        "open": approval.open,
    }


@given(in_two_orders())
def test_every_order_of_arrival_of_the_same_arx_ends_alike(
    orders: tuple[list[Arx], list[Arx]],
) -> None:
    first, second = orders

    one, one_details = arrive(first, a_tenant())
    other, other_details = arrive(second, a_tenant())

    assert what_counts(one) == what_counts(other)
    assert one_details == other_details


@given(st.permutations(["create", "update", "delete"]))
def test_the_documents_own_samples_end_alike_though_they_share_one_time(order: list[str]) -> None:
    def arrived(names: Sequence[str]) -> Approval:
        bodies = [(SAMPLES / f"wiki-{name}.json").read_bytes() for name in names]
        tenant_id = a_tenant().document_type_id
        parsed = [parse_arx(body, tenant_id=tenant_id, now=START) for body in bodies]
        return arrive(parsed, a_tenant())[0]

    assert what_counts(arrived(order)) == what_counts(arrived(["create", "update", "delete"]))


@given(in_two_orders())
def test_what_opens_a_request_for_the_first_time_begins_round_one(
    orders: tuple[list[Arx], list[Arx]],
) -> None:
    approval, _details = arrive(orders[1], a_tenant())

    assert {taken.round for taken in approval.taken} <= set(range(max(1, approval.round) + 1))
    if approval.round:
        assert all(taken.round for taken in approval.taken)
    assert (approval.closed_at is None) == (approval.open or not approval.round)


@given(st.data())
def test_two_names_of_one_person_end_as_one_place_whenever_he_is_found(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 4))
    by_alias = ("johndoe1", "johndoe2")
    sent = [data.draw(some_arx(at=number, names=by_alias)) for number in range(count)]
    renamed = [data.draw(st.sampled_from([arx, _by_object_id(arx)])) for arx in sent]
    tenant, both = a_tenant(), []

    for arxs in (sent, renamed):
        approval: Approval | None = None
        for number, arx in enumerate(arxs):
            change = intake.receive(
                approval, arx, tenant=tenant, payload_id="p", stamp=a_stamp(number)
            ).change
            approval = change.approval
            assert approval is not None
            if data.draw(st.booleans()):
                approval = _find_all(approval, tenant)
        assert approval is not None
        both.append(_find_all(approval, tenant))

    assert _by_person(both[0]) == _by_person(both[1])
    assert both[0].open == both[1].open
    assert all((a.closed_at is None) == (a.open or not a.round) for a in both)


def _by_object_id(arx: Arx) -> Arx:
    ids = {"johndoe1": MARIA.object_id}
    return arx.model_copy(
        update={
            "approvers": tuple(
                a.model_copy(update={"alias": ids.get(a.alias, a.alias)}) for a in arx.approvers
            ),
            "delete_for": tuple(ids.get(alias, alias) for alias in arx.delete_for),
        }
    )


def _find_all(approval: Approval, tenant: Tenant) -> Approval:
    for place in approval.places:
        if place.person is None and place.names:
            change = binding.bind(
                approval,
                place.seat,
                PEOPLE[place.alias],
                tenant=tenant,
                stamp=a_stamp(99),
                finish=None,
            )
            assert change is not None
            assert change.approval is not None
            approval = change.approval
    return approval


def _by_person(approval: Approval) -> dict[Any, Any]:
    return {
        place.person.id: (place.state is PlaceState.REMOVED, place.mark)
        for place in approval.places
        if place.person is not None
    }


# -- the whole core -------------------------------------------------------

ANSWERS = {
    "yes": Answer(kind=AnswerKind.ACCEPTED),
    "no": Answer(kind=AnswerKind.REFUSED, message="Over budget"),
    "again": Answer(kind=AnswerKind.AGAIN, reason="HTTP 429"),
    "later": Answer(kind=AnswerKind.AGAIN, retry_after=600.0),
    "not taken": Answer(kind=AnswerKind.NOT_TAKEN, reason="HTTP 404"),
    "unknown": Answer(kind=AnswerKind.UNKNOWN, reason="timed out"),
}
APPROVERS = (MARIA, JONAS, PRIYA)
QUIET_ROUNDS = 400  # steps in which everything must have come to rest


class WholeCore(RuleBasedStateMachine):
    """Clicks, answers, ARX, deaths and time, in any order, on the real core."""

    redis_url = ""  # "" for SQLite

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory(prefix="approvals-")
        self.seen: list[tuple[Any, Click]] = []
        self.sent: list[Arx] = []
        self.may_repeat: set[str] = set()  # an operator said so
        self.broken: list[str] = []

    def run(self, doing: Any) -> Any:
        return self.loop.run_until_complete(doing)

    @initialize(idempotent=st.booleans(), concurrency=st.sampled_from(Concurrency))
    def begin(self, *, idempotent: bool, concurrency: Concurrency) -> None:
        tenant = a_tenant(idempotent=idempotent, concurrency=concurrency, limits=Limits(posts=3))
        self.run(self._begin(tenant))

    async def _begin(self, tenant: Tenant) -> None:
        url = f"sqlite:///{self.folder.name}/store.db"
        if self.redis_url:
            url = self.redis_url
            async with Redis.from_url(url) as client:
                await client.flushall()
        self.flaky = FlakyStore(await open_store(url))
        self.core = Core(
            self.flaky,  # pyright: ignore[reportArgumentType] (delegates)
            tenant=tenant,
            clock=TickingClock(START),
        )
        self.core.api.watch = self._posted
        self.core.directory.people["ghost"] = NotFound.UNKNOWN
        asked = reminding([1, 2, 15])
        arx = an_arx(Operation.CREATE, asks=("johndoe1", "johndoe2"), notification=asked)
        self.sent.append(arx)
        await self.core.open(arx)

    async def _posted(self, posted: Posted) -> None:
        """Note what must not be when a decision leaves us: the worker would catch what we raise."""
        decision, core = posted.decision, self.core
        newest = await core.approval()
        if decision.revision != newest.revision:
            self.broken.append("posted on content that changed")
        earlier = {answer.kind for each, answer in core.api.answered if each == decision.id}
        tries = core.api.ids.count(decision.id)
        if decision.id in self.may_repeat or not tries:
            return
        if not core.tenant.api.idempotent and earlier != {AnswerKind.AGAIN}:
            self.broken.append("posted again though it may have arrived")
        if tries >= core.tenant.limits.posts:
            self.broken.append("posted more often than allowed")

    # -- what may happen ------------------------------------------------------

    @rule(arx=st.data(), minutes=st.integers(-10, 2))
    def tenant_sends(self, arx: st.DataObject, minutes: int) -> None:
        passed = (self.core.clock.now() - START).total_seconds() / 60
        made = arx.draw(some_arx(at=passed + minutes, names=NAMES))
        made = made.model_copy(update={"digest": f"{made.digest}-{len(self.sent)}"})
        self.sent.append(made)
        self.run(self.core.receive(made))

    @rule(which=st.integers(0, 30))
    def tenant_repeats(self, which: int) -> None:
        before = self.run(self.core.approval())
        self.run(self.core.receive(self.sent[which % len(self.sent)]))
        assert self.run(self.core.approval()) == before

    @rule(clicks=st.lists(
        st.tuples(st.sampled_from(APPROVERS), st.sampled_from(["Approve", "Question"])),
        min_size=1, max_size=2,
    ), answer=st.sampled_from([*ANSWERS, "held"]))  # fmt: skip
    def people_click(self, clicks: list[tuple[Any, str]], answer: str) -> None:
        self.run(self._click(clicks, answer))

    async def _click(self, clicks: list[tuple[Any, str]], answer: str) -> None:
        approval = await self.core.approval()
        pressed = [
            (person, await self.core.shown(person, action))
            for person, action in clicks
            if approval.place_of(person.id)
        ]
        self.seen += pressed
        await self._press(pressed, answer)

    @rule(answer=st.sampled_from([*ANSWERS, "held"]), then=st.sampled_from([None, *ANSWERS]))
    def somebody_who_may_decides(self, answer: str, then: str | None) -> None:
        """The usual way, so that most runs get far: asked, decided, and perhaps time passes."""
        approval = self.run(self.core.approval())
        for place in approval.places:
            if may_decide(approval, place, self.core.tenant):
                self.run(self._click([(place.person, "Approve")], answer))
                break
        else:
            self.the_tenant_asks_again()
        if then is not None:
            self.time_passes(70.0, then)

    @rule()
    def the_tenant_asks_again(self) -> None:
        passed = (self.core.clock.now() - START).total_seconds() / 60
        approvers = tuple(ArxApprover(alias=alias) for alias in ALIASES)
        self.sent.append(an_arx(Operation.UPDATE, at=passed, approvers=approvers))
        self.run(self.core.receive(self.sent[-1]))

    @precondition(lambda self: self.seen)
    @rule(which=st.integers(0, 30), answer=st.sampled_from([*ANSWERS, "held"]))
    def somebody_clicks_an_old_card(self, which: int, answer: str) -> None:
        self.run(self._press([self.seen[which % len(self.seen)]], answer))

    async def _press(self, clicks: list[tuple[Any, Click]], answer: str) -> None:
        self._answers(answer)
        await self.core.press(*clicks)

    def _answers(self, answer: str) -> None:
        self.core.api.holding = answer == "held"
        self.core.api.usual = ANSWERS.get(answer, ANSWERS["yes"])

    @precondition(lambda self: self.core.api.held)
    @rule(which=st.integers(0, 5), answer=st.sampled_from(list(ANSWERS)))
    def tenant_answers_at_last(self, which: int, answer: str) -> None:
        self.run(self.core.tell(ANSWERS[answer], which % len(self.core.api.held)))

    @rule(
        seconds=st.sampled_from([0.0, 3.0, 25.0, 70.0, 700.0]),
        answer=st.sampled_from([*ANSWERS, "held"]),
    )
    def time_passes(self, seconds: float, answer: str) -> None:
        self._answers(answer)
        self.run(self.core.pass_time(seconds))

    @rule()
    def the_process_dies(self) -> None:
        self.run(self.core.die())

    @rule(found=st.sampled_from(Settlement))
    def an_operator_settles(self, found: Settlement) -> None:
        approval = self.run(self.core.approval())
        for place in approval.places:
            if place.state is PlaceState.UNCONFIRMED and found is Settlement.POST_AGAIN:
                self.may_repeat.add(place.decision.id)
            try:
                self.run(self.core.approvals.settle(approval.id, place.seat, found, by="op"))
            except NotSettled:
                lost = self.flaky.meanwhile is None and place.state is PlaceState.UNCONFIRMED
                assert lost or place.state is not PlaceState.UNCONFIRMED

    @rule(sending=st.booleans(), kind=st.sampled_from(["busy", "lost", "gone"]))
    def the_channel_fails(self, *, sending: bool, kind: str) -> None:
        channel = self.core.channel
        match kind:
            case "busy":
                fails = channel.send_fails if sending else channel.update_fails
                fails.append(ChannelBusy("later", retry_after=5.0))
            case "lost":
                channel.send_fails.append(AnswerLost("perhaps"))
            case _:
                channel.update_fails.append(CardGone("deleted"))

    @rule()
    def the_directory_fails(self) -> None:
        self.core.directory.fails.append(DirectoryUnavailable("later", retry_after=30.0))

    @rule(arx=some_arx(at=0.0, names=NAMES), meanwhile=st.booleans())
    def the_store_loses_an_answer(self, *, arx: Arx, meanwhile: bool) -> None:
        """The next commit arrives, and nobody tells us; somebody else may commit at once."""
        passed = (self.core.clock.now() - START).total_seconds() / 60
        newer = arx.model_copy(
            update={"ticks": an_arx(at=passed).ticks, "digest": f"lost-{len(self.sent)}"}
        )

        async def somebody_else() -> None:
            self.sent.append(newer)
            await self.core.receive(newer)

        self.flaky.loses = lambda _change: True
        self.flaky.meanwhile = somebody_else if meanwhile else None

    # -- what always holds ----------------------------------------------------

    @invariant()
    def no_place_waits_on_nobody(self) -> None:
        self.run(self._no_place_waits_on_nobody())

    async def _no_place_waits_on_nobody(self) -> None:
        approval = await self.core.approval()
        attention = await self.core.store.count(KEY.scope, ATTENTION)
        for place in approval.places:
            if place.state in (PlaceState.PENDING, PlaceState.REMOVED):
                assert place.decision is None
                continue
            assert place.decision is not None
            if needs_operator(place):
                assert attention == 1
            else:
                assert await self._live_job(approval, place), f"{place.state} waits on nobody"
        for needed in upkeep.jobs_needed(approval, now=self.core.clock.now()):
            keys = (needed.job.key, *needed.others)
            assert any([await self.core.store.job(KEY.scope, key) for key in keys]), keys
        assert await self.core.worker.sweep() == 0

    async def _live_job(self, approval: Approval, place: Place) -> bool:
        decision = place.decision
        assert decision is not None
        keys = [f"await/{decision.id}"] if place.state is PlaceState.ACCEPTED else [
            f"post/{decision.id}/{number}" for number in (decision.attempts, decision.attempts + 1)
        ]  # fmt: skip
        return any([await self.core.store.job(KEY.scope, key) for key in keys])

    @invariant()
    def nobody_is_reminded_of_what_has_ended(self) -> None:
        self.run(self._nobody_is_reminded_of_what_has_ended())

    async def _nobody_is_reminded_of_what_has_ended(self) -> None:
        approval = await self.core.approval()
        for each in approval.notifications:
            ended = approval.opened_at if each.round < approval.round else approval.closed_at
            if each.reminded_at is not None and ended is not None:
                assert each.reminded_at <= ended

    @invariant()
    def nothing_was_posted_that_must_not_be(self) -> None:
        assert self.broken == []

    @invariant()
    def one_decision_has_one_outcome(self) -> None:
        ends = (EventKind.ACCEPTED, EventKind.REFUSED, EventKind.RETURNED)
        history = self.run(self.core.history())
        ended = [event.facts["decision"] for event in history if event.kind in ends]
        assert len(ended) == len(set(ended))
        taken = [t.decision for t in self.run(self.core.approval()).taken if t.decision]
        assert len(taken) == len(set(taken))

    @invariant()
    def with_any_of_one_decision_holds_everybody(self) -> None:
        if self.core.tenant.concurrency is Concurrency.ALL:
            return
        approval = self.run(self.core.approval())
        assert sum(place.decision is not None for place in approval.places) <= 1

    @invariant()
    def the_history_is_one_sound_chain(self) -> None:
        head = self.run(self.core.approval()).head
        assert chain_is_sound(self.run(self.core.history()), head=head)

    @invariant()
    def one_person_has_one_place_and_closed_means_closed(self) -> None:
        approval = self.run(self.core.approval())
        people = [place.person.id for place in approval.places if place.person]
        assert len(people) == len(set(people))
        assert (approval.closed_at is None) == (approval.open or not approval.round)

    # -- when all is quiet ----------------------------------------------------

    def teardown(self) -> None:
        try:
            if hasattr(self, "core"):
                self.run(self._come_to_rest())
        finally:
            self.run(self._close())
            self.loop.close()
            self.folder.cleanup()

    async def _close(self) -> None:
        if hasattr(self, "core"):
            await self.core.die()
            await self.core.store.close()

    async def _come_to_rest(self) -> None:
        core = self.core
        while core.api.held:
            await core.tell(ANSWERS["yes"])
        self._answers("yes")
        for _round in range(QUIET_ROUNDS):
            await core.work()
            due = await core.store.next_due(tuple(Lane))
            if due is None:
                break
            core.clock.advance(max(0.0, (due - core.clock.now()).total_seconds()))
        else:
            raise AssertionError("it never comes to rest")
        assert self.broken == []
        assert await core.store.dead_letters(KEY.scope) == []
        await self._no_place_waits_on_nobody()
        await self._nobody_is_reminded_of_what_has_ended()
        await self._every_card_is_current()

    async def _every_card_is_current(self) -> None:
        core = self.core
        approval = await core.approval()
        for place in approval.places:
            if place.person is None or place.round != approval.round or not place.round:
                continue
            receipt = await core.store.receipt(
                KEY, round=approval.round, person=place.person.id, channel="teams"
            )
            asked = place.state is not PlaceState.REMOVED
            if receipt is None:
                assert not asked, "somebody is asked and has no card"
            elif receipt.state is ReceiptState.SHOWN:
                view = View(
                    tenant=core.tenant,
                    approval=approval,
                    place=place,
                    round=approval.round,
                    details=await self._details(),
                )
                digest, face = await core.channel.face(view)
                assert receipt.face == digest, "an old card is left"
                assert core.channel.screens[receipt.address].face == face
            else:
                assert receipt.reason

    async def _details(self) -> dict[str, str]:
        bodies = await self.core.store.bodies(KEY, "details/")
        return {name.removeprefix("details/"): text for name, text in bodies.items()}


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@pytest.mark.timeout(600)  # what fails is made as small as can be
def test_no_sequence_of_events_breaks_a_promise_on_sqlite() -> None:
    # Many more are for `make soak`.
    run_state_machine_as_test(
        WholeCore,
        settings=settings(max_examples=40, stateful_step_count=25, suppress_health_check=SLOW),
    )


@pytest.mark.timeout(600)  # what fails is made as small as can be
def test_no_sequence_of_events_breaks_a_promise_on_redis(redis_url: str) -> None:
    class OnRedis(WholeCore):
        pass

    OnRedis.redis_url = redis_url
    run_state_machine_as_test(
        OnRedis,
        settings=settings(max_examples=8, stateful_step_count=25, suppress_health_check=SLOW),
    )
