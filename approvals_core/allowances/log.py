"""What was taken of one budget, as far back as its limits reach: exact in any window, not on average."""

from collections.abc import Iterable

from approvals_core.ports.budgets import LONGEST_HOLD, Grant, Windows

SECOND = 1_000_000  # microseconds: all times here are whole ones, by any clock
# Permits taken within so small a part of the shortest window count as taken together, at the
# last one's time: a log has few entries however much is taken, and gives 2 % less at most.
PARTS = 50
# A clock that is found to have gone back by more was set: what was taken counts as if the last of
# it were taken now. So nobody waits longer than his windows are.
SET_BACK = SECOND


class TakenLog:
    """Permits by time, and until when none are given. The Lua script in Redis does the same."""

    def __init__(self, held_until: int = 0, entries: Iterable[tuple[int, int]] = ()) -> None:
        """*entries* are (time, permits), the oldest first."""
        self.held_until = held_until
        self.entries = list(entries)
        self._total = sum(permits for _, permits in self.entries)
        self.changed = False  # what stands here, so that it is to be written again

    def take(self, windows: Windows, *, most: int, lasting: int, now: int) -> Grant:
        """Take what there is, as `Budgets.take`; *lasting* is in microseconds, too."""
        self._mind_the_clock(now + lasting, now)
        wait = self.wait(windows, now)
        if wait > 0:
            return Grant(0, wait / SECOND)
        permits = most
        for count, period in windows:
            if self._total + most > count:
                permits = min(permits, count - self._within(period, now))
        self.note(now + lasting, permits, windows)
        self.forget(windows, now)
        return Grant(permits)

    def wait(self, windows: Windows, now: int) -> int:
        """Return the microseconds until one more may be taken, 0 if that is now."""
        wait = self.held_until - now
        for count, period in windows:
            if self._total >= count:  # else there is room, however old they are
                wait = max(wait, self._full_for(count, period, now))
        return max(0, wait)

    def hold(self, seconds: float, now: int) -> None:
        """Give none until then, unless they are held for longer already."""
        self._mind_the_clock(now, now)
        until = now + round(min(seconds, LONGEST_HOLD) * SECOND)
        self.held_until = max(self.held_until, until)

    def last(self, windows: Windows) -> int:
        """Return from when on nothing of this matters any more."""
        taken = self.entries[-1][0] + _reach(windows) if self.entries else 0
        return max(self.held_until, taken)

    def _within(self, period: float, now: int) -> int:
        since, seen = now - round(period * SECOND), 0
        for at, permits in reversed(self.entries):
            if at <= since:
                break
            seen += permits
        return seen

    def _full_for(self, count: int, period: float, now: int) -> int:
        """Return when the permit that is *count* back leaves the window."""
        length, seen = round(period * SECOND), 0
        for at, permits in reversed(self.entries):
            if at + length <= now:
                break
            seen += permits
            if seen >= count:
                return at + length - now
        return 0

    def note(self, at: int, permits: int, windows: Windows) -> None:
        """Count permits that were taken, whether there was room for them or not."""
        part = max(1, round(min(period for _, period in windows) * SECOND) // PARTS)
        last, before = self.entries[-1] if self.entries else (0, 0)
        at, self.changed = max(at, last), True
        self._total += permits
        if self.entries and last // part == at // part:
            self.entries[-1] = (at, before + permits)
        else:
            self.entries.append((at, permits))

    def forget(self, windows: Windows, now: int) -> None:
        """Drop what no window reaches any more."""
        since = now - _reach(windows)
        while self.entries and self.entries[0][0] <= since:
            self._total -= self.entries.pop(0)[1]

    def _mind_the_clock(self, latest: int, now: int) -> None:
        """*latest* is the last time that may stand in the log."""
        if self.held_until - now > round(LONGEST_HOLD * SECOND) + SET_BACK:
            self.held_until = 0
        if self.entries and (back := self.entries[-1][0] - latest) > SET_BACK:
            self.entries = [(at - back, permits) for at, permits in self.entries]
            self.changed = True


def _reach(windows: Windows) -> int:
    return round(max(period for _, period in windows) * SECOND)
