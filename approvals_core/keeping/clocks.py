"""
Compares the clock of this machine with the store's.

Leases, and when "nothing can arrive any more", are times that one machine writes and another one
reads. A machine whose clock is ahead takes over what another one is just doing.
"""

import math
from collections.abc import Awaitable, Callable
from datetime import datetime

from approvals_core.errors import StoreRefused
from approvals_core.ports import Store

BEARABLE = 2.0  # seconds between two clocks: from here on it is said
REFUSED = 10.0  # seconds: half of the shortest lease; from here on nothing is done

Compare = Callable[[], Awaitable[float]]  # seconds by which this machine's clock is ahead


async def same_clock() -> float:
    """Say that this machine's clock is the store's."""
    return 0.0


async def ahead_of_store(store: Store, *, now: Callable[[], datetime]) -> float:
    """
    Return by how many seconds *now* is ahead of the store's clock; less than none: it is behind.

    What lies within the time that the question took counts as none: nobody can tell.

    Raises:
        StoreUnavailable: It does not answer.
    """
    asked = now()
    there = await store.holdings.time()
    if there is None:
        return 0.0
    answered = now()
    if asked <= there <= answered:
        return 0.0
    near = asked if there < asked else answered
    return (near - there).total_seconds()


def refuse_off(ahead: float) -> None:
    """
    Refuse to work by a clock that is too far off.

    Raises:
        StoreRefused: The message says by how much, and what to do.
    """
    if abs(ahead) > REFUSED:
        raise StoreRefused(
            f"The clock of this machine is {said(ahead)} the store's. All machines must go by one"
            " time: set it, and keep it so with NTP."
        )


def said(ahead: float) -> str:
    """Put it in words."""
    return f"{math.ceil(abs(ahead))} seconds {'ahead of' if ahead > 0 else 'behind'}"
