"""The form of an action that asks for more than a comment: folded away until somebody wants it."""

import re
from datetime import date

from approvals_core.models import Content, Entries
from approvals_core.ports import View
from approvals_core.rules.filling import TICKED
from approvals_core.tenant import Action, Choice, Comment, Input, InputKind
from approvals_core.tenant.conditions import holding
from cards import text
from cards.approval.room import Room
from cards.buttons import (
    ACT,
    CONFIRM,
    NEW_APPROVER,
    OWN_COMMENT,
    PLACEMENT,
    REASON,
    act_data,
    input_id,
)
from cards.elements import (
    Actions,
    ButtonStyle,
    Choices,
    Container,
    DateInput,
    Execute,
    PeoplePicker,
    Piece,
    TextBlock,
    TextInput,
    Toggle,
)
from cards.language import _
from cards.pieces import small

FORM = "form."  # before the action's code: id of its form
_ONE_LINE = 255  # characters: a longer text gets room for several lines
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Form:
    """One action's form; *entries* and *comment* are what stands in it already."""

    def __init__(
        self, view: View, action: Action, room: Room, *, comment: str, entries: Entries
    ) -> None:
        self._view = view
        self._action = action
        self._room = room
        self._comment = comment
        self._entries = entries
        self._content: Content | None = view.approval.content

    def pieces(self, *, is_open: bool) -> Container:
        """Return the form, in the order in which it is filled in."""
        action = self._action
        hint = [small(text.block(action.hint, text.FREE_TEXT), "Small")] if action.hint else []
        return Container(
            TextBlock(text.block(action.label, text.TITLE), weight="Bolder"),
            *hint,
            *self._new_approver(),
            *self._justification(),
            *(self._input(asked) for asked in action.inputs),
            *self._own_comment(),
            *self._confirmation(),
            Actions(send_button(self._view, action), spacing="Medium"),
            id=f"{FORM}{action.code}",
            visible=None if is_open else False,
            style="emphasis",
            spacing="Medium",
            rounded=True,
        )

    def _new_approver(self) -> list[Piece]:
        action = self._action
        if not action.new_approver:
            return []
        picker = PeoplePicker(
            id=NEW_APPROVER + action.code,
            label=_("New approver"),
            placeholder=_("Search by name"),
            value=text.typed(self._entries.new_approver, text.FACT_NAME) or None,
            spacing="Medium",
        )
        if not action.placements:
            return [picker]
        title, chosen = _("Comes in"), self._entries.placement
        where = self._list(PLACEMENT + action.code, title, action.placements, chosen)
        return [picker, where]

    def _justification(self) -> list[Piece]:
        action = self._action
        if not holding(action.justifications, self._content):
            return []
        title = field_label(_("Reason"), required=action.justification is Comment.REQUIRED)
        chosen = self._entries.justification
        return [self._list(REASON + action.code, title, action.justifications, chosen)]

    def _list(self, id_: str, label: str, choices: tuple[Choice, ...], chosen: str) -> Choices:
        offered = holding(choices, self._content)
        return Choices(
            id=id_,
            label=label,
            choices=[(c.code, plain_words(c.text)) for c in offered],
            placeholder=_("Choose"),
            value=chosen if any(c.code == chosen for c in offered) else None,
            spacing="Medium",
        )

    def _input(self, asked: Input) -> Piece:
        id_ = input_id(self._action, asked)
        label = field_label(asked.label, required=asked.required)
        value = self._entries.inputs.get(asked.code, "")
        if asked.kind is InputKind.CHOICE:
            return self._list(id_, label, asked.choices, value)
        if asked.kind is InputKind.CHECKBOX:
            title = text.block(asked.label)
            return Toggle(id=id_, title=title, ticked=value == TICKED, spacing="Medium")
        if asked.kind is InputKind.DATE:
            return DateInput(id=id_, label=label, value=_day(value), spacing="Medium")
        return TextInput(
            id=id_,
            label=label,
            placeholder="",
            max_length=asked.length,
            value=text.typed(value, min(asked.length, self._room.typed or asked.length)) or None,
            spacing="Medium",
            multiline=asked.length > _ONE_LINE,
        )

    def _own_comment(self) -> list[Piece]:
        action = self._action
        if action.comment is Comment.NONE:
            return []
        limit = min(action.comment_length, self._room.typed or action.comment_length)
        field = TextInput(
            id=OWN_COMMENT + action.code,
            label=field_label(_("Comment"), required=action.comment is Comment.REQUIRED),
            placeholder="",
            max_length=action.comment_length,
            value=text.typed(self._comment, limit) or None,
            spacing="Medium",
        )
        return [field]

    def _confirmation(self) -> list[Piece]:
        action = self._action
        if not action.confirmation:
            return []
        said = text.block(action.confirmation, text.FREE_TEXT)
        # Never ticked beforehand: who tries again confirms again.
        return [Toggle(id=CONFIRM + action.code, title=said, spacing="Medium")]


def send_button(view: View, action: Action) -> Execute:
    """Return the button that does it."""
    label = text.one_line(action.label, text.BUTTON)
    data = act_data(view.approval, view.place, action)
    return Execute(label, verb=ACT, data=data, style=style_of(action))


def style_of(action: Action) -> ButtonStyle | None:
    """Return how the action's buttons look; None is as usual."""
    return None if action.style == "default" else action.style.value


def field_label(words: str, *, required: bool) -> str:
    """Return the name of an input, which says if it may be left blank."""
    shown = plain_words(words)
    return shown if required else _("{field} (optional)").format(field=shown)


def plain_words(words: str) -> str:
    """For labels and choices: plain text, in which clients replace dates only."""
    return text.escape_run(text.one_line(words, text.TITLE))


def _day(value: str) -> str | None:
    try:
        return date.fromisoformat(value).isoformat() if _DATE.fullmatch(value) else None
    except ValueError:
        return None
