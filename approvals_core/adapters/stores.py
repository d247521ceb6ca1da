"""Chooses the store by its URL."""

import asyncio
from pathlib import Path

from approvals_core.adapters.redis_store import is_made_in_redis, open_redis
from approvals_core.adapters.redis_store.address import BEGINNINGS
from approvals_core.adapters.sqlite_store import open_sqlite
from approvals_core.errors import StoreRefused
from approvals_core.ports import Store

_SQLITE = "sqlite:///"
_KINDS = "Set STORE_URL to sqlite:///PATH, redis://HOST:PORT/DB or unix:///PATH."


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
    raise StoreRefused(_KINDS)


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


def place_of(url: str) -> str:
    """Return where a store is, without a password."""
    return url.removeprefix(_SQLITE).rpartition("@")[2].partition("?")[0]
