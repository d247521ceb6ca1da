"""Finds out what a pending request takes of disk and memory, and how soon a full store is ready."""

import time
from collections.abc import Sequence
from functools import partial

from benchmarks.filled import LARGE, REDIS, SQLITE, USUAL, Filled, filled
from benchmarks.findings import Finding, Found
from benchmarks.ground import Ground
from benchmarks.programs import program

READY_WITHIN = 5.0  # seconds
STARTS = 3  # of which the middle one counts


async def _ready(ground: Ground, full: Filled) -> tuple[float, float]:
    """Return the seconds from start until calls are taken, and the MB of the process by then."""
    took: list[tuple[float, float]] = []
    for _ in range(STARTS):
        began = time.perf_counter()
        async with program("house", ground.settings(full.store.url)) as house:
            seconds = time.perf_counter() - began
            took.append((seconds, await house.ask("memory")))
    return sorted(took)[STARTS // 2]


async def _look(kind: str, pending: int, ground: Ground) -> Sequence[Found]:
    full = await filled(ground, kind, pending)
    seconds, process = await _ready(ground, full)
    what = "disk" if kind == SQLITE else "the server's memory"
    rate = pending / full.seconds
    return [
        Found(
            f"A pending request, three approvers, cards shown: {kind}, {pending:,}",
            full.size,
            f"{full.size / 1000:.1f} kB of {what}; filled with {rate:,.0f} a second",
        ),
        Found(
            f"Start until ready: {kind}, {pending:,} pending",
            seconds,
            f"{seconds:.1f} s; {process:,.0f} MB of memory of the process",
            most=READY_WITHIN if kind == SQLITE else None,
        ),
    ]


def _finding(kind: str, pending: int) -> Finding:
    return Finding(f"kept_{pending}_on_{kind.lower()}", partial(_look, kind, pending))


FINDINGS = [_finding(kind, USUAL) for kind in (SQLITE, REDIS)]
LARGE_FINDINGS = [_finding(kind, LARGE) for kind in (SQLITE, REDIS)]
