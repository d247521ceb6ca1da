"""What a card of the request is made from, whatever the channel: the same words in the same order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from approvals_core.models import Entries
from approvals_core.ports import View
from cards.approval.arrivals import arrivals
from cards.approval.asking import NOTHING_FILLED, Tried
from cards.approval.blocks import banner, header, hero, reason, requested_by, state_box
from cards.approval.closed import closed_box
from cards.approval.content import Shown
from cards.approval.files import attachments
from cards.approval.lately import Sent, drawn, shown
from cards.approval.lists import route_list
from cards.approval.room import Room
from cards.approval.spoken import fallback_text, sentence, spoken
from cards.approval.standing import Phase, Standing, said_last, standing
from cards.elements import Action, Actions, Container, OpenUrl, Piece, ToggleVisibility
from cards.language import _
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


class Draft:
    """One request for one viewer, to be drawn again with less room; *ask* draws the inputs and buttons."""

    def __init__(self, view: View, viewer: Viewer, aside: Aside, *, page_url: str = "") -> None:
        self._view = view
        self._viewer = viewer
        self._aside = aside
        self._page_url = page_url
        self._now: Standing = standing(view, viewer, recording=aside.recording)
        self._sent = Sent(view)
        self._shown: Shown = shown(self._sent)

    @property
    def phase(self) -> Phase:
        """Return what may be done with the card."""
        return self._now.phase

    @property
    def spoken(self) -> str:
        """Return the card as it is read aloud."""
        return spoken(self._sentence)

    @property
    def fallback_text(self) -> str:
        """Return what is shown where the card cannot be, as markdown."""
        return fallback_text(self._sentence, self._shown)

    def pieces(
        self,
        room: Room,
        *,
        ask: Callable[[Tried, Room], list[Piece]],
        links: Sequence[OpenUrl],
        notes: Sequence[str],
    ) -> list[Piece]:
        """
        Return the card's body.

        *links* are for a card that asks nothing, *notes* raw texts under everything.
        """
        is_asking = self._now.phase is Phase.ASKING
        return [
            header(self._view, self._now),
            *([banner(self._aside.said)] if self._aside.said else []),
            *(self._open(room, ask) if is_asking else self._decided(room, links)),
            *(small_print(note) for note in notes),
        ]

    @cached_property
    def _sentence(self) -> str:
        first = self._aside.said or self._aside.problem
        return sentence(self._view, self._viewer, self._now, self._shown, first=first)

    def _open(self, room: Room, ask: Callable[[Tried, Room], list[Piece]]) -> list[Piece]:
        said, closed = said_last(self._view), self._view.closed
        return [
            *([closed_box(self._view.tenant, closed, self._viewer)] if closed else []),
            *([state_box(said, self._viewer, room)] if said else []),
            *hero(self._shown, self._viewer, with_deadline=True),
            *requested_by(self._shown, self._viewer),
            *self._details(room, said),
            *ask(self._tried(), room),
        ]

    def _tried(self) -> Tried:
        aside = self._aside
        return Tried(aside.problem, aside.tried, aside.typed, aside.entries)

    def _decided(self, room: Room, links: Sequence[OpenUrl]) -> list[Piece]:
        before = self._now.before
        folded = self._details(room, self._now, before)
        buttons: list[Action] = [*links]
        if folded:
            buttons.append(ToggleVisibility(_("Show or hide details"), _DETAILS))
        return [
            state_box(self._now, self._viewer, room),
            *([state_box(before, self._viewer, room)] if before else []),
            *hero(self._shown, self._viewer, with_deadline=False),
            *requested_by(self._shown, self._viewer),
            *([Container(*folded, id=_DETAILS, visible=False)] if folded else []),
            *([Actions(*buttons, spacing="Medium")] if buttons else []),
        ]

    def _details(self, room: Room, *above: Standing | None) -> list[Piece]:
        """Return what stands below the boxes *above*, which have told what was done in them."""
        told = {(box.deed.at, box.deed.comment) for box in above if box and box.deed}
        return [
            *reason(self._shown, room),
            *drawn(self._sent, self._viewer, room),
            *arrivals(self._view),
            *attachments(self._view, self._shown, self._viewer, room, self._page_url),
            *route_list(
                self._view, self._viewer, room, told=told, whole=self.phase is not Phase.ASKING
            ),
        ]
