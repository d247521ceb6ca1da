"""Card data of every shape that no card of ours carries."""

import base64
import json
from typing import Any

import pytest

from approvals_core.models import Approval
from tests.failing import NO_KEY_OF_OURS, all_due, card_in, converged, data_of, invoke, stored
from tests.running import Running


@pytest.fixture
async def asked(running: Running) -> Running:
    """The wiki's request, put before all three; nothing else is on its way to them."""
    await running.send("wiki-create")
    await running.asked("johndoe1", "johndoe2", "johndoe3")
    await all_due(running)
    return running


HUGE = 10**30
FORGED: list[Any] = [
    None,
    [],
    "text",
    7,
    {},
    {"a": "Approve"},
    {"k": None},
    {"k": 7},
    {"k": ""},
    {"k": "x" * 5000},
    {"k": "pr-\u0000.0"},
    {"k": "../../x.0"},
    {"k": "pr-\U0001f600.0"},
    {"k": NO_KEY_OF_OURS},
    {"c": {}},
    {"c": "no cursor"},
    {"c": "\U0001f600"},
    {"c": "x" * 10_000},
]
CHANGED: list[dict[str, Any]] = [
    {"k": None},
    {"k": ["a"]},
    {"k": "nobody-aaaaaaaaaaaaaaaa.0"},
    {"r": HUGE},
    {"r": -1},
    {"r": "1"},
    {"r": True},
    {"r": None},
    {"v": -HUGE},
    {"v": 1.5},
    {"t": []},
    {"t": HUGE},
    {"a": ""},
    {"a": None},
    {"a": "x" * 10_000},
    {"a": "Approve\u0000"},
    {"a": "\U0001f600"},
    {"a": "Delete"},
    {"a": ["Approve"]},
    {"comment": {}},
    {"comment": 7},
    {"comment": "x" * 200_000},
]


@pytest.mark.parametrize("trigger", ["manual", "automatic"])
async def test_forged_data_is_answered_with_a_card_and_decides_nothing(
    asked: Running, trigger: str
) -> None:
    before = await stored(asked)
    real = data_of(asked, "johndoe1")
    every_one = [*FORGED, *(real | change for change in CHANGED)]
    seats = ("9999", "99999", "-1", "1.0", "\u0661")
    every_one += [real | {"k": f"{before.id}.{seat}"} for seat in seats]

    for data in every_one:
        for verb in ("act", "refresh", "", "\u0000", None, 7):
            answered = await invoke(asked, "johndoe1", data, verb=verb, trigger=trigger)
            assert card_in(answered), (data, verb)

    assert _decided(await stored(asked)) == _decided(before)
    assert asked.told() == []


def _decided(approval: Approval) -> Approval:
    """Return *approval* without what is kept of a click that was refused: when its card may change."""
    places = tuple(place.model_copy(update={"quiet_until": None}) for place in approval.places)
    return approval.model_copy(update={"places": places, "version": 0, "last_change": ""})


CURSORS = [
    {"at": "2026-01-01T00:00:00", "key": ["a", "b", "c"]},  # no zone
    {"at": "0001-01-01T00:00:00+14:00", "key": ["a", "b", "c"]},  # before the first year
    {"at": "9999-12-31T23:59:59-14:00", "key": ["a", "b", "c"]},
    {"at": -1e18, "key": ["a", "b", "c"]},
    {"at": "2026-01-01T00:00:00Z", "key": ["\u0000", "\U0001f600", ""]},
    {"at": "2026-01-01T00:00:00Z", "key": ["a"]},
    {"at": "2026-01-01T00:00:00Z", "key": ["x" * 50_000, "b", "c"]},
]


@pytest.mark.parametrize("cursor", CURSORS)
async def test_a_forged_place_in_the_list_is_answered_with_a_list(
    asked: Running, cursor: dict[str, Any]
) -> None:
    opaque = base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()

    answered = await invoke(asked, "johndoe1", {"c": opaque}, verb="pending")

    assert "Waiting for you" in card_in(answered) or "Nothing waits" in card_in(answered)


async def test_a_text_that_does_not_belong_into_a_comment_is_stored_as_text(
    asked: Running,
) -> None:
    odd = "a\u0000b \u202etxt \U0001f600 </script> {{DATE(2026-01-01)}}"

    answered = await asked.click("johndoe1", "Approve", odd)

    assert "Approved" in card_in(answered)
    await converged(asked)
    await asked.says("johndoe2", "Approved by")
    assert len(asked.told()) == 1
