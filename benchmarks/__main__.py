"""`python -m benchmarks`: measures everything in about a quarter of an hour, and prints a table."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import (
    acting,
    at_scale,
    bot_turn,
    building_cards,
    fan_out,
    grouped_commit,
    hung_tenant,
    intake,
    intake_on_redis,
    job_drain,
    kept,
    life,
    long_list,
    outlook_mail,
    outlook_press,
    outlook_refresh,
    two_processes,
    whole_click,
)
from benchmarks.benchmark import Benchmark, Result, measure
from benchmarks.filled import REDIS, SQLITE
from benchmarks.findings import Finding, Found
from benchmarks.ground import Ground, ground
from benchmarks.load import client_here
from benchmarks.programs import CannotMeasure
from benchmarks.table import table, where, write_readme

LONGEST = 1800.0  # seconds for one of them, filling a store included

Measured = Benchmark | Finding

USUAL: Sequence[Measured] = [
    intake.BENCHMARK,
    intake_on_redis.BENCHMARK,
    two_processes.BENCHMARK,
    grouped_commit.BENCHMARK,
    bot_turn.BENCHMARK,
    whole_click.BENCHMARK,
    *acting.BENCHMARKS,
    outlook_press.BENCHMARK,
    outlook_refresh.BENCHMARK,
    building_cards.BENCHMARK,
    outlook_mail.BENCHMARK,
    *job_drain.BENCHMARKS,
    hung_tenant.BENCHMARK,
    long_list.BENCHMARK,
    *at_scale.BENCHMARKS,
    *kept.FINDINGS,
    fan_out.FINDING,
    *life.FINDINGS,
]
# What takes too long for every day: a million pending, and a two-hundredth of a month.
# The lives first, as long as no store takes the memory; what is kept before anything is added.
LARGE: Sequence[Measured] = [
    *life.LARGE_FINDINGS,
    *(each for kind in (SQLITE, REDIS) for each in (kept.large(kind), *at_scale.large(kind))),
]
ALL = {each.name: each for each in (*USUAL, *LARGE)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*ALL, []], help="only these", metavar="NAME")
    parser.add_argument("--large", action="store_true", help="a million pending, 9,000 lives")
    parser.add_argument("--rounds", type=int, default=5, help="of both sides in turn")
    parser.add_argument("--scale", type=float, default=1.0, help="makes the slices longer")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    given = parser.parse_args()
    if given.readme and given.names:
        parser.error("the README's tables are of whole runs: --readme goes without names")
    return given


class Run:
    """Measures one after the other; what cannot be measured leaves the others alone."""

    def __init__(self, rounds: int, scale: float) -> None:
        self._rounds = rounds
        self._scale = scale
        self.results: list[Result] = []
        self.found: list[Found] = []
        self.failed: list[str] = []

    async def all(self, chosen: Sequence[Measured]) -> None:
        """Measure *chosen*."""
        prefix = "approvals-benchmarks-"
        with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
            async with ground(Path(folder)) as outside:
                for each in chosen:
                    _say(f"{each.name} …")
                    await self._one(each, outside)

    def told(self) -> str:
        """Return the tables of what was measured so far."""
        return "\n".join([table(self.results, self.found, client_here()), *self.failed])

    async def _one(self, measured: Measured, outside: Ground) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(LONGEST):
                await self._measure(measured, outside)
        except (CannotMeasure, TimeoutError) as problem:
            why = str(problem) or f"it took longer than {LONGEST:.0f} s"
            self.failed.append(f"{measured.name} was not measured: {why}")
            _say(self.failed[-1])
        _say(f"  {time.monotonic() - began:.0f} s for this\n")

    async def _measure(self, measured: Measured, outside: Ground) -> None:
        if isinstance(measured, Finding):
            found = await measured.look(outside)
            _say("\n".join(f"  {each.what}: {each.said}" for each in found))
            self.found += found
            return
        result = await measure(measured, outside, rounds=self._rounds, scale=self._scale)
        _say(where(result))
        self.results.append(result)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (for the person at the terminal)


def main() -> int:
    """Measure, print, and write the README if asked."""
    given = _arguments()
    chosen = [ALL[name] for name in given.names] or (LARGE if given.large else USUAL)
    run = Run(given.rounds, given.scale)
    try:
        asyncio.run(run.all(chosen))
    except KeyboardInterrupt:
        return 130  # as a shell counts Ctrl-C
    finally:
        _say(run.told())  # what took an hour is not lost by what ends it
    if run.failed:
        return 1  # and the README keeps its last whole table
    if given.readme:
        write_readme(run.told(), large=given.large)
    return 0


if __name__ == "__main__":
    sys.exit(main())
