"""People who cannot be found, or are found twice."""

from typing import Any

import pytest

from playground.faults import FaultKind
from tests.failing import ask as put_before
from tests.failing import converged, fail, said_to, standing, stored
from tests.running import Running


async def ask(running: Running, *aliases: str) -> None:
    """Put the wiki's request before *aliases*, and see what becomes of it."""
    await put_before(running, *aliases)
    await converged(running)


@pytest.mark.parametrize(
    ("alias", "reason"),
    [
        ("nobody", "unknown alias"),
        ("twin", "several people"),
        ("johndoe20", "disabled"),
        ("guest1", "guest"),
    ],
)
async def test_who_cannot_be_found_stands_in_the_requests_status(
    running: Running, alias: str, reason: str
) -> None:
    await ask(running, alias, "johndoe2")

    told = await standing(running)

    assert (told[alias]["State"], told[alias]["Reachable"]) == ("pending", False)
    assert told[alias]["Reason"] == reason
    assert told["johndoe2"]["Reachable"] is True
    assert running.can_decide("johndoe2")


async def test_two_names_of_one_person_are_one_card(running: Running) -> None:
    upn = running.playground.world.people["johndoe1"].user_principal_name
    object_id = running.playground.world.people["johndoe1"].object_id

    await ask(running, "johndoe1", upn, object_id, "JohnDoe1 ")

    assert len(said_to(running, "johndoe1")) == 2  # the welcome, and one card
    seated = [place for place in (await stored(running)).places if place.state == "pending"]
    assert len(seated) == 1


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (FaultKind.THROTTLED, {"seconds": 50}),
        (FaultKind.STATUS, {"status": 503}),
        (FaultKind.STATUS, {"status": 500}),
        (FaultKind.STATUS, {"status": 403}),
        (FaultKind.STATUS, {"status": 401}),
    ],
)
async def test_a_directory_that_does_not_answer_is_asked_again(
    running: Running, kind: FaultKind, more: dict[str, Any]
) -> None:
    fail(running, "graph", kind, times=2, **more)
    await ask(running, "johndoe5")

    for _each in range(4):
        await converged(running, 400)

    await running.asked("johndoe5")
