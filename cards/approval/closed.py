"""What the card says while the tenant takes no decisions."""

from approvals_core.ports import View
from approvals_core.tenant import Closed
from cards import text
from cards.elements import Container, TextBlock
from cards.formats import moment
from cards.language import _
from cards.viewer import Viewer


def refused_now(view: View, closed: Closed, viewer: Viewer) -> tuple[str, ...]:
    """Say why nothing can be decided now, and until when, if that is known."""
    if closed.until is None:
        return _said(view, closed, _("This card changes when it does again."))
    again = _("Please decide after {when}.").format(when=_when(closed, viewer))
    return _said(view, closed, again)


def kept_until_open(view: View, closed: Closed, viewer: Viewer) -> tuple[str, ...]:
    """Say of a decision that it is kept, and when it goes out."""
    return _said(view, closed, _goes_out(view, closed, viewer))


def closed_box(view: View, closed: Closed, viewer: Viewer) -> Container:
    """Say above everything that what is decided now is kept."""
    first, *others = _said(view, closed, _will_be_kept(view, closed, viewer))
    said = [TextBlock(text.block(first, text.FREE_TEXT), weight="Bolder")]
    said += [TextBlock(text.block(one, text.FREE_TEXT), spacing="Small") for one in others]
    return Container(*said, style="accent", spacing="Medium", rounded=True)


def _said(view: View, closed: Closed, then: str) -> tuple[str, ...]:
    tenant = view.tenant.name
    first = _("{tenant} takes no decisions at the moment.").format(tenant=tenant)
    return (first, closed.message, then) if closed.message else (first, then)


def _goes_out(view: View, closed: Closed, viewer: Viewer) -> str:
    tenant = view.tenant.name
    if closed.until is None:
        return _("The decision is kept, and goes out once {tenant} takes decisions again.").format(
            tenant=tenant
        )
    said = _("The decision is kept, and goes out on {when}.")
    return said.format(when=_when(closed, viewer))


def _will_be_kept(view: View, closed: Closed, viewer: Viewer) -> str:
    tenant = view.tenant.name
    if closed.until is None:
        said = _("You can decide: it is kept, and goes out once {tenant} takes decisions again.")
        return said.format(tenant=tenant)
    said = _("You can decide: it is kept, and goes out on {when}.")
    return said.format(when=_when(closed, viewer))


def _when(closed: Closed, viewer: Viewer) -> str:
    assert closed.until is not None
    return moment(closed.until, viewer.locale, viewer.zone)
