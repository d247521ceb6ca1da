"""What operators do with what is stored: copy it, look into the archive, erase somebody."""

import asyncio
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from approvals_core.adapters.archive import FolderArchive
from approvals_core.adapters.stores import open_store
from approvals_core.keeping.writers import MOVED, Writers
from approvals_core.models import Approval, PlaceState
from approvals_core.models.archived import Archived
from approvals_core.ports import Store
from bots.cli.moving import copy_store, reopen_store
from tests.makers import JONAS, START, Core, create, delete, done_by
from tests.makers import KEY as REQUEST
from tests.store_makers import ANN, NOON, a_change, a_place, an_approval
from tests.terminal import ROOT, Terminal, given, settings_of, tenants
from tests.test_store_holdings import everything, fill

__all__ = ["tenants"]

DAY = 24 * 3600.0  # seconds
COMMENT = "Within budget"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own = tmp_path / "archive"
    own.mkdir()
    return own


@pytest.fixture
def terminal(store: Store, store_url: str, tenants: Path, folder: Path) -> Terminal:
    """A terminal beside *store* and an archive."""
    return Terminal(settings_of(given(store_url, tenants) | {"ARCHIVE_FOLDER": str(folder)}))


async def archived(store: Store, folder: Path, *numbers: str) -> Core:
    """Have requests of the sample tenant decided, closed and archived."""
    core = Core(store, archive=FolderArchive(folder))
    for number in numbers or ("REQ-1",):
        named = {"key": REQUEST._replace(number=number), "display_number": number}
        await core.receive(create("johndoe1", **named))
        await core.receive(delete("johndoe1", action=done_by("johndoe1", comment=COMMENT), **named))
        await core.pass_time(7200)
    await core.worker.sweep()
    await core.pass_time(402 * DAY)
    return core


# -- the archive ------------------------------------------------------------------


async def test_all_that_is_kept_of_a_request_is_found(
    store: Store, terminal: Terminal, folder: Path
) -> None:
    await archived(store, folder, "REQ-1", "REQ-11", "REQ-2")

    code = await terminal.type("archive", "find", "req-1")

    assert code == 0
    assert "REQ-1 (2026)" in terminal.lines[0]
    assert "REQ-11" not in terminal.text
    assert "in the archive since" in terminal.text
    assert [line.split()[-1] for line in terminal.lines if " received" in line]
    assert "ALTERED" not in terminal.text
    assert COMMENT not in terminal.text


async def test_a_number_with_odd_marks_is_found(
    store: Store, terminal: Terminal, folder: Path
) -> None:
    await archived(store, folder, 'REQ "7" \\ Ä')

    assert await terminal.type("archive", "find", 'req "7" \\ ä') == 0


async def test_comments_are_shown_where_that_is_asked_for(
    store: Store, terminal: Terminal, folder: Path
) -> None:
    await archived(store, folder)

    await terminal.type("archive", "find", "REQ-1", "--tenant", "pr", "--comments")

    assert COMMENT in terminal.text


async def test_what_is_not_there_is_said(store: Store, terminal: Terminal, folder: Path) -> None:
    await archived(store, folder)

    assert await terminal.type("archive", "find", "REQ-7") == 1
    assert terminal.lines == ["Nothing in the archive has the number or id REQ-7."]


async def test_of_a_request_that_is_there_twice_the_newest_is_shown(
    store: Store, terminal: Terminal, folder: Path
) -> None:
    await archived(store, folder)
    archive = FolderArchive(folder)
    (name,) = await archive.names()
    (line,) = await archive.read(name)
    older = Archived.model_validate_json(line)
    approval = older.approval.model_copy(update={"version": 1, "display_number": "REQ-1"})
    before = older.model_copy(update={"approval": approval, "archived_at": START})
    await archive.write("pr/2020-01-older", [before.model_dump_json()])

    await terminal.type("archive", "find", "REQ-1")

    assert terminal.text.count("in the archive since") == 1
    assert f"archive since {START:%Y-%m-%d}" not in terminal.text


async def test_all_histories_are_verified(store: Store, terminal: Terminal, folder: Path) -> None:
    await archived(store, folder, "REQ-1", "REQ-2", "REQ-3")

    assert await terminal.type("archive", "verify") == 0
    assert terminal.lines == ["3 histories fit their hashes, 0 do not."]


async def test_whatever_is_wrong_in_the_archive_is_said(
    store: Store, terminal: Terminal, folder: Path
) -> None:
    await archived(store, folder)
    archive = FolderArchive(folder)
    (name,) = await archive.names()
    (line,) = await archive.read(name)
    await archive.write(name, [line, line.replace("CREATE", "UPDATE"), "{}"])
    (folder / "pr" / "2026-01-x.jsonl.gz").write_bytes(b"no gzip")

    assert await terminal.type("archive", "verify", "--tenant", "pr") == 1

    assert [said.split(": ")[1] for said in terminal.lines[:-1]] == [
        "cannot be read",
        "ALTERED",
        "cannot be read",
    ]
    assert terminal.lines[-1] == "1 histories fit their hashes, 3 do not."


