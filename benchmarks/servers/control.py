"""How a measured program is told what to do: a JSON line in, a JSON line out, until the runner is gone."""

import asyncio
import json
import logging
import resource
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from benchmarks.servers.sampling import Sampler

LINE = 1 << 26  # bytes of the longest order

Order = Callable[..., Awaitable[object]]


async def obey(ready: object, orders: Mapping[str, Order]) -> None:
    """
    Say *ready*, then carry out orders until standard input ends.

    An order comes as {"order": name, ...arguments}. Three are always there: `cpu`
    (user and system seconds of this process so far), `memory` (the MB that it has) and
    `sample` (begin to note where the time goes, and the second time say it).
    """
    sampler = Sampler()
    known = {"cpu": _cpu, "memory": _memory, "sample": sampler.toggle, **orders}
    lines = asyncio.StreamReader(limit=LINE)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    _say(ready)
    while line := await lines.readline():
        given: dict[str, Any] = json.loads(line)
        _say(await known[given.pop("order")](**given))


async def serve(app: web.Application, orders: Mapping[str, Order] | None = None) -> None:
    """Serve *app* on a free port of this machine, without an access log; say the port."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=512).start()
    await obey({"port": runner.addresses[0][1]}, orders or {})
    await runner.cleanup()


def settings() -> dict[str, Any]:
    """Return what the runner gave this program at its start; from then on it logs errors only."""
    # What a service warns of here is as it must be: issuers that are ours, a log that grows.
    logging.basicConfig(level=logging.ERROR, format="%(name)s %(message)s")
    return json.loads(sys.argv[1])


async def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _memory() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB, on macOS bytes
    return peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()
