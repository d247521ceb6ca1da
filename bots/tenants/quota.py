"""How fast one tenant may post, so that none of them can keep the others waiting."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from approvals_core.tenant import Tenant
from bots.web import refused

BURST = 10.0  # seconds whose whole allowance may come at once


@dataclass
class _Bucket:
    tokens: float
    at: float


class Quota:
    """A token bucket per tenant and process, refilled at the rate its file names."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._buckets: dict[str, _Bucket] = {}

    def take(self, tenant: Tenant) -> None:
        """Count one payload, or answer 429 with the seconds after which there is room."""
        rate = tenant.limits.payloads_per_minute / 60
        most = max(1.0, rate * BURST)
        now = self._monotonic()
        bucket = self._buckets.setdefault(tenant.document_type_id, _Bucket(most, now))
        bucket.tokens = min(most, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.tokens < 1:
            after = math.ceil((1 - bucket.tokens) / rate)
            raise refused(
                429,
                f"At most {tenant.limits.payloads_per_minute} payloads a minute."
                " Nothing of this one was applied.",
                headers={"Retry-After": str(after)},
            )
        bucket.tokens -= 1
