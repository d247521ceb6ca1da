"""What the card says of details that are not there, or not the newest: calmly, for they hold nobody up."""

from approvals_core.models import Detail, DetailState
from approvals_core.ports import View
from cards import text
from cards.elements import Piece
from cards.language import _
from cards.pieces import small


def arrivals(view: View) -> list[Piece]:
    """Say what is still to come, and what did not; nothing of a request that is over."""
    return [small(text.block(words, text.FREE_TEXT), "Medium") for words in arrival_words(view)]


def arrival_words(view: View) -> list[str]:
    """Return what `arrivals` says, as raw texts."""
    hidden = {name.upper() for name in view.tenant.shown.hidden}
    seen = [detail for detail in view.approval.details if detail.name not in hidden]
    if view.approval.content is None or not view.approval.open:
        return []
    said = [_coming(seen), _missed(seen)]
    return [words.format(tenant=view.tenant.name) for words in said if words]


def _coming(details: list[Detail]) -> str:
    found = [detail for detail in details if detail.state is DetailState.FETCHING]
    if any(detail.digest for detail in found):
        return _(
            "These details are being fetched anew from {tenant}. Until then you see the older ones."
        )
    return _("More details are being fetched from {tenant}.") if found else ""


def _missed(details: list[Detail]) -> str:
    found = [detail for detail in details if detail.state is DetailState.MISSING]
    if any(detail.digest for detail in found):
        return _("Newer details could not be fetched. Those shown may be old: see {tenant}.")
    return _("Some details could not be fetched. They are in {tenant}.") if found else ""
