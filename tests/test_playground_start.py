"""Starting and ending: the playground and what it starts live and die together."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from redis.asyncio import Redis

from config import Settings
from playground import redis_server
from playground.child import CannotStart, Child
from playground.keeping import Keep
from playground.lock import RunningAlready, forget
from playground.ports import Ports
from playground.records import Rest
from playground.start import Start
from tests.ports import free_port

# What the service does towards the playground, in a few lines: it listens and accepts activities.
SERVICE = """
import os
from aiohttp import web

async def accept(request):
    print("got", (await request.json())["type"], flush=True)
    return web.json_response({})

app = web.Application()
app.router.add_post("/api/messages", accept)
print("store", os.environ["APPROVALS_STORE_URL"], os.environ.get("APPROVALS_OLD"), flush=True)
web.run_app(app, host="127.0.0.1", port=int(os.environ["APPROVALS_PORT"]), print=None)
"""
COUNT = """
from itertools import count
count = count(1).__next__
"""
CRASH = "import sys; print('no such thing'); sys.exit(7)"

# A playground that starts a program which says so at a socket, and then hangs.
PARENT = """
import asyncio, sys
from pathlib import Path
from playground.child import CannotStart, Child

INSIDE = "import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.recv(1)"

async def main():
    command = [sys.executable, "-c", INSIDE, sys.argv[1]]
    await Child("inside", command, environment={}, folder=Path()).start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


def keep_apart(folder: Path) -> None:
    """Give each test ports of its own: two that look at once find the same ones free."""
    if Keep(folder).load("ports", Ports) is None:
        service, playground, issuer = (free_port() for _ in range(3))
        Keep(folder).save("ports", Ports(service=service, playground=playground, issuer=issuer))


def start(
    folder: Path,
    script: str,
    said: asyncio.Queue[str] | None = None,
    more: Mapping[str, str] | None = None,
) -> Start:
    environment = {**os.environ, "APPROVALS_OLD": "of another life", **(more or {})}
    service = [sys.executable, "-c", script]
    say = (said or asyncio.Queue[str]()).put_nowait
    keep_apart(folder)
    return Start(folder, environment, service=service, say=say)


async def test_a_signal_ends_the_service_and_the_playground(tmp_path: Path, capfd) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()

    running = asyncio.create_task(start(tmp_path, SERVICE, said).run("sqlite"))
    greeting = await asyncio.wait_for(said.get(), 60)
    os.kill(os.getpid(), signal.SIGTERM)

    assert await running == 0
    printed = capfd.readouterr().out
    assert "http://127.0.0.1:" in greeting
    assert "Prometheus" not in greeting
    assert f"store sqlite:///{tmp_path}/approvals.db None" in printed
    assert printed.count("got installationUpdate") == 3


async def test_three_settings_are_passed_on_and_the_addresses_told(tmp_path: Path, capfd) -> None:
    given = {
        "APPROVALS_METRICS_PORT": "9464",
        "APPROVALS_OTLP_ENDPOINT": "http://127.0.0.1:4318",
        "APPROVALS_MAIL_VIA": "graph",
        "APPROVALS_METRICS_HOST": "0.0.0.0",
    }
    names = ", ".join(f'os.environ.get("{name}")' for name in given)
    script = SERVICE.replace('print("store"', f'print("got", {names}); print("store"')
    said: asyncio.Queue[str] = asyncio.Queue()

    running = asyncio.create_task(start(tmp_path, script, said, given).run("sqlite"))
    greeting = await asyncio.wait_for(said.get(), 60)
    os.kill(os.getpid(), signal.SIGTERM)
    await running

    assert "got 9464 http://127.0.0.1:4318 graph None" in capfd.readouterr().out
    assert "Its numbers for Prometheus:      http://127.0.0.1:9464/metrics\n" in greeting
    assert "Its spans go to:                 http://127.0.0.1:4318\n" in greeting


async def test_a_service_that_cannot_start_ends_the_start_with_its_last_words(
    tmp_path: Path,
) -> None:
    with pytest.raises(CannotStart, match=r"(?s)exit code 7.*no such thing"):
        await start(tmp_path, CRASH).run("sqlite")


async def test_a_service_that_crashes_later_ends_the_playground_with_its_code(
    tmp_path: Path,
) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    crashing = SERVICE.replace("return web", "os._exit(9) if count() == 6 else 0; return web")
    crashing = crashing.replace("async def", COUNT + "async def")

    code = await asyncio.wait_for(start(tmp_path, crashing, said).run("sqlite"), 60)

    said.get_nowait()
    assert code == 9
    assert "exit code 9" in said.get_nowait()
    assert "Nothing is lost: start again with `make run`" in said.get_nowait()