async def test_without_an_archive_the_command_says_where_all_is(
    store: Store, store_url: str, tenants: Path
) -> None:
    terminal = Terminal(settings_of(given(store_url, tenants)))

    assert await terminal.type("archive", "verify") == 1
    assert "APPROVALS_ARCHIVE_FOLDER names none" in terminal.text


def test_a_folder_that_is_not_there_is_no_archive(tmp_path: Path) -> None:
    wrong = given("sqlite:///x", tmp_path) | {"ARCHIVE_FOLDER": str(tmp_path / "absent")}

    with pytest.raises(ValidationError, match="must be a folder that is there"):
        settings_of(wrong)


async def test_an_archive_that_is_not_there_is_said(
    store: Store, terminal: Terminal, folder: Path
) -> None:
    await asyncio.to_thread(folder.rmdir)

    assert await terminal.type("archive", "verify") == 1
    assert "there is no folder" in terminal.text


# -- erasing -----------------------------------------------------------------------


def closed(**changes: object) -> Approval:
    place = a_place(state=PlaceState.REMOVED)
    return an_approval(places=(place,), closed_at=NOON, round=1, **changes)


async def test_somebody_is_erased_from_store_and_archive(
    store: Store, terminal: Terminal, folder: Path
) -> None:
    core = await archived(store, folder)
    core.archive = None
    await store.commit(a_change(closed()))

    code = await terminal.type("person", "erase", str(ANN.id), "--by", "Olga")

    assert code == 0
    assert "d1/ann was erased from 1 requests in the store" in terminal.lines
    assert "and 0 in the archive." in terminal.lines
    (approval,) = [await store.approval(closed().key)]
    assert approval is not None
    assert approval.places[0].person is None
    assert await terminal.type("archive", "verify") == 0


async def test_open_requests_are_named(store: Store, terminal: Terminal) -> None:
    await store.commit(a_change(an_approval()))

    code = await terminal.type("person", "erase", str(ANN.id), "--by", "Olga")

    assert code == 1
    assert any(line.startswith("pr-one is open and names him") for line in terminal.lines)
    assert (await store.approval(closed().key)) == an_approval()


async def test_whom_nobody_knows_nobody_erases(store: Store, terminal: Terminal) -> None:
    code = await terminal.type("person", "erase", JONAS.upn, "--by", "Olga")

    assert code == 1
    assert JONAS.upn in terminal.text


# -- copying -----------------------------------------------------------------------


async def test_a_store_is_copied_and_a_table_says_what(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    await fill(store)
    before = await everything(store)
    said: list[str] = []
    target = f"sqlite:///{tmp_path}/copy.db"

    done = await copy_store(store_url, target, said.append, now=lambda: START)

    assert done
    assert [line.split() for line in said[1:8]] == [
        ["1", "people", "reached", "in", "Teams"],
        ["1", "dead", "letters"],
        ["2", "jobs"],
        ["1", "notes"],
        ["2", "payloads"],
        ["1", "requests"],
        ["1", "histories,", "their", "hashes", "computed", "anew"],
    ]
    assert said[-1] == f"Now set APPROVALS_STORE_URL to {tmp_path}/copy.db and start the service."
    copy = await open_store(target)
    assert await everything(copy) == before
    await copy.close()


async def test_a_store_that_is_not_there_is_not_copied(tmp_path: Path) -> None:
    said: list[str] = []
    source, target = f"sqlite:///{tmp_path}/none.db", f"sqlite:///{tmp_path}/copy.db"

    assert not await copy_store(source, target, said.append, now=lambda: START)

    assert len(said) == 1
    assert said[0].startswith(f"There is no store at {tmp_path}/none.db")
    assert not await asyncio.to_thread((tmp_path / "copy.db").exists)


async def test_no_command_works_on_a_closed_store(
    store: Store, store_url: str, terminal: Terminal
) -> None:
    await store.holdings.mark(MOVED, "to the new one")
    said: list[str] = []

    code = await terminal.type("requests", "list")
    reopened = await reopen_store(store_url, said.append)

    assert code == 1
    assert "closed for a copy (to the new one)" in terminal.text
    assert reopened
    assert "can be used again" in said[0]
    assert await terminal.type("requests", "list") == 0
    assert not await reopen_store(store_url, said.append)


async def test_copying_needs_no_settings(tmp_path: Path) -> None:
    source = await open_store(f"sqlite:///{tmp_path}/a.db")
    await Writers(source, now=lambda: START, name="ended long ago").begin()
    await fill(source)
    await source.close()

    command = ("-m", "bots.cli", "store", "copy", f"sqlite:///{tmp_path}/a.db")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command, f"sqlite:///{tmp_path}/b.db"),
        cwd=ROOT,
        env={},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()

    assert process.returncode == 0, out
    assert b"1  requests" in out
