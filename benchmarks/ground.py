"""What benchmarks stand on: the playground's keys, tokens and samples, tenants without a quota, a Redis."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from redis.asyncio import Redis

from benchmarks.load import PLACE, Gun, Load, client_here
from benchmarks.programs import ROOT
from benchmarks.sides import Cpu
from playground import answers, redis_server
from playground.activities import activity, card_action
from playground.certificates import CertificateAuthority
from playground.child import Child
from playground.outside import Playground
from playground.people import Person

APPROVERS = ("johndoe1", "johndoe2", "johndoe3")  # of the sample
_LIMITS = "[limits]\n"
_QUOTA = "payloads_per_minute = 100000000\n"


@dataclass(frozen=True)
class Store:
    """Where a service keeps its approvals, and what the store's own process used so far."""

    url: str
    cpu: Cpu


class Ground:
    """Everything that sides are made from, in *folder*."""

    def __init__(
        self, playground: Playground, folder: Path, tenant_api: str, stack: AsyncExitStack
    ) -> None:
        self.playground = playground
        self.folder = folder
        self.kept: dict[Any, Any] = {}  # what several benchmarks of a run stand on
        self._stack = stack
        self.tenants = _tenants(playground, folder / "tenants", tenant_api)
        self.client = client_here()
        self._files = 0

    def file(self) -> Path:
        """Return the path of a file that is not there yet."""
        self._files += 1
        return self.folder / f"approvals-{self._files}.db"

    def settings(self, store_url: str = "sqlite:///unused.db") -> dict[str, Any]:
        """Return the settings of a service on this store, as the playground gives them."""
        given = self.playground.settings(store_url=store_url, tenants=self.tenants, port=0)
        return {name.lower(): value for name, value in given.items()}

    def sqlite(self) -> Store:
        """Return a store in a new file; it has no process of its own."""

        async def nothing() -> float:
            return 0.0

        return Store(f"sqlite:///{self.file()}", nothing)

    @asynccontextmanager
    async def redis(self) -> AsyncIterator[Store]:
        """Start a Redis that is as durable as the service demands."""
        home = self.folder / f"redis-{self.file().stem}"
        home.mkdir()
        path = redis_server.socket_in(home)
        server = Child("redis", redis_server.command(home, path), environment={}, folder=ROOT)
        await server.start()
        try:
            await server.ready(lambda: redis_server.answers(path))
            async with Redis(unix_socket_path=str(path)) as asking:
                yield Store(f"unix://{path}", lambda: _cpu(asking))
        finally:
            await server.stop()

    async def lasting_redis(self) -> Store:
        """Start a Redis that is there until the run is over."""
        return await self._stack.enter_async_context(self.redis())

    # -- loads ----------------------------------------------------------------

    def gun(self, load: Load, url: str, *, connections: int) -> Gun:
        return Gun(load, url, connections, self.client)

    def payload(self) -> str:
        """Return the sample CREATE without blanks, with "@@" for the number of its document."""
        arx = json.loads(self.playground.sample("wiki-create"))
        number = arx["ApprovalIdentifier"]["DocumentNumber"]
        return json.dumps(arx, separators=(",", ":")).replace(number, f"REQ-{PLACE}")

    def tenant_headers(self) -> dict[str, str]:
        claims = self.playground.issuer.tenant_claims()
        return bearing(self.playground.issuer.entra.newest.sign(claims))

    def bot_headers(self, service_url: str = "") -> dict[str, str]:
        """Return the headers of the Bot Connector: it uses a token until that expires."""
        service_url = service_url or self.playground.teams.service_url
        return bearing(self.playground.issuer.bot_token(service_url))

    def click(self, action: dict[str, Any], typed: dict[str, Any] | None = None) -> str:
        """Return the activity of the first approver pressing *action*."""
        value = card_action(action, typed or {}, trigger="manual")
        sent = activity(
            self.person(APPROVERS[0]),
            service_url=self.playground.teams.service_url,
            type="invoke",
            name="adaptiveCard/action",
            value=value,
            replyToId="1700000000000",
        )
        return json.dumps(sent, separators=(",", ":"))

    def person(self, alias: str) -> Person:
        return self.playground.world.people[alias]

    def people(self, aliases: Sequence[str] = APPROVERS) -> dict[str, dict[str, str]]:
        """Return the approvers as the directory knows them, by alias."""
        found = {alias: self.person(alias) for alias in aliases}
        return {
            alias: {"directory": p.directory, "object_id": p.object_id, "name": p.name}
            for alias, p in found.items()
        }


@asynccontextmanager
async def ground(folder: Path) -> AsyncIterator[Ground]:
    """Start the world outside, in this process: its time is nobody's."""
    app = web.Application()
    app.router.add_post("/actions", _accept)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with (
            Playground(CertificateAuthority(folder / "ca")) as playground,
            AsyncExitStack() as stack,
        ):
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield Ground(playground, folder, url, stack)
    finally:
        await runner.cleanup()


async def _accept(request: web.Request) -> web.Response:
    """Answer as a tenant that says yes to everything."""
    return web.json_response(answers.done(await request.json()))


def _tenants(playground: Playground, folder: Path, tenant_api: str) -> Path:
    """Write the tenants' files for a tenant that answers at *tenant_api* and may post without end."""
    for file in playground.write_tenants(folder).glob("*.toml"):
        text = re.sub(r'base_url = ".*"', f'base_url = "{tenant_api}"', file.read_text("utf-8"))
        if _LIMITS not in text:
            text += f"\n{_LIMITS}"
        file.write_text(text.replace(_LIMITS, _LIMITS + _QUOTA), encoding="utf-8")
    return folder


def bearing(token: str) -> dict[str, str]:
    """Return the headers of a JSON body from whoever has this token."""
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


async def _cpu(asking: Redis) -> float:
    used = await asking.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])
