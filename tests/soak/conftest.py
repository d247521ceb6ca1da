"""What a soak may be told, and its clock. Nothing here runs in `make test`: no file is called test_*."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import pytest

from tests.crash.runs import runs

__all__ = ["runs", "soak"]

BEGAN = time.monotonic()  # as good as one clock for all workers: they start together


@dataclass(frozen=True)
class SoakClock:
    """When what began at *began* must end; times are in seconds of `time.monotonic`."""

    first_seed: int
    minutes: float
    share: float  # of those minutes that each endless test may take

    def seeds(self) -> Iterator[int]:
        """Yield one seed after another, at least one, until this test's share of the time is over."""
        ends = min(time.monotonic() + 60 * self.minutes * self.share, self._ends)
        for seed in count(self.first_seed):
            yield seed
            if time.monotonic() > ends:
                return

    @property
    def over(self) -> bool:
        """Tell whether all of the soak should have ended by now."""
        return time.monotonic() > self._ends

    def check(self, where: object) -> None:
        """Fail the test that did not come to its end in time."""
        if self.over:
            pytest.fail(f"{self.minutes:g} minutes were over at {where}: give it more MINUTES")

    @property
    def _ends(self) -> float:
        return BEGAN + 60 * self.minutes


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=1, help="the first seed")
    parser.addoption("--minutes", type=float, default=1.0, help="for all of the soak")
    parser.addoption("--share", type=float, default=1.0, help="of them for each endless test")


@pytest.fixture(scope="session")
def soak(pytestconfig: pytest.Config) -> SoakClock:
    given = pytestconfig.option
    return SoakClock(given.seed, given.minutes, given.share)
