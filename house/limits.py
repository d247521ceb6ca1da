"""The limits that all processes keep together, and by whose clock."""

import time
from collections.abc import Callable
from datetime import datetime

from approvals_core.allowances import Allowances
from approvals_core.ports import Budgets


def make_allowances(budgets: Budgets, brought: Callable[[], datetime] | None) -> Allowances:
    """
    Make what keeps our limits.

    *brought* is the clock of somebody who has one of his own; None: the machine's here, and
    the store's for what is shared, because those of several machines differ.
    """
    if brought is None:
        return Allowances(budgets, monotonic=time.monotonic)
    return Allowances(budgets, monotonic=lambda: brought().timestamp(), now=brought)
