"""Chooses the store by its URL."""

from approvals_core.adapters.redis_store import open_redis
from approvals_core.adapters.sqlite_store import open_sqlite
from approvals_core.errors import StoreRefused
from approvals_core.ports import Store

_SQLITE = "sqlite:///"
_REDIS = ("redis://", "rediss://", "unix://")


async def open_store(url: str) -> Store:
    """
    Open the store at *url*.

    ``sqlite:///file`` is relative to the working folder, ``sqlite:////folder/file`` is not;
    ``redis://host:port/db``, ``rediss://…`` with TLS, ``unix:///folder/socket``.

    Raises:
        StoreRefused: No such kind of store, or its settings are unsafe.

        StoreUnavailable: It does not answer.
    """
    if url.startswith(_SQLITE):
        return await open_sqlite(url.removeprefix(_SQLITE))
    if url.startswith(_REDIS):
        return await open_redis(url)
    raise StoreRefused("Set STORE_URL to sqlite:///PATH, redis://HOST:PORT/DB or unix:///PATH.")
