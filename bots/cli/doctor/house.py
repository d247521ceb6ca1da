"""Steps in our own house: tenants' files, the store, our address, and the clock."""

import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from approvals_core.adapters.stores import may_lose
from approvals_core.adapters.tenant_files import BadTenantFiles, load_tenants
from approvals_core.errors import StoreError
from approvals_core.ports import Store
from approvals_core.tenant import Tenant
from approvals_core.tenants_of_open import compare
from bots.cli.doctor.finding import Finding, broken, ok, unseen, waits, warns
from bots.cli.doctor.ward import NoAnswer, Ward
from cards.mail import mistakes_in
from config import Settings

ADDRESS = "our address"
SKEW = 300  # seconds between two clocks beyond which tokens are refused
_PUBLIC = "Set APPROVALS_PUBLIC_URL to the https address under which Teams reaches this service."

OpenStore = Callable[[], Awaitable[Store]]


def told(settings: Settings) -> Finding:
    """Say which installation this is."""
    test = ", a TEST installation: it trusts other issuers" if settings.custom_issuers else ""
    return ok("settings", f"bot {settings.bot_app_id}, cloud {settings.cloud.value}{test}")


def tenants(settings: Settings) -> tuple[Finding, tuple[Tenant, ...]]:
    """Read the tenants' files."""
    step = "tenants' files"
    try:
        found = tuple(load_tenants(settings.tenants, check=mistakes_in).all())
    except BadTenantFiles as bad:
        first, *others = bad.mistakes
        wrong = f"{first} (and {len(others)} more)" if others else first
        return broken(step, wrong, "`python -m bots.cli check-config` names all mistakes."), ()
    return ok(step, ", ".join(tenant.code for tenant in found)), found


async def store(
    settings: Settings, open_store: OpenStore, tenants: Sequence[Tenant] = ()
) -> Finding:
    """Open the store, and see whether it was made for our issuers, and whether *tenants*, if known, are all of its own."""
    step = "store"
    try:
        opened = await open_store()
        try:
            await opened.stamp(settings.issuers)
            files = {tenant.code: tenant for tenant in tenants}
            missing = (await compare(opened, files)).mistakes if files else ()
        finally:
            await opened.close()
    except (StoreError, OSError) as problem:
        how = "Mend APPROVALS_STORE_URL. A new one is made when the service starts the first time."
        return broken(step, str(problem), how)
    if missing:
        how = "`python -m bots.cli tenants list` names all of them."
        return broken(step, missing[0], how)
    if risks := may_lose(settings.store_url):
        saw = f"opens, but may lose what was acknowledged: {' '.join(risks)}"
        return warns(step, saw, "docs/operations.md, Redis, says which addresses lose nothing.")
    return ok(step, "opens, and was made for our issuers")


async def address(ward: Ward) -> Finding:
    """See whether the service answers under its public address."""
    url = ward.settings.public_url
    if not ward.settings.custom_issuers and not _may_be_public(url):
        return broken(ADDRESS, f"{url} is for this machine only", _PUBLIC)
    try:
        status, said = await ward.ask("GET", f"{url.rstrip('/')}/livez")
    except NoAnswer as problem:
        how = "Start the service; let DNS, certificate and reverse proxy lead there."
        return broken(ADDRESS, f"{url}: {problem}", f"{how} {_PUBLIC}")
    if status != 200 or said != {"live": True}:  # noqa: PLR2004
        how = "Something else answers there. Let the reverse proxy pass everything on to us."
        return broken(ADDRESS, f"{url}/livez answers {status}", how)
    return ok(ADDRESS, f"{url} answers from here, which is not the internet")


async def door(ward: Ward, *, able: bool) -> Finding:
    """See whether what nobody signed is refused at the bot's endpoint."""
    step, url = "the bot's endpoint", f"{ward.settings.public_url.rstrip('/')}/api/messages"
    if not able:
        return waits(step, ADDRESS)
    try:
        status, _ = await ward.ask("POST", url, json={"type": "message"})
    except NoAnswer as problem:
        return broken(step, f"{url}: {problem}", "Let the reverse proxy pass POST on to us.")
    if status != 401:  # noqa: PLR2004
        how = "That is not this service. Let the reverse proxy pass POST /api/messages on to us."
        return broken(step, f"{url} answers {status} to an unsigned activity, not 401", how)
    return ok(step, f"{url} refuses what is not signed")


def internet(ward: Ward) -> Finding:
    """Say what Teams alone can show about our address."""
    url = ward.settings.public_url
    where = f"From a machine elsewhere: curl -i {url}/livez. Teams calls from Microsoft's networks."
    return unseen("our address from the internet", where)


async def people(ward: Ward) -> AsyncIterator[Finding]:
    """See whether each tenant's people may talk to the bot."""
    for tenant in ward.tenants:
        step, directory = f"directory of {tenant.code}", tenant.people.directory
        if directory in ward.settings.directories:
            yield ok(step, f"{directory} may talk to the bot")
        else:
            how = f"Add {directory} to APPROVALS_DIRECTORIES, or mend the tenant's file."
            yield broken(step, f"what people of {directory} do in Teams is refused", how)


def clock(ward: Ward) -> Finding:
    """Compare our clock with those of all who answered before."""
    step = "clock"
    if not ward.clocks:
        return waits(step, "a far side that answers")
    where, ahead = max(ward.clocks.items(), key=lambda each: abs(each[1]))
    seconds = round(ahead.total_seconds())
    if abs(seconds) > SKEW:
        says = f"{abs(seconds)} s {'behind' if seconds > 0 else 'ahead of'} that of {where}"
        how = "Set it, and keep it with NTP: beyond 5 minutes no token is good."
        return broken(step, f"ours is {says}", how)
    return ok(step, f"within {abs(seconds) + 1} s of {len(ward.clocks)} far sides'")


def _may_be_public(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        public = ipaddress.ip_address(host).is_global
    except ValueError:
        public = "." in host and not host.endswith(".localhost")
    return public and parts.scheme == "https"
