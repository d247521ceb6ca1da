"""Requests over HTTP, as many as go in a time: by wrk where it is found, else by a client of our own."""

import asyncio
import json
import shutil
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.programs import CannotMeasure

SCRIPT = Path(__file__).with_name("wrk.lua")
PLACE = "@@"  # where a value goes, in headers and body


@dataclass(frozen=True)
class Load:
    """
    One kind of request. "@@" in its path, headers and body is the next of *values* each time.

    *expected* stands in every right answer, whose status is *status*.
    """

    path: str
    headers: Mapping[str, str]
    body: str
    status: int = 200
    expected: str = ""
    values: Sequence[str] = ("",)
    once: bool = False  # no value may be sent twice


@dataclass(frozen=True)
class Fired:
    """What a slice of load came to. *p99* in seconds, of one request."""

    requests: int
    seconds: float
    p99: float


@dataclass
class Gun:
    """Fires one load at one server; a value once sent comes again only after all the others."""

    load: Load
    url: str
    connections: int
    client: str  # "wrk", or "aiohttp"
    _sent: int = field(default=0, init=False)

    async def fire(self, seconds: float) -> Fired:
        """
        Send as much as goes in *seconds*, of which wrk knows whole ones only.

        Raises:
            CannotMeasure: An answer was not as expected, or the values ran out.
        """
        fire = self._with_wrk if self.client == "wrk" else self._with_aiohttp
        result = await fire(seconds)
        self._sent = result["sent"]
        if result["wrong"]:
            raise CannotMeasure(f"{result['wrong']} wrong answers, such as: {result['such_as']}")
        if self.load.once and self._sent > len(self.load.values):
            raise CannotMeasure(f"{len(self.load.values)} prepared requests were not enough.")
        return Fired(result["requests"], result["seconds"], result["p99"])

    async def _with_wrk(self, seconds: float) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            _write(self.load, Path(folder))
            wrk = await asyncio.create_subprocess_exec(
                *(
                    "wrk",
                    "-t1",
                    f"-c{self.connections}",
                    f"-d{max(1, round(seconds))}s",
                    "--timeout",
                    "10s",
                ),
                *("-s", str(SCRIPT), self.url),
                *("--", folder, str(self._sent)),
                stdout=PIPE,
            )
            out, _ = await wrk.communicate()
        found = [line for line in out.decode().splitlines() if line.startswith("RESULT ")]
        if not found:
            raise CannotMeasure(f"wrk said nothing that we understand: {out.decode()[-500:]}")
        return json.loads(found[0].removeprefix("RESULT "))

    async def _with_aiohttp(self, seconds: float) -> dict[str, Any]:
        volley = _Volley(self.load, self.url, self._sent, time.perf_counter() + seconds)
        began = time.perf_counter()
        connector = aiohttp.TCPConnector(limit=self.connections)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(volley.one_caller(session) for _ in range(self.connections)))
        return volley.result(time.perf_counter() - began)


class _Volley:
    """One slice of our own client's."""

    def __init__(self, load: Load, url: str, sent: int, until: float) -> None:
        self._load = load
        self._url = url
        self._sent = sent
        self._until = until
        self._took: list[float] = []
        self._wrong: list[str] = []

    async def one_caller(self, session: aiohttp.ClientSession) -> None:
        while (began := time.perf_counter()) < self._until:
            value = self._load.values[self._sent % len(self._load.values)]
            self._sent += 1
            headers = {k: v.replace(PLACE, value) for k, v in self._load.headers.items()}
            body = self._load.body.replace(PLACE, value).encode()
            url = self._url + self._load.path.replace(PLACE, value)
            async with session.post(url, data=body, headers=headers) as response:
                answer = await response.text()
            self._took.append(time.perf_counter() - began)
            if response.status != self._load.status or self._load.expected not in answer:
                self._wrong.append(f"{response.status} {answer[:200]}")

    def result(self, seconds: float) -> dict[str, Any]:
        took = sorted(self._took)
        return {
            "requests": len(took),
            "seconds": seconds,
            "p99": took[len(took) * 99 // 100] if took else 0.0,
            "sent": self._sent,
            "wrong": len(self._wrong),
            "such_as": self._wrong[0] if self._wrong else "",
        }


def client_here() -> str:
    """Return the name of the client that is used on this machine."""
    return "wrk" if shutil.which("wrk") else "aiohttp"


def _write(load: Load, folder: Path) -> None:
    """Write a load as wrk's script reads it: one header or value a line."""
    headers = "".join(f"{name}: {value}\n" for name, value in load.headers.items())
    (folder / "headers").write_text(headers, encoding="utf-8")
    (folder / "values").write_text("\n".join(load.values) + "\n", encoding="utf-8")
    (folder / "path").write_text(load.path, encoding="utf-8")
    (folder / "body").write_text(load.body, encoding="utf-8")
    (folder / "status").write_text(str(load.status), encoding="utf-8")
    (folder / "expected").write_text(load.expected, encoding="utf-8")
