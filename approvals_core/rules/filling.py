"""What an action asks for beside a comment, and whether what came in is that."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from gettext import gettext as _
from typing import NamedTuple, TypeVar

from approvals_core.errors import ActionIncomplete
from approvals_core.models import Content, Entries
from approvals_core.tenant import Action, Choice, Comment, Input, InputKind
from approvals_core.tenant.conditions import holding

TICKED, NOT_TICKED = "true", "false"  # what a checkbox is on the wire, and in a click

_T = TypeVar("_T")

_CODE = 80  # characters of a code, or an object id
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Filled(NamedTuple):
    """What was filled in, checked against what the action offers now."""

    comment: str
    justification: Choice | None
    placement: Choice | None
    inputs: dict[str, str]  # by code; what was left blank is not there


class _Form:
    """Reads one entry after the other, and notes what is wrong with each."""

    def __init__(self) -> None:
        self._wrong: list[str] = []

    def read(self, reading: Callable[[], _T]) -> _T | None:
        """Return what *reading* does, or None if something is wrong there."""
        try:
            return reading()
        except ActionIncomplete as wrong:
            self._wrong.append(str(wrong))
            return None

    def check(self) -> None:
        """Raise if something was wrong: all of it, once each."""
        if self._wrong:
            raise ActionIncomplete(" ".join(dict.fromkeys(self._wrong)))


def can_be_filled(action: Action, content: Content | None) -> bool:
    """Tell whether every list that must be chosen from has something to choose now."""
    needed = [action.justifications] if action.justification is Comment.REQUIRED else []
    needed += [action.placements] if action.placements else []
    needed += [asked.choices for asked in action.inputs if asked.choices and asked.required]
    return all(holding(choices, content) for choices in needed)


def fill(action: Action, comment: str, entries: Entries, content: Content | None) -> Filled:
    """
    Return what *comment* and *entries* say, as far as the action asks for it.

    Raises:
        ActionIncomplete: Something is missing, too long, or not offered; the message says all of it.
    """
    form = _Form()
    said = form.read(lambda: _comment(action, comment.strip()))
    justification = form.read(lambda: _justification(action, entries, content))
    form.read(lambda: _new_approver(action, entries))
    placement = form.read(lambda: _placement(action, entries, content))
    inputs = {
        asked.code: form.read(lambda asked=asked: _input(asked, entries, content))
        for asked in action.inputs
    }
    form.read(lambda: _confirmation(action, entries))
    form.check()
    given = {code: value for code, value in inputs.items() if value}
    return Filled(said or "", justification, placement, given)


def kept(action: Action, entries: Entries) -> Entries:
    """Return what of *entries* the action asks for, each cut to its length: nothing of it was checked."""
    longest = {asked.code: asked.length for asked in action.inputs}
    inputs = {code: entries.inputs.get(code, "")[:length] for code, length in longest.items()}
    return Entries(
        justification=entries.justification[:_CODE] if action.justifications else "",
        placement=entries.placement[:_CODE] if action.placements else "",
        new_approver=entries.new_approver[:_CODE] if action.new_approver else "",
        inputs={code: value for code, value in inputs.items() if value},
    )


def _comment(action: Action, comment: str) -> str:
    if action.comment is Comment.REQUIRED and not comment:
        raise ActionIncomplete(
            _("“{action}” needs a comment. Please say why.").format(action=action.label)
        )
    if len(comment) > action.comment_length:
        said = _("The comment is too long: at most {limit} characters.")
        raise ActionIncomplete(said.format(limit=action.comment_length))
    return "" if action.comment is Comment.NONE else comment


def _new_approver(action: Action, entries: Entries) -> None:
    if action.new_approver and not entries.new_approver.strip():
        raise ActionIncomplete(
            _("“{action}” needs a new approver. Please choose one.").format(action=action.label)
        )


def _confirmation(action: Action, entries: Entries) -> None:
    if action.confirmation and not entries.confirmed:
        raise ActionIncomplete(
            _("“{action}” must be confirmed. Please tick the box.").format(action=action.label)
        )


def _justification(action: Action, entries: Entries, content: Content | None) -> Choice | None:
    if entries.justification and action.justifications:
        return _chosen(action.justifications, entries.justification, content)
    if action.justification is Comment.REQUIRED:
        raise ActionIncomplete(
            _("“{action}” needs a reason. Please choose one.").format(action=action.label)
        )
    return None


def _placement(action: Action, entries: Entries, content: Content | None) -> Choice | None:
    if not action.placements:
        return None
    if not entries.placement:
        raise ActionIncomplete(_("Please choose where the new approver comes in."))
    return _chosen(action.placements, entries.placement, content)


def _chosen(choices: Sequence[Choice], code: str, content: Content | None) -> Choice:
    found = next((c for c in holding(choices, content) if c.code == code), None)
    if found is None:
        raise ActionIncomplete(_("What you chose is not offered any more. Please choose again."))
    return found


def _input(asked: Input, entries: Entries, content: Content | None) -> str:
    value = _read(asked, entries.inputs.get(asked.code, "").strip(), content)
    if not asked.required:
        return value
    if asked.kind is InputKind.CHECKBOX and value == NOT_TICKED:
        raise ActionIncomplete(_("“{field}” must be ticked.").format(field=asked.label))
    if not value:
        raise ActionIncomplete(_("“{field}” is needed.").format(field=asked.label))
    return value


def _read(asked: Input, value: str, content: Content | None) -> str:
    """Return *value* as it goes out, "" if it was left blank."""
    match asked.kind:
        case InputKind.TEXT:
            return _text(asked, value)
        case InputKind.CHOICE:
            return _chosen(asked.choices, value, content).code if value else ""
        case InputKind.CHECKBOX:
            return TICKED if value.casefold() == TICKED else NOT_TICKED
        case InputKind.DATE:
            return _day(asked, value) if value else ""


def _text(asked: Input, value: str) -> str:
    if len(value) > asked.length:
        said = _("“{field}” is too long: at most {limit} characters.")
        raise ActionIncomplete(said.format(field=asked.label, limit=asked.length))
    return value


def _day(asked: Input, value: str) -> str:
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise ActionIncomplete(_("“{field}” must be a date.").format(field=asked.label))
