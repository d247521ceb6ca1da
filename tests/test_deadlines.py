"""By when a click is answered: what we promise, and what is kept of it for the answer itself."""

import asyncio
import inspect
from collections.abc import Callable

import pytest

from app import open_house
from approvals_core.approvals import Approvals
from approvals_core.deadlines import PROMISED, Deadlines

TEAMS_AND_OUTLOOK_WAIT = 2.0  # seconds that people are promised


@pytest.mark.parametrize(
    ("elapsed", "left"), [(0.0, 1.0), (0.6, 1.0), (1.0, 0.6), (1.6, 0.0), (9.0, 0.0)]
)
def test_a_click_waits_for_a_second_and_never_past_its_time(elapsed: float, left: float) -> None:
    assert PROMISED.patience(elapsed) == pytest.approx(left)


@pytest.mark.parametrize("takes_them", [open_house, Approvals])
def test_whoever_is_given_no_deadlines_keeps_what_is_promised(
    takes_them: Callable[..., object],
) -> None:
    given = inspect.signature(takes_them).parameters["deadlines"]

    assert given.default is PROMISED


def test_everything_promised_is_within_two_seconds() -> None:
    assert Deadlines() == PROMISED
    assert PROMISED.tenant < TEAMS_AND_OUTLOOK_WAIT
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
