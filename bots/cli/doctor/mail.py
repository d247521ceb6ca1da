"""`doctor mail`: every step of going live in Outlook, in the order in which they are taken."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from bots.cli.doctor import actionable, house, issuers, sending, sign_in, tokens
from bots.cli.doctor.finding import Finding, Verdict, tell
from bots.cli.doctor.house import OpenStore
from bots.cli.doctor.teams import PACKAGE, Say
from bots.cli.doctor.ward import Ward, opened
from config import Settings


async def doctor_mail(
    settings: Settings, say: Say, *, open_store: OpenStore, now: Callable[[], datetime]
) -> bool:
    """
    Look at every step and say how it stands; return True if nothing is broken.

    It sends no mail and changes nothing. No call takes longer than half a minute.
    """
    return await tell(examined(settings, open_store=open_store, now=now), say)


async def examined(
    settings: Settings, *, open_store: OpenStore, now: Callable[[], datetime]
) -> AsyncIterator[Finding]:
    """Yield each step as soon as it was looked at."""
    yield house.told(settings)
    files, tenants = await asyncio.to_thread(house.tenants, settings)
    yield files
    yield await house.store(settings, open_store, tenants)
    async with opened(settings, tenants, now=now, package=PACKAGE) as ward:
        address = await house.address(ward)
        yield address
        yield await sign_in.page(ward, able=address.verdict is Verdict.OK)
        async for finding in _sent(ward):
            yield finding
        async for finding in _acted_on(ward, able=address.verdict is Verdict.OK):
            yield finding
        yield house.clock(ward)
    yield sign_in.registered(settings)
    for finding in (*sending.beyond(settings), *actionable.beyond(settings)):
        yield finding


async def _sent(ward: Ward) -> AsyncIterator[Finding]:
    """Look at how mails leave, and what stands in them."""
    yield sending.sender(ward)
    secret = await tokens.secret(ward)
    yield secret
    async for finding in sending.mailbox(ward, able=secret.verdict is Verdict.OK):
        yield finding
    for finding in sending.templates(ward):
        yield finding


async def _acted_on(ward: Ward, *, able: bool) -> AsyncIterator[Finding]:
    """Look at what it takes that a card in a mail shows, and acts."""
    yield actionable.originator(ward)
    async for finding in issuers.directories(ward):
        yield finding
    async for finding in actionable.acting(ward, able=able):
        yield finding
