"""Directories in which the app is blocked: closed as a whole, and tried by one call every few minutes."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from approvals_core.errors import ChannelBusy
from approvals_core.models import PersonId

MANY = 5  # people of one directory to whom Teams says 403
# Within this time they make a blocked app, if nobody is reached between.
AT_ONCE = timedelta(seconds=60)
PROBE_EVERY = timedelta(seconds=180)
PROBE_TAKES = timedelta(seconds=20)  # until it is known what became of it

log = logging.getLogger(__name__)


class _Directory:
    """What is known of one: who was refused lately, and whether it is closed."""

    def __init__(self) -> None:
        self.refused: dict[PersonId, datetime] = {}
        self.closed: dict[PersonId, int] = {}  # whose conversation was closed for that, by version
        self.probe_due: datetime | None = None  # None: it is open
        self.probed_at: datetime | None = None


class Directories:
    """
    Tells 403s of single people from an app that is blocked for all of them.

    This process only: another one, or this one started anew, finds out for itself.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._known: dict[str, _Directory] = {}

    @property
    def closed(self) -> Sequence[str]:
        """Return the ids of those that are closed now."""
        return sorted(name for name, each in self._known.items() if each.probe_due is not None)

    def check(self, directory: str) -> None:
        """
        Let a call pass, if the directory is open or it is time to see whether it is again.

        Raises:
            ChannelBusy: It is closed.
        """
        known, now = self._of(directory), self._now()
        if known.probe_due is None:
            return
        if now < known.probe_due:
            raise ChannelBusy(_blocked(directory), retry_after=_seconds(self._until(known, now)))
        known.probed_at, known.probe_due = now, now + PROBE_EVERY

    def worked(self, directory: str) -> None:
        """Note that somebody was reached."""
        if self._known.pop(directory, _Directory()).probe_due is not None:
            log.info("directory_opened", extra={"directory": directory})

    def refused(self, person: PersonId) -> None:
        """
        Note a 403.

        Raises:
            ChannelBusy: It is the directory, not the person.
        """
        known, now = self._of(person.directory), self._now()
        known.refused = {w: at for w, at in known.refused.items() if now - at < AT_ONCE}
        known.refused[person] = now
        if known.probe_due is None and len(known.refused) < MANY:
            return
        if known.probe_due is None:
            log.error("directory_closed", extra={"directory": person.directory})
        known.probe_due, known.probed_at = now + PROBE_EVERY, None
        raise ChannelBusy(_blocked(person.directory), retry_after=_seconds(PROBE_EVERY))

    def note_closed(self, person: PersonId, version: int) -> None:
        """Note that the person's conversation was closed for a 403, in this version of his contact."""
        known = self._of(person.directory)
        lately = {who: each for who, each in known.closed.items() if who in known.refused}
        known.closed = lately | {person: version}

    def wrongly_closed(self, directory: str) -> Mapping[PersonId, int]:
        """Hand out, once, whose conversation was closed just before the directory was; by version."""
        known = self._of(directory)
        if known.probe_due is None:
            return {}
        wrongly, known.closed = known.closed, {}
        return wrongly

    def _of(self, directory: str) -> _Directory:
        return self._known.setdefault(directory, _Directory())

    def _until(self, known: _Directory, now: datetime) -> timedelta:
        """Return how long to wait: only a moment, if somebody is trying just now."""
        probed = known.probed_at
        if probed is not None and now < probed + PROBE_TAKES:
            return probed + PROBE_TAKES - now
        return (known.probe_due or now) - now


def _blocked(directory: str) -> str:
    return f"the app is blocked in directory {directory}"


def _seconds(time: timedelta) -> float:
    return max(1.0, time.total_seconds())
