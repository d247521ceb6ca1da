"""Addresses of stores on the command line, of which the machine's other users see nothing secret."""

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from approvals_core.adapters.stores import open_store
from bots.cli.commands import parser
from bots.cli.moving import run_store
from tests.makers import START


def copied(said: list[str], environment: Mapping[str, str], source: str, target: str) -> bool:
    typed = parser().parse_args(["store", "copy", source, target])
    return run_store(
        typed.verb,
        typed.source,
        typed.target,
        said.append,
        now=lambda: START,
        environment=environment,
    )


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A store that is there."""
    url = f"sqlite:///{tmp_path}/store.db"

    async def make() -> None:
        await (await open_store(url)).close()

    asyncio.run(make())
    return url


def test_an_address_is_read_from_a_variable_or_a_file(source: str, tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "address").write_text(f"sqlite:///{tmp_path}/copy.db\n")

    done = copied(said, {"OLD_STORE": source}, "env:OLD_STORE", f"file:{tmp_path}/address")

    assert done
    assert f"{tmp_path}/copy.db" in said[-1]


@pytest.mark.parametrize("reference", ["env:ABSENT", "file:/nowhere/address"])
def test_a_reference_that_leads_nowhere_is_named(source: str, reference: str) -> None:
    said: list[str] = []

    assert not copied(said, {"OLD_STORE": source}, "env:OLD_STORE", reference)

    assert len(said) == 1
    assert reference in said[0]


def test_what_cannot_be_reached_is_said_without_its_password(source: str) -> None:
    said: list[str] = []
    with socket.socket() as nobody:  # bound, and never listening
        nobody.bind(("127.0.0.1", 0))
        address = f"redis://app:s3cret@127.0.0.1:{nobody.getsockname()[1]}/0"

        assert not copied(said, {"NEW_STORE": address}, source, "env:NEW_STORE")

    assert said
    assert "s3cret" not in "".join(said)


def test_an_address_that_is_none_is_refused_without_its_password(source: str) -> None:
    said: list[str] = []

    assert not copied(said, {"NEW_STORE": "redis://app:pa?s3cret@h/0"}, source, "env:NEW_STORE")

    assert said
    assert "s3cret" not in "".join(said)
