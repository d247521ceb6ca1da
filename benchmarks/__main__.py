"""`python -m benchmarks`: measures everything in a few minutes and prints a table."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import (
    bot_turn,
    building_cards,
    grouped_commit,
    hung_tenant,
    intake,
    intake_on_redis,
    long_list,
    outlook_mail,
    outlook_press,
    outlook_refresh,
    whole_click,
)
from benchmarks.benchmark import Benchmark, Result, measure
from benchmarks.ground import ground
from benchmarks.programs import CannotMeasure
from benchmarks.table import table, where, write_readme

ALL = {
    module.BENCHMARK.name: module.BENCHMARK
    for module in (
        intake,
        grouped_commit,
        bot_turn,
        whole_click,
        outlook_press,
        outlook_refresh,
        building_cards,
        outlook_mail,
        long_list,
        intake_on_redis,
        hung_tenant,
    )
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*ALL, []], help="only these")
    parser.add_argument("--rounds", type=int, default=5, help="of both sides in turn")
    parser.add_argument("--scale", type=float, default=1.0, help="makes the slices longer")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    return parser.parse_args()


async def _measure(chosen: Sequence[Benchmark], rounds: int, scale: float) -> str:
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="approvals-benchmarks-") as folder:
        async with ground(Path(folder)) as outside:
            for benchmark in chosen:
                _say(f"{benchmark.name} …")
                results.append(await measure(benchmark, outside, rounds=rounds, scale=scale))
                _say(where(results[-1]) + "\n")
            return table(results, outside.client)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (for the person at the terminal)


def main() -> int:
    """Measure, print, and write the README if asked."""
    given = _arguments()
    chosen = [ALL[name] for name in given.names] or list(ALL.values())
    try:
        text = asyncio.run(_measure(chosen, given.rounds, given.scale))
    except CannotMeasure as problem:
        _say(f"Nothing was measured: {problem}")
        return 1
    except KeyboardInterrupt:
        return 130  # as a shell counts Ctrl-C
    _say(text)
    if given.readme:
        write_readme(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
