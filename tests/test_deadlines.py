"""By when a click is answered: what we promise, and what is kept of it for the answer itself."""

import asyncio

import pytest

from approvals_core.deadlines import PROMISED, Deadlines

TEAMS_AND_OUTLOOK_WAIT = 2.0  # seconds that people are promised


@pytest.mark.parametrize(
    ("elapsed", "left"), [(0.0, 1.0), (0.6, 1.0), (1.0, 0.6), (1.6, 0.0), (9.0, 0.0)]
)
def test_a_click_waits_for_a_second_and_never_past_its_time(elapsed: float, left: float) -> None:
    assert PROMISED.patience(elapsed) == pytest.approx(left)


def test_everything_promised_is_within_two_seconds() -> None:
    assert PROMISED.click < TEAMS_AND_OUTLOOK_WAIT
    assert PROMISED.teams < TEAMS_AND_OUTLOOK_WAIT
    assert PROMISED.outlook < TEAMS_AND_OUTLOOK_WAIT


async def test_who_has_waited_long_enough_is_answered_before_it_is_done() -> None:
    never = asyncio.create_task(asyncio.Event().wait())

    await PROMISED.wait(never, PROMISED.click)

    assert not never.done()
    never.cancel()


async def test_who_may_wait_is_answered_with_what_came_of_it() -> None:
    doing = asyncio.create_task(asyncio.sleep(0.01, "done"))

    await Deadlines(tenant=60.0, click=60.0).wait(doing, 0.0)

    assert doing.result() == "done"
