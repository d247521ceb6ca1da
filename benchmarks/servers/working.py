"""The whole service as `app.py` makes it, with its worker: nothing is left out."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from app import House, open_house
from approvals_core.models import CLOSED, OPEN, Lane, tenant_scope
from benchmarks.servers.control import serve, settings
from config import Settings
from house.collector import looking_seldom

BUSY = (Lane.DECISION, Lane.CARD)  # lanes in which nothing is left once all is done
LOOK = 0.05  # seconds between two looks
SOON = timedelta(seconds=30)  # later ones only look whether something is owed


def _left(house: House) -> Callable[[], Awaitable[dict[str, int]]]:
    async def left() -> dict[str, int]:
        """Wait until decisions and cards are done; return what there is by then."""
        while await _busy(house):  # noqa: ASYNC110 (the worker tells nobody)
            await asyncio.sleep(LOOK)
        scopes = [tenant_scope(tenant.document_type_id) for tenant in house.tenants.all()]
        return {
            "open": sum([await house.store.count(scope, OPEN) for scope in scopes]),
            "closed": sum([await house.store.count(scope, CLOSED) for scope in scopes]),
            "dead": sum([len(await house.store.dead_letters(scope)) for scope in scopes]),
        }

    return left


async def _busy(house: House) -> bool:
    due = await house.store.next_due(BUSY)
    return due is not None and due - datetime.now(UTC) < SOON


async def _run() -> None:
    async with open_house(Settings.model_validate(settings())) as house:
        with looking_seldom():
            await serve(house.application(), {"left": _left(house)})


if __name__ == "__main__":
    asyncio.run(_run())
