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


async def _ready(ground: Ground, full: Filled) -> tuple[float, float, float]:
    """Return the seconds from start until calls are taken, the processor's of them, and the MB of the process."""
    took: list[tuple[float, float, float]] = []
    for _ in range(STARTS):
        began = time.perf_counter()
        async with program("house", ground.settings(full.store.url)) as house:
            seconds = time.perf_counter() - began
            took.append((seconds, await house.cpu(), await house.ask("memory")))
    return sorted(took)[STARTS // 2]


async def _look(kind: str, pending: int, ground: Ground) -> Sequence[Found]:
    full = await filled(ground, kind, pending)
    seconds, cpu, process = await _ready(ground, full)
    took = f"{full.disk / 1000:.1f} kB of disk"
    if full.memory:
        took = f"{full.memory / 1000:.1f} kB of the server's memory, {took}"
    rate = pending / full.seconds
    return [
        Found(
            f"A pending request, three approvers, cards shown: {kind}, {pending:,}",
            full.memory or full.disk,
            f"{took}; filled with {rate:,.0f} a second",
        ),
        Found(
            f"Start until ready: {kind}, {pending:,} pending",
            seconds,
            f"{seconds:.1f} s, {cpu:.1f} of them the processor's; {process:,.0f} MB of memory of the process",
            most=READY_WITHIN if kind == SQLITE else None,
            unit="s",
        ),
    ]


def _finding(kind: str, pending: int) -> Finding:
    return Finding(f"kept_{pending}_on_{kind.lower()}", partial(_look, kind, pending))


FINDINGS = [_finding(kind, USUAL) for kind in (SQLITE, REDIS)]


def large(kind: str) -> Finding:
    """Return what is found out with a million pending on this store."""
    return _finding(kind, LARGE)
