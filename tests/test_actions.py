"""What an action asks for is asked on the server, whatever the card sent; what was chosen is kept."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals_core.errors import (
    ActionIncomplete,
    DirectoryUnavailable,
    NotLookedUp,
    StaleCard,
    UnknownApproval,
)
from approvals_core.models import (
    Approval,
    Content,
    Decision,
    Entries,
    EventKind,
    Named,
    Person,
    PlaceState,
)
from approvals_core.ports import Answer, AnswerKind, NotFound, Store
from approvals_core.rules import deciding
from approvals_core.rules.deciding import Click
from approvals_core.rules.filling import fill
from approvals_core.rules.new_approver import Candidate
from approvals_core.tenant import Action, AliasIs, Choice, Comment, Input, InputKind, People, Tenant
from approvals_core.tenant.conditions import Condition
from tests import card_makers
from tests.card_forms import ADD_APPROVER, CONFIRMED, REASONED, WITH_INPUTS
from tests.card_makers import a_content, a_place
from tests.makers import DIRECTORY, JONAS, MARIA, PRIYA, Core, a_person, a_stamp, a_tenant, create

TOM, ANA = a_person(4, "Tom Okafor"), a_person(5, "Ana Ruiz")
NEVER = Condition("false", lambda _content: False)
INPUTS = {
    "Reference": "LIS-1",
    "Note": "",
    "ValueDate": "2026-12-24",
    "Account": "PT01",
    "Urgent": "true",
}


def an_approval(**fields: Any) -> Approval:
    places = (a_place(person=MARIA), a_place(1, person=JONAS))
    return card_makers.an_approval(*places, **fields)


def a_click(action: Action, entries: Entries | None = None, **fields: Any) -> Click:
    shown: dict[str, Any] = {"seat": 0, "round": 1, "revision": 3, "attempt": 1}
    given: dict[str, Any] = {"action": action.code, "entries": entries or Entries()}
    return Click(channel="teams", **shown | given | fields)


def decide(
    action: Action,
    entries: Entries | None = None,
    *,
    candidate: Candidate | None = None,
    tenant: Tenant | None = None,
    approval: Approval | None = None,
    **click: Any,
) -> Decision:
    """Let Maria click, and return her decision."""
    change = deciding.decide(
        approval or an_approval(),
        a_click(action, entries, **click),
        by=MARIA,
        tenant=tenant or a_tenant(actions=(action,)),
        decision="d1",
        stamp=a_stamp(),
        candidate=candidate,
    )
    assert change.approval is not None
    made = change.approval.places[0].decision
    assert made is not None
    return made


def refusal(action: Action, entries: Entries | None = None, **more: Any) -> str:
    with pytest.raises(ActionIncomplete) as refused:
        decide(action, entries, **more)
    return str(refused.value)


# -- justification, confirmation, placement ---------------------------------------


def test_a_reason_that_is_needed_must_be_chosen() -> None:
    assert refusal(REASONED) == "“Reject” needs a reason. Please choose one."


def test_the_reason_chosen_is_kept_with_its_words() -> None:
    made = decide(REASONED, Entries(justification="PRICE"))

    assert (made.reason_code, made.reason_text) == ("PRICE", "Too expensive")


@pytest.mark.parametrize("forged", ["NONSENSE", "price", "PRICE ", "Too expensive", "PRICE,SCOPE"])
def test_a_reason_that_is_not_offered_is_refused(forged: str) -> None:
    assert "not offered" in refusal(REASONED, Entries(justification=forged))


def test_a_reason_whose_condition_does_not_hold_is_refused() -> None:
    hidden = Choice(code="HIDDEN", text="Hidden", condition=NEVER)
    action = REASONED.model_copy(update={"justifications": (*REASONED.justifications, hidden)})

    assert "not offered" in refusal(action, Entries(justification="HIDDEN"))


def test_a_reason_that_is_optional_may_be_left_out() -> None:
    optional = REASONED.model_copy(update={"justification": Comment.OPTIONAL})

    assert decide(optional).reason_code == ""
    assert decide(optional, Entries(justification="SCOPE")).reason_code == "SCOPE"


def test_an_action_must_be_confirmed_where_the_tenant_wants_it() -> None:
    said = refusal(CONFIRMED, Entries(confirmed=False))

    assert said == "“Write off” must be confirmed. Please tick the box."
    assert decide(CONFIRMED, Entries(confirmed=True)).action == "WriteOff"


def test_what_the_action_does_not_ask_for_is_not_kept() -> None:
    everything = Entries(
        justification="PRICE",
        placement="After",
        new_approver=TOM.object_id,
        inputs={"Reference": "x"},
        confirmed=True,
    )

    made = decide(card_makers.APPROVE, everything)

    assert made.entries == Entries()
    assert made.inputs == {}


# -- additional inputs ------------------------------------------------------------


def test_inputs_are_kept_as_they_go_out() -> None:
    made = decide(WITH_INPUTS, Entries(inputs=INPUTS))

    assert made.inputs == {name: value for name, value in INPUTS.items() if value}


def test_a_box_that_is_not_ticked_says_so() -> None:
    inputs = {name: value for name, value in INPUTS.items() if name != "Urgent"}

    assert decide(WITH_INPUTS, Entries(inputs=inputs)).inputs["Urgent"] == "false"


@pytest.mark.parametrize(
    ("code", "value", "said"),
    [
        ("Reference", "", "“Payment reference” is needed."),
        ("Reference", "   ", "“Payment reference” is needed."),
        ("Reference", "x" * 36, "“Payment reference” is too long: at most 35 characters."),
        ("Note", "x" * 2001, "“Note to the bank” is too long: at most 2000 characters."),
        ("ValueDate", "", "“Value date” is needed."),
        ("ValueDate", "24.12.2026", "“Value date” must be a date."),
        ("ValueDate", "2026-02-30", "“Value date” must be a date."),
        ("ValueDate", "20261224", "“Value date” must be a date."),
        ("ValueDate", "2026-12-24T00:00", "“Value date” must be a date."),
        ("ValueDate", "٢٠٢٦-12-24", "“Value date” must be a date."),
        ("Account", "", "“From account” is needed."),
        ("Account", "XX99", "What you chose is not offered any more. Please choose again."),
    ],
)
def test_an_input_that_cannot_be_meant_is_refused(code: str, value: str, said: str) -> None:
    assert refusal(WITH_INPUTS, Entries(inputs=INPUTS | {code: value})) == said


def test_a_required_box_must_be_ticked() -> None:
    box = Input(code="Read", label="I read it", kind=InputKind.CHECKBOX, required=True)
    action = WITH_INPUTS.model_copy(update={"inputs": (box,)})

    assert refusal(action, Entries(inputs={"Read": "no"})) == "“I read it” must be ticked."
    assert decide(action, Entries(inputs={"Read": "true"})).inputs == {"Read": "true"}


def test_all_that_is_missing_is_told_at_once() -> None:
    inputs = tuple(each.model_copy(update={"required": True}) for each in WITH_INPUTS.inputs)
    asking = {"comment": Comment.REQUIRED, "confirmation": "Really?", "inputs": inputs}

    said = refusal(WITH_INPUTS.model_copy(update=asking), comment=" ")

    assert "needs a comment" in said
    assert "must be confirmed" in said
    for asked in inputs:
        assert f"“{asked.label}”" in said


@given(
    st.builds(
        Entries,
        justification=st.text(),
        placement=st.text(),
        new_approver=st.text(),
        inputs=st.dictionaries(st.sampled_from([*INPUTS, "Other"]), st.text()),
        confirmed=st.booleans(),
    )
)
def test_whatever_comes_in_only_what_is_asked_for_gets_through(entries: Entries) -> None:
    for action in (WITH_INPUTS, REASONED, ADD_APPROVER, CONFIRMED):
        try:
            filled = fill(action, "", entries, a_content())
        except ActionIncomplete:
            continue
        assert set(filled.inputs) <= {asked.code for asked in action.inputs}
        assert filled.justification in (None, *action.justifications)
        assert filled.placement in (None, *action.placements)


# -- the new approver ---------------------------------------------------------------


def adding(found: Person | NotFound, *, submitter: Person | None = None) -> dict[str, Any]:
    return {"candidate": Candidate(found=found, submitter=submitter)}


CHOSEN = Entries(new_approver=TOM.object_id, placement="After")


def test_a_new_approver_is_kept_with_where_he_comes_in() -> None:
    made = decide(ADD_APPROVER, CHOSEN, **adding(TOM))

    assert (made.new_approver, made.placement, made.approver_type) == (TOM, "After", "Interim")


def test_a_new_approver_must_be_chosen() -> None:
    said = refusal(ADD_APPROVER, Entries(placement="After"), **adding(TOM))

    assert said == "“Add approver” needs a new approver. Please choose one."


def test_nobody_is_added_whom_nobody_looked_up() -> None:
    assert "could not be found" in refusal(ADD_APPROVER, CHOSEN)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (NotFound.UNKNOWN, "could not be found"),
        (NotFound.SEVERAL, "could not be found"),
        (NotFound.DISABLED, "is disabled"),
        (NotFound.GUEST, "Guests cannot approve"),
        (MARIA, "You are asked already"),
        (JONAS, "Jonas Berg is asked already"),
        (ANA, "Ana Ruiz made this request"),
    ],
)
def test_somebody_who_cannot_be_it_is_refused(found: Person | NotFound, said: str) -> None:
    content = a_content(submitter=Named(alias="JohnDoe5@organization.com"))

    assert said in refusal(
        ADD_APPROVER, CHOSEN, approval=an_approval(content=content), **adding(found)
    )


def test_the_submitter_is_known_by_what_the_directory_says_too() -> None:
    content = a_content(submitter=Named(alias="an.other.name"))
    known = adding(ANA, submitter=ANA)

    assert "made this request" in refusal(
        ADD_APPROVER, CHOSEN, approval=an_approval(content=content), **known
    )


def test_the_submitter_is_known_by_his_nickname() -> None:
    people = People(directory=DIRECTORY, alias_is=AliasIs.MAIL_NICKNAME)
    nicky = TOM.model_copy(update={"nickname": "O'Neil"})
    content = a_content(submitter=Named(alias="o'neil"))

    assert "made this request" in refusal(
        ADD_APPROVER,
        CHOSEN,
        tenant=a_tenant(actions=(ADD_APPROVER,), people=people),
        approval=an_approval(content=content),
        **adding(nicky),
    )


@pytest.mark.parametrize(
    "alias", ["Tom.Okafor@Organization.com", "tom.okafor", "t.o@elsewhere.example", "TOkafor"]
)
def test_the_submitter_is_known_by_his_other_names(alias: str) -> None:
    people = People(directory=DIRECTORY, mail_domains=("organization.com",))
    names = ("tom.okafor@organization.com", "tokafor", "T.O@elsewhere.example")
    named = TOM.model_copy(update={"also": names})
    content = a_content(submitter=Named(alias=alias))

    assert "made this request" in refusal(
        ADD_APPROVER,
        CHOSEN,
        tenant=a_tenant(actions=(ADD_APPROVER,), people=people),
        approval=an_approval(content=content),
        **adding(named, submitter=None),
    )


def test_other_names_are_not_kept_with_the_decision() -> None:
    named = TOM.model_copy(update={"also": ("tom.okafor@organization.com",)})

    assert decide(ADD_APPROVER, CHOSEN, **adding(named)).new_approver == TOM


def test_whoever_is_no_longer_asked_may_be_added_again() -> None:
    gone = a_place(1, person=JONAS, state=PlaceState.REMOVED)
    approval = card_makers.an_approval(a_place(person=MARIA), gone)

    assert decide(ADD_APPROVER, CHOSEN, approval=approval, **adding(JONAS)).new_approver == JONAS


def test_a_placement_must_be_one_of_the_tenants() -> None:
    nowhere = CHOSEN.model_copy(update={"placement": ""})
    forged = CHOSEN.model_copy(update={"placement": "Instead"})

    assert refusal(ADD_APPROVER, nowhere, **adding(TOM)).startswith("Please choose where")
    assert "not offered" in refusal(ADD_APPROVER, forged, **adding(TOM))


# -- the whole way, with the directory ------------------------------------------------


async def a_core(store: Store, *actions: Action) -> Core:
    core = Core(store, tenant=a_tenant(actions=actions))
    core.directory.people[TOM.object_id] = TOM
    core.directory.people["johndoe5"] = ANA
    core.directory.people[ANA.object_id] = ANA
    content = Content(title="Laptops", submitter=Named(alias="johndoe5"))
    await core.open(create("johndoe1", "johndoe2", content=content))
    core.directory.asked.clear()
    return core


async def clicked(core: Core, action: Action, entries: Entries, **fields: Any) -> Click:
    click = await core.shown(MARIA, action.code)
    return click.model_copy(update={"entries": entries, **fields})


async def test_a_new_approver_is_looked_up_before_it_is_decided(store: Store) -> None:
    core = await a_core(store, ADD_APPROVER)

    await core.act(MARIA, await clicked(core, ADD_APPROVER, CHOSEN))

    assert core.directory.asked == [TOM.object_id, "johndoe5"]
    assert core.api.posted[0].decision.new_approver == TOM
    assert (await core.approval()).taken[-1].new_approver == "Tom Okafor"


async def test_the_history_keeps_what_was_chosen(store: Store) -> None:
    core = await a_core(store, ADD_APPROVER, REASONED, WITH_INPUTS)
    given = Entries(justification="PRICE")

    await core.act(MARIA, await clicked(core, REASONED, given, comment="No"))

    event = next(e for e in await core.history() if e.kind is EventKind.DECIDED)
    assert event.facts["reason"] == "PRICE"
    assert event.personal["reason"] == "Too expensive"
    assert event.personal["comment"] == "No"


@pytest.mark.parametrize(
    "chosen", ["johndoe4", "tom@organization.com", "", "0", TOM.object_id + "'", "x" * 9000]
)
async def test_somebody_is_chosen_by_object_id_and_nothing_else(store: Store, chosen: str) -> None:
    core = await a_core(store, ADD_APPROVER)
    core.directory.people[chosen] = TOM
    click = await clicked(core, ADD_APPROVER, Entries(new_approver=chosen, placement="After"))

    with pytest.raises(ActionIncomplete):
        await core.act(MARIA, click)

    assert core.directory.asked == []
    assert core.api.posted == []


async def test_the_submitter_cannot_be_made_an_approver(store: Store) -> None:
    core = await a_core(store, ADD_APPROVER)
    forged = Entries(new_approver=ANA.object_id, placement="After")

    with pytest.raises(ActionIncomplete, match="made this request"):
        await core.act(MARIA, await clicked(core, ADD_APPROVER, forged))

    assert await core.state(MARIA) is PlaceState.PENDING


async def test_nobody_is_looked_up_for_a_click_that_does_not_count(store: Store) -> None:
    core = await a_core(store, ADD_APPROVER)
    click = await clicked(core, ADD_APPROVER, CHOSEN)
    stale = click.model_copy(update={"revision": click.revision - 1})

    with pytest.raises(StaleCard):
        await core.act(MARIA, stale)
    with pytest.raises(UnknownApproval):
        await core.act(PRIYA, click)

    assert core.directory.asked == []


async def test_a_directory_that_does_not_answer_decides_nothing(store: Store) -> None:
    core = await a_core(store, ADD_APPROVER)
    core.directory.fails.append(DirectoryUnavailable("HTTP 503", retry_after=15.0))

    with pytest.raises(NotLookedUp, match="nothing was decided"):
        await core.act(MARIA, await clicked(core, ADD_APPROVER, CHOSEN))

    assert await core.state(MARIA) is PlaceState.PENDING
    assert core.api.posted == []


async def slow(core: Core, entries: Entries) -> None:
    """Let Maria click while the directory takes its time, until she has her answer."""
    core.directory.waits_for = asyncio.Event()
    core.directory.crowd = asyncio.Semaphore(0)
    approval, click = await core.approval(), await clicked(core, ADD_APPROVER, entries)
    acting = core.approvals.act(approval.id, click, by=MARIA, elapsed=0.0)
    outcome = await core.patience.until(core.directory.crowd.acquire(), acting)
    assert outcome.recording
    core.directory.waits_for.set()
    await core.approvals.drain(seconds=30)


async def test_a_slow_directory_delays_a_decision_and_loses_nothing(store: Store) -> None:
    core = await a_core(store, ADD_APPROVER)

    await slow(core, CHOSEN)

    assert core.api.posted[0].decision.new_approver == TOM
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_what_a_slow_directory_forbids_stands_on_the_card_with_all_that_was_filled_in(
    store: Store,
) -> None:
    core = await a_core(store, ADD_APPROVER)
    forged = Entries(new_approver=ANA.object_id, placement="After")

    await slow(core, forged)

    place = await core.place(MARIA)
    assert place.state is PlaceState.PENDING
    assert place.refusal is not None
    assert "made this request" in place.refusal.message
    assert place.refusal.entries == forged
    assert core.api.posted == []


async def test_what_the_tenant_refuses_comes_back_with_all_that_was_filled_in(
    store: Store,
) -> None:
    core = await a_core(store, ADD_APPROVER)
    core.api.answers.append(Answer(kind=AnswerKind.REFUSED, message="Not him."))

    await core.act(MARIA, await clicked(core, ADD_APPROVER, CHOSEN, comment="He knows."))

    refused = (await core.place(MARIA)).refusal
    assert refused is not None
    assert (refused.action, refused.comment, refused.entries) == (
        "AddApprover",
        "He knows.",
        CHOSEN,
    )


async def test_a_confirmation_is_not_given_twice_by_one_tick(store: Store) -> None:
    core = await a_core(store, CONFIRMED)
    core.api.answers.append(Answer(kind=AnswerKind.REFUSED, message="Not now."))

    await core.act(MARIA, await clicked(core, CONFIRMED, Entries(confirmed=True)))

    refused = (await core.place(MARIA)).refusal
    assert refused is not None
    assert not refused.entries.confirmed
