"""Cards of a tenant that takes no decisions for a while."""

from collections.abc import Mapping
from datetime import timedelta

from approvals_core.models import PlaceState
from approvals_core.ports import View
from approvals_core.rules.closing import CLOSED
from approvals_core.tenant import Maintenance, Tenant, WhileClosed
from tests.card_makers import DECIDED_AT, a_place, a_tenant, a_view, an_approval, decided

MESSAGE = "We move to new servers. Questions: https://it.example.com/moving"
ENDS = DECIDED_AT + timedelta(hours=9)


def closed_views() -> Mapping[str, View]:
    """Return each state in which it matters, by the name of its face."""
    gone = a_place(1, state=PlaceState.REMOVED)
    kept = decided(PlaceState.RETRYING, attempts=0, due=ENDS, trouble=CLOSED)
    refusing, waiting = _maintenance(WhileClosed.REFUSE), _maintenance(WhileClosed.WAIT)
    return {
        "closed-window": a_view(tenant=refusing),
        "closed-window-wait": a_view(tenant=waiting),
        "closed-wait": a_view(tenant=_disabled()),
        "closed-kept": a_view(an_approval(kept, gone), tenant=waiting),
        "closed-kept-disabled": a_view(an_approval(kept, gone), tenant=_disabled()),
        "closed-kept-held": a_view(an_approval(kept, gone, a_place(2)), seat=2, tenant=waiting),
    }


def _maintenance(decisions: WhileClosed) -> Tenant:
    window = Maintenance(starts=DECIDED_AT, ends=ENDS, message=MESSAGE, decisions=decisions)
    return a_tenant(maintenance=window)


def _disabled() -> Tenant:
    return a_tenant(
        enabled=False,
        disabled_message="Closed for the yearly audit.",
        disabled_decisions=WhileClosed.WAIT,
    )
