"""`store backup`: a copy of the store's file that is whole, while somebody goes on writing."""

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from approvals_core.adapters.sqlite_store.backup import back_up
from approvals_core.adapters.stores import open_store
from approvals_core.errors import StoreRefused
from bots.cli.commands import parser
from bots.cli.moving import run_store
from tests.makers import START
from tests.opened import opened
from tests.store_makers import KEY, a_change


def backed_up(source: str, target: Path) -> tuple[bool, list[str]]:
    said: list[str] = []
    typed = parser().parse_args(["store", "backup", source, str(target)])
    given = typed.verb, typed.source, typed.target
    return run_store(*given, said.append, now=lambda: START, environment={}), said


def files_and_modes(folder: Path, begin: str) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.glob(f"{begin}*")}


def wants_a_log_beside_it(file: Path) -> bool:
    """Tell what the header says (https://sqlite.org/fileformat2.html, bytes 18 and 19: 2 is WAL)."""
    return 2 in file.read_bytes()[18:20]


async def test_a_copy_of_a_store_in_use_has_all_that_was_committed_and_opens_as_a_store(
    tmp_path: Path,
) -> None:
    async with opened(open_store(f"sqlite:///{tmp_path}/store.db")) as store:
        await store.commit(a_change())
        target = tmp_path / "copy.db"

        done, said = backed_up(f"sqlite:///{tmp_path}/store.db", target)

        assert done, said
        assert files_and_modes(tmp_path, "copy") == {"copy.db": 0o600}
        assert not wants_a_log_beside_it(target)
        async with opened(open_store(f"sqlite:///{target}")) as copy:
            assert await copy.approval(KEY) == await store.approval(KEY) is not None


class Watched(sqlite3.Connection):
    """Calls *meanwhile* after each step of a copy."""

    def __init__(self, *given: Any, meanwhile: Callable[[], object], **how: Any) -> None:
        super().__init__(*given, **how)
        self._meanwhile = meanwhile

    def backup(self, target: sqlite3.Connection, **how: Any) -> None:
        super().backup(target, progress=lambda *_: self._meanwhile(), **how)


async def test_a_copy_of_a_large_store_begins_anew_for_nobody_who_writes_meanwhile(
    tmp_path: Path,
) -> None:
    file, target = tmp_path / "store.db", tmp_path / "copy.db"
    await (await open_store(f"sqlite:///{file}")).close()
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("INSERT INTO bodies VALUES ('s', 'k', 'details', hex(zeroblob(4000000)))")
    left = ["third", "second", "first"]

    def write() -> None:
        if left:
            writer.execute("INSERT INTO notes VALUES ('s', ?, '')", (left.pop(),))

    back_up(file, target, connect=partial(Watched, meanwhile=write))

    copy = sqlite3.connect(target)
    found = [each.execute("SELECT name FROM notes").fetchall() for each in (writer, copy)]
    copy.close()
    writer.close()
    assert found == [[("first",)], []]


async def test_nothing_that_is_there_is_written_over(tmp_path: Path) -> None:
    await (await open_store(f"sqlite:///{tmp_path}/store.db")).close()
    target = tmp_path / "copy.db"
    target.write_text("an older copy")

    done, said = backed_up(f"sqlite:///{tmp_path}/store.db", target)

    assert not done
    assert "name a new file" in said[0]
    assert target.read_text() == "an older copy"


def test_of_no_store_no_copy_is_made(tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()

    for source in (tmp_path / "none.db", empty):
        with pytest.raises(StoreRefused):
            back_up(source, tmp_path / "copy.db")

    assert [path.name for path in tmp_path.iterdir()] == ["empty.db"]


def test_for_redis_it_says_what_to_copy_instead(tmp_path: Path) -> None:
    done, said = backed_up("redis://127.0.0.1:1/0", tmp_path / "copy")

    assert not done
    assert "append-only" in said[0]


async def test_a_copy_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    await (await open_store(f"sqlite:///{tmp_path}/store.db")).close()

    done, said = backed_up(f"sqlite:///{tmp_path}/store.db", tmp_path / "nowhere" / "copy.db")

    assert not done
    assert "could not be copied" in said[0]
