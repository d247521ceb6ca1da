"""The approval card: what one approver sees of a request, in every state."""

from dataclasses import dataclass

from approvals_core.models import Entries
from approvals_core.ports import View
from cards.approval.arrivals import arrivals
from cards.approval.asking import NOTHING_FILLED, Tried, asking
from cards.approval.blocks import (
    banner,
    detail_page,
    header,
    hero,
    reason,
    requested_by,
    state_box,
)
from cards.approval.closed import closed_box
from cards.approval.content import Shown, shown
from cards.approval.files import attachments
from cards.approval.lists import facts, items, route_list
from cards.approval.room import ROOMS, Room
from cards.approval.spoken import fallback_text, sentence, spoken
from cards.approval.standing import Phase, Standing, said_last, standing
from cards.approval.tables import in_sections, size_of
from cards.buttons import REFRESH, card_key
from cards.elements import (
    Action,
    Actions,
    Card,
    Container,
    Execute,
    Piece,
    Refresh,
    ToggleVisibility,
    first_that_fits,
)
from cards.language import LANGUAGE, _
from cards.pieces import small_print
from cards.viewer import Viewer

_DETAILS = "details"  # id of what the button folds away


@dataclass(frozen=True)
class Aside:
    """
    What one answer says beyond the stored state: raw texts, "" for nothing.

    *said* is a sentence above everything ("Jonas Berg was faster"). *problem* is why a
    click on the action with the code *tried* was not taken, *typed* the comment that
    came with it, *entries* what else was filled in. *recording* is the code of an
    action whose commit has not answered yet.
    """

    said: str = ""
    problem: str = ""
    tried: str = ""
    typed: str = ""
    entries: Entries = NOTHING_FILLED
    recording: str = ""


NOTHING_BESIDE = Aside()


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
    draft = _Draft(view, viewer, aside, notice_line or "", page_url)
    return first_that_fits(draft.card, ROOMS)


class _Draft:
    """What a card is made from, so that it can be made again with less room."""

    def __init__(
        self, view: View, viewer: Viewer, aside: Aside, notice_line: str, page_url: str
    ) -> None:
        self._view = view
        self._viewer = viewer
        self._aside = aside
        self._notice_line = notice_line
        self._page_url = page_url
        self._now: Standing = standing(view, viewer, recording=aside.recording)
        self._shown: Shown = shown(view)

    def card(self, room: Room) -> Card:
        is_asking = self._now.phase is Phase.ASKING
        words = self._sentence()
        return Card(
            header(self._view, self._now),
            *([banner(self._aside.said)] if self._aside.said else []),
            *(self._open(room) if is_asking else self._decided(room)),
            *([small_print(self._notice_line)] if self._notice_line else []),
            speak=spoken(words),
            fallback_text=fallback_text(words, self._shown),
            lang=LANGUAGE,
            refresh=None if self._now.phase is Phase.CLOSED else self._refresh(),
        )

    def _sentence(self) -> str:
        first = self._aside.said or self._aside.problem
        return sentence(self._view, self._viewer, self._now, self._shown, first=first)

    def _open(self, room: Room) -> list[Piece]:
        said, closed = said_last(self._view), self._view.closed
        return [
            *([closed_box(self._view.tenant, closed, self._viewer)] if closed else []),
            *([state_box(said, self._viewer, room)] if said else []),
            *hero(self._shown, self._viewer, with_deadline=True),
            *requested_by(self._shown, self._viewer),
            *self._details(room),
            *asking(self._view, self._viewer, self._tried(), room),
        ]

    def _tried(self) -> Tried:
        aside = self._aside
        return Tried(aside.problem, aside.tried, aside.typed, aside.entries)

    def _decided(self, room: Room) -> list[Piece]:
        folded = self._details(room)
        buttons: list[Action] = [*detail_page(self._view, self._page_url)]
        if folded:
            buttons.append(ToggleVisibility(_("Show or hide details"), _DETAILS))
        return [
            state_box(self._now, self._viewer, room),
            *hero(self._shown, self._viewer, with_deadline=False),
            *requested_by(self._shown, self._viewer),
            *([Container(*folded, id=_DETAILS, visible=False)] if folded else []),
            *([Actions(*buttons, spacing="Medium")] if buttons else []),
        ]

    def _details(self, room: Room) -> list[Piece]:
        mapped = in_sections(self._shown.mapped, self._viewer, room)
        spent = size_of(mapped)
        return [
            *reason(self._shown, room),
            *facts(self._shown, self._viewer, room),
            *mapped,
            *items(self._shown.items, self._viewer, room),
            *in_sections(
                self._shown.sections, self._viewer, room, spent=spent, beyond=self._shown.beyond
            ),
            *arrivals(self._view),
            *attachments(self._view, self._shown, self._viewer, room),
            *route_list(self._view, self._viewer, room),
        ]

    def _refresh(self) -> Refresh:
        # Without ids Teams offers to refresh by hand, which is better than nothing.
        asked = Execute(
            _("Refresh"),
            verb=REFRESH,
            data={"k": card_key(self._view.approval, self._view.place)},
            submit_instead=False,
        )
        return Refresh(asked, [self._viewer.user_id] if self._viewer.user_id else [])
