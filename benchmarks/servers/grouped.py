"""Our SQLite store: commits that wait at the same time share one transaction."""

import asyncio
from pathlib import Path

from approvals_core.adapters.sqlite_store import open_sqlite
from benchmarks.servers.changes import Changes
from benchmarks.servers.control import obey, settings
from benchmarks.servers.work import Work


async def _run() -> None:
    told = settings()
    store = await open_sqlite(told["path"])
    changes = Changes(store, told["template"], Path(told["tenants"]))

    await obey({}, Work(changes.next, store.commit).orders())
    await store.close()


if __name__ == "__main__":
    asyncio.run(_run())
