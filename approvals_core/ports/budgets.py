"""What all processes of a house together may do in a time, counted in one place."""

from datetime import datetime
from typing import NamedTuple, Protocol

Windows = tuple[tuple[int, float], ...]  # permits at most, in any so many seconds
LONGEST_HOLD = 3600.0  # seconds; a far side that asks for more is asked again after that


class Grant(NamedTuple):
    """Some permits, or none and the seconds until one may be free."""

    permits: int
    wait: float = 0.0


class Budgets(Protocol):
    """
    Buckets of permits, by name. They need not outlive a power failure.

    *now* is for who brings his own clock; None: the store's, which is one for all processes.
    """

    async def take(
        self,
        bucket: str,
        windows: Windows,
        *,
        most: int = 1,
        lasting: float = 0.0,
        now: datetime | None = None,
    ) -> Grant:
        """
        Take as many permits as there are, at most *most*, from all *windows* at once.

        No window ever holds more than it allows, wherever it begins. Permits may be used for
        *lasting* seconds, and count as if they were used at the end of that.

        Answers within two seconds or so: callers wait in front of a far side.

        Raises:
            StoreUnavailable: Nobody knows whether they were taken.
        """
        ...

    async def hold(self, bucket: str, seconds: float, *, now: datetime | None = None) -> None:
        """
        Give none of this bucket for *seconds*, at most `LONGEST_HOLD`.

        What asks for less than is held already changes nothing.

        Raises:
            StoreUnavailable: Nobody knows whether it is held.
        """
        ...
