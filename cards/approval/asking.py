"""What a pending card asks for: a comment, and a decision."""

from collections.abc import Sequence

from approvals_core.models import Approval, Place, Refusal
from approvals_core.ports import View
from approvals_core.rules.standing import offered
from approvals_core.tenant import Action, Comment
from cards import text
from cards.approval.blocks import problem_box
from cards.approval.room import Room
from cards.buttons import ACT, COMMENT, act_data
from cards.elements import Actions, Execute, Piece, TextInput
from cards.formats import humanised, moment
from cards.language import _
from cards.viewer import Viewer


def asking(view: View, viewer: Viewer, problem: str, typed: str, room: Room) -> list[Piece]:
    """
    Ask for the decision; *problem* says why the last one came back.

    *typed* is what had been written then, so that nothing is written twice. Without
    them it is what the place remembers of a refusal.
    """
    actions, refusal, came_back = offered(view.approval, view.tenant), view.place.refusal, ""
    if refusal is not None and not problem:
        problem, typed = refusal.message, typed or refusal.comment
        came_back = _came_back(view, refusal, viewer)
    box: list[Piece] = [problem_box(problem, came_back)] if problem else []
    buttons = [_button(view.approval, view.place, action) for action in actions]
    return [
        *box,
        *_comment(actions, typed, room, near=bool(box)),
        Actions(*buttons, spacing="Medium"),
    ]


def _came_back(view: View, refusal: Refusal, viewer: Viewer) -> str:
    action = view.tenant.action(refusal.action)
    label = action.label if action else humanised(refusal.action)
    when = moment(refusal.at, viewer.locale, viewer.zone)
    if not label:
        return _("Your decision came back on {when}.").format(when=when)
    return _("Your “{action}” came back on {when}.").format(
        action=text.one_line(label, text.BUTTON), when=when
    )


def _comment(actions: Sequence[Action], typed: str, room: Room, *, near: bool) -> list[Piece]:
    commented = [action for action in actions if action.comment is not Comment.NONE]
    if not commented:
        return []
    longest = max(action.comment_length for action in commented)
    return [
        TextInput(
            id=COMMENT,
            label=_("Comment"),
            placeholder=_placeholder(commented),
            max_length=longest,
            value=text.typed(typed, min(longest, room.typed or longest)) or None,
            spacing="Small" if near else "Large",
        )
    ]


def _placeholder(actions: Sequence[Action]) -> str:
    needed = _labels(actions, Comment.REQUIRED)
    optional = _labels(actions, Comment.OPTIONAL)
    if not needed:
        return _("Optional")
    if not optional:
        return _("Needed")
    said = _("Optional for {optional}. Needed for {needed}.")
    return said.format(optional=optional, needed=needed)


def _labels(actions: Sequence[Action], comment: Comment) -> str:
    labels = [text.one_line(a.label, text.BUTTON) for a in actions if a.comment is comment]
    return _(" or ").join(labels)


def _button(approval: Approval, place: Place, action: Action) -> Execute:
    label = text.one_line(action.label, text.BUTTON)
    style = None if action.style == "default" else action.style.value
    return Execute(label, verb=ACT, data=act_data(approval, place, action), style=style)
