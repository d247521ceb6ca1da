"""The rows of the route in HTML: who decided, who is asked now, who waits and who comes next."""

from collections.abc import Iterable
from dataclasses import replace

from approvals_core.models import ActionTaken, Approval
from approvals_core.ports import View
from approvals_core.rules.standing import HOLDING, holder
from cards import text
from cards.approval.route import Row as RouteRow
from cards.approval.route import Step as RouteStep
from cards.approval.route import route, who
from cards.approval.standing import Look, chosen_by, past_of
from cards.formats import moment
from cards.html.cutting import line, prose
from cards.html.parts import Box, Step, Tone
from cards.language import _
from cards.viewer import Viewer

_MOST_STEPS = 60
_MOST_NAMES = 8  # of one row of the route
_TONES = {
    "Good": Tone.GOOD,
    "Attention": Tone.BAD,
    "Warning": Tone.WARNING,
    "Informative": Tone.NOTE,
    "Accent": Tone.NOTE,
    "Subtle": Tone.OVER,
}


def tone_of(look: Look) -> Tone:
    """Return the tone of what a card's badge shows in a colour."""
    return _TONES[look.badge]


def route_steps(view: View, viewer: Viewer) -> Iterable[Step]:
    """Return the rows of this round's route."""
    rows = route(view)[:_MOST_STEPS]
    following = next((row for row in rows if row.step is RouteStep.NEXT), None)
    return (_step(view, row, viewer, is_following=row is following) for row in rows)


def once(steps: Iterable[Step], boxes: tuple[Box, ...]) -> Iterable[Step]:
    """Leave out the comments that stand above already."""
    above = [(box.when, box.comment) for box in boxes if box.did]
    return (replace(step, comment="") if _is_told(step, above) else step for step in steps)


def _is_told(step: Step, above: Iterable[tuple[str, str]]) -> bool:
    # Two people may write the same: what was done at another time was something else.
    return any(step.comment == said and step.state.endswith(when) for when, said in above)


def _step(view: View, row: RouteRow, viewer: Viewer, *, is_following: bool) -> Step:
    kind, names = line(row.kind, text.FACT_NAME), _names(row)
    if row.step is RouteStep.DONE and row.taken is not None:
        return _done(view, view.approval, row.taken, viewer, kind)
    words = f"{kind} — {names}" if kind else names
    if row.step is RouteStep.NOW:
        state, is_now = _asked_now(view, row)
        return Step("●", Tone.NOTE, words, state, is_now=is_now)
    if not is_following:
        return Step("○", Tone.OVER, words, _("later"))
    comes = _("comes next") if len(row.names) <= 1 else _("come next")
    return Step("○", Tone.OVER, words, comes)


def _asked_now(view: View, row: RouteRow) -> tuple[str, bool]:
    """Say what those of a row are asked, and whether it is their turn: one decision may hold the others."""
    places = [place for place in view.approval.places if place.seat in row.seats]
    decided = [place.state in HOLDING for place in places]
    held = [holder(view.approval, place, view.tenant) is not None for place in places]
    is_one = len(row.seats) == 1 and not row.viewer  # "you" goes with what several do
    if not all(one or other for one, other in zip(decided, held, strict=True)):
        return (_("is asked now") if is_one else _("are asked now")), True
    if any(decided):
        return _("a decision is under way"), True
    if is_one:
        return _("waits: somebody else has decided"), False
    return _("wait: somebody else has decided"), False


def _done(
    view: View, approval: Approval, taken: ActionTaken, viewer: Viewer, kind: str = ""
) -> Step:
    past, look = past_of(view, taken.action)
    name = line(who(approval, taken), text.PERSON)
    when = moment(taken.at, viewer.locale, viewer.zone)
    return Step(
        look.sign,
        tone_of(look),
        f"{kind} — {name}" if kind else name,
        f"{line(past, text.FACT_NAME)}, {when}",
        chosen=tuple(map(line, chosen_by(view, taken))),
        comment=prose(taken.comment),
    )


def _names(row: RouteRow) -> str:
    names = [line(name, text.PERSON) for name in row.names[:_MOST_NAMES]]
    left = len(row.names) - len(names)
    return ", ".join(
        [
            *([_("you")] if row.viewer else []),
            *(name for name in names if name),
            *([_("and {count} more").format(count=left)] if left else []),
        ]
    )


def earlier_steps(view: View, viewer: Viewer) -> Iterable[Step]:
    """Return what was done in earlier rounds."""
    before = [t for t in view.approval.taken if t.round < view.round and not t.failed]
    return (_done(view, view.approval, each, viewer) for each in before[-_MOST_STEPS:])
