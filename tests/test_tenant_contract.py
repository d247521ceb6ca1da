"""The tenant's contract is true: its commands are pasted into bash, and its tables are held against the running service."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from approvals_core.arx.parsing import DETAILS
from approvals_core.arx.reading import DEPTH
from approvals_core.arx.summary import ENTRIES
from approvals_core.models import Disposition, LetterState, Occasion, PlaceState
from approvals_core.ports import NotFound
from approvals_core.tenant import Api, Limits, Reconcile
from bots.cli.__main__ import parser, run
from config import Settings
from playground import names
from playground.faults import Fault, FaultKind
from playground.outside import Playground
from tests.failing import standing
from tests.far_sides import eventually
from tests.outside import authority, playground
from tests.ports import free_port
from tests.running import Running, run_service, running

__all__ = ["authority", "playground", "running"]

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs/tenant-contract.md").read_text(encoding="utf-8")
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = FENCED.findall(TEXT)
WITHIN = 60.0  # seconds for a program of the page: a busy machine may stand still for long
PORT = "5000"  # of the page's own Action API
END = "-- end of block --"
ASKED = ("johndoe1", "johndoe2", "johndoe3")
ONCE_EACH = ["done: Approve by johndoe2", "done: Reject by johndoe2"]
CAME_BACK = "Your “Approve” came back"
NOT_NOW = "Contoso Purchasing cannot take this at the moment. We try again"
UNSURE = "Contoso Purchasing did not confirm this. It may have it, or not."


def block(language: str, start: str) -> str:
    """Return the one block in *language* that begins with or holds *start*."""
    [found] = [text for kind, text in BLOCKS if kind == language and start in text]
    return found


def commands() -> list[tuple[str, str]]:
    """Return every command of the page with the output printed below it, "" if there is none."""
    following = [*BLOCKS[1:], ("", "")]
    pairs = zip(BLOCKS, following, strict=True)
    return [
        (text, after if kind == "text" else "")
        for (language, text), (kind, after) in pairs
        if language == "bash"
    ]


def like(printed: str) -> re.Pattern[str]:
    """Return what matches an output as it is printed: "…" stands for anything."""
    return re.compile(".*?".join(map(re.escape, printed.strip().split("…"))), re.DOTALL)


@dataclass
class Bash:
    """A terminal beside the playground, and the page's own Action API in another one."""

    running: Running
    folder: Path
    api: Process
    port: str

    async def paste_everything(self) -> list[str]:
        """Run every command of the page in one shell; return what each of them printed."""
        script = "".join(f"{command}\necho '{END}'\n" for command, _ in commands())
        shell = await asyncio.create_subprocess_exec(
            *("bash", "-c", script),
            cwd=self.folder,
            env=self._variables(),
            stdout=PIPE,
            stderr=STDOUT,
        )
        said, _ = await shell.communicate()
        *outputs, rest = said.decode().split(f"{END}\n")
        assert rest == ""
        return outputs

    def _variables(self) -> dict[str, str]:
        """Return what the page asks its reader to know."""
        issuer = self.running.playground.issuer
        return {
            "PATH": os.environ["PATH"],
            "CURL_CA_BUNDLE": str(issuer.ca_file),
            "LOGIN": issuer.url,
            "DIRECTORY": names.DIRECTORY,
            "CLIENT_ID": names.PURCHASING_APP,
            "CLIENT_SECRET": issuer.applications[names.PURCHASING_APP].secret,
            "AUDIENCE": names.INTAKE_URI,
            "SERVICE": self.running.playground.tenant.service,
            "MINE": f"http://127.0.0.1:{self.port}",
        }

    async def done(self) -> str:
        """Return the next line that the Action API printed."""
        assert self.api.stdout is not None
        async with asyncio.timeout(WITHIN):
            return (await self.api.stdout.readline()).decode().strip()


@pytest.fixture
async def bash(playground: Playground, tmp_path: Path) -> AsyncIterator[Bash]:
    """The service with the page's own tenant, whose Action API is at a port that is free."""
    port = str(free_port())
    (tmp_path / "tenants").mkdir()
    mine = block("toml", "document_type_id").replace(PORT, port)
    (tmp_path / "tenants/mine.toml").write_text(mine, encoding="utf-8")
    program = block("python", "class ActionApi")
    api = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, port), stdout=PIPE, stderr=DEVNULL
    )
    store_url = f"sqlite:///{tmp_path}/approvals.db"
    try:
        await eventually(lambda: listens(port))
        async with run_service(playground, store_url=store_url, folder=tmp_path) as running:
            for alias in ASKED:
                await playground.teams.install(alias)
            running.number = "DEMO-"
            yield Bash(running, tmp_path, api, port)
    finally:
        api.kill()
        await api.wait()


async def listens(port: str) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


# -- its commands -----------------------------------------------------------------


async def test_every_command_prints_what_stands_below_it(bash: Bash) -> None:
    outputs = await bash.paste_everything()

    expected = [printed for _, printed in commands()]
    assert len(outputs) == len(expected) > 10
    for output, printed in zip(outputs, expected, strict=True):
        if printed:
            assert like(printed).fullmatch(output.strip()), output
    assert [await bash.done() for _ in ONCE_EACH] == ONCE_EACH


async def test_a_system_of_ones_own_gets_its_decisions_at_the_playground(bash: Bash) -> None:
    await bash.paste_everything()
    for _ in ONCE_EACH:  # what the page itself posts there
        await bash.done()

    await bash.running.says("johndoe2", "A new desk")  # and not the chair of before
    await bash.running.asked("johndoe2")
    await bash.running.click("johndoe2", "Approve")

    assert await bash.done() == "done: Approve by johndoe2"
    await bash.running.says("johndoe2", "A new desk", "Approved by **Jonas Berg**")


