"""Finds out what a request's whole life costs: shown, decided, updated, closed, with three approvers."""

import asyncio
import json
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.filled import REDIS, SQLITE
from benchmarks.findings import Finding, Found
from benchmarks.ground import Ground
from benchmarks.load import PLACE
from benchmarks.programs import CannotMeasure, Program, program
from playground import names

TENANTS = 8
AT_ONCE = 300  # lives: each waits some four seconds for what is not done at once
WARM = 60  # lives before it counts: people looked up, connections, keys
USUAL, HEADLINE = 600, 9_000  # the second is a two-hundredth of the load of Assent's documentation
PER_SECOND = 100_000  # calls to Teams: 30 directories of 50 a second would not bind either
MONTH = 1_800_000  # transactions that Assent's documentation tells of
ACTIONS_PER_DOLLAR = 250  # what it tells of their cost
MOST = 10.0  # milliseconds of the processor for a life

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


def _tenants(ground: Ground, folder: Path, far_side: str) -> Sequence[str]:
    """Write the files of tenants whose APIs are at *far_side*; return their DocumentTypeIds."""
    folder.mkdir()
    text = (ground.tenants / "purchasing.toml").read_text(encoding="utf-8")
    ids = [str(uuid.uuid5(uuid.NAMESPACE_DNS, f"life{number}")) for number in range(TENANTS)]
    for number, tenant in enumerate(ids):
        named = text.replace('code = "pr"', f'code = "t{number}"')
        named = named.replace(names.DOCUMENT_TYPE, tenant)
        lines = [
            f'base_url = "{far_side}/tenant"' if line.startswith("base_url") else line
            for line in named.splitlines()
        ]
        (folder / f"t{number}.toml").write_text("\n".join(lines), encoding="utf-8")
    return ids


def _settings(ground: Ground, store_url: str, folder: Path, far_side: str) -> dict[str, Any]:
    """Return the settings of a service whose world is at *far_side*, and that sends no mails."""
    usual = ground.settings(store_url)
    teams_only = {
        name: value
        for name, value in usual.items()
        if not name.startswith(("mail_", "smtp_", "outlook_"))
    }
    return teams_only | {
        "tenants": str(folder),
        "bot_service_url": f"{far_side}/connector/",
        "graph_url": f"{far_side}/graph/v1.0",
        "teams_per_second": PER_SECOND,
    }


async def _lived(
    world: Program, house: Program, count: int, *, before: int = 0
) -> Mapping[str, int]:
    """Let *count* requests live; return the calls by kind. Raises CannotMeasure if anything is lost."""
    done = await world.ask("live", url=house.url, count=count, at_once=min(count, AT_ONCE))
    left = await house.ask("left")
    if done["lost"]:
        raise CannotMeasure(f"{len(done['lost'])} lives were lost: {done['lost'][:3]}")
    if left != {"open": 0, "closed": before + count, "dead": 0}:
        raise CannotMeasure(f"{count} lives left behind: {left}")
    return done["calls"]


async def _look(kind: str, count: int, ground: Ground) -> Sequence[Found]:
    async with AsyncExitStack() as stack:
        redis = kind == REDIS
        store = await stack.enter_async_context(ground.redis()) if redis else ground.sqlite()
        bodies = _payloads(ground)
        world = await stack.enter_async_context(program("lives", bodies))
        folder = ground.folder / f"life-{kind}-{count}"
        tenants = await asyncio.to_thread(_tenants, ground, folder, world.url)
        given = _settings(ground, store.url, folder, world.url)
        await world.ask(
            "meet",
            tenants=tenants,
            service_url=given["bot_service_url"],
            tenant_headers=ground.tenant_headers(),
            bot_headers=ground.bot_headers(given["bot_service_url"]),
        )
        house = await stack.enter_async_context(program("working", given))
        await _lived(world, house, WARM)
        service, server = await house.cpu(), await store.cpu()
        calls = await _lived(world, house, count, before=WARM)
        service, server = await house.cpu() - service, await store.cpu() - server
    return figures(kind, count, 1e3 * service / count, 1e3 * server / count, calls)


def figures(
    kind: str, count: int, service: float, server: float, calls: Mapping[str, int]
) -> Sequence[Found]:
    """Tell what a life took, in milliseconds of the service and of the store's server, and what follows."""
    each = service + server
    cards = (calls["cards sent"] + calls["cards updated"]) / count
    share = MONTH * each / 1e3 / (CORES * SECONDS)
    most = CORES * USED * SECONDS / (each / 1e3)
    return [
        Found(
            f"A request's whole life, three approvers, {cards:.1f} calls to Teams, {kind}; {count:,} lived",
            each,
            f"{each:.1f} ms of the processor, {server:.1f} of them the store's server; nothing lost or doubled",
            most=MOST,
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
