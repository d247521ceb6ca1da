"""The history is a chain: whatever is altered shows, and erasing a person does not break it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from approvals_core.models import EventKind, HistoryEvent
from approvals_core.ports import Store
from approvals_core.rules.draft import chain_is_sound, seal
from tests.makers import MARIA, START, Core, create, delete, done_by, update

SALT = "5a" * 16


def an_event(seq: int, previous: str, **fields: object) -> HistoryEvent:
    usual: dict[str, object] = {
        "seq": seq,
        "kind": EventKind.DECIDED,
        "at": START + timedelta(minutes=seq),
        "facts": {"action": "Approve", "seat": str(seq)},
        "personal": {"by": "Maria Keller", "comment": "Fine"},
        "previous": previous,
    }
    return seal(HistoryEvent.model_validate(usual | fields), salt=SALT)


def a_history() -> tuple[HistoryEvent, ...]:
    """Three events; the second has nothing personal."""
    first = an_event(0, "")
    second = an_event(1, first.hash, kind=EventKind.ATTEMPTED, personal={})
    return first, second, an_event(2, second.hash)


def altered(number: int, **fields: object) -> tuple[HistoryEvent, ...]:
    events = list(a_history())
    events[number] = events[number].model_copy(update=fields)
    return tuple(events)


HEAD = a_history()[-1].hash
OTHER = "0" * 64


def test_a_history_nobody_touched_is_sound() -> None:
    assert chain_is_sound(a_history(), head=HEAD)
    assert chain_is_sound((), head="")


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize(
    "fields",
    [
        {"kind": EventKind.REFUSED},
        {"at": START - timedelta(days=1)},
        {"facts": {"action": "Reject", "seat": "0"}},
        {"facts": {}},
        {"personal": {"by": "Eve"}},
        {"personal": {"by": "Maria Keller", "comment": "Fine"}, "salt": "00"},
        {"digest": OTHER},
        {"previous": OTHER},
        {"hash": OTHER},
        {"seq": 7},
    ],
)
def test_whatever_is_altered_shows(number: int, fields: dict[str, object]) -> None:
    assert not chain_is_sound(altered(number, **fields), head=HEAD)


@pytest.mark.parametrize(
    "alter",
    [
        lambda events: events[1:],
        lambda events: events[:-1],
        lambda events: (events[0], events[2]),
        lambda events: (events[1], events[0], events[2]),
        lambda events: (*events, events[2]),
        lambda events: events[:0],
    ],
)
def test_whatever_is_missing_doubled_or_in_another_order_shows(
    alter: Callable[[tuple[HistoryEvent, ...]], tuple[HistoryEvent, ...]],
) -> None:
    assert not chain_is_sound(alter(a_history()), head=HEAD)


def test_a_history_written_anew_from_some_point_has_another_head() -> None:
    first = a_history()[0]
    second = an_event(1, first.hash, kind=EventKind.REFUSED)
    events = (first, second, an_event(2, second.hash))

    assert chain_is_sound(events, head=events[-1].hash)
    assert not chain_is_sound(events, head=HEAD)


@pytest.mark.parametrize("facts", [{}, {"events": "0,1,2"}])  # older ones do not say from where
def test_erasing_what_is_personal_keeps_the_chain_sound(facts: dict[str, str]) -> None:
    erased = tuple(e.model_copy(update={"personal": {}, "salt": ""}) for e in a_history())
    told = an_event(3, HEAD, kind=EventKind.ERASED, facts=facts)

    assert chain_is_sound((*erased, told), head=told.hash)
    assert not chain_is_sound(erased, head=HEAD)


@pytest.mark.parametrize("named", ["", "0,1", "3", "0,1,x"])
def test_texts_that_no_erasing_names_are_missed(named: str) -> None:
    erased = tuple(e.model_copy(update={"personal": {}, "salt": ""}) for e in a_history())
    told = an_event(3, HEAD, kind=EventKind.ERASED, facts={"events": named})

    assert not chain_is_sound((*erased, told), head=told.hash)


def test_texts_invented_for_an_erased_event_show() -> None:
    for fields in ({"personal": {"by": "Eve"}, "salt": ""}, {"personal": {"by": "Eve"}}):
        assert not chain_is_sound(altered(0, **fields), head=HEAD)


def test_texts_without_their_salt_show_too() -> None:
    assert not chain_is_sound(altered(0, salt=""), head=HEAD)


def test_what_was_erased_cannot_be_guessed_from_its_digest() -> None:
    one = an_event(0, "")
    other = seal(one.model_copy(update={"salt": "", "digest": "", "hash": ""}), salt="00" * 16)

    assert one.personal == other.personal
    assert one.digest != other.digest


async def test_the_stored_history_ends_in_the_stored_head(store: Store) -> None:
    core = Core(store)
    await core.open(create("johndoe1", "johndoe2"))
    await core.click(MARIA, comment="Within budget")
    await core.receive(update("johndoe2", removes=["johndoe1"], action=done_by("johndoe1")))
    await core.receive(delete("johndoe2"))
    await core.pass_time(2 * 3600)

    approval, events = await core.approval(), await core.history()

    assert len(events) == approval.events
    assert chain_is_sound(events, head=approval.head)
    named = "".join(f"{event.facts}" for event in events)
    assert "Maria" not in named
    assert "Within budget" not in named


async def test_a_payload_that_is_older_than_everything_is_recorded_as_such(store: Store) -> None:
    core = Core(store)
    await core.open(create("johndoe1", at=5))

    await core.receive(update("johndoe1", at=1))

    assert (await core.kinds())[-1] == EventKind.SUPERSEDED
