"""What a benchmark is: our side and another, measured in turn, and the least that their ratio should be."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from statistics import median

from benchmarks.ground import Ground
from benchmarks.sides import Side, Slice

Sides = AbstractAsyncContextManager[tuple[Side, Side]]
Shares = Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Benchmark:
    """
    One comparison.

    *least* is the goal for the other side's processor time divided by ours, or, *by_rate*, for
    our requests a second divided by the other side's; None if there is none. *most_p99* is that
    for our p99 divided by the other side's. *open* starts both sides, ours first.
    """

    name: str
    ours: str
    beside: str
    least: float | None
    open: Callable[[Ground], Sides]
    seconds: float = 1.0  # of one slice
    most_p99: float | None = None
    by_rate: bool = False


@dataclass(frozen=True)
class Result:
    """What the rounds of one benchmark came to."""

    benchmark: Benchmark
    rounds: Sequence[tuple[Slice, Slice]]  # ours, and what stands beside it
    modules: Shares  # of our side: where the time goes
    functions: Shares

    @property
    def ratio(self) -> float:
        """Return the other side's processor time by ours, or our rate by its: the median of the rounds."""
        if self.benchmark.by_rate:
            return median(ours.rate / beside.rate for ours, beside in self.rounds)
        return median(beside.cpu_each / ours.cpu_each for ours, beside in self.rounds)

    @property
    def p99_ratio(self) -> float:
        """Return our p99 by the other side's: the median of the rounds."""
        return median(ours.p99 / beside.p99 for ours, beside in self.rounds)

    @property
    def ours(self) -> Sequence[Slice]:
        return [ours for ours, _ in self.rounds]

    @property
    def beside(self) -> Sequence[Slice]:
        return [beside for _, beside in self.rounds]


async def measure(benchmark: Benchmark, ground: Ground, *, rounds: int, scale: float) -> Result:
    """Measure both sides in turn, *rounds* times; *scale* stretches the slices."""
    seconds = benchmark.seconds * scale
    async with benchmark.open(ground) as (ours, beside):
        for side in (ours, beside):
            await side.slice(seconds / 4)  # connections, caches, keys
        measured = [(await ours.slice(seconds), await beside.slice(seconds)) for _ in range(rounds)]
        where = await ours.where(seconds)
    return Result(benchmark, measured, where["modules"], where["functions"])
