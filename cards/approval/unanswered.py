"""What the card says of a decision that the tenant did not take, or did not answer."""

from datetime import timedelta

from approvals_core.models import Decision
from cards.formats import moment
from cards.language import _
from cards.viewer import Viewer

# Times are written to the minute: one less than a minute ahead would read as now.
SHORTLY = timedelta(minutes=1)


def tried_again(tenant: str, decision: Decision, viewer: Viewer) -> str:
    """Say that the tenant could not take it, and when it is tried again, if that is known."""
    if decision.due is None:
        return _("{tenant} cannot take this at the moment. We try again.").format(tenant=tenant)
    if decision.due - decision.attempted_at < SHORTLY:
        said = _("{tenant} cannot take this at the moment. We try again shortly.")
        return said.format(tenant=tenant)
    when = moment(decision.due, viewer.locale, viewer.zone)
    said = _("{tenant} cannot take this at the moment. We try again on {when}.")
    return said.format(tenant=tenant, when=when)


def not_confirmed(
    tenant: str, decision: Decision, viewer: Viewer, *, mine: bool
) -> tuple[str, ...]:
    """Say that nobody knows whether the tenant has it, and what becomes of that; *mine*: the reader decided."""
    unknown = _("{tenant} did not confirm this. It may have it, or not.").format(tenant=tenant)
    if decision.due is not None:  # only a tenant that counts it once is told twice
        again = _("We send the same again, and it counts once. There is nothing for you to do.")
        return (unknown, again)
    if viewer.on_paper:
        return (unknown, *_looks_later(tenant, decision, mine=mine))
    if decision.look_up is not None:
        asks = _("We ask {tenant} what became of it, and this card changes as soon as we know.")
        return (unknown, asks.format(tenant=tenant))
    if not mine:
        return (unknown, _("This card changes as soon as we know."))
    advice = _("Please look there before you do anything. This card changes as soon as we know.")
    return (unknown, advice)


def _looks_later(tenant: str, decision: Decision, *, mine: bool) -> tuple[str, ...]:
    if decision.look_up is not None:
        asks = _("We ask {tenant} what became of it. Please look again later.")
        return (asks.format(tenant=tenant),)
    if not mine:
        return (_("Please look again later."),)
    return (_("Please look there before you do anything."),)
