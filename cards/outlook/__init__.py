"""The card in a mail: what one approver sees of a request in Outlook, in every state."""

from functools import partial

import orjson

from approvals_core.ports import View
from cards.approval import NOTHING_BESIDE, Aside
from cards.approval.blocks import detail_page
from cards.approval.draft import Draft
from cards.approval.standing import Phase
from cards.elements import OpenUrl, first_that_fits
from cards.language import _
from cards.outlook.asking import Asking, Links
from cards.outlook.dialect import Element, in_outlook
from cards.outlook.frame import framed
from cards.outlook.room import LIMIT_IN_BYTES, ROOMS, MailRoom
from cards.text import safe_url
from cards.viewer import Viewer

__all__ = ["LIMIT_IN_BYTES", "Links", "outlook_card"]


def outlook_card(
    view: View,
    viewer: Viewer,
    aside: Aside = NOTHING_BESIDE,
    *,
    links: Links,
    originator: str,
    correlation: str,
    notice_line: str | None = None,
    page_url: str = "",
) -> dict[str, object]:
    """
    Build the card that *viewer* should see now in his mail: to send, answer and refresh.

    *originator* is the provider's id, *correlation* a UUID that names the mail in both
    sides' logs. *notice_line* is as in `approval_card`. *page_url* is our own page of the
    request, "" if there is none: what the card cannot ask for is done there.
    """
    draft = Draft(view, viewer, aside, page_url=page_url)
    opened = _opened(view, page_url)
    asking = Asking(view, viewer, links, page_url, opened)
    notes = [notice_line] if notice_line else []
    if draft.phase is Phase.UNDER_WAY:
        notes.insert(0, _("This card shows the newest state whenever you open the mail."))
    around = {
        "originator": originator,
        "correlation": correlation,
        "spoken": draft.spoken,
        "fallback_text": draft.fallback_text,
        "refresh_url": "" if _is_over(view, draft.phase) else links.refresh(view),
    }

    def card(room: MailRoom) -> _Drawn:
        ask = partial(asking.pieces, reach=room.reach)
        pieces = draft.pieces(room.shown, ask=ask, links=opened, notes=notes)
        return _Drawn(framed(in_outlook(pieces), **around))

    return first_that_fits(card, ROOMS, limit=LIMIT_IN_BYTES).face


def _is_over(view: View, phase: Phase) -> bool:
    """Tell whether the card stays as it is; nothing is pushed into a mail whose reader is asked no more."""
    goes_on = view.approval.open and view.round == view.approval.round
    return phase is Phase.CLOSED and not goes_on


class _Drawn:
    """A card, and how many bytes it takes in the mail."""

    def __init__(self, face: Element) -> None:
        self.face = face

    @property
    def size(self) -> int:
        return len(orjson.dumps(self.face))


def _opened(view: View, page_url: str) -> list[OpenUrl]:
    """Return links to the request at the tenant's, and on our page: who cannot act here can there."""
    found = detail_page(view, page_url)
    ours = safe_url(page_url)
    if ours and all(link.url != ours for link in found):
        found.append(OpenUrl(_("Open the request"), ours))
    return found
