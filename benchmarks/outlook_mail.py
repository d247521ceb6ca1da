"""Measures one mail made (card with its tickets, HTML, text) beside a table of as many bytes by Jinja alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.benchmark import Benchmark
from benchmarks.ground import Ground
from benchmarks.load import PLACE
from benchmarks.programs import program
from benchmarks.sides import Side, Worked

MAILS, TABLES = 100, 2_000  # for each second of a slice


def _given(ground: Ground, how: str) -> dict[str, Any]:
    body = ground.payload().replace(PLACE, "1")
    return {"body": body, "tenants": str(ground.tenants), "how": how}


@asynccontextmanager
async def _open(ground: Ground) -> AsyncIterator[tuple[Side, Side]]:
    async with (
        program("mails", _given(ground, "mails")) as mails,
        program("mails", _given(ground, "table")) as table,
    ):
        yield Worked(mails, MAILS), Worked(table, TABLES)


BENCHMARK = Benchmark(
    name="outlook_mail",
    ours="One mail made: card with its tickets, HTML, text",
    beside="a table of as many bytes by Jinja alone",
    least=1 / 35,  # a mail holds its request three times: card, HTML, text
    open=_open,
)
