"""Which mail goes next: mostly the most urgent one, now and then the one that waits longest."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from approvals_core.models import Lane, LeasedJob
from approvals_core.ports import Room, Store

EACH = 4  # one mail in so many is the one that waits longest
AGED = timedelta(minutes=1)  # less than that nobody waits long


class Turns:
    """
    Hands out mails so that no lane starves.

    A mailbox may let out one mail in some seconds, and then there are always more urgent ones:
    those that were put off, or another tenant's.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._given = 0

    async def lease(
        self,
        lanes: Sequence[Lane],
        *,
        limit: int,
        now: datetime,
        until: datetime,
        room: Room | None = None,
    ) -> Sequence[LeasedJob]:
        """Hand out mails as `Store.lease` does, but one in `EACH` by how long it is due alone."""
        first: Sequence[LeasedJob] = ()
        if self._given >= EACH - 1:
            self._given = 0
            aged = await self._aged(lanes, now)
            first = await self._store.lease(aged, limit=1, now=now, until=until, room=room)
        left = limit - len(first)
        if left <= 0:
            return first
        rest = await self._store.lease(lanes, limit=left, now=now, until=until, room=room)
        self._given += len(rest)
        return [*first, *rest]

    async def _aged(self, lanes: Sequence[Lane], now: datetime) -> Sequence[Lane]:
        """
        Return the lane of the mail that is due longest, if any is for long.

        What was put off is due from then on: one that was never tried is due longer. Of two
        that are due as long it is the less urgent: the other one's lane has all other turns.
        """
        dues = {lane: await self._store.next_due([lane]) for lane in sorted(lanes, reverse=True)}
        aged = {lane: due for lane, due in dues.items() if due is not None and due <= now - AGED}
        return sorted(aged, key=aged.__getitem__)[:1]
