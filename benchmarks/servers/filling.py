"""
Fills a store with pending requests of three approvers each, through `Store.commit`, and says how long it took.

The first ones wait for one person, the rest for people who are made up. So one person has as many
as he is measured with, whatever else is in the store.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

from approvals_core.adapters.stores import open_store
from approvals_core.models import Change, Person
from approvals_core.ports import Store
from benchmarks.servers.changes import Changes
from benchmarks.servers.control import obey, settings
from benchmarks.servers.likeness import Likeness

AT_ONCE = 64  # commits under way
PEOPLE = 20_000  # that are made up
DIRECTORY = "11111111-aaaa-4aaa-8aaa-111111111111"


def somebody(number: int) -> Person:
    """Return the made-up person of this number."""
    object_id = f"{number % PEOPLE:08x}-0000-4000-8000-000000000000"
    return Person(directory=DIRECTORY, object_id=object_id, name=f"Person {number % PEOPLE}")


class _Filling:
    """*count* requests; of the first of them, *mine*, *person* is an approver."""

    def __init__(self, likeness: Likeness, *, count: int, mine: int, person: Person) -> None:
        self._likeness = likeness
        self._count = count
        self._mine = mine
        self._person = person
        self.ids: list[str] = []  # of his requests

    def changes(self) -> Iterator[Change]:
        for number in range(self._count):
            change = self._likeness.another(f"REQ-{number:08}", self._approvers(number))
            assert change.approval is not None
            if number < self._mine:
                self.ids.append(change.approval.id)
            yield change

    def _approvers(self, number: int) -> list[Person]:
        first = self._person if number < self._mine else somebody(3 * number)
        return [first, somebody(3 * number + 1), somebody(3 * number + 2)]


async def commit_all(store: Store, changes: Iterator[Change]) -> None:
    """Commit them, so many at once that they share transactions."""

    async def one_caller() -> None:
        for change in changes:
            await store.commit(change)

    await asyncio.gather(*(one_caller() for _ in range(AT_ONCE)))


async def _run() -> None:
    told = settings()
    store = await open_store(told["store_url"])
    try:
        first = Changes(store, told["template"], Path(told["tenants"])).next(1)[0]
        filling = _Filling(
            Likeness(first),
            count=told["count"],
            mine=told["mine"],
            person=Person.model_validate(told["person"]),
        )
        began = time.perf_counter()
        await commit_all(store, filling.changes())
        seconds = time.perf_counter() - began
    finally:
        await store.close()  # all of it is in the file before it is measured
    await obey({"ids": filling.ids, "seconds": seconds}, {})


if __name__ == "__main__":
    asyncio.run(_run())
