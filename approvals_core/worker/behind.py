"""Which cards do not show what is true, as far as this process knows, and since when."""

import heapq
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

FORGOTTEN_AFTER = timedelta(minutes=15)  # past its time: another process has it, or nobody needs it


class _Card(NamedTuple):
    """A card that is not current: *since* when, counted *until* then, its job's *scope*."""

    since: datetime
    until: datetime
    scope: str


class Behind:
    """
    The measure of the cards: how long the oldest one that is not current has waited.

    A card counts from its first attempt on until it is current, or has ended for a
    reason. What is due and was not begun is late work of the worker's, not counted here.
    Other processes' cards are not, either, and these may make ours current: see `Lateness`.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._cards: dict[str, _Card] = {}  # by the key of its job

    def begun(self, key: str, since: datetime, *, next_look: datetime, scope: str) -> datetime:
        """Note that a card is not current, and is looked at again then; return since when."""
        known = self._cards.get(key)
        first = min(known.since, since) if known else since
        self._cards[key] = _Card(first, next_look + FORGOTTEN_AFTER, scope)
        return first

    def ended(self, key: str) -> None:
        """Note that a card is current, or will not be."""
        self._cards.pop(key, None)

    def since(self) -> datetime | None:
        """Return since when the oldest card is not current; None if there is none."""
        now = self._now()
        self._cards = {key: card for key, card in self._cards.items() if now <= card.until}
        return min((card.since for card in self._cards.values()), default=None)

    def oldest(self) -> float:
        """Return the age of the oldest card that is not current, in seconds; 0.0 if there is none."""
        since = self.since()
        return max(0.0, (self._now() - since).total_seconds()) if since else 0.0

    def oldest_of(self, most: int) -> Sequence[tuple[str, str]]:
        """Return scope and key of the jobs of at most *most* cards, the oldest first."""
        oldest = heapq.nsmallest(most, self._cards.items(), key=lambda each: each[1].since)
        return [(card.scope, key) for key, card in oldest]
