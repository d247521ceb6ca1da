"""Steps about our own tokens: the bot's secret, and what Entra lets us ask for with it."""

import re
from collections.abc import AsyncIterator
from typing import cast

from approvals_core.errors import TokenUnavailable
from approvals_core.tenant import Tenant
from bots.cli.doctor.finding import Finding, broken, ok, waits
from bots.cli.doctor.ward import Ward, claims_in

SECRET = "the bot's secret"  # noqa: S105 (a step's name)

_CODE = re.compile(r"(?<=AADSTS)\d+|ValueError")
_ANEW = (
    "Make one (az ad app credential reset --id {app} --append), set its value, not its id,"
    " as APPROVALS_BOT_SECRET, and start the service again."
)
_NO_DIRECTORY = (
    "Entra knows no directory {directory}. Its id is in the Entra admin center, Overview;"
    " check APPROVALS_BOT_DIRECTORY, the tenants' files and APPROVALS_CLOUD."
)
# MicrosoftDocs/entra-docs, reference-error-codes.md
_REPAIRS = {
    "7000215": f"APPROVALS_BOT_SECRET is no secret of application {{app}}. {_ANEW}",
    "7000222": f"The secret has expired. {_ANEW}",
    "700016": (
        "Directory {directory} has no application {app}. Check APPROVALS_BOT_APP_ID and the"
        " directory. A single-tenant application is in its own directory only."
    ),
    "7000229": "Make the application's service principal: az ad sp create --id {app}",
    "7000112": (
        "The application is disabled: Entra admin center, Enterprise applications, its"
        " Properties, Enabled for users to sign in."
    ),
    "90002": _NO_DIRECTORY,
    "900023": _NO_DIRECTORY,
    "500011": (
        "Directory {directory} has no application with the App ID URI {resource}. Check its"
        " spelling; if it is right, make its service principal: az ad sp create --id ITS_CLIENT_ID"
    ),
    "501051": (
        "The API at {resource} takes assigned applications only: give application {app} an app"
        " role of it, with an administrator's consent."
    ),
    "ValueError": _NO_DIRECTORY,  # what MSAL makes of it
    "53003": "A Conditional Access policy for workload identities blocks application {app}.",
}
_NO_ROLE = (
    "without an app role: that is enough where the API knows {app} by its id; where"
    " it wants a role, have that assigned, with an administrator's consent"
)
_UNREACHED = (
    "Let this machine reach {login} on port 443; proxies of the environment are not used. If it"
    " does, look AADSTS codes up at https://login.microsoftonline.com/error."
)


async def secret(ward: Ward) -> Finding:
    """Get the token with which the bot calls the Bot Connector."""
    settings = ward.settings
    directory, scope = settings.bot_directory, settings.cloud.bot_scope
    try:
        claims = claims_in(await ward.tokens.token(directory, scope))
    except TokenUnavailable as problem:
        return _refused(SECRET, ward, problem, directory, scope)
    audience, app = str(claims.get("aud", "")), str(claims.get("appid") or claims.get("azp") or "")
    if audience.rstrip("/") != _resource(scope) or app.lower() != settings.bot_app_id:
        saw = f"Entra's token is for {audience or 'nobody'}, of application {app or 'unknown'}"
        return broken(SECRET, saw, "Check APPROVALS_CLOUD, and what APPROVALS_ENTRA_LOGIN_URL is.")
    return ok(SECRET, "Entra gives a token for the Bot Connector")


async def graph_roles(ward: Ward, directory: str) -> frozenset[str] | None:
    """
    Return the roles in our token for Graph; None if we cannot read it.

    Raises:
        TokenUnavailable: Entra gives none.
    """
    claims = claims_in(await ward.tokens.token(directory, ward.settings.cloud.graph_scope))
    given: object = claims.get("roles", [])
    if not claims or not isinstance(given, list):
        return None
    return frozenset(map(str, cast("list[object]", given)))


async def tenants_apis(ward: Ward, *, able: bool) -> AsyncIterator[Finding]:
    """Get a token for each tenant's API: decisions are posted with it."""
    for tenant in ward.tenants:
        step = f"token for the API of {tenant.code}"
        yield await _for_api(ward, tenant, step) if able else waits(step, SECRET)


async def _for_api(ward: Ward, tenant: Tenant, step: str) -> Finding:
    directory, scope = tenant.people.directory, f"{tenant.api.resource}/.default"
    try:
        claims = claims_in(await ward.tokens.token(directory, scope))
    except TokenUnavailable as problem:
        return _refused(step, ward, problem, directory, scope)
    given: object = claims.get("roles")
    roles = cast("list[object]", given) if isinstance(given, list) else []
    gives = f"Entra gives one for {tenant.api.resource}"
    if not roles:  # only the tenant knows whether it wants one
        return ok(step, f"{gives}, {_NO_ROLE.format(app=ward.settings.bot_app_id)}")
    return ok(step, f"{gives}, with the roles: {', '.join(map(str, roles))}")


def _refused(
    step: str, ward: Ward, problem: TokenUnavailable, directory: str, scope: str
) -> Finding:
    return broken(step, str(problem), repair(ward, str(problem), directory, scope))


def repair(ward: Ward, why: str, directory: str, scope: str) -> str:
    """Return what to do about a token that Entra did not give."""
    found = _CODE.search(why)
    text = _REPAIRS.get(found[0] if found else "", _UNREACHED)
    return text.format(
        app=ward.settings.bot_app_id,
        directory=directory,
        resource=_resource(scope),
        login=ward.settings.entra_login_url,
    )


def _resource(scope: str) -> str:
    return scope.removesuffix("/.default")
