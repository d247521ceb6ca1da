"""The forms under a request: what each action asks for, as fields of HTML."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from approvals_core.models import Content, Entries, Person
from approvals_core.ports import View
from approvals_core.rules.filling import TICKED
from approvals_core.rules.standing import offered
from approvals_core.tenant import Action, Choice, Comment, Input, InputKind
from approvals_core.tenant.conditions import holding
from cards import text
from cards.approval.asking import NOTHING_FILLED, Tried, last_try
from cards.buttons import (
    COMMENT,
    CONFIRM,
    NEW_APPROVER,
    OWN_COMMENT,
    PLACEMENT,
    REASON,
    act_data,
    input_id,
)
from cards.language import _
from cards.viewer import Viewer

SEARCH = "search."  # before the action's code: id of what a new approver is looked for by
_ONE_LINE = 255  # characters: a longer text gets room for several lines
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9-]")
_SEARCHED = 320  # characters of a mail address (RFC 3696, erratum 1690)


@dataclass(frozen=True)
class Search:
    """Who was looked for as new approver: *words* as typed, who was *found*, or *why_not*."""

    words: str = ""
    found: Person | None = None
    why_not: str = ""

    @property
    def name(self) -> str:
        """Return what to call the one found."""
        return text.one_line(self.found.name, text.PERSON) if self.found else ""

    @property
    def address(self) -> str:
        """Return what tells him from others of that name."""
        return text.one_line(self.found.upn, _SEARCHED) if self.found else ""


@dataclass(frozen=True)
class Try:
    """What just came in and was not done: the action's code, what was typed, and why it was not."""

    action: str = ""
    comment: str = ""
    entries: Entries = NOTHING_FILLED
    problem: str = ""
    search: Search = field(default_factory=Search)


@dataclass(frozen=True)
class Field:
    """One input. *kind* is the template's macro; *wrong*: the last try failed for it, as far as one sees."""

    kind: str
    name: str
    label: str
    required: bool = False
    value: str = ""
    limit: int = 0  # characters
    choices: tuple[tuple[str, str], ...] = ()  # code and words
    hint: str = ""
    wrong: bool = False
    search: Search = field(default_factory=Search)

    @property
    def id(self) -> str:
        """Return the element's id: names have the tenant's codes in them, and ids no spaces."""
        return _NOT_IN_IDS.sub(lambda found: f"_{ord(found[0]):x}_", self.name)


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
    mine = last if here or not others or not last.action else Tried()
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
        wrong=bool(last.problem and tried and _comment_is_wrong(tried, last.comment)),
    )


def _needed_for(actions: Sequence[Action]) -> str:
    needed = [_label(a) for a in actions if a.comment is Comment.REQUIRED]
    if not needed:
        return _("Optional")
    return _("Needed for {needed}").format(needed=_(" or ").join(needed))


def _alone(view: View, action: Action, last: Tried, search: Search) -> Form:
    here = _is(action, last.action)
    mine = last if here else Tried()
    asked = _Asked(action, view.approval.content, mine, search if here else Search())
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


class _Asked:
    """What one action asks for, with what stood in it at the last try."""

    def __init__(
        self, action: Action, content: Content | None, last: Tried, search: Search
    ) -> None:
        self._action = action
        self._content = content
        self._last = last
        self._search = search

    def fields(self) -> Iterator[Field]:
        action, entries = self._action, self._last.entries
        if action.new_approver:
            yield self._people()
        if action.placements:
            place = _("Comes in")
            yield self._list(PLACEMENT, place, action.placements, entries.placement, required=True)
        if holding(action.justifications, self._content):
            yield self._reasons()
        for asked in action.inputs:
            yield self._input(asked)
        if action.comment is not Comment.NONE:
            yield self._comment()
        if action.confirmation:
            yield self._confirmation(action.confirmation)

    def _people(self) -> Field:
        code, chosen = self._action.code, self._last.entries.new_approver
        found = self._search.found
        return Field(
            "people",
            NEW_APPROVER + code,
            _("New approver"),
            required=True,
            value=chosen if found is not None and found.object_id == chosen else "",
            limit=_SEARCHED,
            hint=_("Alias or mail address, written in full"),
            wrong=self._tried and not chosen,
            search=self._search,
        )

    def _reasons(self) -> Field:
        required = self._action.justification is Comment.REQUIRED
        given = self._last.entries.justification
        return self._list(
            REASON, _("Reason"), self._action.justifications, given, required=required
        )

    def _list(
        self, prefix: str, label: str, choices: tuple[Choice, ...], chosen: str, *, required: bool
    ) -> Field:
        return self._choice(prefix + self._action.code, label, choices, chosen, required=required)

    def _choice(
        self, name: str, label: str, choices: tuple[Choice, ...], chosen: str, *, required: bool
    ) -> Field:
        there = tuple((c.code, _words(c.text)) for c in holding(choices, self._content))
        value = chosen if any(code == chosen for code, _said in there) else ""
        wrong = self._tried and required and not value
        return Field("list", name, label, required, value, choices=there, wrong=wrong)

    def _input(self, asked: Input) -> Field:
        name, label = input_id(self._action, asked), _words(asked.label)
        value = self._last.entries.inputs.get(asked.code, "")
        wrong = self._tried and asked.required and not value
        match asked.kind:
            case InputKind.CHOICE:
                return self._choice(name, label, asked.choices, value, required=asked.required)
            case InputKind.CHECKBOX:
                ticked = TICKED if value == TICKED else ""
                return Field("tick", name, label, asked.required, ticked, wrong=wrong)
            case InputKind.DATE:
                return Field("day", name, label, asked.required, _day(value), wrong=wrong)
            case InputKind.TEXT:
                kind = "lines" if asked.length > _ONE_LINE else "line"
                typed = text.typed(value, asked.length)
                wrong = wrong or (self._tried and len(value) > asked.length)
                return Field(kind, name, label, asked.required, typed, asked.length, wrong=wrong)

    def _comment(self) -> Field:
        action, typed = self._action, self._last.comment
        return Field(
            "lines",
            OWN_COMMENT + action.code,
            _("Comment"),
            action.comment is Comment.REQUIRED,
            text.typed(typed, action.comment_length),
            action.comment_length,
            wrong=self._tried and _comment_is_wrong(action, typed),
        )

    def _confirmation(self, words: str) -> Field:
        # Never ticked beforehand: who tries again confirms again.
        label = text.one_line(words, text.FREE_TEXT)
        wrong = self._tried and not self._last.entries.confirmed
        return Field("tick", CONFIRM + self._action.code, label, required=True, wrong=wrong)

    @property
    def _tried(self) -> bool:
        return bool(self._last.problem)


def _comment_is_wrong(action: Action, typed: str) -> bool:
    missing = action.comment is Comment.REQUIRED and not typed.strip()
    return missing or len(typed) > action.comment_length


def _hidden(view: View, action: Action) -> dict[str, str]:
    """Return what `act_data` carries but the action, which the pressed button names."""
    data = act_data(view.approval, view.place, action)
    return {name: str(value) for name, value in data.items() if name != "a"}


def _button(action: Action) -> Button:
    return Button(action.code, _label(action), action.style.value)


def _label(action: Action) -> str:
    return text.one_line(action.label, text.BUTTON)


def _words(words: str) -> str:
    return text.one_line(words, text.FACT_VALUE)


def _day(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat() if _DATE.fullmatch(value) else ""
    except ValueError:
        return ""


def _is(action: Action, code: str) -> bool:
    return bool(code) and action.code.casefold() == code.casefold()
