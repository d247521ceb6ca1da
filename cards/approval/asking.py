"""What a pending card asks for: a comment, and a decision."""

from collections.abc import Sequence
from dataclasses import dataclass

from approvals_core.models import Entries, Refusal
from approvals_core.ports import View
from approvals_core.rules.standing import offered
from approvals_core.tenant import Action, Comment
from cards import text
from cards.approval.blocks import problem_box
from cards.approval.forms import FORM, Form, send_button, style_of
from cards.approval.room import Room
from cards.buttons import COMMENT
from cards.elements import Action as Button
from cards.elements import Actions, Container, Piece, TextInput, ToggleVisibility
from cards.formats import humanised, moment
from cards.language import _
from cards.viewer import Viewer

_MORE = "more"  # id of what the button of this name opens
_IN_A_ROW = 6  # buttons, which is the most that Teams shows
_FEW = 4  # forms, of which one closes when another opens; with more that is too much to say

NOTHING_FILLED = Entries()


@dataclass(frozen=True)
class Tried:
    """
    The last try that came to nothing, in raw texts: why, and what had been filled in.

    *action* is its code, "" if there was none.
    """

    problem: str = ""
    action: str = ""
    comment: str = ""
    entries: Entries = NOTHING_FILLED
    came_back: str = ""


def asking(view: View, viewer: Viewer, tried: Tried, room: Room) -> list[Piece]:
    """
    Ask for the decision; *tried* is what just came back, so that nothing is filled in twice.

    Without a problem of its own it is what the place remembers of a refusal.
    """
    tried = last_try(view, viewer, tried)
    box: list[Piece] = [problem_box(tried.problem, tried.came_back)] if tried.problem else []
    actions = offered(view.approval, view.tenant)
    return [
        *box,
        *_comment(actions, tried, room, near=bool(box)),
        *_buttons(view, actions, tried),
        *_forms(view, actions, tried, room),
    ]


def last_try(view: View, viewer: Viewer, tried: Tried) -> Tried:
    """Return *tried*, or, if it has no problem of its own, what the place remembers of a refusal."""
    refusal = view.place.refusal
    if refusal is None or tried.problem:
        return tried
    kept = tried if tried.action else Tried(comment=tried.comment or refusal.comment)
    return Tried(
        problem=refusal.message,
        action=tried.action or refusal.action,
        comment=kept.comment,
        entries=tried.entries if tried.action else refusal.entries,
        came_back=_came_back(view, refusal, viewer),
    )


def _came_back(view: View, refusal: Refusal, viewer: Viewer) -> str:
    action = view.tenant.action(refusal.action)
    label = action.label if action else humanised(refusal.action)
    when = moment(refusal.at, viewer.locale, viewer.zone)
    if not label:
        return _("Your decision came back on {when}.").format(when=when)
    return _("Your “{action}” came back on {when}.").format(
        action=text.one_line(label, text.BUTTON), when=when
    )


# -- the comment of what needs one click ----------------------------------------


def _comment(actions: Sequence[Action], tried: Tried, room: Room, *, near: bool) -> list[Piece]:
    commented = [a for a in actions if a.comment is not Comment.NONE and not a.needs_form]
    if not commented:
        return []
    longest = max(action.comment_length for action in commented)
    typed = "" if _form_of(actions, tried) else tried.comment
    return [
        TextInput(
            id=COMMENT,
            label=_("Comment"),
            placeholder=comment_hint(commented, every=len(commented) == len(actions)),
            max_length=longest,
            value=text.typed(typed, min(longest, room.typed or longest)) or None,
            spacing="Small" if near else "Large",
        )
    ]


def comment_hint(actions: Sequence[Action], *, every: bool) -> str:
    """Say for what the comment is needed; *every*: the card offers nothing else."""
    needed = _labels(actions, Comment.REQUIRED)
    optional = _labels(actions, Comment.OPTIONAL)
    if not needed:
        return _("Optional") if every else _("Optional for {optional}").format(optional=optional)
    if not optional:
        return _("Needed") if every else _("Needed for {needed}").format(needed=needed)
    said = _("Optional for {optional}. Needed for {needed}.")
    return said.format(optional=optional, needed=needed)


def _labels(actions: Sequence[Action], comment: Comment) -> str:
    labels = [text.one_line(a.label, text.BUTTON) for a in actions if a.comment is comment]
    return _(" or ").join(labels)


# -- buttons ----------------------------------------------------------------------


def _buttons(view: View, actions: Sequence[Action], tried: Tried) -> list[Piece]:
    """Show the primary actions, and the others behind "More": Teams on phones has no menu that works."""
    shown, rest = _rows(actions)
    forms = [a for a in actions if a.needs_form]
    buttons = {action.code: _button(view, action, forms) for action in actions}
    first = [buttons[action.code] for action in shown]
    if not rest:
        return [Actions(*first, spacing="Medium")]
    is_open = (wanted := _form_of(actions, tried)) is not None and wanted in rest
    return [
        Actions(*first, ToggleVisibility(_("More"), _MORE), spacing="Medium"),
        Container(
            *(
                Actions(*(buttons[a.code] for a in rest[i : i + _IN_A_ROW]), spacing="Small")
                for i in range(0, len(rest), _IN_A_ROW)
            ),
            id=_MORE,
            visible=None if is_open else False,
            spacing="Small",
        ),
    ]


def _rows(actions: Sequence[Action]) -> tuple[list[Action], list[Action]]:
    """Part the actions into those that are shown, and those behind "More"."""
    primary = [a for a in actions if a.primary] or list(actions)
    room = _IN_A_ROW if len(primary) == len(actions) <= _IN_A_ROW else _IN_A_ROW - 1
    shown = primary[:room]
    return shown, [a for a in actions if a not in shown]


def _button(view: View, action: Action, forms: Sequence[Action]) -> Button:
    if not action.needs_form:
        return send_button(view, action)
    others = [FORM + a.code for a in forms if a is not action] if len(forms) <= _FEW else []
    title = _("{action}…").format(action=text.one_line(action.label, text.BUTTON))
    return ToggleVisibility(title, FORM + action.code, hides=others, style=style_of(action))


# -- forms ------------------------------------------------------------------------


def _forms(view: View, actions: Sequence[Action], tried: Tried, room: Room) -> list[Piece]:
    wanted = _form_of(actions, tried)
    return [
        _form(view, a, tried if a is wanted else Tried(), room) for a in actions if a.needs_form
    ]


def _form(view: View, action: Action, tried: Tried, room: Room) -> Container:
    form = Form(view, action, room, comment=tried.comment, entries=tried.entries)
    return form.pieces(is_open=bool(tried.action))


def _form_of(actions: Sequence[Action], tried: Tried) -> Action | None:
    """Return the action whose form was filled in, if it is offered still."""
    code = tried.action.casefold()
    return next((a for a in actions if a.needs_form and a.code.casefold() == code), None)
