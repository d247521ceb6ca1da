"""
The whole service as `app.py` makes it, on either store, with every check on.

Its worker takes no jobs: what follows a request later (people looked up, cards
sent) is work of its own, not of the answer. The jobs are written all the same.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

from app import House, open_house
from approvals_core.arx import parse_arx
from approvals_core.committing import Commits
from approvals_core.models import Approval, Person
from approvals_core.rules import intake
from approvals_core.tenant import Tenant
from benchmarks.servers.changes import the_tenant
from benchmarks.servers.control import serve, settings
from config import Settings
from house.collector import looking_seldom

AT_ONCE = 64  # commits under way while the store is filled


class Seeds:
    """Puts requests into the store whose approvers are known already."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._commits = Commits(house.store, now=lambda: datetime.now(UTC), wake=lambda: None)

    async def seed(
        self, *, template: str, values: list[str], people: dict[str, dict[str, str]]
    ) -> list[str]:
        """
        Commit one request for each of *values*, which stands for "@@" in *template*; return their public ids.

        *people* by alias are put on their places.
        """
        ids: list[str] = []
        tenant = the_tenant(self._house.tenants)
        for start in range(0, len(values), AT_ONCE):
            batch = values[start : start + AT_ONCE]
            bodies = [template.replace("@@", value).encode() for value in batch]
            ids += await asyncio.gather(*(self.one(body, people, tenant) for body in bodies))
        return ids

    async def one(self, body: bytes, people: dict[str, dict[str, str]], tenant: Tenant) -> str:
        """Commit the request of *body*, and return its public id."""
        stamp = self._commits.stamp()
        arx = parse_arx(body, tenant_id=tenant.document_type_id, now=stamp.at)
        change = intake.receive(
            None, arx, tenant=tenant, payload_id=stamp.change, stamp=stamp
        ).change
        assert change.approval is not None
        seated = _seated(change.approval, people)
        await self._house.store.commit(change.model_copy(update={"approval": seated, "jobs": ()}))
        return seated.id


def _seated(approval: Approval, people: dict[str, dict[str, Any]]) -> Approval:
    places = [
        place.model_copy(update={"person": Person.model_validate(people[place.alias])})
        for place in approval.places
    ]
    return approval.model_copy(update={"places": tuple(places)})


async def _run() -> None:
    async with open_house(Settings.model_validate(settings())) as house:
        house.worker.stop()
        with looking_seldom():
            await serve(house.application(), {"seed": Seeds(house).seed})


if __name__ == "__main__":
    asyncio.run(_run())
