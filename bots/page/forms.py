"""The forms under a request: what each action asks for, as fields of HTML."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from approvals_core.models import Entries
from approvals_core.ports import View
from approvals_core.rules.standing import offered
from approvals_core.tenant import Action, Comment
from bots.page.fields import Asked, Field, Search, comment_is_wrong
from cards import text
from cards.approval.asking import NOTHING_FILLED, Tried, last_try
from cards.buttons import (
    COMMENT,
    act_data,
)
from cards.language import _
from cards.viewer import Viewer


@dataclass(frozen=True)
class Try:
    """What just came in and was not done: the action's code, what was typed, and why it was not."""

    action: str = ""
    comment: str = ""
    entries: Entries = NOTHING_FILLED
    problem: str = ""
    search: Search = field(default_factory=Search)


@dataclass(frozen=True)
class Button:
    """What sends a form: the action's *code*, its label, and how it looks."""

    code: str
    label: str
    style: str


@dataclass(frozen=True)
class Form:
    """One form: several buttons over one comment, or one action with all that it asks for."""

    title: str
    hint: str
    fields: tuple[Field, ...]
    buttons: tuple[Button, ...]
    hidden: Mapping[str, str]
    folded: bool = False
    is_open: bool = False
    problem: str = ""
    came_back: str = ""

    @property
    def first_wrong(self) -> str:
        """Return the id of the field to begin with, "" if none is known to be wrong."""
        return next((each.id for each in self.fields if each.wrong), "")


def forms(view: View, viewer: Viewer, tried: Try) -> list[Form]:
    """Return the forms of what is offered now, the last try in the one it belongs to."""
    last = last_try(
        view,
        viewer,
        Tried(tried.problem, tried.action, tried.comment, tried.entries),
    )
    actions = offered(view.approval, view.tenant)
    plain = [a for a in actions if not a.needs_form]
    return [
        *([_together(view, plain, last, len(plain) < len(actions))] if plain else []),
        *(_alone(view, a, last, tried.search) for a in actions if a.needs_form),
    ]


def _together(view: View, actions: Sequence[Action], last: Tried, others: bool) -> Form:  # noqa: FBT001
    here = any(_is(a, last.action) for a in actions)
    mine = last if here or not others or not last.action else _comment_of(last)
    commented = [a for a in actions if a.comment is not Comment.NONE]
    tried = next((a for a in actions if _is(a, last.action)), None)
    return Form(
        title=_("Your decision"),
        hint="",
        fields=tuple(_shared_comment(commented, tried, mine)) if commented else (),
        buttons=tuple(_button(a) for a in actions),
        hidden=_hidden(view, actions[0]),
        problem=mine.problem,
        came_back=mine.came_back,
    )


def _shared_comment(
    actions: Sequence[Action], tried: Action | None, last: Tried
) -> Iterator[Field]:
    longest = max(action.comment_length for action in actions)
    yield Field(
        "lines",
        COMMENT,
        _("Comment"),
        value=text.typed(last.comment, longest),
        limit=longest,
        hint=_needed_for(actions),
        wrong=bool(last.problem and tried and comment_is_wrong(tried, last.comment)),
    )


def _needed_for(actions: Sequence[Action]) -> str:
    needed = [_label(a) for a in actions if a.comment is Comment.REQUIRED]
    if not needed:
        return _("Optional")
    return _("Needed for {needed}").format(needed=_(" or ").join(needed))


def _alone(view: View, action: Action, last: Tried, search: Search) -> Form:
    here = _is(action, last.action)
    mine = last if here else _comment_of(last)
    asked = Asked(action, view.approval.content, mine, search if here else Search())
    return Form(
        title=_label(action),
        hint=text.one_line(action.hint, text.FREE_TEXT) if action.hint else "",
        fields=tuple(asked.fields()),
        buttons=(_button(action),),
        hidden=_hidden(view, action),
        folded=True,
        is_open=here,
        problem=mine.problem,
        came_back=mine.came_back,
    )


def _comment_of(last: Tried) -> Tried:
    """
    Return the comment alone: whoever chooses another action now need not write it again.

    What the tenant sent back was written long ago, for that one action: it stays with it.
    """
    return Tried() if last.came_back else Tried(comment=last.comment)


def _hidden(view: View, action: Action) -> dict[str, str]:
    """Return what `act_data` carries but the action, which the pressed button names."""
    data = act_data(view.approval, view.place, action)
    return {name: str(value) for name, value in data.items() if name != "a"}


def _button(action: Action) -> Button:
    return Button(action.code, _label(action), action.style.value)


def _label(action: Action) -> str:
    return text.one_line(action.label, text.BUTTON)


def _is(action: Action, code: str) -> bool:
    return bool(code) and action.code.casefold() == code.casefold()
