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
from tests.makers import JONAS, MARIA, START, Core, create, delete, done_by
from tests.makers import KEY as REQUEST
from tests.opened import opened
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
    assert terminal.lines[0] == (
        "The archive: 3 histories in 2 files as they were written, 0 wrong."
    )
    assert "requests verify" in terminal.lines[1]


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

    assert [said.split(": ")[1] for said in terminal.lines[:3]] == [
        "cannot be read",
        "ALTERED",
        "cannot be read",
    ]
    assert terminal.lines[3].startswith("1 file not written by this store yet")
    assert terminal.lines[4] == ("The archive: 1 history in 2 files as they were written, 3 wrong.")


@pytest.mark.parametrize("how", ["a line is gone", "the order changed", "the file is gone"])
async def test_what_is_missing_from_the_archive_is_noticed(
    store: Store, terminal: Terminal, folder: Path, how: str
) -> None:
    await archived(store, folder, "REQ-1", "REQ-2")
    archive = FolderArchive(folder)
    (name,) = await archive.names()
    lines = await archive.read(name)
    left = {"a line is gone": lines[:1], "the order changed": lines[::-1], "the file is gone": []}
    await archive.write(name, left[how])

    assert await terminal.type("archive", "verify") == 1

    told = {
        "a line is gone": "ALTERED: its 1 lines are not the 2 written there",
        "the order changed": "ALTERED: its 2 lines are not the 2 written there",
        "the file is gone": "GONE: it held 2 requests",
    }
    assert terminal.lines[0] == f"{name}: {told[how]}"


async def test_whoever_is_erased_there_was_no_harm_done(
    store: Store, terminal: Terminal, folder: Path
) -> None:
    await archived(store, folder, "REQ-1", "REQ-2")

    assert await terminal.type("person", "erase", str(MARIA.id), "--by", "Olga") == 0
    assert await terminal.type("archive", "verify") == 0
    assert "2 histories" in terminal.lines[0]


async def test_all_histories_of_the_store_are_verified(
    store: Store, terminal: Terminal, folder: Path
) -> None:
    await archived(store, folder)
    core = Core(store)
    await core.open()
    assert await terminal.type("requests", "verify") == 0
    assert terminal.lines[0] == "The store: 1 history fits its hashes, 0 not."
    (document,) = await store.holdings.read_documents(
        REQUEST.scope, (await store.holdings.documents(REQUEST.scope, limit=9)).names
    )
    spoilt = (document.events[0].replace("CREATE", "UPDATE"), *document.events[1:])
    await store.holdings.write(REQUEST.scope, [document._replace(events=spoilt)])

    assert await terminal.type("requests", "verify", "--tenant", "pr") == 1

    assert terminal.lines[0] == f"{document.id}: ALTERED: its history does not fit its hashes"
    assert terminal.lines[1] == "The store: 0 histories fit their hashes, 1 not."


async def test_a_request_that_is_in_the_store_is_pointed_to(
    store: Store, terminal: Terminal, folder: Path
) -> None:
    await archived(store, folder, "REQ-7")
    core = Core(store)
    await core.open()
    approval = await core.approval()

    assert await terminal.type("archive", "find", approval.display_number) == 1

    show = f"python -m bots.cli requests show {approval.id}"
    assert terminal.lines[-1] == f"{approval.id} has it, and is in the store: {show}"


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
    assert "d1/ann was erased from 1 request in the store" in terminal.lines
    assert "and 0 in the archive." in terminal.lines
    (approval,) = [await store.approval(closed().key)]
    assert approval is not None
    assert approval.places[0].person is None
    assert await terminal.type("archive", "verify") == 0


async def test_open_requests_are_named(store: Store, terminal: Terminal) -> None:
    await store.commit(a_change(an_approval()))

    code = await terminal.type("person", "erase", str(ANN.id), "--by", "Olga")

    assert code == 1
    assert any(line.startswith("pr-one (REQ-1) is open and names him") for line in terminal.lines)
    assert (await store.approval(closed().key)) == an_approval()


async def test_a_dry_run_lists_the_requests_and_changes_nothing(
    store: Store, terminal: Terminal
) -> None:
    other = closed(key=closed().key._replace(number="REQ-2"), id="pr-two", display_number="REQ-2")
    await store.commit(a_change(an_approval()))
    await store.commit(a_change(other, id="other"))

    code = await terminal.type("person", "erase", str(ANN.id), "--by", "Olga", "--dry-run")

    assert code == 0
    assert "  pr-two (REQ-2)" in terminal.lines
    assert any(line.startswith("pr-one (REQ-1) is open") for line in terminal.lines)
    assert terminal.lines[-1].startswith("Nothing was changed.")
    assert await store.approval(other.key) == other
    assert await store.notes(ANN.id.scope) == {}


async def test_who_was_erased_is_called_so(store: Store, terminal: Terminal) -> None:
    await store.commit(a_change(closed()))
    await terminal.type("person", "erase", str(ANN.id), "--by", "Olga")

    await terminal.type("requests", "show", "pr-one")
    shown = [line for line in terminal.lines if "erased" in line]
    await terminal.type("requests", "explain", "pr-one")

    assert shown[0].strip().startswith("0  removed      somebody who was erased, asked")
    assert [line.split()[3] for line in shown[1:]] == ["erased"]  # in the history
    assert "Place 0, somebody who was erased: removed" in terminal.text
    assert "The person who sat here was erased." in terminal.text
    assert "another place" not in terminal.text


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
    assert said[-1] == (
        f"Now set APPROVALS_STORE_URL to the address of {tmp_path}/copy.db and start the service."
    )
    async with opened(open_store(target)) as copy:
        assert await everything(copy) == before


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
    async with opened(open_store(f"sqlite:///{tmp_path}/a.db")) as source:
        await Writers(source, now=lambda: START, name="ended long ago").begin()
        await fill(source)

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
