"""Which Redis may hold approvals: one that keeps what it acknowledged, and is no cache."""

from redis.exceptions import ResponseError

from approvals_core.adapters.redis_store.keys import ABOUT
from approvals_core.adapters.redis_store.wire import Wire
from approvals_core.adapters.stored import SCHEMA
from approvals_core.errors import StoreRefused, StoreUnavailable

NEEDED = {
    "appendonly": "yes",
    "appendfsync": "always",  # anything else loses what was acknowledged when the power fails
    "maxmemory-policy": "noeviction",  # anything else throws approvals away when memory is short
}


async def check_settings(wire: Wire) -> None:
    """
    Compare the server's settings with what we need.

    Raises:
        StoreRefused: Some are unsafe, or cannot be read.
    """
    try:
        answers = await wire.send(*(("CONFIG", "GET", name) for name in NEEDED))
    except StoreUnavailable as error:
        if isinstance(error.__cause__, ResponseError):
            raise StoreRefused(f"Allow CONFIG GET to this user of Redis: {error}") from error
        raise
    found = {answer[0]: answer[1] for answer in answers if answer}
    wrong = [f"{name} {value}" for name, value in NEEDED.items() if found.get(name) != value]
    if wrong:
        raise StoreRefused(f"Set in the configuration of Redis: {', '.join(wrong)}.")


async def check_schema(wire: Wire) -> None:
    """
    Mark a new store with our schema.

    Raises:
        StoreRefused: A newer program made it.
    """
    _, found = await wire.send(("HSETNX", ABOUT, "schema", SCHEMA), ("HGET", ABOUT, "schema"))
    if int(found) > SCHEMA:
        raise StoreRefused(f"Redis has schema {found}, this program knows {SCHEMA}: update it.")
