"""What the tests of failures share: a tenant with another file, forged clicks, and the service as a process."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from app import House, main
from approvals_core.acting import Acting
from approvals_core.models import Approval, ApprovalKey
from approvals_core.worker import Worker
from bots.teams.contacts import Contacts
from playground import names
from playground.certificates import CertificateAuthority
from playground.faults import Fault, FaultKind
from playground.outside import Playground
from playground.reading import button, words
from playground.records import Json, Message, Sender
from playground.teams import Answer
from tests.far_sides import eventually
from tests.running import WIKI_NUMBER, Running, run_service

TENANT = "tenant/pr"  # where the faults of the tenant's Action API are switched
KEY = ApprovalKey(names.DOCUMENT_TYPE, WIKI_NUMBER, "2020")
ROOT = Path(__file__).parent.parent
NO_KEY_OF_OURS = "pr-aaaaaaaaaaaaaaaa.0"
SETTLED = 5.0  # seconds after which every card that was clicked is pushed
# What goes on in a task of its own, and commits, while whoever began it was answered: a job, where
# somebody was heard, and that the card of whoever was refused is left alone for a while.
GOING_ON = frozenset(
    each.__qualname__ for each in (Worker.run_one, Contacts.heard, Acting.leave_alone)
)


class Edited(Playground):
    """A playground in which the *file* of one tenant says something else: *edits* from -> to."""

    def __init__(
        self,
        authority: CertificateAuthority,
        edits: Mapping[str, str],
        file: str = "purchasing.toml",
    ) -> None:
        super().__init__(authority)
        self._edits = edits
        self._file = file

    def write_tenants(self, folder: Path) -> Path:
        super().write_tenants(folder)
        file = folder / self._file
        text = file.read_text(encoding="utf-8")
        for old, new in self._edits.items():
            assert old in text, f"{file.name} has no {old}"
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
        return folder


@asynccontextmanager
async def running_with(
    edits: Mapping[str, str], authority: CertificateAuthority, store_url: str, folder: Path
) -> AsyncIterator[Running]:
    """Run the service for a tenant whose file is edited; three people have the app."""
    async with (
        Edited(authority, edits) as playground,
        run_service(playground, store_url=store_url, folder=folder) as service,
    ):
        for alias in ("johndoe1", "johndoe2", "johndoe3"):
            await playground.teams.install(alias)
        yield service


def fail(running: Running, place: str, kind: FaultKind, **more: Any) -> None:
    """Let something go wrong at *place*, once unless *times* says otherwise."""
    running.playground.world.set_fault(place, Fault(kind=kind, **{"times": 1, **more}))


def mend(running: Running, place: str) -> None:
    running.playground.world.clear_fault(place)


async def all_due(running: Running) -> None:
    """
    Wait until every job that is due now is done, and whatever those leave that is due at once.

    What people did before is taken in by then, but for a decision that the tenant has.
    """
    await due_done(running.house)


async def due_done(house: House) -> None:
    """Do what `all_due` does, for a service that runs by itself."""
    quiet = 0
    while quiet < 2:
        busy = await house.worker.run_due()
        # A write that changes nothing: when it is back, so is whatever the running worker leased.
        await house.store.stamp([names.ENTRA_ISSUER, names.BOT_ISSUER])
        await eventually(_nobody_looks_for_jobs)
        if under_way := _going_on():
            await asyncio.wait(under_way)
        quiet = 0 if busy or under_way else quiet + 1


async def _nobody_looks_for_jobs() -> bool:
    """Tell whether each line of the running workers rests: what it leased on the way to it is a task by now."""
    lines = [coro for t in asyncio.all_tasks() if _name(coro := t.get_coro()) == "Worker._serve"]
    return all(_name(getattr(line, "cr_await", None)) == "Worker._rest" for line in lines)


def _going_on() -> list[asyncio.Task[Any]]:
    """Return the tasks of the running service that may leave something to do."""
    return [t for t in asyncio.all_tasks() if _name(t.get_coro()) in GOING_ON]


def _name(coroutine: object) -> str:
    return getattr(coroutine, "__qualname__", "")


async def converged(running: Running, seconds: float = SETTLED) -> None:
    """Let *seconds* pass between what is due now and what is due then: no lease ends meanwhile."""
    await all_due(running)
    await running.pass_time(seconds)
    await all_due(running)


def data_of(running: Running, alias: str, title: str = "Approve") -> Json:
    """Return what a button of somebody's newest card carries."""
    message = running.card_of(alias)
    assert message is not None
    return dict(button(message.shown_to(alias) or {}, title)["data"])


