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


def arrival_words(view: View, *, as_sent: bool = False) -> list[str]:
    """Return what `arrivals` says, as raw texts; *as_sent*: in a mail, which stays as it is."""
    hidden = {name.upper() for name in view.tenant.shown.hidden}
    seen = [detail for detail in view.approval.details if detail.name not in hidden]
    if view.approval.content is None or not view.approval.open:
        return []
    said = [_still_to_come(seen, view) if as_sent else _coming(seen), _missed(seen)]
    return [words.format(tenant=view.tenant.name) for words in said if words]


def _coming(details: list[Detail]) -> str:
    found = [detail for detail in details if detail.state is DetailState.FETCHING]
    if any(detail.digest for detail in found):
        return _(
            "These details are being fetched anew from {tenant}. Until then you see the older ones."
        )
    return _("More details are being fetched from {tenant}.") if found else ""


def _still_to_come(details: list[Detail], view: View) -> str:
    found = [detail for detail in details if detail.state is DetailState.FETCHING]
    if not found:
        return ""
    if view.place.seat < 0:  # an onlooker, for whom our page does not open
        return _("When this was sent, details were still being fetched. You find them in {tenant}.")
    if any(detail.digest for detail in found):
        return _(
            "When this was sent, newer details were still being fetched from {tenant}. Open the"
            " request to see them."
        )
    return _(
        "When this was sent, more details were still being fetched from {tenant}. Open the request"
        " to see them."
    )


def _missed(details: list[Detail]) -> str:
    found = [detail for detail in details if detail.state is DetailState.MISSING]
    if any(detail.digest for detail in found):
        return _("Newer details could not be fetched. Those shown may be old: see {tenant}.")
    return _("Some details could not be fetched. They are in {tenant}.") if found else ""
