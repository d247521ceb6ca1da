"""Which cards do not show what is true, as far as this process knows, and since when."""

from collections.abc import Callable
from datetime import datetime, timedelta

FORGOTTEN_AFTER = timedelta(minutes=15)  # past its time: another process has it, or nobody needs it


class Behind:
    """
    The measure of the cards: how long the oldest one that is not current has waited.

    A card counts from its first attempt on until it is current, or has ended for a
    reason. What is due and was not begun is late work of the worker's, not counted here.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._since: dict[str, tuple[datetime, datetime]] = {}  # since when; counted until

    def begun(self, key: str, since: datetime, *, next_look: datetime) -> datetime:
        """Note that a card is not current, and is looked at again then; return since when."""
        first, _until = self._since.get(key, (since, since))
        self._since[key] = (min(first, since), next_look + FORGOTTEN_AFTER)
        return self._since[key][0]

    def ended(self, key: str) -> None:
        """Note that a card is current, or will not be."""
        self._since.pop(key, None)

    def oldest(self) -> float:
        """Return the age of the oldest card that is not current, in seconds; 0.0 if there is none."""
        now = self._now()
        self._since = {key: each for key, each in self._since.items() if now <= each[1]}
        ages = ((now - since).total_seconds() for since, _until in self._since.values())
        return max(0.0, max(ages, default=0.0))
