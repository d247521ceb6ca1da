"""Steps about those whose tokens we take: can their keys be fetched, and are they who we think."""

from collections.abc import AsyncIterator

from approvals_core.adapters.signing_keys import SigningKeys
from bots.cli.doctor.finding import Finding, broken, ok
from bots.cli.doctor.ward import Ward

_HOW = "Let this machine reach {host} on port 443, past proxies; else check APPROVALS_CLOUD."


async def connector(ward: Ward) -> Finding:
    """Fetch the keys with which the Bot Connector signs what it sends us."""
    settings = ward.settings
    return await _keys(
        ward, "the Bot Connector's keys", settings.bot_issuer, settings.bot_openid_url, _HOW
    )


async def directories(ward: Ward) -> AsyncIterator[Finding]:
    """Fetch the keys with which Entra signs the tenants' tokens."""
    settings = ward.settings
    callers = {caller.directory for tenant in ward.tenants for caller in tenant.callers}
    for directory in sorted(callers | {settings.bot_directory}):
        login = settings.entra_login_url.rstrip("/")
        url = f"{login}/{directory}/v2.0/.well-known/openid-configuration"
        name = settings.entra_issuer.replace("{directory}", directory)
        how = f"Is {directory} spelled rightly, in the settings and the tenants' files? {_HOW}"
        yield await _keys(ward, f"Entra's keys for {directory}", name, url, how)


async def _keys(ward: Ward, step: str, name: str, url: str, how: str) -> Finding:
    keys = SigningKeys(name, metadata_url=url, session=ward.session, clock=ward.now)
    await keys.key("")
    if not keys.fresh:
        host = url.split("/")[2]
        return broken(step, f"{url}: {keys.failure}", how.format(host=host))
    return ok(step, f"fetched, and the issuer is {name}")
