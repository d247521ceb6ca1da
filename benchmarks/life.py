"""Finds out what a request's whole life costs: shown, decided, updated, closed, with three approvers."""

import asyncio
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.directories import COMPANIES, opened, posting
from benchmarks.filled import REDIS, SQLITE
from benchmarks.findings import Finding, Found
from benchmarks.ground import Ground, bearing
from benchmarks.load import PLACE
from benchmarks.programs import CannotMeasure, Program, program
from bots.teams.limits import FOR_CARDS, PER_SECOND
from playground import names

AT_ONCE = 300  # lives: each waits some four seconds for what is not done at once
WARM = 60  # lives before it counts: people looked up, connections, keys
USUAL, HEADLINE = 600, 9_000  # the second is a two-hundredth of the load of Assent's documentation
MONTH = 1_800_000  # transactions that Assent's documentation tells of
ACTIONS_PER_DOLLAR = 250  # what it tells of their cost
MOST = 10.0  # milliseconds of the processor for a life
IN_HALF_A_MINUTE = next(count for count, seconds in FOR_CARDS if seconds == 30)  # noqa: PLR2004

# Assumed: a machine of two cores and 8 GB for 70 dollars a month, half of whose time is used.
DOLLARS, CORES, USED, SECONDS = 70, 2, 0.5, 30 * 86_400


def _payloads(ground: Ground) -> Mapping[str, str]:
    """Return the three samples without mails, "@0@" for the first approver, "@@" for the number."""
    made: dict[str, str] = {}
    for name in ("create", "update", "delete"):
        arx = json.loads(ground.playground.sample(f"wiki-{name}"))
        arx["NotificationDetail"] = None
        if name == "delete":
            arx["DeleteFor"] = ["johndoe2", "johndoe3"]
        text = json.dumps(arx, separators=(",", ":"))
        text = text.replace(arx["ApprovalIdentifier"]["DocumentNumber"], PLACE)
        text = text.replace(names.DOCUMENT_TYPE, "@tenant@")
        for seat, alias in enumerate(("johndoe1", "johndoe2", "johndoe3")):
            text = text.replace(f'"{alias}"', f'"@{seat}@"')
        made[name] = text
    return made


def _tenants(
    ground: Ground, folder: Path, companies: Sequence[str], far_side: str
) -> Mapping[str, str]:
    """Write the file of a tenant for each company; return their DocumentTypeIds by directory."""
    folder.mkdir()
    text = (ground.tenants / "purchasing.toml").read_text(encoding="utf-8")
    text = re.sub(r'base_url = ".*"', f'base_url = "{far_side}/tenant"', text)
    ids = {each: str(uuid.uuid5(uuid.NAMESPACE_DNS, each)) for each in companies}
    for number, (directory, tenant) in enumerate(ids.items()):
        own = text.replace('code = "pr"', f'code = "t{number}"')
        own = own.replace(names.DOCUMENT_TYPE, tenant).replace(names.DIRECTORY, directory)
        (folder / f"t{number}.toml").write_text(own, encoding="utf-8")
    return ids


def _settings(
    ground: Ground, store_url: str, folder: Path, far_side: str, companies: Sequence[str]
) -> dict[str, Any]:
    """Return the settings of a service of all companies, whose world is at *far_side*, and that sends no mails."""
    usual = ground.settings(store_url)
    teams_only = {
        name: value
        for name, value in usual.items()
        if not name.startswith(("mail_", "smtp_", "outlook_"))
    }
    return teams_only | {
        "tenants": str(folder),
        "directories": ",".join(companies),
        "bot_service_url": f"{far_side}/connector/",
        "graph_url": f"{far_side}/graph/v1.0",
    }


async def _lived(
    world: Program, house: Program, count: int, *, before: int = 0
) -> Mapping[str, Any]:
    """Let *count* requests live; return what the world counted. Raises CannotMeasure if anything is lost."""
    done = await world.ask("live", url=house.url, count=count, at_once=min(count, AT_ONCE))
    left = await house.ask("left")
    if done["lost"]:
        raise CannotMeasure(f"{len(done['lost'])} lives were lost: {done['lost'][:3]}")
    if left != {"open": 0, "closed": before + count, "dead": 0}:
        raise CannotMeasure(f"{count} lives left behind: {left}")
    return done


async def _look(kind: str, count: int, ground: Ground) -> Sequence[Found]:
    async with AsyncExitStack() as stack:
        entra = ground.playground.issuer
        companies = opened(entra)
        redis = kind == REDIS
        store = await stack.enter_async_context(ground.redis()) if redis else ground.sqlite()
        given = {**_payloads(ground), "directories": companies}
        world = await stack.enter_async_context(program("lives", given))
        folder = ground.folder / f"life-{kind}-{count}"
        tenants = await asyncio.to_thread(_tenants, ground, folder, companies, world.url)
        settings = _settings(ground, store.url, folder, world.url, companies)
        await world.ask(
            "meet",
            tenants={d: (tenant, bearing(posting(entra, d))) for d, tenant in tenants.items()},
            service_url=settings["bot_service_url"],
            bot_headers=ground.bot_headers(settings["bot_service_url"]),
        )
        house = await stack.enter_async_context(program("working", settings))
        await _lived(world, house, WARM)
        service, server = await house.cpu(), await store.cpu()
        done = await _lived(world, house, count, before=WARM)
        service, server = await house.cpu() - service, await store.cpu() - server
    return figures(kind, count, 1e3 * service / count, 1e3 * server / count, done)


def figures(
    kind: str, count: int, service: float, server: float, done: Mapping[str, Any]
) -> Sequence[Found]:
    """
    Tell what a life took, in milliseconds of the service and of the store's server, and what follows.

    *done* is what the world counted: calls by kind, and the most of them within Teams' limits.
    """
    each, calls, busiest = service + server, done["calls"], done["busiest"]
    cards = (calls["cards sent"] + calls["cards updated"]) / count
    share = MONTH * each / 1e3 / (CORES * SECONDS)
    most = CORES * USED * SECONDS / (each / 1e3)
    return [
        Found(
            f"A request's whole life, three approvers, {cards:.1f} calls to Teams, {kind}; {count:,} lived",
            each,
            f"{each:.1f} ms of the processor, {server:.1f} of them the store's server; nothing lost or doubled",
            most=MOST,
            unit="ms",
            name=f"life_on_{kind.lower()}",
        ),
        Found(
            f"Calls to Teams meanwhile, to {COMPANIES} directories, {kind}",
            busiest["directory"] / PER_SECOND,
            f"at most {busiest['directory']} in a second to one directory ({PER_SECOND} are allowed),"
            f" {busiest['person']} in 30 s to one person ({IN_HALF_A_MINUTE})",
        ),
        Found(
            f"A month of {MONTH:,} such requests on two cores, {kind}",
            share,
            f"{share:.1%} of their time; at half of it {most:,.0f} requests a month",
        ),
        Found(
            f"Requests for a dollar, {kind}, at an assumed ${DOLLARS} a month for two cores and 8 GB",
            MONTH / DOLLARS,
            f"{MONTH / DOLLARS:,.0f} at that load, {most / DOLLARS:,.0f} at half of the cores' time"
            f" (Assent's documentation: {ACTIONS_PER_DOLLAR} actions)",
        ),
    ]


FINDINGS = [Finding(f"life_on_{k.lower()}", partial(_look, k, USUAL)) for k in (SQLITE, REDIS)]
LARGE_FINDINGS = [
    Finding(f"headline_on_{kind.lower()}", partial(_look, kind, HEADLINE))
    for kind in (SQLITE, REDIS)
]