async def invoke(
    running: Running,
    alias: str,
    data: Any,
    *,
    verb: Any = "act",
    trigger: str = "manual",
    sender: Json | None = None,
) -> Answer:
    """Click on what no card of ours carries; *sender* pretends to be somebody else."""
    action = {"type": "Action.Execute", "verb": verb, "data": data}
    value = {"action": action, "trigger": trigger}
    fields: Json = {"from": sender} if sender else {}
    return await running.playground.teams.post(
        alias, "invoke", name="adaptiveCard/action", value=value, **fields
    )


def card_in(answer: Answer) -> str:
    """Return what the card in an answer to a click says."""
    assert answer.status == 200, answer
    assert answer.body["statusCode"] == 200
    assert answer.body["type"] == "application/vnd.microsoft.card.adaptive"
    return words(answer.body["value"])


def still_under_way(answer: Answer) -> bool:
    """Tell whether the person was answered before the tenant: as a rule it is being told by then."""
    said = words(answer.card or {})
    return "Sending to" in said or "Recording your decision" in said


def said_to(running: Running, alias: str) -> list[Message]:
    """Return all that the bot said to somebody, the oldest first."""
    chat = running.playground.world.chat_of(alias)
    return [m for m in chat.messages if m.sender is Sender.BOT] if chat else []


async def stored(running: Running) -> Approval:
    """Return the wiki's request as it is stored."""
    approval = await running.house.store.approval(KEY)
    assert approval is not None
    return approval


def but_for_mails(approval: Approval) -> Approval:
    """Return *approval* without what a mail leaves on it that goes out meanwhile."""
    return approval.model_copy(update={"version": 0, "last_change": ""})


async def asked_for(running: Running, path: str) -> tuple[int, Any]:
    """Return what the tenant is answered when it asks for *path*."""
    token = await running.playground.tenant.token()
    headers = {"Authorization": f"Bearer {token}"}
    url = running.playground.tenant.service + path
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as response:
        return response.status, await response.json()


async def standing(running: Running, number: str = WIKI_NUMBER) -> dict[str, Any]:
    """Return by alias what the tenant is told of a request's approvers."""
    path = f"/api/v1/requests?TenantId={names.DOCUMENT_TYPE}&DocumentNumber={number}"
    status, told = await asked_for(running, f"{path}&FiscalYear=2020")
    assert status == 200, told
    return {each["Alias"]: each for each in told["Requests"][0]["Approvers"]}


async def ask(running: Running, *aliases: str, **summary: str) -> None:
    """Put the wiki's request before *aliases*, with fields of its summary replaced."""
    arx = json.loads(running.playground.sample("wiki-create"))
    named = [arx["Approvers"][0] | {"Alias": alias} for alias in aliases]
    await running.send("wiki-create", Approvers=named, SummaryData=arx["SummaryData"] | summary)


async def change_title(running: Running, title: str = "Another title") -> None:
    """Let the tenant change what everybody decides on, and nothing else."""
    aliases = [place.alias for place in (await stored(running)).places]
    await ask(running, *aliases, Title=title)


async def at_once(*doing: Any) -> list[Any]:
    return list(await asyncio.gather(*doing))


@asynccontextmanager
async def started(given: Mapping[str, str]) -> AsyncIterator[Process]:
    """Start the service as an operator does, with these settings and no others."""
    environment = {f"APPROVALS_{name}": value for name, value in given.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", cwd=ROOT, env=environment, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def start_here(given: Mapping[str, str], said: Path) -> None:
    """
    Become the service as `started` starts it, and end as it does; all it says goes into *said*.

    For a process that was forked from one that has imported everything: an operator's takes a second.
    """
    with said.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.clear()
    os.environ.update({f"APPROVALS_{name}": value for name, value in given.items()})
    os.chdir(ROOT)
    sys.exit(main())


async def listening(process: Process) -> list[str]:
    """Wait until the service says that it has started; return what it said so far."""
    assert process.stderr is not None
    lines: list[str] = []
    async with asyncio.timeout(60):
        while '"event": "started"' not in (lines or [""])[-1]:
            line = await process.stderr.readline()
            assert line, lines
            lines.append(line.decode())
    return lines
