"""Asks a store for jobs."""

from collections.abc import Sequence
from datetime import datetime

from approvals_core.models import Lane, LeasedJob
from approvals_core.ports import Store
from tests.store_makers import MINUTE, NOON


async def leased(
    store: Store,
    *lanes: Lane,
    limit: int = 100,
    now: datetime = NOON,
) -> Sequence[LeasedJob]:
    return await store.lease(lanes or tuple(Lane), limit=limit, now=now, until=now + MINUTE)


def keys(jobs: Sequence[LeasedJob]) -> list[str]:
    return [one.job.key for one in jobs]
