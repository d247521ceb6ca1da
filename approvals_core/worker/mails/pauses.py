"""A pause by the clock that machines show, which may be set back."""

from datetime import datetime
from typing import NamedTuple


class Pause(NamedTuple):
    """For how long something is left alone. A clock that is set back ends it, and does not lengthen it."""

    since: datetime
    until: datetime

    def left(self, now: datetime) -> float:
        """Return the seconds that are left; 0.0 if it is over."""
        return (self.until - now).total_seconds() if self.since <= now < self.until else 0.0

    def and_then(self, later: "Pause") -> "Pause":
        """Return *later*, or as long as this one lasts, if that is longer."""
        until = max(self.until, later.until) if self.left(later.since) else later.until
        return Pause(later.since, until)
