"""What was read and drawn lately of what tenants sent: each approver's card shows the same of it, in each state."""

from dataclasses import replace
from functools import lru_cache

from approvals_core.models import Content
from approvals_core.ports import View
from cards.approval import content
from cards.approval.content import Shown
from cards.approval.lists import facts, items
from cards.approval.room import Room
from cards.approval.tables import in_sections, size_of
from cards.elements import Piece
from cards.viewer import Viewer

# Of so many requests, some 70 kB each; whatever is longer is read and drawn each time.
KEPT, LONGEST = 500, 8_000  # requests, characters of content and details


class Sent:
    """
    What the tenant sent of a request, and what of its file says how to show it.

    Equal ones show the same, whoever looks and whatever happened to the request.
    """

    def __init__(self, view: View) -> None:
        approval = view.approval
        self.view = view
        self._summary = _written(approval.content or Content())
        self._details = tuple(sorted(view.details.items()))
        self._numbers = (approval.display_number, *approval.key)
        # Facts that only name one of them are left out.
        self._asked = tuple((place.alias, place.name) for place in approval.places)
        self._hash = hash((self._summary, self._details, self._numbers, self._asked))

    @property
    def is_short(self) -> bool:
        """Tell whether it may be kept."""
        return len(self._summary) + sum(len(text) for _, text in self._details) <= LONGEST

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Sent)
            and self._summary == other._summary
            and self._details == other._details
            and self._numbers == other._numbers
            and self._asked == other._asked
            and self.view.tenant.shown == other.view.tenant.shown
        )


def _written(content: Content) -> str:
    """Return all its fields as one text, another one for each other content."""
    try:
        return content.model_dump_json()
    except ValueError:  # half of a surrogate pair, which no JSON has
        return repr(content)


def shown(sent: Sent) -> Shown:
    """Return what `content.shown` picks."""
    return _shown(sent) if sent.is_short else content.shown(sent.view)


def drawn(sent: Sent, viewer: Viewer, room: Room) -> tuple[Piece, ...]:
    """
    Return facts, items and sections, as they stand in every card of the request.

    They are finished, and the same ones each time: nobody may change them.
    """
    if not sent.is_short:
        return _drawn(sent, viewer, room)
    zone = viewer.zone if _shown(sent).has_times else ""
    return _kept(sent, replace(viewer, user_id="", zone=zone), room)


@lru_cache(KEPT)
def _shown(sent: Sent) -> Shown:
    return content.shown(sent.view)


@lru_cache(KEPT)
def _kept(sent: Sent, viewer: Viewer, room: Room) -> tuple[Piece, ...]:
    return _drawn(sent, viewer, room)


def _drawn(sent: Sent, viewer: Viewer, room: Room) -> tuple[Piece, ...]:
    found = shown(sent)
    mapped = in_sections(found.mapped, viewer, room)
    others = in_sections(found.sections, viewer, room, spent=size_of(mapped), beyond=found.beyond)
    return (*facts(found, viewer, room), *mapped, *items(found.items, viewer, room), *others)
