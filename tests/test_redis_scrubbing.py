"""What was erased is gone from the files of Redis, or somebody is told that it is not."""

from pathlib import Path

import pytest

from approvals_core.adapters.stores import open_store
from approvals_core.errors import StoreUnavailable
from approvals_core.models import Change
from approvals_core.ports import Store
from tests.makers import DIRECTORY
from tests.opened import opened
from tests.redis_group import server

NAME = "Thaddeus Quill"
SCOPES = [f"p:{DIRECTORY}/{number}" for number in range(8)]


async def named(store: Store) -> None:
    for scope in SCOPES:
        await store.commit(Change(id=scope, scope=scope, notes={"called": NAME}))


async def forgotten(store: Store) -> None:
    for scope in SCOPES:
        await store.holdings.forget(scope)


def naming(folder: Path) -> list[str]:
    """Return the files of the server that name him."""
    files = [path for path in folder.rglob("appendonly*") if path.is_file()]
    assert files
    return [path.name for path in files if NAME.encode() in path.read_bytes()]


async def test_a_rewrite_that_began_before_does_not_count(tmp_path: Path) -> None:
    """It lasts two seconds and more here: a pause after each key."""
    with server(tmp_path, rdbcompression="no", rdb_key_save_delay=300000) as running:
        async with opened(open_store(running.url)) as store:
            await named(store)
            assert naming(tmp_path)
            running.ask("BGREWRITEAOF")
            assert running.ask("INFO", "persistence")["aof_rewrite_in_progress"] == 1

            await forgotten(store)
            await store.holdings.scrub()
        assert naming(tmp_path) == []


async def test_a_server_that_does_not_rewrite_its_file_is_named(tmp_path: Path) -> None:
    with server(tmp_path, rdbcompression="no") as running:
        running.ask("ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-bgrewriteaof")
        async with opened(open_store(running.url.replace("//", "//app:pw@"))) as store:
            await named(store)
            await forgotten(store)

            with pytest.raises(StoreUnavailable, match=rf"{running.name} does not write"):
                await store.holdings.scrub()
        assert naming(tmp_path)
