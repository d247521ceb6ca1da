"""What payloads do to a request: rounds, order per approver, content, and what was done."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from approvals_core.arx import Arx, ArxApprover, ArxNotification
from approvals_core.models import (
    Approval,
    Change,
    Content,
    Disposition,
    EventKind,
    JobKind,
    Operation,
    Payload,
    Person,
    PlaceState,
    Reminder,
)
from approvals_core.ports import Answer, AnswerKind, NotFound
from approvals_core.rules import answering, binding, deciding, intake, upkeep
from approvals_core.rules.answering import Post
from approvals_core.rules.deciding import Click
from approvals_core.rules.reminding import reminded_by
from approvals_core.tenant import AliasIs, Limits, People, Tenant
from tests.makers import (
    DIRECTORY,
    JONAS,
    MARIA,
    PEOPLE,
    START,
    a_stamp,
    a_tenant,
    an_arx,
    create,
    delete,
    done_by,
    update,
)

SECOND = 1 / 60  # in minutes, as makers count
DAY = timedelta(days=1)
PENDING, REMOVED, ACCEPTED = PlaceState.PENDING, PlaceState.REMOVED, PlaceState.ACCEPTED


class Desk:
    """One document, and the rules applied to it one after the other."""

    def __init__(self, *arxs: Arx, find: bool = True, **tenant: Any) -> None:
        self.tenant: Tenant = a_tenant(**tenant)
        self.now = START
        self.changes: list[Change] = []
        self.payloads: list[Payload] = []
        self._approval: Approval | None = None
        for arx in arxs:
            self.receive(arx)
        if find:
            self.find_everybody()

    @property
    def approval(self) -> Approval:
        assert self._approval is not None
        return self._approval

    def apply(self, change: Change | None) -> Change | None:
        if change is not None:
            self.changes.append(change)
            self._approval = change.approval
        return change

    def stamp(self):
        self.now += timedelta(seconds=10)
        return a_stamp(len(self.changes), at=self.now)

    def receive(self, arx: Arx) -> Payload:
        change, payload = intake.receive(
            self._approval,
            arx,
            tenant=self.tenant,
            payload_id=f"payload-{len(self.changes)}",
            stamp=self.stamp(),
        )
        self.apply(change)
        self.payloads.append(payload)
        return payload

    def find(self, seat: int, found: Person | NotFound) -> Change | None:
        return self.apply(
            binding.bind(
                self.approval, seat, found, tenant=self.tenant, stamp=self.stamp(), finish=None
            )
        )

    def find_everybody(self) -> None:
        for place in self.approval.places:
            if place.person is None and place.names:
                self.find(place.seat, PEOPLE.get(place.alias, NotFound.UNKNOWN))

    def decide(self, seat: int, action: str = "Approve", comment: str = "") -> str:
        place, decision = self.approval.places[seat], f"decision-{len(self.changes)}"
        assert place.person is not None
        click = Click(
            seat=seat,
            round=place.round,
            revision=self.approval.revision,
            attempt=place.attempt,
            action=action,
            comment=comment,
            channel="teams",
        )
        change = deciding.decide(
            self.approval,
            click,
            by=place.person,
            tenant=self.tenant,
            decision=decision,
            stamp=self.stamp(),
        )
        self.apply(change)
        assert change.claim is not None
        return decision

    def accept(self, seat: int, action: str = "Approve", comment: str = "") -> str:
        decision = self.decide(seat, action, comment)
        self.answer(seat, decision, Answer(kind=AnswerKind.ACCEPTED))
        return decision

    def answer(self, seat: int, decision: str, answer: Answer) -> None:
        self.apply(
            answering.answered(
                self.approval,
                Post(seat, decision, 1),
                answer,
                tenant=self.tenant,
                stamp=self.stamp(),
                finish=None,
            )
        )

    def states(self) -> dict[str, PlaceState]:
        return {place.alias: place.state for place in self.approval.places if place.names}

    def details(self) -> Mapping[str, str]:
        bodies = {name: text for change in self.changes for name, text in change.bodies.items()}
        return {name[8:]: text for name, text in bodies.items() if text and name[:8] == "details/"}

    def kinds(self) -> list[EventKind]:
        return [event.kind for change in self.changes for event in change.events]

    def jobs(self, kind: JobKind) -> list[str]:
        return [job.key for job in self.changes[-1].jobs if job.kind is kind]


# -- create, update, delete -----------------------------------------------


def test_a_create_asks_everybody_it_names() -> None:
    desk = Desk(create("johndoe1", "johndoe2"), find=False)

    assert desk.states() == {"johndoe1": PENDING, "johndoe2": PENDING}
    assert (desk.approval.round, desk.approval.revision) == (1, 1)
    assert desk.approval.id == "pr-abcdefghijklmnop"
    assert len(desk.jobs(JobKind.RESOLVE)) == 2
    assert desk.payloads[0].disposition is Disposition.APPLIED


def test_an_update_removes_adds_and_leaves_everybody_else_in_place() -> None:
    desk = Desk(create("johndoe1", "johndoe2"))

    desk.receive(update("johndoe3", removes=["johndoe1"], content=Content(title="Yachts")))

    assert desk.states() == {"johndoe1": REMOVED, "johndoe2": PENDING, "johndoe3": PENDING}
    assert desk.approval.content == Content(title="Yachts")
    assert desk.approval.revision == 2


def test_an_update_that_removes_and_names_somebody_asks_him() -> None:
    desk = Desk(create("johndoe1"))
    desk.accept(0)

    desk.receive(update("johndoe1", removes=["johndoe1"]))

    assert desk.states() == {"johndoe1": PENDING}
    assert desk.approval.round == 1


def test_an_update_before_its_create_stands_on_its_own() -> None:
    desk = Desk(update("johndoe2", removes=["johndoe1"], action=done_by("johndoe1")))

    assert desk.states() == {"johndoe1": REMOVED, "johndoe2": PENDING}
    assert desk.approval.content == Content(title="Laptops")
    assert [taken.round for taken in desk.approval.taken] == [1]


def test_a_late_create_after_its_update_changes_only_what_the_update_did_not_say() -> None:
    newer = update("johndoe2", removes=["johndoe1"], content=Content(title="Yachts"))
    desk = Desk(newer)

    payload = desk.receive(create("johndoe1", "johndoe3"))

    assert desk.states() == {"johndoe1": REMOVED, "johndoe2": PENDING, "johndoe3": PENDING}
    assert desk.approval.content == Content(title="Yachts")
    assert payload.disposition is Disposition.PARTIAL
    assert payload.skipped == ("johndoe1", "SummaryData")


def test_a_delete_takes_only_those_it_names() -> None:
    desk = Desk(create("johndoe1", "johndoe2"))

    desk.receive(delete("johndoe1"))

    assert desk.states() == {"johndoe1": REMOVED, "johndoe2": PENDING}
    assert desk.approval.open
    assert desk.approval.closed_at is None


def test_with_nobody_left_the_request_closes_and_is_cleaned_up() -> None:
    desk = Desk(create("johndoe1", "johndoe2"))

    desk.receive(delete("johndoe1", "johndoe2"))

    assert not desk.approval.open
    assert desk.approval.closed_at == desk.now
    assert len(desk.jobs(JobKind.CLEAN_UP)) == 1
    assert len(desk.jobs(JobKind.CARD)) == 2


def test_a_delete_before_its_create_leaves_its_mark() -> None:
    desk = Desk(delete("johndoe1"), find=False)

    payload = desk.receive(create("johndoe1", "johndoe2"))

    assert desk.states() == {"johndoe1": REMOVED, "johndoe2": PENDING}
    assert payload.disposition is Disposition.PARTIAL


def test_a_delete_before_a_create_that_names_nobody_else_leaves_it_closed() -> None:
    desk = Desk(delete("johndoe1"), find=False)

    desk.receive(create("johndoe1"))

    assert not desk.approval.open
    assert desk.approval.round == 0


def test_a_create_for_an_open_request_acts_as_an_update_that_removes_nobody() -> None:
    desk = Desk(create("johndoe1"))

    desk.receive(create("johndoe2", at=1, content=Content(title="Yachts")))

    assert desk.states() == {"johndoe1": PENDING, "johndoe2": PENDING}
    assert desk.approval.round == 1
    assert desk.approval.content == Content(title="Yachts")


def test_somebody_named_again_is_asked_again() -> None:
    desk = Desk(create("johndoe1", "johndoe2"), delete("johndoe1"))
    before = desk.approval.places[0]

    desk.receive(update("johndoe1", at=3))

    after = desk.approval.places[0]
    assert after.state is PENDING
    assert after.attempt > before.attempt
    assert after.asked_at == desk.now


# -- rounds ---------------------------------------------------------------


def test_a_create_for_a_closed_request_starts_its_next_round() -> None:
    desk = Desk(create("johndoe1", "johndoe2"), delete("johndoe1", "johndoe2"))
    revision = desk.approval.revision

    desk.receive(create("johndoe2", at=3))

    assert desk.states() == {"johndoe1": REMOVED, "johndoe2": PENDING}
    assert desk.approval.round == 2
    assert desk.approval.revision == revision + 1
    assert [place.round for place in desk.approval.places] == [1, 2]
    assert desk.approval.closed_at is None
    assert [job.split("/")[2] for job in desk.jobs(JobKind.CARD)] == ["2"]


def test_a_new_create_of_the_same_time_as_the_delete_starts_the_next_round() -> None:
    desk = Desk(create("johndoe1", at=2), delete("johndoe1", at=2))

    payload = desk.receive(create("johndoe1", at=2, nonce="again"))

    assert desk.approval.round == 2
    assert payload.disposition is Disposition.APPLIED


def test_the_first_create_of_the_same_time_as_a_delete_that_came_first_opens_nothing() -> None:
    desk = Desk(delete("johndoe1", at=2), find=False)

    payload = desk.receive(create("johndoe1", at=2))

    assert not desk.approval.open
    assert payload.skipped == ("johndoe1",)


def test_a_create_older_than_what_closed_the_request_opens_nothing() -> None:
    desk = Desk(create("johndoe1"), delete("johndoe1"))

    payload = desk.receive(create("johndoe1", at=1))

    assert not desk.approval.open
    assert payload.skipped == ("johndoe1",)


def test_an_update_opens_a_closed_request_too() -> None:
    desk = Desk(create("johndoe1"), delete("johndoe1"))

    desk.receive(update("johndoe2", at=3, removes=["johndoe1"]))

    assert desk.states() == {"johndoe1": REMOVED, "johndoe2": PENDING}
    assert desk.approval.round == 2


# -- order ----------------------------------------------------------------


def test_marks_are_kept_per_approver() -> None:
    desk = Desk(create("johndoe1", "johndoe2"), update("johndoe1", at=5))

    payload = desk.receive(delete("johndoe1", "johndoe2", at=3))

    assert desk.states() == {"johndoe1": PENDING, "johndoe2": REMOVED}
    assert payload.disposition is Disposition.PARTIAL
    assert payload.skipped == ("johndoe1",)


def test_what_is_wholly_older_is_superseded() -> None:
    desk = Desk(create("johndoe1", at=5))

    payload = desk.receive(update("johndoe1", at=1))

    assert payload.disposition is Disposition.SUPERSEDED
    assert desk.kinds()[-1] is EventKind.SUPERSEDED
    assert desk.approval.places[0].mark == (create(at=5).ticks, Operation.CREATE)


def test_equal_marks_apply_in_order_of_arrival() -> None:
    desk = Desk(create("johndoe1"), update("johndoe1", at=1))

    payload = desk.receive(update("johndoe2", at=1, removes=["johndoe1"]))

    assert desk.states() == {"johndoe1": REMOVED, "johndoe2": PENDING}
    assert payload.disposition is Disposition.APPLIED


def test_without_a_time_the_order_of_arrival_counts() -> None:
    desk = Desk(create("johndoe1", at=60 * 24))

    payload = desk.receive(delete("johndoe1", ticks=None))

    assert desk.states() == {"johndoe1": REMOVED}
    assert payload.disposition is Disposition.APPLIED
    assert desk.approval.places[0].mark.ticks == create(at=60 * 24).ticks


def test_our_clock_makes_no_later_create_old() -> None:
    desk = Desk(create("johndoe1", at=-10))
    desk.receive(delete("johndoe1", ticks=None))

    payload = desk.receive(create("johndoe1", at=-5))

    assert desk.states() == {"johndoe1": PENDING}
    assert payload.disposition is Disposition.APPLIED


def test_our_clock_makes_no_later_word_about_an_approver_old() -> None:
    desk = Desk(create("johndoe1", at=-10))
    desk.receive(update("johndoe2", ticks=None, content=Content(title="Desks")))

    payload = desk.receive(update(removes=["johndoe2"], at=-5, content=Content(title="Chairs")))

    assert desk.states() == {"johndoe1": PENDING, "johndoe2": REMOVED}
    assert desk.approval.content == Content(title="Chairs")
    assert payload.disposition is Disposition.APPLIED


def test_an_older_summary_changes_nothing() -> None:
    desk = Desk(create("johndoe1", at=5))
    revision = desk.approval.revision

    desk.receive(update("johndoe2", at=1, content=Content(title="Yachts")))

    assert desk.approval.content == Content(title="Laptops")
    assert desk.approval.revision == revision
    assert desk.states() == {"johndoe1": PENDING, "johndoe2": PENDING}


@pytest.mark.parametrize(("late", "state"), [(299, REMOVED), (301, ACCEPTED)])
def test_the_arx_a_decision_waits_for_may_be_a_little_older(late: int, state: PlaceState) -> None:
    desk = Desk(create("johndoe1", "johndoe2", at=10), limits=Limits(clock_allowance=300))
    desk.accept(0)

    desk.receive(update("johndoe2", at=10 - late * SECOND, removes=["johndoe1"]))

    assert desk.states()["johndoe1"] is state
    assert desk.approval.places[0].mark.ticks == create(at=10).ticks


def test_mails_of_an_arx_that_asks_again_though_it_is_older_are_the_newest() -> None:
    first = create("johndoe1", at=10, notification=ArxNotification(template="t", to=("a@x.org",)))
    desk = Desk(first, limits=Limits(clock_allowance=300))
    desk.accept(0)

    again = ArxNotification(template="again", to=("a@x.org",))
    desk.receive(update("johndoe1", at=8, action=done_by("johndoe1"), notification=again))

    (place,), newest = desk.approval.places, desk.approval.notifications[-1]
    assert place.state is PENDING
    assert (newest.template, newest.mark) == ("again", place.mark)
    assert reminded_by(desk.approval, place) == newest


def test_two_names_that_are_one_person_leave_the_reminder_that_either_was_to_get() -> None:
    daily = Reminder(template="Reminder", every=1)
    told = ArxNotification(template="t", to=("a@x.org",), reminder=daily)
    asked = update("maria.keller", at=1, notification=told)
    desk = Desk(asked, update("johndoe1", at=5, removes=("maria.keller",)), find=False)
    desk.find(1, MARIA)

    merged = desk.find(0, MARIA)

    assert merged is not None
    (asks,) = desk.approval.notifications
    assert asks.seats == (1,)
    assert [job.due for job in merged.jobs if job.kind is JobKind.REMIND] == [asks.at + DAY]


def test_without_a_decision_nothing_older_counts() -> None:
    desk = Desk(create("johndoe1", "johndoe2", at=10), limits=Limits(clock_allowance=300))

    desk.receive(update("johndoe2", at=10 - SECOND, removes=["johndoe1"]))

    assert desk.states()["johndoe1"] is PENDING


# -- content and details --------------------------------------------------


def test_the_first_details_are_no_change() -> None:
    desk = Desk(create("johndoe1"))
    revision = desk.approval.revision

    desk.receive(update("johndoe1", details={"DT1": "{}"}))

    assert desk.approval.revision == revision
    assert desk.details() == {"DT1": "{}"}


def test_details_that_differ_are_a_change() -> None:
    desk = Desk(create("johndoe1", details={"DT1": "{}"}))
    revision = desk.approval.revision

    desk.receive(update("johndoe1", details={"DT1": "[]"}))

    assert desk.approval.revision == revision + 1


def test_newer_details_take_the_place_of_all_older_ones() -> None:
    desk = Desk(create("johndoe1", details={"DT1": "{}", "LINE": "{}"}))

    desk.receive(update("johndoe1", details={"DT1": "[]"}))

    assert desk.details() == {"DT1": "[]"}


def test_an_update_that_says_so_leaves_the_details() -> None:
    desk = Desk(create("johndoe1", details={"DT1": "{}"}))

    desk.receive(update("johndoe1", details={"DT1": "[]"}, refresh_details=False))

    assert desk.details() == {"DT1": "{}"}


def test_the_same_words_again_are_no_change() -> None:
    desk = Desk(create("johndoe1", details={"DT1": "{}"}))
    revision = desk.approval.revision

    desk.receive(update("johndoe2", details={"DT1": "{}"}))

    assert desk.approval.revision == revision


def test_content_that_changes_gives_back_what_waits_to_be_sent_again() -> None:
    desk = Desk(create("johndoe1", "johndoe2"))
    decision = desk.decide(0, comment="Fine")
    desk.answer(0, decision, Answer(kind=AnswerKind.AGAIN))

    desk.receive(update("johndoe2", content=Content(title="Yachts")))

    place = desk.approval.places[0]
    assert place.state is PENDING
    assert place.refusal is not None
    assert place.refusal.comment == "Fine"


# -- what settles a decision ----------------------------------------------


def test_an_arx_about_others_leaves_the_hold() -> None:
    desk = Desk(create("johndoe1", "johndoe2"))
    desk.accept(0)

    desk.receive(update("johndoe3", removes=["johndoe2"]))

    assert desk.states() == {"johndoe1": ACCEPTED, "johndoe2": REMOVED, "johndoe3": PENDING}


def test_naming_who_was_accepted_asks_him_again() -> None:
    desk = Desk(create("johndoe1"))
    desk.accept(0)

    desk.receive(update("johndoe1"))

    assert desk.states() == {"johndoe1": PENDING}
    assert EventKind.SETTLED in desk.kinds()


def test_naming_whose_decision_is_on_its_way_leaves_it_there() -> None:
    desk = Desk(create("johndoe1"))
    desk.decide(0)

    desk.receive(update("johndoe1"))

    assert desk.states() == {"johndoe1": PlaceState.SUBMITTING}


def test_an_action_by_somebody_who_stays_settles_his_decision() -> None:
    desk = Desk(create("johndoe1", "johndoe2"))
    desk.accept(0)

    desk.receive(update("johndoe3", action=done_by("johndoe1")))

    assert desk.states() == {"johndoe1": PENDING, "johndoe2": PENDING, "johndoe3": PENDING}


def test_what_an_action_settles_does_not_outrun_an_entry_that_comes_late() -> None:
    desk = Desk(create("johndoe1", "johndoe2"))
    desk.accept(0)
    desk.receive(update("johndoe3", at=5, action=done_by("johndoe1")))

    desk.receive(update("johndoe2", at=3, removes=["johndoe1"]))

    assert desk.states()["johndoe1"] is REMOVED


# -- what was done --------------------------------------------------------


def test_an_action_detail_confirms_the_decision_it_matches() -> None:
    desk = Desk(create("johndoe1", "johndoe2"))
    decision = desk.accept(0, comment="Within budget")

    desk.receive(update("johndoe2", removes=["johndoe1"], action=done_by("JOHNDOE1", "approve")))

    [taken] = desk.approval.taken
    assert taken.decision == decision
    assert taken.said_at == START
    assert taken.comment == "Within budget"
    assert EventKind.CONFIRMED in desk.kinds()


def test_an_action_detail_before_the_tenants_answer_keeps_what_the_decision_says() -> None:
    desk = Desk(create("johndoe1", "johndoe2"))
    decision = desk.decide(0)
    place = desk.approval.places[0]
    assert place.decision is not None
    filled = {"reason_text": "Too expensive", "new_approver": JONAS, "placement": "After"}
    full = place.decision.model_copy(update=filled)
    seated = (place.model_copy(update={"decision": full}), *desk.approval.places[1:])
    desk.apply(
        desk.changes[-1].model_copy(
            update={"approval": desk.approval.model_copy(update={"places": seated})}
        )
    )

    desk.receive(update("johndoe2", action=done_by("johndoe1")))

    (taken,) = desk.approval.taken
    assert taken.decision == decision
    assert (taken.reason, taken.new_approver, taken.placement) == (
        "Too expensive",
        JONAS.name,
        "After",
    )


def test_an_action_detail_is_known_once_to_the_second() -> None:
    desk = Desk(create("johndoe1", "johndoe2"))
    date = START + timedelta(microseconds=400)
    desk.receive(update("johndoe2", removes=["johndoe1"], action=done_by("johndoe1", at=date)))

    desk.receive(delete("johndoe2", at=4, action=done_by("johndoe1@organization.com")))

    assert len(desk.approval.taken) == 1


def test_another_action_of_the_same_second_is_another_event() -> None:
    desk = Desk(create("johndoe1", "johndoe2"))
    desk.receive(update("johndoe2", removes=["johndoe1"], action=done_by("johndoe1")))

    desk.receive(update("johndoe2", at=4, action=done_by("johndoe1", "Reassign")))
    desk.receive(update("johndoe2", at=5, action=done_by("johndoe2")))
    later = START + timedelta(seconds=1)
    desk.receive(update("johndoe2", at=6, action=done_by("johndoe1", at=later)))

    assert len(desk.approval.taken) == 4


def test_an_action_of_somebody_never_asked_is_history() -> None:
    desk = Desk(create("johndoe1"))

    desk.receive(update("johndoe1", action=done_by("admin", "Reassign", comment="Holiday")))

    [taken] = desk.approval.taken
    assert (taken.by, taken.action, taken.comment, taken.seat) == (
        "admin",
        "Reassign",
        "Holiday",
        None,
    )
    assert "admin" not in desk.states()


def test_a_failure_after_acceptance_stands_on_the_place_that_is_pending_again() -> None:
    desk = Desk(create("johndoe1", "johndoe2"))
    desk.accept(0, comment="Fine")

    desk.receive(
        update("johndoe2", removes=["ghost"], action=done_by("johndoe1", failure="No budget left"))
    )

    place = desk.approval.places[0]
    assert place.state is PENDING
    assert place.refusal is not None
    assert (place.refusal.message, place.refusal.comment) == ("No budget left", "Fine")
    assert [taken.failed for taken in desk.approval.taken] == ["No budget left"]


def test_a_failure_of_what_was_confirmed_before_is_news() -> None:
    desk = Desk(create("johndoe1", "johndoe2"))
    desk.accept(0)
    desk.receive(update("johndoe3", action=done_by("johndoe1")))

    failed = done_by("johndoe1", failure="No budget left")
    desk.receive(update("johndoe3", at=4, action=failed))
    attempt = desk.approval.places[0].attempt
    desk.receive(update("johndoe3", at=5, action=failed))

    place = desk.approval.places[0]
    assert place.refusal is not None
    assert place.refusal.message == "No budget left"
    assert place.attempt == attempt
    assert [taken.failed for taken in desk.approval.taken] == ["No budget left"]


def test_a_failure_of_somebody_the_same_arx_removes_asks_nobody() -> None:
    desk = Desk(create("johndoe1", "johndoe2"))
    desk.accept(0)

    failed = done_by("johndoe1", failure="No budget left")
    desk.receive(update("johndoe2", removes=["johndoe1"], action=failed))

    assert desk.states()["johndoe1"] is REMOVED


# -- who is meant ---------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["johndoe1", " JohnDoe1 ", "johndoe1@organization.com", MARIA.object_id.upper()]
)
@pytest.mark.parametrize("asked_as", ["johndoe1", MARIA.object_id])
def test_delete_for_and_action_by_find_a_person_by_every_name(name: str, asked_as: str) -> None:
    desk = Desk(create(asked_as, "johndoe2"))
    desk.accept(0)

    desk.receive(update("johndoe2", removes=[name], action=done_by(name)))

    assert len(desk.approval.places) == 2
    assert desk.approval.places[0].state is REMOVED
    [taken] = desk.approval.taken
    assert taken.said_at is not None


def test_a_mail_nickname_is_not_taken_for_the_front_of_somebodys_upn() -> None:
    people = People(
        directory=DIRECTORY,
        mail_domains=("organization.com",),
        alias_is=AliasIs.MAIL_NICKNAME,
    )
    desk = Desk(create("mk", "johndoe2"), find=False, people=people)
    desk.find(0, MARIA)

    desk.receive(delete("johndoe1"))

    assert desk.states()["mk"] is PENDING


def test_an_alias_of_another_domain_is_somebody_else() -> None:
    desk = Desk(create("johndoe1"))

    desk.receive(delete("johndoe1@elsewhere.com"))

    assert desk.states()["johndoe1"] is PENDING


# -- who is found ---------------------------------------------------------


def test_a_person_once_found_stays() -> None:
    desk = Desk(create("johndoe1"))

    assert desk.find(0, JONAS) is None
    assert desk.approval.places[0].person == MARIA


def test_who_is_not_found_is_an_operators_item_with_the_reason() -> None:
    desk = Desk(create("johndoe1", "ghost"), find=False)

    desk.find(1, NotFound.SEVERAL)

    assert desk.approval.places[1].unbound == "several people"
    assert upkeep.jobs_needed(desk.approval, now=START)[0].job.seat == 0


def test_who_was_not_found_is_looked_for_again_when_named_again() -> None:
    desk = Desk(create("johndoe1", "ghost"))

    desk.receive(update("ghost"))

    assert desk.approval.places[1].unbound == ""
    assert len(desk.jobs(JobKind.RESOLVE)) == 1


def test_who_was_not_found_and_is_removed_waits_on_nobody() -> None:
    desk = Desk(create("johndoe1", "ghost"))

    desk.receive(delete("ghost"))

    assert upkeep.jobs_needed(desk.approval, now=START) == []


def test_two_names_of_one_person_become_one_place() -> None:
    desk = Desk(create("johndoe1", MARIA.object_id))

    [place] = [place for place in desk.approval.places if place.names]
    assert place.person == MARIA
    assert place.names == ("johndoe1", MARIA.object_id)
    assert place.state is PENDING
    desk.receive(delete(MARIA.object_id))
    assert not desk.approval.open


def test_removing_somebody_by_his_other_name_closes_the_request_once_he_is_found() -> None:
    desk = Desk(create("johndoe1", details={"DT1": "{}"}), find=False)
    desk.find(0, MARIA.model_copy(update={"upn": ""}))
    desk.receive(delete("mkeller"))
    assert desk.approval.open

    desk.find(1, MARIA)

    assert not desk.approval.open
    assert desk.approval.closed_at == desk.now
    assert len(desk.jobs(JobKind.CLEAN_UP)) == 1


def test_an_older_word_about_his_other_name_changes_nothing() -> None:
    desk = Desk(create("johndoe1", at=5), find=False)
    desk.find(0, MARIA)
    desk.receive(delete("mkeller", at=1))

    desk.find(1, MARIA)

    assert desk.approval.places[0].state is PENDING
    assert desk.approval.places[0].names == ("johndoe1", "mkeller")


def test_one_arx_that_removes_one_name_and_asks_the_other_asks_the_person() -> None:
    desk = Desk(create("johndoe1"))
    both = an_arx(
        Operation.UPDATE,
        at=2,
        approvers=(ArxApprover(alias="johndoe1", original_approvers=("johndoe7",)),),
        delete_for=("mkeller",),
    )
    desk.receive(both)

    desk.find(1, MARIA)

    assert desk.approval.places[0].state is PENDING


def test_a_name_found_late_does_not_ask_again_who_decided_since() -> None:
    desk = Desk(create("johndoe1", "mkeller"), find=False)
    desk.find(0, MARIA)
    decision = desk.accept(0)

    desk.find(1, MARIA)

    place = desk.approval.places[0]
    assert place.state is ACCEPTED
    assert place.decision is not None
    assert place.decision.id == decision


def test_his_other_name_in_a_newer_arx_asks_who_was_accepted_again() -> None:
    desk = Desk(create("johndoe1"))
    desk.accept(0)
    approver = ArxApprover(alias="mkeller", name="M. Keller", original_approvers=("johndoe7",))
    desk.receive(an_arx(Operation.UPDATE, at=2, approvers=(approver,)))

    desk.find(1, MARIA)

    place = desk.approval.places[0]
    assert place.state is PENDING
    assert (place.alias, place.name) == ("mkeller", "M. Keller")
    assert place.original_approvers == ("johndoe7",)
