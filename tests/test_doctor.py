"""`doctor teams` against the playground: all well, then each step broken in turn, through real HTTP and real tokens."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from approvals_core.adapters.stores import open_store
from approvals_core.models import HOUSE, ApprovalKey, Change, tenant_scope
from bots.cli.doctor import house
from bots.cli.doctor.finding import Verdict
from bots.cli.doctor.ward import opened
from playground import names
from playground.faults import Fault, FaultKind
from tests.clinic import Clinic, clinic, settings_of
from tests.far_sides import serving
from tests.opened import opened as open_again
from tests.outside import authority, playground
from tests.store_makers import a_change, an_approval

__all__ = ["authority", "clinic", "playground"]

ROOT = Path(__file__).parent.parent
NOWHERE = "http://127.0.0.1:9"  # nothing listens on the port for "discard"
STRANGE = "88888888-aaaa-4aaa-8aaa-888888888888"


# -- all well -------------------------------------------------------------------


async def test_an_installation_that_works_has_nothing_broken(clinic: Clinic) -> None:
    code = await clinic.examine()

    assert clinic.steps(Verdict.BROKEN) == clinic.steps(Verdict.WAITS) == []
    assert code == 0
    assert clinic.lines[-1] == "\nNothing is broken, 3 cannot be seen from here."


async def test_what_only_the_cloud_can_show_is_told_with_where_to_look(clinic: Clinic) -> None:
    await clinic.examine()

    assert clinic.steps(Verdict.UNSEEN) == [
        "our address from the internet",
        "the bot's endpoint and Teams channel in Azure",
        "the app on people's side",
    ]
    text = "\n".join(clinic.lines)
    assert f"properties.endpoint is {clinic.settings['PUBLIC_URL']}/api/messages" in text
    assert "Teams admin center, Teams apps, Setup policies" in text


async def test_no_secret_and_no_token_is_printed(clinic: Clinic) -> None:
    await clinic.examine()

    text = "\n".join(clinic.lines)
    assert clinic.settings["BOT_SECRET"] not in text
    assert "eyJ" not in text  # how every signed token begins


async def test_nothing_is_left_in_anybodys_chat(clinic: Clinic) -> None:
    await clinic.examine()

    assert clinic.playground.world.chats == {}


# -- each step broken in turn -----------------------------------------------------


def tenants_file(clinic: Clinic) -> None:
    (clinic.folder / "tenants" / "purchasing.toml").write_text("code = 1\n", encoding="utf-8")


def no_store(clinic: Clinic) -> None:
    clinic.settings["STORE_URL"] = f"sqlite:///{clinic.folder}/elsewhere.db"


def no_service(clinic: Clinic) -> None:
    clinic.settings["PUBLIC_URL"] = NOWHERE


def other_people(clinic: Clinic) -> None:
    clinic.settings["DIRECTORIES"] = names.OTHER_DIRECTORY


def no_bot_keys(clinic: Clinic) -> None:
    clinic.playground.issuer.failing["/botframework/"] = 503


def other_bot_issuer(clinic: Clinic) -> None:
    clinic.playground.issuer.bot_issuer = "https://elsewhere.example"


def no_entra_keys(clinic: Clinic) -> None:
    clinic.playground.issuer.failing["/discovery/v2.0/keys"] = 503


def other_entra_issuer(clinic: Clinic) -> None:
    clinic.playground.issuer.entra_issuer = "https://elsewhere.example/{directory}"


def wrong_secret(clinic: Clinic) -> None:
    clinic.settings["BOT_SECRET"] = "the-id-of-the-secret"


def expired_secret(clinic: Clinic) -> None:
    clinic.bot(expired=True)


def no_application(clinic: Clinic) -> None:
    del clinic.playground.issuer.applications[names.BOT_APP]


def disabled_application(clinic: Clinic) -> None:
    clinic.bot(enabled=False)


def no_entra(clinic: Clinic) -> None:
    clinic.playground.issuer.failing["/oauth2/v2.0/token"] = 503


def other_cloud(clinic: Clinic) -> None:
    applications = clinic.playground.issuer.applications
    other = {"uri": "https://api.botframework.us"}
    connector = applications[names.BOT_FRAMEWORK].model_copy(update=other)
    applications[names.BOT_FRAMEWORK] = connector


def no_bot(clinic: Clinic) -> None:
    clinic.playground.world.set_fault("connector", Fault(kind=FaultKind.NOT_REGISTERED))


def blocked_bot(clinic: Clinic) -> None:
    clinic.playground.world.set_fault("connector", Fault(kind=FaultKind.BOT_DISABLED))


def no_connector(clinic: Clinic) -> None:
    clinic.settings["BOT_SERVICE_URL"] = NOWHERE


def no_consent(clinic: Clinic) -> None:
    clinic.without_role("User.Read.All")


def forbidding_graph(clinic: Clinic) -> None:
    clinic.playground.world.set_fault("graph", Fault(kind=FaultKind.STATUS, status=403, times=1))


def failing_graph(clinic: Clinic) -> None:
    clinic.playground.world.set_fault("graph", Fault(kind=FaultKind.STATUS, status=500, times=1))


def no_tenants_api(clinic: Clinic) -> None:
    del clinic.playground.issuer.applications[names.PURCHASING_API]


def old_package(clinic: Clinic) -> None:
    clinic.pack(TEAMS_APP_VERSION="0.9.0")


def strange_package(clinic: Clinic) -> None:
    clinic.pack(PUBLIC_URL="https://elsewhere.example")


def empty_catalogue(clinic: Clinic) -> None:
    clinic.playground.world.catalogue.clear()


def old_catalogue(clinic: Clinic) -> None:
    clinic.playground.world.catalogue[names.TEAMS_APP] = "0.9.0"


def other_catalogue_id(clinic: Clinic) -> None:
    clinic.settings["TEAMS_CATALOG_APP_ID"] = STRANGE


def no_installing(clinic: Clinic) -> None:
    clinic.without_role("TeamsAppInstallation.ReadWriteSelfForUser.All")


def clock_ahead(clinic: Clinic) -> None:
    clinic.ahead = timedelta(minutes=10)


def clock_behind(clinic: Clinic) -> None:
    clinic.ahead = timedelta(minutes=-10)


SECRET = "the bot's secret"
BOT = "the bot at the Bot Connector"
BOT_KEYS = "the Bot Connector's keys"
ENTRA_KEYS = f"Entra's keys for {names.DIRECTORY}"
PEOPLE = f"people of {names.DIRECTORY}"
APP = f"the app in Teams of {names.DIRECTORY}"
PACKAGE = "the app package"

BROKEN: list[tuple[Callable[[Clinic], None], str, str, str]] = [
    (tenants_file, "tenants' files", "purchasing.toml", "check-config"),
    (no_store, "store", "There is no store", "APPROVALS_STORE_URL"),
    (no_service, "our address", "nobody answers at 127.0.0.1:9", "APPROVALS_PUBLIC_URL"),
    (other_people, "directory of pr", "is refused", f"Add {names.DIRECTORY} to"),
    (no_bot_keys, BOT_KEYS, "HTTP 503", "port 443"),
    (other_bot_issuer, BOT_KEYS, "another issuer's", "APPROVALS_CLOUD"),
    (no_entra_keys, ENTRA_KEYS, "HTTP 503", "port 443"),
    (other_entra_issuer, ENTRA_KEYS, "another issuer's", "APPROVALS_CLOUD"),
    (wrong_secret, SECRET, "AADSTS7000215", "value, not its id"),
    (expired_secret, SECRET, "AADSTS7000222", "az ad app credential reset"),
    (no_application, SECRET, "AADSTS700016", "APPROVALS_BOT_APP_ID"),
    (disabled_application, SECRET, "AADSTS7000112", "Enabled for users"),
    (no_entra, SECRET, "no token", "Let this machine reach"),
    (other_cloud, SECRET, "Entra's token is for", "APPROVALS_CLOUD"),
    (no_bot, BOT, "401 BotNotRegistered", "az bot create --app-type SingleTenant"),
    (blocked_bot, BOT, "403 BotDisabledByAdmin", "allow the app"),
    (no_connector, BOT, "ClientConnectorError", "Let this machine reach"),
    (no_consent, PEOPLE, ", and needs User.Read.All", "administrator's consent"),
    (forbidding_graph, PEOPLE, "HTTP 403", "administrator's consent"),
    (failing_graph, PEOPLE, "HTTP 500", "try again"),
    (no_tenants_api, "token for the API of pr", "AADSTS500011", names.PURCHASING_URI),
    (old_package, PACKAGE, "version is 0.9.0", "make manifest"),
    (strange_package, PACKAGE, "validDomains is ['elsewhere.example']", "make manifest"),
    (empty_catalogue, APP, "has none with the id", "Upload"),
    (old_catalogue, APP, "has version 0.9.0", "Upload"),
    (other_catalogue_id, APP, f"install {STRANGE}", names.CATALOG_APP),
    (no_installing, f"installing the app in {names.DIRECTORY}", "lacks", "application permission"),
    (clock_ahead, "clock", "ahead of", "NTP"),
    (clock_behind, "clock", "behind", "NTP"),
]


@pytest.mark.parametrize(
    ("breaks", "step", "saw", "repair"), BROKEN, ids=[each[0].__name__ for each in BROKEN]
)
async def test_a_broken_step_is_found_alone_and_its_repair_is_said(
    clinic: Clinic, breaks: Callable[[Clinic], None], step: str, saw: str, repair: str
) -> None:
    breaks(clinic)

    code = await clinic.examine()

    assert clinic.steps(Verdict.BROKEN) == [step]
    assert code == 1
    [at] = [at for at, line in enumerate(clinic.lines) if line.startswith("broken")]
    assert saw in clinic.lines[at]
    assert repair in clinic.lines[at + 1]


async def test_a_store_of_other_issuers_is_broken(clinic: Clinic) -> None:
    clinic.settings["BOT_ISSUER"] = clinic.playground.issuer.bot_issuer = (
        "https://elsewhere.example"
    )

    await clinic.examine()

    assert clinic.steps(Verdict.BROKEN) == ["store"]


async def test_a_tenant_whose_file_is_gone_while_something_is_open_is_broken(
    clinic: Clinic,
) -> None:
    gone = str(uuid4())
    approval = an_approval(key=ApprovalKey(gone, "REQ-1", "2026"))
    async with open_again(open_store(clinic.settings["STORE_URL"])) as store:
        await store.commit(a_change(approval, scope=tenant_scope(gone)))
        await store.commit(Change(id="a start", scope=HOUSE, notes={f"code/{gone}": "hr"}))

    await clinic.examine()

    assert clinic.steps(Verdict.BROKEN) == ["store"]
    assert any(f"the tenant hr ({gone}) is gone" in line for line in clinic.lines)


async def test_a_store_that_may_lose_something_works_and_is_a_warning(
    clinic: Clinic, redis_url: str
) -> None:
    url = clinic.settings["STORE_URL"] = f"{redis_url}?durability=everysec"
    await (await open_store(url)).close()

    code = await clinic.examine()

    assert clinic.steps(Verdict.WARNS) == ["store"]
    assert code == 0


async def test_a_directory_that_entra_does_not_know_is_named(clinic: Clinic) -> None:
    clinic.settings["BOT_DIRECTORY"] = STRANGE

    await clinic.examine()

    assert clinic.steps(Verdict.BROKEN) == [f"Entra's keys for {STRANGE}", SECRET]
    assert f"Entra knows no directory {STRANGE}" in "\n".join(clinic.lines)


async def test_what_needs_the_bots_token_waits_for_it(clinic: Clinic) -> None:
    wrong_secret(clinic)

    await clinic.examine()

    assert clinic.steps(Verdict.WAITS) == [
        BOT,
        PEOPLE,
        "token for the API of pr",
        APP,
        f"installing the app in {names.DIRECTORY}",
    ]


async def test_the_readme_shows_what_the_doctor_says(clinic: Clinic) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.split("$ python -m bots.cli doctor teams\n")[1].split("```")[0].splitlines()
    expired_secret(clinic)

    await clinic.examine()

    begun = [line.split("…")[0].rstrip() for line in shown]
    assert len(begun) > 5
    assert [each for each in begun if not any(x.startswith(each) for x in clinic.lines)] == []


async def test_the_roles_that_a_tenants_api_sees_are_told(clinic: Clinic) -> None:
    roles = clinic.playground.issuer.roles
    roles[names.BOT_APP, names.PURCHASING_API] = ["Decisions.Post"]

    await clinic.examine()

    [line] = [line for line in clinic.lines if "token for the API of pr" in line]
    assert line.endswith(", with the roles: Decisions.Post")


async def test_a_token_without_a_role_is_told_in_words(clinic: Clinic) -> None:
    clinic.playground.issuer.roles[names.BOT_APP, names.PURCHASING_API] = []

    await clinic.examine()

    [line] = [line for line in clinic.lines if "token for the API of pr" in line]
    assert f"without an app role: that is enough where the API knows {names.BOT_APP}" in line
    assert "where it wants a role, have that assigned" in line


# -- somebody else at our address -----------------------------------------------------


async def answered(
    clinic: Clinic, handler: Callable[[web.Request], Awaitable[web.Response]]
) -> None:
    async with serving(handler) as elsewhere:
        clinic.settings["PUBLIC_URL"] = elsewhere
        clinic.pack()
        await clinic.examine()


async def test_another_site_at_our_address_is_found(clinic: Clinic) -> None:
    async def says_hello(_request: web.Request) -> web.Response:
        return web.json_response({"hello": True})

    await answered(clinic, says_hello)

    assert clinic.steps(Verdict.BROKEN) == ["our address"]
    assert clinic.steps(Verdict.WAITS) == ["the bot's endpoint"]


@pytest.mark.parametrize("status", [200, 404, 502])
async def test_an_endpoint_that_does_not_refuse_what_is_unsigned_is_found(
    clinic: Clinic, status: int
) -> None:
    async def lives(request: web.Request) -> web.Response:
        asked_for_life = request.path == "/livez"
        return web.json_response({"live": True}, status=200 if asked_for_life else status)

    await answered(clinic, lives)

    assert clinic.steps(Verdict.BROKEN) == ["the bot's endpoint"]
    assert f"answers {status} to an unsigned activity" in "\n".join(clinic.lines)


@pytest.mark.parametrize(
    "url", ["https://localhost", "https://10.1.2.3", "http://127.0.0.1:3978", "https://approvals"]
)
async def test_an_address_that_teams_cannot_reach_is_broken_without_a_call(
    clinic: Clinic, url: str
) -> None:
    custom = ("CUSTOM_", "ENTRA_", "BOT_ISS", "BOT_OPENID", "BOT_SERV", "GRAPH_", "CA_", "LOOPB")
    plain = {n: v for n, v in clinic.settings.items() if not n.startswith(custom)}
    settings = settings_of(plain | {"PUBLIC_URL": url})

    async with opened(settings, (), now=lambda: datetime.now(UTC), package=clinic.package) as ward:
        found = await house.address(ward)

    assert found.verdict is Verdict.BROKEN
    assert "for this machine only" in found.saw


# -- what cannot be seen ----------------------------------------------------------------


async def test_without_the_permission_the_catalogue_cannot_be_seen(clinic: Clinic) -> None:
    clinic.without_role("AppCatalog.Read.All")

    code = await clinic.examine()

    assert APP in clinic.steps(Verdict.UNSEEN)
    assert code == 0


async def test_without_the_package_here_it_cannot_be_seen(clinic: Clinic) -> None:
    clinic.package.unlink()

    code = await clinic.examine()

    assert PACKAGE in clinic.steps(Verdict.UNSEEN)
    assert code == 0


async def test_a_store_that_is_not_there_is_not_made(clinic: Clinic) -> None:
    no_store(clinic)

    await clinic.examine()

    assert not (clinic.folder / "elsewhere.db").exists()


# -- the program --------------------------------------------------------------------------


async def program(environment: dict[str, str]) -> tuple[int | None, str]:
    given: dict[str, Any] = {f"APPROVALS_{name}": value for name, value in environment.items()}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bots.cli", "doctor", "teams"),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **given},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await child.communicate()
    return child.returncode, said.decode()


async def test_the_program_examines_a_running_service(clinic: Clinic) -> None:
    wrong_secret(clinic)

    code, said = await program(clinic.settings)

    assert code == 1
    assert "AADSTS7000215" in said
    assert "Traceback" not in said


async def test_settings_that_are_wrong_are_named_before_anything_is_looked_at(
    clinic: Clinic,
) -> None:
    clinic.settings.pop("BOT_SECRET")

    code, said = await program(clinic.settings)

    assert code == 2
    assert said.startswith("APPROVALS_BOT_SECRET: ")
