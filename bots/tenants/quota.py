"""How fast one tenant may post, so that none of them can keep the others waiting."""

import math

from approvals_core.allowances import Allowance, Allowances
from approvals_core.ports.budgets import Windows
from approvals_core.tenant import Tenant
from bots.web import refused

MINUTE = 60.0  # seconds
BURST = 10.0  # seconds, in which a sixth of a minute's payloads may come, at once if need be

# Where many may come, a process takes up to a tenth of a second's at a time, to use within half
# a second: a question to the store for each payload would be felt.
LOT, LASTING = 600, 0.5  # of a minute's payloads; seconds


class Quota:
    """What each tenant's file allows it, kept by all processes together."""

    def __init__(self, allowances: Allowances) -> None:
        self._allowances = allowances
        self._tenants: dict[tuple[str, int], Allowance] = {}

    async def take(self, tenant: Tenant) -> None:
        """Count one payload, or answer 429 with the seconds after which there is room."""
        most = tenant.limits.payloads_per_minute
        at_once = math.ceil(most * BURST / MINUTE)
        windows: Windows = ((at_once, BURST), (most, MINUTE))
        wait = await self._allowance(tenant.document_type_id, most).take(windows)
        if wait > 0:
            raise refused(
                429,
                f"At most {most} payloads a minute, and {at_once} in {BURST:g} seconds."
                " Nothing of this one was applied.",
                headers={"Retry-After": str(math.ceil(wait))},
            )

    def _allowance(self, tenant: str, most: int) -> Allowance:
        key = (tenant, most)  # the file may name another number by now
        if key not in self._tenants:
            lot = max(1, most // LOT)
            self._tenants[key] = self._allowances.of(
                f"payloads of {tenant}", lot=lot, lasting=LASTING if lot > 1 else 0.0
            )
        return self._tenants[key]
