"""The fields of one action's form: what it asks for, with what stood in them at the last try."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from approvals_core.models import Content, Person
from approvals_core.rules.filling import TICKED
from approvals_core.tenant import Action, Choice, Comment, Input, InputKind
from approvals_core.tenant.conditions import holding
from cards import text
from cards.approval.asking import Tried
from cards.buttons import (
    CONFIRM,
    NEW_APPROVER,
    OWN_COMMENT,
    PLACEMENT,
    REASON,
    input_id,
)
from cards.language import _

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


class Asked:
    """What one action asks for, with what stood in it at the last try."""

    def __init__(
        self, action: Action, content: Content | None, last: Tried, search: Search
    ) -> None:
        self._action = action
        self._content = content
        self._last = last
        self._search = search

    def fields(self) -> Iterator[Field]:
        """Return the fields in the order in which they are filled in."""
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
            wrong=self._tried and comment_is_wrong(action, typed),
        )

    def _confirmation(self, words: str) -> Field:
        # Never ticked beforehand: who tries again confirms again.
        label = text.one_line(words, text.FREE_TEXT)
        wrong = self._tried and not self._last.entries.confirmed
        return Field("tick", CONFIRM + self._action.code, label, required=True, wrong=wrong)

    @property
    def _tried(self) -> bool:
        return bool(self._last.problem)


def comment_is_wrong(action: Action, typed: str) -> bool:
    """Tell whether what was typed is missing or too long for *action*."""
    missing = action.comment is Comment.REQUIRED and not typed.strip()
    return missing or len(typed) > action.comment_length


def _words(words: str) -> str:
    return text.one_line(words, text.FACT_VALUE)


def _day(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat() if _DATE.fullmatch(value) else ""
    except ValueError:
        return ""
