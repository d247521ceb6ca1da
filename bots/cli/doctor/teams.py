"""`doctor teams`: every step of going live in Teams, in the order in which they are taken."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

from bots.cli.doctor import cloud, house, issuers, tokens
from bots.cli.doctor.finding import Finding, Verdict, tell
from bots.cli.doctor.house import OpenStore
from bots.cli.doctor.ward import Ward, opened
from config import Settings

PACKAGE = Path("build/approvals-teams.zip")

Say = Callable[[str], None]


async def doctor_teams(
    settings: Settings,
    say: Say,
    *,
    open_store: OpenStore,
    now: Callable[[], datetime],
    package: Path = PACKAGE,
) -> bool:
    """
    Look at every step and say how it stands; return True if nothing is broken.

    It changes nothing, here or elsewhere. No call takes longer than half a minute.
    """
    return await tell(examined(settings, open_store=open_store, now=now, package=package), say)


async def examined(
    settings: Settings, *, open_store: OpenStore, now: Callable[[], datetime], package: Path
) -> AsyncIterator[Finding]:
    """Yield each step as soon as it was looked at."""
    yield house.told(settings)
    files, tenants = await asyncio.to_thread(house.tenants, settings)
    yield files
    yield await house.store(settings, open_store, tenants)
    async with opened(settings, tenants, now=now, package=package) as ward:
        async for finding in _at_home(ward):
            yield finding
        async for finding in _outside(ward):
            yield finding
        yield house.clock(ward)
    yield house.internet(ward)
    yield cloud.azure(ward)
    yield cloud.installed()


async def _at_home(ward: Ward) -> AsyncIterator[Finding]:
    address = await house.address(ward)
    yield address
    yield await house.door(ward, able=address.verdict is Verdict.OK)
    async for finding in house.people(ward):
        yield finding


async def _outside(ward: Ward) -> AsyncIterator[Finding]:
    yield await issuers.connector(ward)
    async for finding in issuers.directories(ward):
        yield finding
    secret = await tokens.secret(ward)
    yield secret
    able = secret.verdict is Verdict.OK
    yield await cloud.connector(ward, able=able)
    async for finding in cloud.graph(ward, able=able):
        yield finding
    async for finding in tokens.tenants_apis(ward, able=able):
        yield finding
    yield await asyncio.to_thread(cloud.package, ward)
    async for finding in cloud.catalogue(ward, able=able):
        yield finding
    async for finding in cloud.installs(ward, able=able):
        yield finding
