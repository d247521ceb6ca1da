"""Steps in Microsoft's cloud: Graph and its consent, the bot at the Bot Connector, the app in Teams."""

import asyncio
import json
import time
import zipfile
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, cast
from urllib.parse import quote, urlsplit
from uuid import uuid4

from approvals_core.adapters.graph import GraphDirectory
from approvals_core.allowances import Allowances
from approvals_core.errors import ChannelError, DirectoryUnavailable, TokenUnavailable
from approvals_core.tenant import Tenant
from bots.cli.doctor.finding import Finding, broken, ok, unseen, waits
from bots.cli.doctor.tokens import SECRET, graph_roles, repair
from bots.cli.doctor.ward import NoAnswer, Ward, claims_in
from bots.teams.connector import Connector
from bots.teams.hosts import FIRST_CONTACT, ServiceUrls
from bots.teams.limits import Pace

BOT = "the bot at the Bot Connector"
APP = "the app in Teams"
# Any of them tells whether an account is enabled; User.ReadBasic.All does not.
READS_PEOPLE = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All")
INSTALLS = "TeamsAppInstallation.ReadWriteSelfForUser.All"
READS_CATALOGUE = ("AppCatalog.Read.All", "AppCatalog.ReadWrite.All")

_CONSENT = (
    "In Entra, App registrations, application {app}, API permissions: add the application"
    " permission User.Read.All of Microsoft Graph, and grant an administrator's consent."
    " User.ReadBasic.All is not enough: it does not tell whether an account is enabled."
)
_REGISTER = (
    "There is no Azure Bot with the application id {app}, or its type or directory is another."
    " Make one: az bot create --app-type SingleTenant --appid {app} --tenant-id {directory} …"
)
_BLOCKED = "Teams admin center, Teams apps, Manage apps: allow the app."
_CLOUD = "The bot is in another of Microsoft's clouds: check APPROVALS_CLOUD."
_UPLOAD = "Upload build/approvals-teams.zip: Teams admin center, Teams apps, Manage apps."


async def connector(ward: Ward, *, able: bool) -> Finding:
    """Call the Bot Connector about a message that does not exist: it must find nothing, and us."""
    if not able:
        return waits(BOT, SECRET)
    url = ward.settings.bot_service_url or FIRST_CONTACT[ward.settings.cloud]
    try:
        await _connector(ward, url).update(
            url, "a:doctor", "1", {"text": "doctor"}, directory=ward.settings.bot_directory
        )
    except ChannelError as problem:
        return _judged(ward, url, str(problem))
    return ok(BOT, f"{url} takes our token")


def _connector(ward: Ward, url: str) -> Connector:
    settings = ward.settings
    return Connector(
        session=ward.session,
        tokens=ward.tokens,
        app_id=settings.bot_app_id,
        app_directory=settings.bot_directory,
        service_urls=ServiceUrls([url]),
        pace=Pace(Allowances(None, monotonic=time.monotonic), sleep=asyncio.sleep),
        sleep=asyncio.sleep,
        jitter=lambda: 1.0,
        clock=ward.now,
        scope=settings.cloud.bot_scope,
    )


def _judged(ward: Ward, url: str, said: str) -> Finding:
    """Tell a refusal of what we asked for, which is right, from one of us."""
    status = said.split()[1] if said.startswith("HTTP ") else ""
    saw = f"{url} answers {said}"
    if status == "401":
        settings = ward.settings
        how = _REGISTER.format(app=settings.bot_app_id, directory=settings.bot_directory)
        return broken(BOT, saw, how)
    if "BotDisabledByAdmin" in said:
        return broken(BOT, saw, _BLOCKED)
    if "InvalidBotApiHost" in said:
        return broken(BOT, saw, _CLOUD)
    if status in ("400", "403", "404"):
        return ok(BOT, f"{url} takes our token")
    return broken(BOT, saw, f"Let this machine reach {url}, and try again in a minute.")


async def graph(ward: Ward, *, able: bool) -> AsyncIterator[Finding]:
    """Look somebody up in every directory: nobody is found, and nobody is what Graph must say."""
    for tenant in {tenant.people.directory: tenant for tenant in ward.tenants}.values():
        step = f"people of {tenant.people.directory}"
        yield await _people(ward, tenant, step) if able else waits(step, SECRET)


async def _people(ward: Ward, tenant: Tenant, step: str) -> Finding:
    settings, directory = ward.settings, tenant.people.directory
    how = _CONSENT.format(app=settings.bot_app_id)
    try:
        roles = await graph_roles(ward, directory)
    except TokenUnavailable as problem:
        scope = settings.cloud.graph_scope
        return broken(step, str(problem), repair(ward, str(problem), directory, scope))
    if roles is not None and not roles & set(READS_PEOPLE):
        has = f"has {', '.join(sorted(roles))}" if roles else "has no permission at all"
        return broken(step, f"our token for Graph {has}, and needs User.Read.All", how)
    looks = GraphDirectory(
        session=ward.session,
        tokens=ward.tokens,
        clock=ward.now,
        url=settings.graph_url,
        scope=settings.cloud.graph_scope,
    )
    try:
        await looks.find(tenant, str(uuid4()))
    except DirectoryUnavailable as problem:
        reach = f"Let this machine reach {settings.graph_url}, and try again."
        return broken(step, f"Graph: {problem}", how if "403" in str(problem) else reach)
    return ok(step, "Graph looks them up")


