"""What became of requests that were decided together, one by one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from approvals_core.ports import View
from cards import text
from cards.approval.blocks import title_of
from cards.approval.spoken import spoken
from cards.approval.standing import (
    LATER,
    NOT_NOW,
    UNSURE,
    WAITING,
    Look,
    Phase,
    Standing,
    standing,
)
from cards.buttons import PENDING, REFRESH, SEVERAL, SHOW, look_data, several_data
from cards.elements import (
    Actions,
    Card,
    Column,
    Columns,
    Container,
    Execute,
    Piece,
    Refresh,
    TextBlock,
    first_that_fits,
)
from cards.language import LANGUAGE, _
from cards.pieces import small, small_print
from cards.viewer import Viewer

_PRESSABLE = "\u203a"  # a small chevron: the row opens its request

# Characters of one text of a row, tried one after the other until the card is small enough.
_ROOMS = (text.FREE_TEXT, text.TITLE, 60, 30, 16)


@dataclass(frozen=True)
class Told:
    """
    One request that was ticked, and how it stands.

    *view* is None where the viewer may not see it, or it could not be read. *said* is
    why nothing was decided, a raw text, "" where the state says all; *unsure*: nobody
    knows that. *recording* is the code of an action whose commit has not answered yet.
    """

    key: str  # of its card
    view: View | None
    said: str = ""
    recording: str = ""
    unsure: bool = False


@dataclass(frozen=True)
class _Line:
    """One request in words: *title* and *words* are raw texts."""

    key: str
    title: str
    number: str
    badge: str
    look: Look
    words: tuple[str, ...]

    @property
    def may_change(self) -> bool:
        """Tell whether nobody knows yet how it ends."""
        return self.look in (WAITING, LATER, UNSURE)


def results(
    tenant: str, told: Sequence[Told], viewer: Viewer, *, notice_line: str | None = None
) -> Card:
    """
    Say of each request of the tenant with this code how it stands now.

    While something is on its way, the card looks again when it is shown, and can be asked to.
    """
    lines = [_line(each, viewer) for each in told]
    name = next((each.view.tenant.name for each in told if each.view is not None), "")
    draft = _Draft(tenant, _title(name, lines), lines, viewer, notice_line or "")
    return first_that_fits(draft.card, _ROOMS)


def _line(each: Told, viewer: Viewer) -> _Line:
    view = each.view
    title, number = _("One request"), ""
    if view is not None:
        title, number = title_of(view), view.approval.display_number
    if each.unsure:
        return _Line(each.key, title, number, _("Not confirmed"), UNSURE, (each.said,))
    if each.said:
        return _Line(each.key, title, number, _("Not decided"), NOT_NOW, (each.said,))
    if view is None:
        said = (_("Recording your decision…"),)
        return _Line(each.key, title, number, _("Recording"), WAITING, said)
    now = standing(view, viewer, recording=each.recording)
    return _Line(each.key, title, number, now.badge, _look(now), _words(view, now))


def _look(now: Standing) -> Look:
    return NOT_NOW if now.phase is Phase.ASKING else now.look


def _words(view: View, now: Standing) -> tuple[str, ...]:
    if now.phase is Phase.ASKING:
        refusal = view.place.refusal
        return (refusal.message if refusal else _("It waits for your decision."),)
    deeds = [each.deed for each in (now, now.before) if each and each.deed]
    did = [deed.words.format(what=deed.what, who=deed.who) for deed in deeds]
    # What follows is about the request's own card: "This card changes as soon as …".
    notes = now.notes[:1] if now.look is UNSURE else now.notes
    # This card is not drawn anew once all is known, and who is asked goes on changing.
    return (*did, *(note for note in notes if note != now.follows))


@dataclass(frozen=True)
class _Draft:
    """What the card is made from, so that it can be made again with less room."""

    tenant: str
    title: str
    lines: Sequence[_Line]
    viewer: Viewer
    notice_line: str

    def card(self, room: int) -> Card:
        count = _count(self.lines)
        moving = any(line.may_change for line in self.lines)
        return Card(
            TextBlock(text.block(self.title), size="Large", weight="Bolder", heading=True),
            TextBlock(text.block(count), spacing="Small"),
            Container(*(_row(line, room) for line in self.lines), spacing="Medium"),
            *([small(_advice(), "Medium")] if moving else []),
            Actions(*self._buttons(moving=moving), spacing="Medium"),
            *([small_print(self.notice_line)] if self.notice_line else []),
            speak=spoken(text.one_line(f"{self.title} {count}", text.FREE_TEXT)),
            fallback_text=text.block(f"{self.title} {count}"),
            lang=LANGUAGE,
            refresh=self._refresh() if moving else None,
        )

    def _look(self) -> dict[str, object]:
        return look_data(self.tenant, [line.key for line in self.lines])

    def _buttons(self, *, moving: bool) -> list[Execute]:
        again = Execute(_("Look again"), verb=SHOW, data=self._look())
        more = Execute(_("Decide more"), verb=SEVERAL, data=several_data(self.tenant))
        waits = Execute(_("All that waits"), verb=PENDING, data={"c": ""})
        return [*([again] if moving else []), more, waits]

    def _refresh(self) -> Refresh:
        asked = Execute(_("Refresh"), verb=REFRESH, data=self._look(), submit_instead=False)
        return Refresh(asked, [self.viewer.user_id] if self.viewer.user_id else [])


def _title(tenant: str, lines: Sequence[_Line]) -> str:
    if not tenant:
        return _("Recording your decisions…")
    sending = sum(line.look is WAITING for line in lines)
    if not sending:
        return _("Decided together: {tenant}").format(tenant=tenant)
    return _("Sending {count} to {tenant}…").format(count=sending, tenant=tenant)


def _count(lines: Sequence[_Line]) -> str:
    """Say how many stand how: "3 Approved · 1 Sending"."""
    counted = Counter(line.badge for line in lines)
    return " · ".join(f"{count} {badge}" for badge, count in counted.items())


def _advice() -> str:
    return _("Each request's own card changes by itself. “Look again” shows here how it stands.")


def _row(line: _Line, room: int) -> Columns:
    sign = TextBlock(
        line.look.sign, wrap=False, color=line.look.color, weight="Bolder", align="Center"
    )
    number = text.block(line.number, min(room, text.FACT_NAME))
    said: list[Piece] = [TextBlock(text.block(line.title, min(room, text.TITLE)), weight="Bolder")]
    said += [small(number)] if number and line.number != line.title else []
    said += [TextBlock(text.block(words, room), spacing="None") for words in line.words]
    name = line.number or line.title
    show = Execute(
        _("Open {number}").format(number=text.one_line(name, 30)),
        verb=SHOW,
        data={"k": line.key},
    )
    chevron = TextBlock(_PRESSABLE, wrap=False, size="Large", color="Accent")
    return Columns(
        Column(sign, width="20px"),
        Column(*said, width="stretch", spacing="Small"),
        Column(chevron, width="auto", vertical="Center", spacing="Small"),
        spacing="Small",
        separator=True,
        on_select=show,
    )
