"""What `make test` leaves out is what the soak runs: nothing is forgotten, and nothing that is named is gone."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.selection import (
    BEFORE_THE_STORE,
    EACH_CASE_ON_REDIS,
    LOOKS,
    Which,
    select,
)

HERE = Path(__file__).parent


class Item:
    """A test as it is collected, of which its name, its parameters and its marker are known."""

    def __init__(self, name: str, *, marker: str = "", **params: object) -> None:
        case = "-".join(map(str, params.values()))
        self.nodeid = f"{name}[{case}]" if params else name
        self.path = Path(name.partition("::")[0])
        self._marker = marker
        if params:
            self.callspec = SimpleNamespace(params=params)

    def get_closest_marker(self, name: str) -> str | None:
        return name if name == self._marker else None


class Told:
    """What is told of those that are left out."""

    def __init__(self) -> None:
        self.gone: list[Item] = []

    def pytest_deselected(self, items: list[Item]) -> None:
        self.gone += items


def on_both(name: str, *cases: str, marker: str = "") -> list[Item]:
    return [
        Item(name, marker=marker, store_url=store, case=case)
        for store in ("sqlite", "redis")
        for case in cases
    ]


ITEMS = [
    Item("tests/test_arx.py::test_plain"),
    *on_both("tests/test_store.py::test_kept", "a", "b"),
    *on_both("tests/test_mails.py::test_sent", "a", "b"),
    *on_both("tests/test_tenants_door.py::test_refused", "a", "b"),
    *on_both("tests/test_browser_flow.py::test_seen", "a", marker="browser"),
    *on_both("tests/test_browser_tenants.py::test_shown", "a", marker="browser"),
]


def selected(which: Which) -> list[str]:
    items, told = list(ITEMS), Told()
    config = SimpleNamespace(option=SimpleNamespace(which=which), hook=told)
    select(cast("pytest.Config", config), cast("list[pytest.Item]", items))
    assert {item.nodeid for item in (*items, *told.gone)} == {item.nodeid for item in ITEMS}
    return [item.nodeid for item in items]


def test_by_hand_everything_runs() -> None:
    assert selected(Which.ALL) == [item.nodeid for item in ITEMS]


def test_what_is_left_out_is_all_that_was_not_chosen() -> None:
    chosen, left_out = selected(Which.CHOSEN), selected(Which.LEFT_OUT)

    assert set(chosen).isdisjoint(left_out)
    assert len(chosen) + len(left_out) == len(ITEMS)


def test_left_out_are_on_redis_the_cases_that_say_nothing_of_a_store() -> None:
    assert selected(Which.LEFT_OUT) == [
        "tests/test_mails.py::test_sent[redis-b]",
        "tests/test_tenants_door.py::test_refused[redis-a]",
        "tests/test_tenants_door.py::test_refused[redis-b]",
        "tests/test_browser_flow.py::test_seen[redis-a]",
        "tests/test_browser_tenants.py::test_shown[sqlite-a]",
        "tests/test_browser_tenants.py::test_shown[redis-a]",
    ]


@pytest.mark.parametrize(
    "named", [BEFORE_THE_STORE, EACH_CASE_ON_REDIS, LOOKS], ids=["before", "each", "own"]
)
def test_every_file_that_is_named_is_there(named: frozenset[str]) -> None:
    there: dict[str, Any] = {path.stem: path for path in HERE.rglob("test_*.py")}

    assert named <= there.keys()


def test_no_file_is_named_twice() -> None:
    assert BEFORE_THE_STORE.isdisjoint(EACH_CASE_ON_REDIS)
