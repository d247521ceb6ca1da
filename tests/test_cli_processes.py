"""What operators are told of the processes that use a store, and of addresses that are none."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from approvals_core.adapters.code_version import VERSION, version_of
from approvals_core.adapters.stores import FORMS
from approvals_core.keeping.writers import Writers, writers_in
from approvals_core.models import HOUSE
from approvals_core.models.marks import MOVED
from approvals_core.ports import Store
from bots.cli.__main__ import _said, parser
from bots.cli.doing import writes
from bots.cli.moving import run_store
from tests.terminal import ROOT, Terminal, given, settings_of, tenants

__all__ = ["tenants"]


@pytest.fixture
def terminal(store: Store, store_url: str, tenants: object) -> Terminal:
    """A terminal beside *store*."""
    return Terminal(settings_of(given(store_url, tenants)))  # type: ignore[arg-type]


async def running(
    store: Store,
    name: str,
    *,
    ago: float = 0.0,
    ahead: float = 0.0,
    role: str = "",
    version: str = "",
) -> None:
    async def compare() -> float:
        return ahead

    def then() -> datetime:
        return datetime.now(UTC) - timedelta(seconds=ago - ahead)

    await Writers(store, now=then, name=name, compare=compare, role=role, version=version).begin()


async def test_running_processes_are_listed_and_what_is_odd_about_them(
    store: Store, terminal: Terminal
) -> None:
    await running(store, "process 1 on a", role="web", version=VERSION)
    await running(store, "process 2 on b", role="worker", version="0123456789", ago=300)
    await running(store, "process 3 on c", role="all", version=VERSION, ahead=5.0)
    await running(store, "process 4 on d")

    code = await terminal.type("processes")

    assert code == 0
    names = [line.split("process ")[1][0] for line in terminal.lines]
    assert names == ["4", "3", "1", "2"]
    oldest, ahead, web, worker = terminal.lines
    assert "one that does not say" in oldest
    assert "5 seconds ahead of the store's" in ahead
    assert web.startswith("web") and VERSION in web and web.endswith("s ago")  # noqa: PT018
    assert "silent" in worker and "another version" in worker  # noqa: PT018
    heard = re.search(r"heard (\d+) s ago", worker)
    assert heard is not None
    assert int(heard[1]) >= 300


async def test_processes_of_a_closed_store_are_listed_too(store: Store, terminal: Terminal) -> None:
    await store.holdings.mark(MOVED, "to the new one")

    assert await terminal.type("processes") == 0
    assert terminal.lines == ["No process writes to this store."]
    assert await terminal.type("requests", "list") == 1


async def test_a_command_that_writes_says_so_and_one_that_reads_does_not(store: Store) -> None:
    erasing = parser().parse_args(["person", "erase", "ann", "--by", "Olga"])
    listing = parser().parse_args(["requests", "list"])

    async with _said(erasing, store):
        during = list(writers_in(await store.notes(HOUSE)).values())
    async with _said(listing, store):
        reading = writers_in(await store.notes(HOUSE))

    assert [(word.role, word.version) for word in during] == [("command", VERSION)]
    assert reading == {}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (("requests", "list"), False),
        (("person", "erase", "ann", "--by", "Olga"), True),
        (("dead-letters", "list"), False),
        (("dead-letters", "replay", "x", "--by", "Olga"), True),
        (("dead-letters", "replay", "x", "--by", "Olga", "--dry-run"), False),
        (("tenants", "list"), False),
        (("tenants", "reload"), True),
    ],
)
def test_commands_that_write_are_known(typed: tuple[str, ...], expected: bool) -> None:  # noqa: FBT001
    assert writes(parser().parse_args(typed)) is expected


@pytest.mark.parametrize(
    ("verb", "source", "target", "said"),
    [
        ("copy", "mysql://u:secret@x/db", "sqlite:///b", f"SOURCE must be {FORMS}."),
        ("copy", "sqlite:///a", "redis+tower://x", "TARGET must begin with redis://"),
        ("reopen", "store.db", "", f"ADDRESS must be {FORMS}."),
    ],
)
def test_an_address_that_is_none_is_named(verb: str, source: str, target: str, said: str) -> None:
    lines: list[str] = []

    done = run_store(
        verb, source, target, lines.append, now=lambda: datetime.now(UTC), environment={}
    )

    assert not done
    assert len(lines) == 1
    assert lines[0].startswith(said)
    assert "secret" not in lines[0]


def test_the_version_changes_with_the_code(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("one")
    one = version_of(tmp_path)
    (tmp_path / "README.md").write_text("no code")
    same = version_of(tmp_path)
    (tmp_path / "bots").mkdir()
    (tmp_path / "bots" / "door.py").write_text("another")

    assert version_of(ROOT) == VERSION
    assert one == same != version_of(tmp_path)
