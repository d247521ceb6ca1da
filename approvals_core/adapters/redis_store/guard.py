"""Sees to it that nothing is written to a store that is closed, or is not the one that was opened."""

import logging
from collections.abc import Sequence

from approvals_core.adapters.redis_store.keys import ABOUT
from approvals_core.errors import StoreClosed
from approvals_core.models import HOUSE
from approvals_core.models.marks import ARRIVING, ID, MOVED, why_closed

log = logging.getLogger(__name__)

CLOSED = "closed"  # what a script answers first if so


class Guard:
    """
    Knows the id of the store that was opened.

    A server may come back empty, and a name may lead to another one: whoever answers is asked for
    the store's id on each new connection, and again now and then. The scripts that change
    something look once more, at the same instant: for what was closed a moment ago.

    With *spread* only the house's own scripts can: what is marked on the store lies with the house,
    which may be on another server of a cluster than the scope that is written to.
    """

    asks = ("HGET", ABOUT, ID)  # of whoever answers

    def __init__(self, *, spread: bool = False) -> None:
        self._spread = spread
        self._told = ""
        self.own = ""  # until the store is open

    def of(self, scope: str) -> tuple[Sequence[str], str]:
        """Return what a script of *scope* needs to look: its last key if any, and its last argument."""
        if not self.own or (self._spread and scope != HOUSE):
            return (), ""
        return (ABOUT,), self.own

    def other(self, found: object) -> str:
        """Say why whoever answered *found* is not our store; "" if it is, or cannot tell."""
        if not self.own or isinstance(found, Exception) or found == self.own:
            self._told = ""
            return ""
        why = why_closed({ID: str(found or "")}, own=self.own)
        if why != self._told:  # once, not for each that asks
            log.critical("other_store", extra={"why": why})
        self._told = why
        return why

    def check(self, answer: Sequence[str]) -> None:
        """
        Read what a script answered.

        Raises:
            StoreClosed: It found the store closed, and changed nothing.
        """
        if answer and answer[0] == CLOSED:
            said = zip((ID, MOVED, ARRIVING), answer[1:], strict=True)
            raise StoreClosed(why_closed({name: text for name, text in said if text}, own=self.own))
