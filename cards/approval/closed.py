"""What the card says while the tenant takes no decisions."""

from approvals_core.tenant import Closed, Tenant, WhileClosed
from cards import text
from cards.elements import Container, TextBlock
from cards.formats import moment
from cards.language import _
from cards.viewer import Viewer


def refused_now(tenant: Tenant, closed: Closed, viewer: Viewer) -> tuple[str, ...]:
    """Say why nothing can be decided now, and until when, if that is known."""
    changes = _("This card changes when it does again.")
    is_told = closed.until is None and not viewer.on_paper
    return _said(tenant, closed, changes if is_told else _try_later(closed, viewer))


def kept_until_open(tenant: Tenant, closed: Closed, viewer: Viewer) -> tuple[str, ...]:
    """Say of a decision that it is kept, and when it goes out."""
    return _said(tenant, closed, _goes_out(tenant, closed, viewer))


def closed_words(tenant: Tenant, closed: Closed, viewer: Viewer) -> tuple[str, ...]:
    """Say that nothing can be decided now, or that what is decided is kept; raw texts."""
    if closed.decisions is WhileClosed.REFUSE:
        return _said(tenant, closed, _try_later(closed, viewer))
    return _said(tenant, closed, _will_be_kept(tenant, closed, viewer))


def closed_box(tenant: Tenant, closed: Closed, viewer: Viewer) -> Container:
    """Say above everything what `closed_words` says."""
    first, *others = closed_words(tenant, closed, viewer)
    said = [TextBlock(text.block(first, text.FREE_TEXT), weight="Bolder")]
    said += [TextBlock(text.block(one, text.FREE_TEXT), spacing="Small") for one in others]
    return Container(*said, style="accent", spacing="Medium", rounded=True)


def _said(tenant: Tenant, closed: Closed, then: str) -> tuple[str, ...]:
    first = _("{tenant} takes no decisions at the moment.").format(tenant=tenant.name)
    return (first, closed.message, then) if closed.message else (first, then)


def _goes_out(tenant: Tenant, closed: Closed, viewer: Viewer) -> str:
    if closed.until is None:
        return _("The decision is kept, and goes out once {tenant} takes decisions again.").format(
            tenant=tenant.name
        )
    said = _("The decision is kept, and goes out on {when}.")
    return said.format(when=_when(closed, viewer))


def _try_later(closed: Closed, viewer: Viewer) -> str:
    if closed.until is None:
        return _("Please look again later.")
    return _("Please decide after {when}.").format(when=_when(closed, viewer))


def _will_be_kept(tenant: Tenant, closed: Closed, viewer: Viewer) -> str:
    if closed.until is None:
        said = _("You can decide: it is kept, and goes out once {tenant} takes decisions again.")
        return said.format(tenant=tenant.name)
    said = _("You can decide: it is kept, and goes out on {when}.")
    return said.format(when=_when(closed, viewer))


def _when(closed: Closed, viewer: Viewer) -> str:
    assert closed.until is not None
    return moment(closed.until, viewer.locale, viewer.zone)