async def test_a_folder_belongs_to_one_playground_at_a_time(tmp_path: Path) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    first = asyncio.create_task(start(tmp_path, SERVICE, said).run("sqlite"))
    await asyncio.wait_for(said.get(), 60)

    with pytest.raises(CannotStart, match=rf"running already .*as process {os.getpid()}\."):
        await start(tmp_path, SERVICE).run("sqlite")
    with pytest.raises(RunningAlready, match=f"Press Ctrl-C there, or: kill {os.getpid()}"):
        forget(tmp_path)

    assert (tmp_path / "world").is_dir()
    os.kill(os.getpid(), signal.SIGTERM)
    assert await first == 0


def test_what_nobody_runs_is_forgotten(tmp_path: Path) -> None:
    kept = tmp_path / "playground"
    (kept / "world").mkdir(parents=True)

    forget(kept)
    forget(kept)  # there is nothing left to forget

    assert not kept.exists()


def test_a_tenants_file_of_ones_own_is_not_forgotten(tmp_path: Path) -> None:
    tenants = tmp_path / "playground" / "tenants"
    (tenants / "icons").mkdir(parents=True)
    for name in ("purchasing.toml", "mine.toml"):
        (tenants / name).write_text(name, encoding="utf-8")

    forget(tmp_path / "playground")

    assert [one.name for one in tenants.iterdir()] == ["mine.toml"]


async def test_the_greeting_names_the_process_to_kill(tmp_path: Path) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    running = asyncio.create_task(start(tmp_path, SERVICE, said).run("sqlite"))
    greeting = await asyncio.wait_for(said.get(), 60)

    named = re.search(r"kill -9 (\d+)", greeting)
    assert named is not None
    os.kill(int(named[1]), signal.SIGKILL)

    assert await running == 128 + signal.SIGKILL


async def test_the_services_settings_are_there_for_a_shell_and_for_nobody_else(
    tmp_path: Path,
) -> None:
    folder, said = tmp_path / "it's here", asyncio.Queue[str]()
    running = asyncio.create_task(start(folder, SERVICE, said).run("sqlite"))
    await asyncio.wait_for(said.get(), 60)
    os.kill(os.getpid(), signal.SIGTERM)
    await running

    file = folder / "service.env"
    shell = await asyncio.create_subprocess_exec(
        *("sh", "-c", '. "$1"; env -0', "sh", str(file)), env={}, stdout=asyncio.subprocess.PIPE
    )
    told = dict(
        line.split("=", 1) for line in (await shell.communicate())[0].decode().split("\0")[:-1]
    )

    assert file.stat().st_mode & 0o777 == 0o600
    assert told["APPROVALS_STORE_URL"] == f"sqlite:///{folder}/approvals.db"
    given = {n.removeprefix("APPROVALS_").lower(): v for n, v in told.items() if n != "PWD"}
    assert Settings.model_validate({k: v for k, v in given.items() if k != "_"}).loopback


async def test_each_store_has_chats_of_its_own(tmp_path: Path, capfd) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    for store in ("sqlite", "redis", "sqlite"):
        running = asyncio.create_task(start(tmp_path, SERVICE, said).run(store))
        await asyncio.wait_for(said.get(), 60)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await running == 0
        said.get_nowait()

    # Each time, and only then, the service of a new store learns of the three.
    assert capfd.readouterr().out.count("got installationUpdate") == 6
    assert all(Keep(tmp_path / world).load("rest", Rest) for world in ("world", "world-redis"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent")
async def test_the_playgrounds_sudden_death_ends_its_children(tmp_path: Path) -> None:
    lives: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    server = await asyncio.start_unix_server(
        lambda *streams: lives.put_nowait(streams), tmp_path / "s"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, str(tmp_path / "s"))
    async with asyncio.timeout(60):
        child, writer = await lives.get()

        parent.kill()
        await parent.wait()

        assert await child.read() == b""  # the end of the child closes its side
    writer.close()
    server.close()


def test_ports_are_remembered_and_the_next_free_ones_taken(tmp_path: Path) -> None:
    keep_apart(tmp_path)
    first = Ports.choose(tmp_path)

    again = Ports.choose(tmp_path)
    with socket.create_server(("127.0.0.1", first.service)):
        moved = Ports.choose(tmp_path)

    assert again == first
    assert len(set(first.model_dump().values())) == 3
    assert moved.service > first.service
    assert (moved.playground, moved.issuer) == (first.playground, first.issuer)


async def test_redis_is_durable_and_ends_with_its_child(tmp_path: Path) -> None:
    path = redis_server.socket_in(tmp_path)
    command = redis_server.command(tmp_path, path)
    child = Child("redis", command, environment={}, folder=tmp_path)

    await child.start()
    await child.ready(lambda: redis_server.answers(path))
    async with Redis(unix_socket_path=str(path)) as client:
        settings = await client.config_get("append*", "maxmemory-policy")
    await redis_server.end_leftover(path)

    assert await child.ended() == 0
    assert (settings["appendonly"], settings["appendfsync"]) == ("yes", "always")
    assert settings["maxmemory-policy"] == "noeviction"
