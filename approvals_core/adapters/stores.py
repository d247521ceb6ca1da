"""Chooses the store by its URL."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from approvals_core.adapters.redis_store import is_made_in_redis, open_redis, risks_of
from approvals_core.adapters.redis_store.address import BEGINNINGS, read_address
from approvals_core.adapters.sqlite_store import open_sqlite
from approvals_core.errors import StoreRefused
from approvals_core.ports import Store

_SQLITE = "sqlite:///"
FORMS = (
    "sqlite:///PATH, redis://HOST:PORT/DB, redis+sentinel://HOST,HOST/NAME,"
    " redis+cluster://HOST,HOST or unix:///PATH (rediss in place of redis means TLS)"
)


def check_address(url: str) -> None:
    """
    Refuse what no store can be opened at.

    Raises:
        ValueError: The message goes on where what it was given for is named, and has no password in it.
    """
    if url.startswith(BEGINNINGS):
        read_address(url)
    elif not url.startswith(_SQLITE) or url == _SQLITE:
        raise ValueError(f"must be {FORMS}")


async def open_store(url: str) -> Store:
    """
    Open the store at *url*.

    ``sqlite:///file`` is relative to the working folder, ``sqlite:////folder/file`` is not;
    ``redis://host:port/db``, ``rediss://…`` with TLS, ``redis+sentinel://…``,
    ``redis+cluster://…`` or ``unix:///folder/socket`` as `redis_store.address` says.

    Raises:
        StoreRefused: No such kind of store, or its settings are unsafe.

        StoreUnavailable: It does not answer.
    """
    if url.startswith(_SQLITE):
        return await open_sqlite(url.removeprefix(_SQLITE))
    if url.startswith(BEGINNINGS):
        return await open_redis(url)
    raise StoreRefused(f"The address of a store must be {FORMS}.")


async def open_made_store(url: str) -> Store:
    """
    Do what `open_store` does, but make none: to an operator an empty list would look like good news.

    Raises:
        StoreRefused: No service has made a store there yet; or as `open_store` does.

        StoreUnavailable: It does not answer.
    """
    if url.startswith(_SQLITE):
        made = await asyncio.to_thread(Path(url.removeprefix(_SQLITE)).exists)
    else:
        made = not url.startswith(BEGINNINGS) or await is_made_in_redis(url)
    if not made:
        raise StoreRefused(
            f"There is no store at {place_of(url)}: no service has made one there yet."
        )
    return await open_store(url)


def may_lose(url: str) -> Sequence[str]:
    """
    Say what the store at *url* may lose though it was acknowledged, and why; [] is nothing.

    Raises:
        StoreRefused: There is no such address.
    """
    return risks_of(url) if url.startswith(BEGINNINGS) else []


def place_of(url: str) -> str:
    """Return where a store is, without a password."""
    # What follows the question mark goes first: the sentinels' password may have an @ in it.
    return url.removeprefix(_SQLITE).partition("?")[0].rpartition("@")[2]


def file_of(url: str) -> Path | None:
    """Return the file of a store in SQLite; None if it is in none."""
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None
