"""Measures whole clicks at 49 tenants while a fiftieth hangs, beside the same while it does not."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.benchmark import Benchmark
from benchmarks.bot_turn import CONNECTIONS
from benchmarks.ground import APPROVERS, Ground
from benchmarks.load import Load
from benchmarks.programs import Program, program
from benchmarks.sides import Served, Side
from benchmarks.whole_click import clicks
from playground import names

OTHERS = tuple(f"t{number}" for number in range(49))
HUNG = "hung"
REQUESTS = 8_000  # of the others: each is decided once
HANGING = 300  # decisions that the hung tenant does not answer
# It hangs longer than anything is measured, and is tried again without end.
_PATIENT = "answer_within = 600\nread_within = 120"
_LIMITS = "[limits]\nposts = 20"


async def _never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read all that comes, and answer nothing."""
    while await reader.read(65_536):
        pass
    writer.close()


def _fifty(ground: Ground, folder: Path, hanging: str) -> Path:
    """Write the files of all tenants; the hung one's API is at *hanging*."""
    folder.mkdir()
    text = (ground.tenants / "purchasing.toml").read_text(encoding="utf-8")
    text = text.replace("answer_within = 100", _PATIENT).replace("[limits]", _LIMITS)
    for code in (*OTHERS, HUNG):
        named = text.replace('code = "pr"', f'code = "{code}"').replace(
            names.DOCUMENT_TYPE, str(uuid.uuid5(uuid.NAMESPACE_DNS, code))
        )
        if code == HUNG:
            named = re.sub(r'base_url = ".*"', f'base_url = "{hanging}"', named)
        (folder / f"{code}.toml").write_text(named, encoding="utf-8")
    return folder


async def _seed(ground: Ground, house: Program, codes: Sequence[str], count: int) -> list[str]:
    return await house.ask(
        "seed",
        template=ground.payload().replace(names.DOCUMENT_TYPE, "@tenant@"),
        values=[f"{codes[0]}-{number:06}" for number in range(count)],
        codes=codes,
        people=ground.people(APPROVERS),
    )


async def _clicks(ground: Ground, house: Program) -> Load:
    return clicks(ground, await _seed(ground, house, OTHERS, REQUESTS))


@asynccontextmanager
async def _open(ground: Ground) -> AsyncIterator[tuple[Side, Side]]:
    server = await asyncio.start_server(_never, "127.0.0.1", 0)
    hanging = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    folder = _fifty(ground, ground.folder / "fifty", hanging)
    given = {"tenants": str(folder)}
    async with (
        program("many_tenants", ground.settings(ground.sqlite().url) | given) as hung,
        program("many_tenants", ground.settings(ground.sqlite().url) | given) as quiet,
    ):
        loads = [await _clicks(ground, house) for house in (hung, quiet)]
        ids = await _seed(ground, hung, (HUNG,), HANGING)
        await _seed(ground, quiet, (HUNG,), HANGING)
        person = ground.people(APPROVERS[:1])[APPROVERS[0]]
        await hung.ask("click", ids=ids, person=person)
        yield (
            Served(hung, ground.gun(loads[0], hung.url, connections=CONNECTIONS)),
            Served(quiet, ground.gun(loads[1], quiet.url, connections=CONNECTIONS)),
        )
    server.close()


BENCHMARK = Benchmark(
    name="hung_tenant",
    ours="A whole click at one of 49 tenants while the fiftieth hangs",
    beside="the same while it does not",
    least=0.95,  # the hung one costs the others at most 1.05 times their processor time
    open=_open,
    seconds=2.0,
    most_p99=1.3,
)
