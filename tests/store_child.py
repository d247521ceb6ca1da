"""
A process that commits, to be raced against, or killed while it does.

``python -m tests.store_child URL race NAME COUNT`` tries for version 1 of each of COUNT approvals, twenty
at a time, and prints the numbers of those that it won. ``… URL write`` commits for ever, and
prints the number of each approval once it is acknowledged. ``… URL take`` takes what it can get
of a budget of 100 permits, and prints how many that were.
"""

import asyncio
import sys
from contextlib import suppress
from itertools import count

from approvals_core.adapters.stores import open_store
from approvals_core.errors import StoreUnavailable, VersionConflict
from approvals_core.models import Change
from approvals_core.ports import Store
from tests.shared_limits import patient
from tests.store_makers import a_change, a_job, a_payload, a_receipt, an_event, numbered

AT_ONCE = 20


def whole_change(number: int, by: str = "") -> Change:
    """A change that touches everything beside its approval, too."""
    approval = numbered(str(number))
    return a_change(
        approval,
        id=f"{number} {by}",
        events=(an_event(0), an_event(1)),
        bodies={"a": "x" * 500, "b": "y" * 500, "by": by},
        payload=a_payload(id=str(number), approval=approval.key, digest=str(number)),
        receipts=(a_receipt(approval=approval.key),),
        jobs=(a_job(str(number)), a_job(f"{number} too")),
    )


async def race(store: Store, name: str, approvals: int) -> None:
    """Commit version 1 of every approval, unless somebody was faster."""

    async def attempt(number: int) -> None:
        try:
            await store.commit(whole_change(number, name))
        except VersionConflict:
            return
        say(number)

    sys.stdin.readline()  # the starting shot
    for first in range(0, approvals, AT_ONCE):
        await asyncio.gather(*(attempt(number) for number in range(first, first + AT_ONCE)))


async def write(store: Store) -> None:
    """Commit for ever."""
    numbers = count()

    async def one_after_the_other() -> None:
        for number in numbers:
            await store.commit(whole_change(number))
            say(number)

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


async def take(store: Store) -> None:
    """Ask for more than there is, most of it at the same time."""
    sys.stdin.readline()  # the starting shot
    budgets = patient(store)

    async def ask() -> int:
        while True:
            # Nothing was given while the other process held the file for too long.
            with suppress(StoreUnavailable):
                return (await budgets.take("shared", ((100, 600.0),), most=3)).permits

    say(sum(await asyncio.gather(*(ask() for _ in range(200)))))


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


async def main(url: str, mode: str, *arguments: str) -> None:
    store = await open_store(url)
    sys.stdout.write("open\n")
    sys.stdout.flush()
    if mode == "race":
        await race(store, arguments[0], int(arguments[1]))
    elif mode == "take":
        await take(store)
    else:
        await write(store)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
