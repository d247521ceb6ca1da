"""
The whole service with many tenants, of which one may hang.

Its worker takes the jobs that ask tenants, and no others: people looked up and cards sent
are work of their own, not of the answer.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app import House, open_house
from approvals_core.adapters.stores import open_store
from approvals_core.models import Lane, LeasedJob, Person
from approvals_core.ports import Store
from approvals_core.rules.deciding import Click
from benchmarks.servers.control import serve, settings
from benchmarks.servers.house import AT_ONCE, Seeds
from config import Settings

ASKING = {Lane.DECISION, Lane.TENANT}


class AskingOnly:
    """A store that hands out what asks tenants."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def lease(self, lanes: Sequence[Lane], **how: Any) -> Sequence[LeasedJob]:
        """Lease as the store does, and nothing of the other lanes."""
        return await self._store.lease(lanes, **how) if set(lanes) <= ASKING else ()

    async def next_due(self, lanes: Sequence[Lane], **how: Any) -> datetime | None:
        """Tell what is due, and nothing of the other lanes."""
        return await self._store.next_due(lanes, **how) if set(lanes) <= ASKING else None


class Tenants:
    """Puts requests before the tenants' approvers, and lets one of them decide."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._seeds = Seeds(house)
        self._clicks: set[asyncio.Task[Any]] = set()

    async def seed(
        self,
        *,
        template: str,
        values: list[str],
        codes: list[str],
        people: dict[str, dict[str, str]],
    ) -> list[str]:
        """Commit a request for each of *values*, for the tenants *codes* in turn; return their public ids."""
        ids: list[str] = []
        for start in range(0, len(values), AT_ONCE):
            batch = enumerate(values[start : start + AT_ONCE], start)
            made = (self._one(template, value, codes[n % len(codes)], people) for n, value in batch)
            ids += await asyncio.gather(*made)
        return ids

    async def _one(
        self, template: str, value: str, code: str, people: dict[str, dict[str, str]]
    ) -> str:
        tenant = self._house.tenants.by_code(code)
        assert tenant is not None
        body = template.replace("@@", value).replace("@tenant@", tenant.document_type_id)
        return await self._seeds.one(body.encode(), people, tenant)

    async def click(self, *, ids: list[str], person: dict[str, str]) -> None:
        """Approve all of *ids* at once, and do not wait for what becomes of it."""
        by = Person.model_validate(person)
        pressed = Click(seat=0, round=1, revision=1, attempt=1, action="Approve", channel="teams")
        for public_id in ids:
            act = self._house.approvals.act(public_id, pressed, by=by, elapsed=0.0)
            task = asyncio.create_task(act)
            self._clicks.add(task)
            task.add_done_callback(self._clicks.discard)


async def _open(url: str) -> Any:
    return AskingOnly(await open_store(url))


async def _run() -> None:
    async with open_house(Settings.model_validate(settings()), open_store=_open) as house:
        tenants = Tenants(house)
        await serve(house.application(), {"seed": tenants.seed, "click": tenants.click})


if __name__ == "__main__":
    asyncio.run(_run())