# -- what people see ----------------------------------------------------------------


def _named(fault: Fault) -> str:
    return f"{fault.kind.value}-{fault.status}-{fault.error_type}"


ANSWERS = [
    (Fault(kind=FaultKind.HELD), "submitting", "Sending to Contoso Purchasing…", ""),
    (
        Fault(kind=FaultKind.REFUSED, error_type=1),
        "pending",
        CAME_BACK,
        "refused, ErrorType 1, HTTP 200",
    ),
    (
        Fault(kind=FaultKind.REFUSED, error_type=2),
        "pending",
        CAME_BACK,
        "refused, ErrorType 2, HTTP 200",
    ),
    (Fault(kind=FaultKind.TRANSIENT), "retrying", NOT_NOW, "ErrorType 3"),
    (Fault(kind=FaultKind.STATUS, status=401), "retrying", NOT_NOW, "HTTP 401"),
    (Fault(kind=FaultKind.STATUS, status=429), "retrying", NOT_NOW, "HTTP 429"),
    (Fault(kind=FaultKind.STATUS, status=400), "pending", CAME_BACK, "HTTP 400"),
    (Fault(kind=FaultKind.STATUS, status=500), "unconfirmed", UNSURE, "HTTP 500, no usable answer"),
    (Fault(kind=FaultKind.GARBAGE), "unconfirmed", UNSURE, "HTTP 200, no usable answer"),
    (
        Fault(kind=FaultKind.LOST_ANSWER),
        "unconfirmed",
        UNSURE,
        "no usable answer: ServerDisconnectedError",
    ),
]


async def stands(running: Running, alias: str, state: str) -> dict[str, Any]:
    """Wait until the tenant is told that he stands so: what failed is told again after seconds."""
    told: list[dict[str, Any]] = []

    async def so() -> bool:
        told.append((await standing(running))[alias])
        return told[-1]["State"] == state

    await eventually(so)
    return told[-1]


@pytest.mark.parametrize(
    ("fault", "state", "says", "reason"), ANSWERS, ids=[_named(fault) for fault, *_ in ANSWERS]
)
async def test_the_card_says_what_the_page_says_and_the_tenant_is_told_why(
    running: Running, fault: Fault, state: str, says: str, reason: str
) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1")
    running.playground.world.set_fault("tenant/pr", fault)

    clicking = running.click_held if fault.kind is FaultKind.HELD else running.click
    await clicking("johndoe1", "Approve", "within budget")

    assert says in TEXT
    await running.says("johndoe1", says)
    told = await stands(running, "johndoe1", state)
    found = told["Decision"]["LastAnswer"] if told["Decision"] else told["LastRefusal"]["Reason"]
    assert (found or "") == reason
    running.playground.tenant.release()


async def test_the_operator_is_told_why_a_decision_came_back(
    running: Running, store_url: str, tmp_path: Path
) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1")
    running.playground.world.set_fault("tenant/pr", Fault(kind=FaultKind.STATUS, status=400))
    await running.click("johndoe1", "Approve")
    await running.says("johndoe1", CAME_BACK)
    given = running.playground.settings(store_url=store_url, tenants=tmp_path / "tenants", port=0)
    settings = Settings.model_validate({name.lower(): value for name, value in given.items()})
    lines: list[str] = []

    await run(parser().parse_args(["requests", "show", running.number]), settings, lines.append)

    assert any(re.search(r"Approve came back \S+ \S+ UTC, HTTP 400$", line) for line in lines)


async def test_a_decision_is_posted_as_printed(running: Running) -> None:
    await running.send("laptops-create")
    running.number = "PR-2026-00417"
    await running.asked("johndoe1")
    await running.click("johndoe1", "Approve", "Within budget")
    [told] = await running.until(running.told)

    sample = json.loads(block("json", "ActionByAlias")) | {"ActionByAlias": "johndoe1"}
    printed = json.dumps(sample, ensure_ascii=False)
    headers = re.findall(r"^([A-Za-z-]+): ", block("text", "POST /approvals/actions"), re.MULTILINE)

    assert like(printed).fullmatch(json.dumps(told.body, ensure_ascii=False))
    assert {name.lower() for name in headers} <= {name.lower() for name in told.headers}


# -- its tables -----------------------------------------------------------------------


def test_every_disposition_and_every_state_is_explained() -> None:
    cells = set(re.findall(r"`([a-z_]+)`", TEXT))

    assert {each.value for each in Disposition} <= cells
    assert {each.value for each in PlaceState} <= cells
    assert {each.value for each in (*LetterState, *Occasion)} <= cells


def test_every_reason_why_nobody_is_found_is_named() -> None:
    assert [each for each in NotFound if f"`{each.value}`" not in TEXT] == []


def test_the_limits_are_those_of_a_tenants_file() -> None:
    limits, api = Limits(), Api.model_fields

    assert f"more than {limits.payloads_per_minute} a minute" in TEXT
    assert f"{limits.posts} times unless" in TEXT
    assert f"{limits.clock_allowance / 60:g} minutes too early" in TEXT
    assert f"Within {api['answer_within'].default:g} seconds" in TEXT
    assert f'"ReconciliationAwaitTime": {Reconcile().after:g}' in TEXT
    assert f"at most {DEPTH} levels deep" in TEXT
    assert f"{ENTRIES} entries in AdditionalData" in TEXT
    assert f"{DETAILS} operations" in TEXT
