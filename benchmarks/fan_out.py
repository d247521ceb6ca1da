"""Finds out how long 20,000 cards take at the pace that Teams allows, by a clock that nobody waits for."""

import asyncio
from collections import Counter, deque
from collections.abc import Sequence

from approvals_core.allowances import Allowances
from approvals_core.errors import ChannelBusy
from approvals_core.ports.budgets import Windows
from benchmarks import virtual_time
from benchmarks.findings import Finding, Found
from benchmarks.ground import Ground
from benchmarks.programs import CannotMeasure
from bots.teams.limits import FOR_CARDS, PER_SECOND, Pace

CARDS, PEOPLE = 20_000, 4_000  # all of one directory
AT_ONCE = 24  # cards of one tenant that the worker sends at the same time
MOST = 1.05  # times the least that the limits allow

Sent = tuple[float, int]  # when, and to whom


class _FanOut:
    """Sends as the worker does: what the pace gives back comes again later, and others go on."""

    def __init__(self) -> None:
        clock = asyncio.get_running_loop().time
        self._pace = Pace(Allowances(None, monotonic=clock), sleep=asyncio.sleep)
        self._clock = clock
        self._due = deque((0.0, number % PEOPLE) for number in range(CARDS))
        self.sent: list[Sent] = []

    async def run(self) -> Sequence[Sent]:
        await asyncio.gather(*(self._one_place() for _ in range(AT_ONCE)))
        return self.sent

    async def _one_place(self) -> None:
        while self._due:
            due, person = self._due.popleft()
            await asyncio.sleep(max(0.0, due - self._clock()))
            try:
                await self._pace.turn("directory", f"a:{person}")
            except ChannelBusy as busy:
                self._due.append((self._clock() + busy.retry_after, person))
            else:
                self.sent.append((self._clock(), person))


def least(cards: int, windows: Windows) -> float:
    """Return the seconds that so many take at least, by the strictest of *windows*."""
    return max(((cards - 1) // count) * period for count, period in windows)


def check(sent: Sequence[Sent]) -> None:
    """Raise CannotMeasure unless every window of the directory and of every person was kept."""
    _check_windows([at for at, _person in sent], ((PER_SECOND, 1.0),), "the directory")
    times: dict[int, list[float]] = {}
    for at, person in sent:
        times.setdefault(person, []).append(at)
    for person, own in times.items():
        _check_windows(own, FOR_CARDS, f"person {person}")


def _check_windows(times: Sequence[float], windows: Windows, whose: str) -> None:
    """Of any *count* + 1 in a row, the last comes at least a period after the first."""
    for count, period in windows:
        for first, last in zip(times, times[count:], strict=False):
            if last - first < period - 1e-6:
                raise CannotMeasure(f"More than {count} in {period} s to {whose}.")


def measured() -> tuple[float, float]:
    """Return the seconds that it took by the clock, and the least that the limits allow."""
    sent = virtual_time.run(lambda: _FanOut().run())
    check(sent)
    each = max(Counter(person for _at, person in sent).values())
    lower = max(least(len(sent), ((PER_SECOND, 1.0),)), least(each, FOR_CARDS))
    return sent[-1][0], lower


async def _look(_ground: Ground) -> Sequence[Found]:
    took, lower = await asyncio.to_thread(measured)
    said = f"{took:,.1f} s by the clock, of at least {lower:,.0f} s; every window kept"
    what = f"{CARDS:,} cards to {PEOPLE:,} people of one directory, at the pace that Teams allows"
    return [Found(what, took / lower, said, most=MOST, unit="times the least")]


FINDING = Finding("fan_out", _look)
