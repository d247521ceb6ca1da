"""Leaves a tenant alone for a while that does not answer, and lets one call try whether it does again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from approvals_core.tenant import Breaker


class Verdict(StrEnum):
    """What one call says about its tenant."""

    ANSWERED = "answered"  # whatever it said, a refusal too
    SILENT = "silent"  # no connection, no answer in time, HTTP 5xx
    NOTHING = "nothing"  # the call did not get as far as the tenant


class Circuit:
    """
    One tenant's breaker: closed, open for a pause, then half open for one call that tries.

    What a call says that began before the last turn of state no longer counts.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._failures = 0
        self._until: datetime | None = None  # open till then, half open after it
        self._trying = False
        self._turn = 0

    def paused(self) -> float:
        """Return the seconds until a call may try; 0.0 if one may now, or could as soon as it is told."""
        if self._until is None:
            return 0.0
        return max(0.0, (self._until - self._clock()).total_seconds())

    def may_begin(self) -> bool:
        """Tell whether a call may be made now."""
        return self._until is None or not (self._trying or self.paused())

    def begin(self) -> int:
        """Note that a call is made; return what it is told apart by."""
        self._trying = self._until is not None
        return self._turn

    def end(self, begun: int, verdict: Verdict, rule: Breaker) -> bool:
        """Take in what a call said; tell whether it opened or closed the breaker."""
        if begun != self._turn:
            return False
        tried, self._trying = self._trying, False
        if verdict is Verdict.SILENT:
            self._failures += 1
            return (tried or self._failures >= rule.failures) and self._open(rule)
        if verdict is Verdict.ANSWERED:
            self._failures = 0
            return self._close()
        return False

    def _open(self, rule: Breaker) -> bool:
        self._until = self._clock() + timedelta(seconds=rule.pause)
        self._turn += 1
        return True

    def _close(self) -> bool:
        if self._until is None:
            return False
        self._until = None
        self._turn += 1
        return True
