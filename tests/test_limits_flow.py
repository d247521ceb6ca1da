"""A limit that two running services of one store keep together."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from approvals_core.adapters.redis_store import RedisStore
from approvals_core.adapters.stores import open_store
from approvals_core.ports import Store
from playground.certificates import CertificateAuthority
from tests.failing import Edited
from tests.running import Clock, run_service
from tests.shared_limits import patient

SLOWLY = {"[api]": "[limits]\npayloads_per_minute = 12\n\n[api]"}  # two in ten seconds


class StandingClock(Clock):
    """Stands still, however slow the machine is."""

    def __init__(self) -> None:
        super().__init__()
        self._at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self._at


async def open_patient(url: str) -> Store:
    """Open a store whose budgets are waited for, however long they take."""
    store = await open_store(url)
    if isinstance(store, RedisStore):
        store._budgets = patient(store)  # pyright: ignore[reportAttributeAccessIssue]
    return store


async def test_a_tenant_that_posts_to_two_services_has_one_limit(
    authority: CertificateAuthority, store_url: str, tmp_path: Path
) -> None:
    how: dict[str, Any] = {
        "store_url": store_url,
        "clock": StandingClock(),
        "open_store": open_patient,
    }
    async with (
        Edited(authority, SLOWLY) as playground,
        run_service(playground, folder=tmp_path / "one", **how),
    ):
        urls = [playground.tenant.intake_url]
        async with run_service(playground, folder=tmp_path / "two", **how):
            urls.append(playground.tenant.intake_url)
            arx = playground.sample("wiki-create")
            sent = [await playground.tenant.send(arx, url=url) for url in urls * 2]

    assert urls[0] != urls[1]
    assert [each.status for each in sent] == [200, 200, 429, 429]
