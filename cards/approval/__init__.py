"""The approval card: what one approver sees of a request, in every state."""

from functools import partial

from approvals_core.ports import View
from cards.approval.asking import asking
from cards.approval.blocks import detail_page
from cards.approval.draft import NOTHING_BESIDE, Aside, Draft
from cards.approval.room import ROOMS, Room
from cards.approval.standing import Phase
from cards.buttons import REFRESH, card_key
from cards.elements import Card, Execute, Refresh, first_that_fits
from cards.language import LANGUAGE, _
from cards.viewer import Viewer

__all__ = ["NOTHING_BESIDE", "Aside", "approval_card"]


def approval_card(
    view: View,
    viewer: Viewer,
    aside: Aside = NOTHING_BESIDE,
    *,
    notice_line: str | None = None,
    page_url: str = "",
) -> Card:
    """
    Build the card that *viewer* should see now: to send, answer, update and refresh.

    *notice_line* stands under every card of a service that is not the usual one, as in
    a playground. *page_url* is where we show the request ourselves, "" if nowhere.
    """
    draft = Draft(view, viewer, aside, page_url=page_url)
    refresh = None if draft.phase is Phase.CLOSED else _refresh(view, viewer)

    def card(room: Room) -> Card:
        body = draft.pieces(
            room,
            ask=partial(asking, view, viewer),
            links=detail_page(view, page_url),
            notes=[notice_line] if notice_line else [],
        )
        return Card(
            *body,
            speak=draft.spoken,
            fallback_text=draft.fallback_text,
            lang=LANGUAGE,
            refresh=refresh,
        )

    return first_that_fits(card, ROOMS)


def _refresh(view: View, viewer: Viewer) -> Refresh:
    # Without ids Teams offers to refresh by hand, which is better than nothing.
    asked = Execute(
        _("Refresh"),
        verb=REFRESH,
        data={"k": card_key(view.approval, view.place)},
        submit_instead=False,
    )
    return Refresh(asked, [viewer.user_id] if viewer.user_id else [])
