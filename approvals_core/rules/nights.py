"""When a tenant's requests are compared by night: outside its working hours, each tenant at a time of its own."""

from datetime import datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from approvals_core.models import Approval
from approvals_core.tenant import Tenant, WorkingHours

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPREAD = timedelta(hours=1)  # over which the tenants begin
MIDNIGHT = timedelta(days=1)


def is_outside(hours: WorkingHours, at: datetime) -> bool:
    """Tell whether *at* is outside the working hours."""
    local = at.astimezone(ZoneInfo(hours.zone))
    works = DAYS[local.weekday()] in hours.days
    return not (works and hours.starts <= local.time() < hours.ends)


def next_night(tenant: Tenant, after: datetime) -> datetime:
    """Return when the tenant's next night begins: some time after the end of its hours, every day."""
    hours = tenant.working_hours
    today = after.astimezone(ZoneInfo(hours.zone))
    ends = today.replace(
        hour=hours.ends.hour, minute=hours.ends.minute, second=hours.ends.second, microsecond=0
    )
    days = (ends + timedelta(days=each) for each in range(3))  # as clocks there show it
    begins = (day.astimezone(after.tzinfo) + _own_share(tenant) for day in days)
    return next(begin for begin in begins if begin > after)


def unheard(approval: Approval, tenant: Tenant, at: datetime) -> bool:
    """Tell whether nothing was heard of an open request for so long that its tenant is asked."""
    told = (approval.heard_at, approval.opened_at, approval.reconciled_at)
    last = max((each for each in told if each is not None), default=None)
    return last is None or at - last >= timedelta(days=tenant.reconcile.unheard_for)


def _own_share(tenant: Tenant) -> timedelta:
    """Return how long after the end of its hours a tenant has its turn: always the same time."""
    hours = tenant.working_hours
    works = timedelta(hours=hours.ends.hour - hours.starts.hour)
    works += timedelta(minutes=hours.ends.minute - hours.starts.minute)
    share = int(sha256(tenant.code.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    return min(SPREAD, (MIDNIGHT - works) / 4) * share
