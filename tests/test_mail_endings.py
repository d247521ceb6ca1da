"""What mails and cards say of how a request ended: only a decision that ended it is told as its end."""

from typing import Any

import pytest

from approvals_core.models import Approval, Content, Level, Named, Place, PlaceState
from approvals_core.ports import Store
from approvals_core.rules.standing import ended_by
from approvals_core.tenant import Concurrency
from cards.approval.standing import standing
from cards.mail import Composed, compose
from cards.viewer import viewer_of
from tests.card_makers import ASKED_AT, VIEWER, a_place, a_view, an_approval, later, taken
from tests.card_makers import a_tenant as a_tenant_shown
from tests.makers import JONAS, MARIA, Core, a_tenant, create, delete, done_by, update
from tests.test_mails import A_MOMENT, opened, told

BOSS = "boss@organization.com"


async def last_mail(core: Core) -> Composed:
    await core.pass_time(A_MOMENT)
    sent = core.mails.sent[-1]
    assert sent.letter.address == BOSS
    viewer = viewer_of(None)
    return compose(
        sent.letter, sent.notification, sent.view, viewer, page_url="https://x.example", card=None
    )


async def approved_and_moved_on(core: Core) -> None:
    await opened(core, create("johndoe1"))
    await core.click(MARIA, "Approve")
    moved = update("johndoe2", at=2, removes=("johndoe1",), action=done_by("johndoe1"))
    await core.receive(moved)
    await core.pass_time(A_MOMENT)


async def test_what_was_taken_back_after_its_first_step_is_not_called_approved(
    store: Store,
) -> None:
    core = Core(store)
    await approved_and_moved_on(core)
    await core.receive(delete("johndoe2", at=3, notification=told(BOSS)))

    mail = await last_mail(core)

    assert mail.subject.startswith("Completed: ")
    assert "Contoso Purchasing closed this request." in mail.text
    assert "Contoso Purchasing closed this request." in mail.html
    assert "State: Closed" in mail.text
    assert mail.text.split("\n\n")[0].endswith(": Closed.")


async def test_who_had_not_decided_is_not_told_of_an_approval_before_he_was_asked(
    store: Store,
) -> None:
    core = Core(store)
    await approved_and_moved_on(core)
    await core.receive(delete("johndoe2", at=3))
    approval = await core.approval()
    jonas, maria = (approval.place_of(each.id) for each in (JONAS, MARIA))
    assert jonas is not None
    assert maria is not None

    said = [_badge(approval, each) for each in (jonas, maria)]

    assert said == ["Closed", "Approved by you"]


def _badge(approval: Approval, place: Place) -> str:
    view = a_view(approval, seat=place.seat, details={}, tenant=a_tenant())
    return standing(view, VIEWER).badge


@pytest.mark.parametrize("carried", [True, False], ids=["carried", "clicked"])
async def test_the_decision_of_the_last_one_asked_is_the_end(
    store: Store,
    carried: bool,  # noqa: FBT001 - a case
) -> None:
    core = Core(store)
    await approved_and_moved_on(core)
    if not carried:
        await core.click(JONAS, "Reject", comment="Too much")
        await core.pass_time(A_MOMENT)
    action = done_by("johndoe2", "Reject") if carried else None
    await core.receive(delete("johndoe2", at=3, action=action, notification=told(BOSS)))

    mail = await last_mail(core)

    assert mail.subject.startswith("Rejected: ")
    assert "State: Rejected" in mail.text


PLAN = Content(
    title="Laptops",
    hierarchy=(
        Level(kind="Line manager", approvers=(Named(alias="johndoe1", name="Maria Keller"),)),
        Level(kind="CFO", approvers=(Named(alias="JohnDoe5", name="Lena Voss"),)),
    ),
)


@pytest.mark.parametrize("known", ["in no place", "taken out before", "asked and not found yet"])
async def test_who_decided_a_later_step_is_called_by_the_name_of_the_plan(
    store: Store, known: str
) -> None:
    core = Core(store)
    await opened(core, create("johndoe1", content=PLAN))
    if known == "taken out before":
        await core.receive(delete("johndoe5", at=1))
    if known == "asked and not found yet":
        await core.receive(update("johndoe5", at=1, removes=("johndoe1",), content=PLAN))

    leaves = ("johndoe1", "johndoe5")
    end = delete(*leaves, at=3, action=done_by("johndoe5"), notification=told(BOSS))
    await core.receive(end)

    mail = await last_mail(core)
    assert "Approved by Lena Voss" in mail.text
    assert "CFO — Lena Voss: Approved" in mail.text
    assert "johndoe5" not in mail.text.casefold()
    assert "johndoe5" not in mail.html.casefold()


async def test_who_has_no_name_anywhere_is_called_by_his_alias(store: Store) -> None:
    core = Core(store)
    await opened(core, create("johndoe1"))
    end = delete("johndoe1", at=3, action=done_by("johndoe5"), notification=told(BOSS))
    await core.receive(end)

    assert "Approved by johndoe5" in (await last_mail(core)).text


async def test_a_decision_that_the_last_payload_confirms_is_the_end(store: Store) -> None:
    core = Core(store)
    await opened(core, create("johndoe1"))
    await core.click(MARIA, "Approve")
    await core.pass_time(A_MOMENT)
    await core.receive(update("johndoe1", at=2))  # the tenant asks her once more
    await core.pass_time(A_MOMENT)
    asked_again = await core.approval()
    end = delete("johndoe1", at=3, action=done_by("johndoe1"), notification=told(BOSS))
    await core.receive(end)

    mail = await last_mail(core)

    assert asked_again.places[0].state is PlaceState.PENDING
    assert mail.subject.startswith("Approved: ")


def gone(seat: int, **fields: Any) -> Place:
    return a_place(seat, state=PlaceState.REMOVED, **fields)


@pytest.mark.parametrize(
    ("deciders", "is_end"), [((0,), False), ((1,), False), ((0, 1), True), ((1, 0), True)]
)
def test_where_each_decides_for_himself_all_must_have_decided(
    deciders: tuple[int, ...],
    is_end: bool,  # noqa: FBT001 - a case
) -> None:
    done = tuple(taken(seat) for seat in deciders)
    over = an_approval(gone(0), gone(1), taken=done)

    assert (ended_by(over, a_tenant_shown(concurrency=Concurrency.ALL)) is done[-1]) is is_end
    assert ended_by(over, a_tenant_shown()) is done[-1]


@pytest.mark.parametrize(
    ("heard", "asked", "is_end"),
    [
        (later(2), later(1), True),
        (later(1), later(1), False),  # one payload told of it and asked the next one
        (later(1), later(2), False),
        (None, ASKED_AT, True),  # of an older record
        (None, later(1), False),
    ],
)
def test_it_counts_when_we_heard_of_it_and_not_what_the_tenants_clock_says(
    heard: Any,
    asked: Any,
    is_end: bool,  # noqa: FBT001 - a case
) -> None:
    over = an_approval(gone(0), gone(1, asked_at=asked), taken=(taken(heard_at=heard),))

    assert (ended_by(over, a_tenant_shown()) is not None) is is_end


def test_what_the_last_payload_told_of_is_the_end_whoever_is_left() -> None:
    last = taken(heard_at=later(9))
    over = an_approval(gone(0), gone(1), taken=(last,), closed_at=later(9))

    assert ended_by(over, a_tenant_shown(concurrency=Concurrency.ALL)) is last


def test_an_open_request_has_no_end() -> None:
    assert ended_by(an_approval(taken=(taken(),)), a_tenant_shown()) is None
