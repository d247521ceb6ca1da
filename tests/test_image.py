"""The container files: what they say fits, and the service installs and runs by the Dockerfile's own lines."""

import asyncio
import os
import re
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import pytest

from config import PREFIX, Role, Settings
from playground.outside import Playground
from playground.records import Sender
from tests.failing import listening
from tests.far_sides import eventually
from tests.image import ROOT, Image, stages, wheels_of
from tests.ports import free_port
from tests.redis_server import DURABLE, redis_server
from tests.running import PATIENCE, WIKI_NUMBER

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "approvals.env.example").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
KNOWN = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}


def copied(*targets: str) -> set[str]:
    """Return what the stages take out of our folder."""
    lines = [stages(DOCKERFILE)[target].lines for target in targets]
    copies = [rest.split() for each in lines for word, rest in each if word == "COPY"]
    return {source for parts in copies if "--from=" not in parts[0] for source in parts[:-1]}


# -- what they say ------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [DOCKERFILE, COMPOSE, EXAMPLE],
    ids=["Dockerfile", "compose.yaml", "approvals.env.example"],
)
def test_every_setting_in_them_is_one_of_ours(text: str) -> None:
    named = set(re.findall(rf"{PREFIX}[A-Z_]+", text))

    assert named
    assert named - KNOWN == set()


def test_every_setting_without_a_default_is_in_the_example() -> None:
    needed = {f"{PREFIX}{k}".upper() for k, v in Settings.model_fields.items() if v.is_required()}

    assert needed
    assert {name for name in needed if f"{name}=" not in EXAMPLE} == set()


def test_compose_gives_redis_and_the_service_the_same_password_and_limits() -> None:
    assert COMPOSE.count("${REDIS_PASSWORD:?set it in .env}") == 3
    assert f'{PREFIX}STORE_URL: "redis://:${{REDIS_PASSWORD' in COMPOSE
    assert '"--requirepass", "${REDIS_PASSWORD' in COMPOSE
    assert COMPOSE.count("mem_limit: ") == 2
    assert "*logging" in COMPOSE


def test_the_service_is_made_of_nothing_but_the_program() -> None:
    folders = copied("service") - {"app.py", "LICENSE"}

    assert folders == {"approvals_core", "bots", "cards", "config", "house"}
    assert copied("packages") == {"requirements.txt", "requirements-dev.txt"}


def test_what_is_copied_is_there_and_nothing_else_is_sent_to_be_built() -> None:
    sources = copied(*stages(DOCKERFILE))

    assert {source for source in sources if not (ROOT / source).exists()} == set()
    assert {f"!{source}" for source in sources} == {line for line in IGNORED if line[:1] == "!"}
    assert "*" in IGNORED


def test_the_last_stage_is_the_service_so_that_it_is_built_by_default() -> None:
    *_, last = stages(DOCKERFILE).values()

    assert (last.name, last.base, last.lines) == ("", "service", [])


def test_compose_has_two_of_each_role_and_a_redis_that_is_not_refused() -> None:
    for role in (Role.WEB, Role.WORKER):
        assert f"{PREFIX}ROLE: {role}" in COMPOSE
        assert len(re.findall(rf"^  {role}-\d:", COMPOSE, re.MULTILINE)) == 2
    for name, value in DURABLE.items():
        assert f'"--{name}", "{value}"' in COMPOSE


def test_compose_waits_longer_for_an_end_than_the_service_takes() -> None:
    after, within = (
        float(re.findall(rf'{PREFIX}DRAIN_{what}: "(\d+)"', COMPOSE)[0])
        for what in ("AFTER", "WITHIN")
    )
    [grace] = re.findall(r"stop_grace_period: (\d+)s # more", COMPOSE)

    assert float(grace) > after + within + 5


# -- what they do -------------------------------------------------------------------


@pytest.fixture
def image() -> Iterator[Image]:
    """The service, built in a folder that every user of this machine may enter."""
    wheels = wheels_of(ROOT / "requirements.txt")
    with TemporaryDirectory(prefix="image-") as folder:
        Path(folder).chmod(0o755)
        built = Image(Path(folder), DOCKERFILE)
        built.build("service", wheels)
        built.close()
        yield built


@pytest.fixture
def redis_for_all() -> Iterator[str]:
    """A Redis that every user of this machine may call."""
    with TemporaryDirectory(prefix="redis-") as folder:
        Path(folder).chmod(0o755)
        with redis_server(Path(folder)) as url:
            Path(folder, "redis.sock").chmod(0o777)
            yield url


@pytest.mark.timeout(400)
async def test_the_image_runs_as_nobody_in_particular_with_code_that_it_cannot_write(
    playground: Playground, image: Image, redis_for_all: str, tmp_path: Path
) -> None:
    assert image.user == "10001:10001"
    mine = image.root / "data" / "mine"
    assert await _succeeds(image, "touch", str(mine))
    assert mine.stat().st_uid == (os.geteuid() or 10001)
    assert not await _succeeds(image, "touch", f"{image.root}/app/mine")
    assert not await _succeeds(image, "touch", f"{image.root}/app/bots/mine.py")
    assert not await _succeeds(image, "touch", f"{image.root}/venv/mine")
    tenants = playground.write_tenants(tmp_path / "tenants")
    ports = {role: free_port() for role in ("web", "worker")}
    given = playground.settings(store_url=redis_for_all, tenants=tenants, port=ports["web"])

    async with (
        _process(image, given, role="web", port=ports["web"]) as web,
        _process(image, given, role="worker", port=ports["worker"]) as worker,
    ):
        for port in ports.values():
            await eventually(lambda where=port: _ready(where))
            await eventually(lambda where=port: _succeeds(image, *_health(image, where)))
        playground.meet(f"http://127.0.0.1:{ports['web']}")
        await playground.teams.install("johndoe1")
        assert (await playground.tenant.send(playground.sample("wiki-create"))).status == 200
        await playground.world.until(lambda: _has_card(playground, "johndoe1"), within=PATIENCE)
        for process in (web, worker):
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.communicate(), 60)
        assert not await _succeeds(image, *_health(image, ports["web"]))

    assert (web.returncode, worker.returncode) == (0, 0)


@asynccontextmanager
async def _process(
    image: Image, given: Mapping[str, str], *, role: str, port: int
) -> AsyncIterator[Process]:
    settings = {**given, "ROLE": role, "PORT": str(port)}
    start: Any = image.run(image.command, {f"{PREFIX}{k}": v for k, v in settings.items()})
    args = start.pop("args")
    process = await asyncio.create_subprocess_exec(*args, **start, stdout=PIPE, stderr=PIPE)
    try:
        await listening(process)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _succeeds(image: Image, *command: str) -> bool:
    start: Any = image.run(command, {})
    args = start.pop("args")
    process = await asyncio.create_subprocess_exec(*args, **start, stdout=PIPE, stderr=PIPE)
    await process.communicate()
    return process.returncode == 0


def _health(image: Image, port: int) -> list[str]:
    assert "3978" in image.health
    return [str(port) if part == "3978" else part for part in image.health]


async def _ready(port: int) -> bool:
    url = f"http://127.0.0.1:{port}/readyz"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status == 200 and (await answer.json())["ready"] is True


def _has_card(playground: Playground, alias: str) -> bool:
    chat = playground.world.chat_of(alias)
    messages = chat.messages if chat else []
    return any(m.sender is Sender.BOT and WIKI_NUMBER in str(m.card) for m in messages)
