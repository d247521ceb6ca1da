"""The form of an action that has more to choose from: folded away until somebody wants it."""

from approvals_core.models import Content, Entries
from approvals_core.rules.filling import NOT_TICKED, TICKED
from approvals_core.tenant import Action, Choice, Comment, Input, InputKind
from approvals_core.tenant.conditions import holding
from cards import text
from cards.approval.asking import NOTHING_FILLED, Tried
from cards.approval.forms import field_label, plain_words
from cards.elements import Actions, Choices, Container, Http, Piece, TextBlock, Toggle
from cards.language import _
from cards.outlook.body import Line, confirm_line, input_line, lines, mark, reason_line
from cards.pieces import small


def has_form(action: Action) -> bool:
    """Tell whether the card's button for *action* opens a form: there is more than the comment."""
    return bool(lines(action)) or bool(action.hint and action.needs_form)


def form_id(action: Action) -> str:
    """Return the id of the form of *action*."""
    return f"form_{mark(action.code)}"


def form(action: Action, send: Http, content: Content | None, tried: Tried | None) -> Container:
    """
    Return the form of *action*, in the order in which it is filled in.

    *tried* is what came back when it was last sent: it stands open then. None: folded.
    """
    entries = tried.entries if tried else NOTHING_FILLED
    hint = [small(text.block(action.hint, text.FREE_TEXT), "Small")] if action.hint else []
    return Container(
        TextBlock(text.block(action.label, text.TITLE), weight="Bolder"),
        *hint,
        *_reason(action, content, entries),
        *(_input(action, asked, content, entries) for asked in action.inputs),
        *_confirmation(action),
        Actions(send, spacing="Medium"),
        id=form_id(action),
        visible=None if tried else False,
        style="emphasis",
        spacing="Medium",
    )


def _reason(action: Action, content: Content | None, entries: Entries) -> list[Piece]:
    offered = holding(action.justifications, content)
    if not offered:
        return []
    label = field_label(_("Reason"), required=action.justification is Comment.REQUIRED)
    return [_list(reason_line(action), label, offered, entries.justification)]


def _input(action: Action, asked: Input, content: Content | None, entries: Entries) -> Piece:
    line, value = input_line(action, asked), entries.inputs.get(asked.code, "")
    if asked.kind is InputKind.CHOICE:
        label = field_label(asked.label, required=asked.required)
        return _list(line, label, holding(asked.choices, content), value)
    return _box(line, text.block(asked.label), ticked=value == TICKED)


def _list(line: Line, label: str, offered: tuple[Choice, ...], chosen: str) -> Choices:
    return Choices(
        id=line.id,
        label=label,
        choices=[(line.value(c.code) or "", plain_words(c.text)) for c in offered],
        placeholder=_("Choose"),
        value=line.value(chosen) if any(c.code == chosen for c in offered) else None,
        spacing="Medium",
    )


def _box(line: Line, title: str, *, ticked: bool) -> Toggle:
    on, off = line.value(TICKED) or "", line.value(NOT_TICKED) or ""
    return Toggle(id=line.id, title=title, on=on, off=off, ticked=ticked, spacing="Medium")


def _confirmation(action: Action) -> list[Piece]:
    if not action.confirmation:
        return []
    # Never ticked beforehand: who tries again confirms again.
    said = text.block(action.confirmation, text.FREE_TEXT)
    return [_box(confirm_line(action), said, ticked=False)]
