"""A limit that two running services of one store keep together."""

from datetime import UTC, datetime
from pathlib import Path

from playground.certificates import CertificateAuthority
from tests.failing import Edited
from tests.running import Clock, run_service

SLOWLY = {"[api]": "[limits]\npayloads_per_minute = 12\n\n[api]"}  # two in ten seconds


class StandingClock(Clock):
    """Stands still, however slow the machine is."""

    def __init__(self) -> None:
        super().__init__()
        self._at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self._at


async def test_a_tenant_that_posts_to_two_services_has_one_limit(
    authority: CertificateAuthority, store_url: str, tmp_path: Path
) -> None:
    clock = StandingClock()
    async with (
        Edited(authority, SLOWLY) as playground,
        run_service(playground, store_url=store_url, folder=tmp_path / "one", clock=clock),
    ):
        urls = [playground.tenant.intake_url]
        async with run_service(
            playground, store_url=store_url, folder=tmp_path / "two", clock=clock
        ):
            urls.append(playground.tenant.intake_url)
            arx = playground.sample("wiki-create")
            sent = [await playground.tenant.send(arx, url=url) for url in urls * 2]

    assert urls[0] != urls[1]
    assert [each.status for each in sent] == [200, 200, 429, 429]