def package(ward: Ward) -> Finding:
    """Compare the app package, if there is one here, with the settings."""
    step, settings = "the app package", ward.settings
    manifest = _manifest_in(ward)
    if manifest is None:
        where = "`make manifest` makes it; --package PATH says where it is."
        return unseen(step, where, why=f"there is no readable {ward.package}")
    bots: list[dict[str, object]] = manifest.get("bots") or [{}]
    wanted = {
        "id": (manifest.get("id"), settings.teams_app),
        "botId": (bots[0].get("botId"), settings.bot_app_id),
        "version": (manifest.get("version"), settings.teams_app_version),
        "validDomains": (
            manifest.get("validDomains"),
            [urlsplit(settings.public_url).hostname],
        ),
    }
    wrong = [name for name, (has, should) in wanted.items() if has != should]
    if wrong:
        has, should = wanted[wrong[0]]
        saw = f"its {wrong[0]} is {has}, by the settings it should be {should}"
        return broken(step, saw, "Build it again with `make manifest`, and upload it.")
    return ok(step, f"{ward.package} fits the settings, version {settings.teams_app_version}")


def _manifest_in(ward: Ward) -> dict[str, Any] | None:
    try:
        with zipfile.ZipFile(ward.package) as packed:
            value: object = json.loads(packed.read("manifest.json"))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


async def catalogue(ward: Ward, *, able: bool) -> AsyncIterator[Finding]:
    """See whether the catalogue of every directory has the app, if we may."""
    for directory in ward.directories:
        step = f"{APP} of {directory}"
        yield await _in_catalogue(ward, directory, step) if able else waits(step, SECRET)


async def _in_catalogue(ward: Ward, directory: str, step: str) -> Finding:
    try:
        token = await ward.tokens.token(directory, ward.settings.cloud.graph_scope)
        if not _any(claims_in(token), READS_CATALOGUE):
            return unseen(step, _UPLOAD, why="our token for Graph lacks AppCatalog.Read.All")
        status, said = await ward.ask(
            "GET", _catalogue_url(ward), headers={"Authorization": f"Bearer {token}"}
        )
    except (TokenUnavailable, NoAnswer) as problem:
        return unseen(step, _UPLOAD, why=str(problem))
    if status != 200:  # noqa: PLR2004
        return unseen(step, _UPLOAD, why=f"Graph answers HTTP {status}")
    return _published(ward, step, said)


def _catalogue_url(ward: Ward) -> str:
    named = quote(f"externalId eq '{ward.settings.teams_app}'", safe="")
    base = ward.settings.graph_url.rstrip("/")
    return f"{base}/appCatalogs/teamsApps?$filter={named}&$expand=appDefinitions"


def _published(ward: Ward, step: str, said: Mapping[str, Any]) -> Finding:
    found: list[Mapping[str, Any]] = said.get("value") or []
    if not found:
        saw = f"the catalogue has none with the id {ward.settings.teams_app}"
        return broken(step, saw, f"`make manifest`. {_UPLOAD} Then allow up to a day.")
    definitions: list[Mapping[str, Any]] = found[0].get("appDefinitions") or []
    versions = [str(each.get("version")) for each in definitions]
    wanted = ward.settings.teams_app_version
    if versions and wanted not in versions:
        saw = f"the catalogue has version {', '.join(versions)}, the settings say {wanted}"
        return broken(step, saw, f"`make manifest`. {_UPLOAD}")
    return _installable(ward, step, str(found[0].get("id")))


def _installable(ward: Ward, step: str, catalogued: str) -> Finding:
    """Compare the catalogue's own id of the app with the one that we would install."""
    ours = ward.settings.teams_catalog_app_id
    if ours and ours != catalogued.lower():
        saw = f"the catalogue has it as {catalogued}, we would install {ours}"
        return broken(step, saw, f"Set APPROVALS_TEAMS_CATALOG_APP_ID to {catalogued}.")
    return ok(step, f"the catalogue has it, as {catalogued}")


async def installs(ward: Ward, *, able: bool) -> AsyncIterator[Finding]:
    """See whether we may install the app for people, where the settings say that we do."""
    for directory in ward.directories if ward.settings.teams_catalog_app_id else ():
        step = f"installing the app in {directory}"
        yield await _installs(ward, directory, step) if able else waits(step, SECRET)


async def _installs(ward: Ward, directory: str, step: str) -> Finding:
    try:
        roles = await graph_roles(ward, directory)
    except TokenUnavailable as problem:
        return unseen(step, "Mend what is broken above.", why=str(problem))
    if roles is None:
        return unseen(step, "Let it be tried: write to somebody who does not have the app.")
    if INSTALLS not in roles:
        how = (
            f"Add the application permission {INSTALLS} of Microsoft Graph, with consent;"
            " or leave APPROVALS_TEAMS_CATALOG_APP_ID unset, and install it by policy."
        )
        return broken(step, f"our token for Graph lacks {INSTALLS}", how)
    return ok(step, "Graph lets us")


def _any(claims: Mapping[str, Any], roles: Collection[str]) -> bool:
    given: object = claims.get("roles")
    return isinstance(given, list) and bool(set(cast("list[object]", given)) & set(roles))


def azure(ward: Ward) -> Finding:
    """Say what only Azure shows about the bot."""
    url = f"{ward.settings.public_url.rstrip('/')}/api/messages"
    where = (
        f"az bot show --name NAME --resource-group GROUP: properties.endpoint is {url}."
        " az bot msteams show, with the same: the channel is enabled."
    )
    return unseen("the bot's endpoint and Teams channel in Azure", where)


def installed() -> Finding:
    """Say what only Teams shows about people."""
    where = (
        "Teams admin center, Teams apps, Setup policies: the app is among the installed ones."
        " Then write `help` to it in Teams; it answers."
    )
    return unseen("the app on people's side", where)
