"""A click in a mail or on the page: the same person's card in Teams changes at once."""

import pytest

from approvals_core.errors import StaleCard
from approvals_core.models import PlaceState
from approvals_core.ports import Answer, AnswerKind, Store
from approvals_core.rules.deciding import Click
from tests.makers import JONAS, MARIA, Core, create

ELSEWHERE = ["outlook", "page"]


async def clicked(core: Core, channel: str, *, held: bool = False) -> None:
    """Let Maria approve in *channel*; *held*: the tenant does not answer."""
    click = (await core.shown(MARIA)).model_copy(update={"channel": channel})
    core.api.holding = held
    await core.press((MARIA, click))
    core.api.holding = False


def face_of_maria(core: Core) -> str:
    (screen,) = core.channel.of(MARIA)
    return str(screen.face)


@pytest.fixture
async def core(store: Store) -> Core:
    made = Core(store)
    await made.open(create("johndoe1", "johndoe2"))
    return made


@pytest.mark.parametrize("channel", ELSEWHERE)
async def test_his_own_card_in_teams_says_at_once_that_he_decided(core: Core, channel: str) -> None:
    before = face_of_maria(core)

    await clicked(core, channel, held=True)
    await core.work()

    assert await core.state(MARIA) is PlaceState.SUBMITTING
    assert face_of_maria(core) != before


@pytest.mark.parametrize("channel", ELSEWHERE)
async def test_his_own_card_in_teams_says_at_once_what_the_tenant_answered(
    core: Core, channel: str
) -> None:
    await clicked(core, channel, held=True)
    await core.work()
    sending = face_of_maria(core)

    await core.tell(Answer(kind=AnswerKind.ACCEPTED))
    await core.work()

    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert face_of_maria(core) != sending
    assert (await core.place(MARIA)).quiet_until is None


async def test_the_card_that_he_clicked_in_teams_is_left_to_our_answer(core: Core) -> None:
    before = face_of_maria(core)

    await clicked(core, "teams")
    await core.work()

    assert face_of_maria(core) == before
    await core.pass_time(5.0)
    assert face_of_maria(core) != before


@pytest.mark.parametrize(("channel", "read"), [("teams", True), ("outlook", False)])
async def test_only_the_card_that_was_clicked_waits_until_its_refusal_is_read(
    core: Core, channel: str, *, read: bool
) -> None:
    stale: Click = (await core.shown(JONAS)).model_copy(update={"revision": 99, "channel": channel})

    with pytest.raises(StaleCard):
        await core.act(JONAS, stale)
    await core.approvals.drain(seconds=30)

    assert ((await core.place(JONAS)).quiet_until is not None) is read
