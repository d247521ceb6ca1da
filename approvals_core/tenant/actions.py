"""What an approver may do, and what he is asked for when he does it (assent-app, TenantActionDetails)."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol, Self

from pydantic import Field, model_validator

from approvals_core.tenant.base import Code, FileRecord, Sentence, Text, Wrong
from approvals_core.tenant.conditions import Conditioned


class Comment(StrEnum):
    """Whether something is asked for, and must be given."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Style(StrEnum):
    """How a button looks (Adaptive Cards ActionStyle)."""

    DEFAULT = "default"
    POSITIVE = "positive"
    DESTRUCTIVE = "destructive"


class Coded(Protocol):
    """An entry of a list that is known by its code."""

    @property
    def code(self) -> str: ...


def second_with_same_code(entries: Sequence[Coded]) -> int | None:
    """Return the number of the first entry whose code another has already, whatever its case."""
    codes = [entry.code.casefold() for entry in entries]
    return next((n for n, code in enumerate(codes) if code in codes[:n]), None)


class Choice(FileRecord):
    """One entry of a list; *code* goes over the wire, *text* is read."""

    code: Code
    text: Text
    condition: Conditioned | None = None  # as Action.condition


class InputKind(StrEnum):
    """What an additional input takes."""

    TEXT = "text"
    CHOICE = "choice"
    CHECKBOX = "checkbox"  # goes out as "true" or "false"
    DATE = "date"  # goes out as 2026-01-31


class Input(FileRecord):
    """
    One more thing that an action asks for; goes out in AdditionalData under its *code*.

    A required checkbox must be ticked.
    """

    code: Code
    label: Text
    kind: InputKind = InputKind.TEXT
    required: bool = False
    length: int = Field(default=255, ge=1, le=4000)  # characters of a text
    choices: tuple[Choice, ...] = Field(default=(), max_length=100)

    @model_validator(mode="after")
    def _choices_belong_to_a_list(self) -> Self:
        if (self.kind is InputKind.CHOICE) != bool(self.choices):
            raise Wrong("an input of the kind choice needs them, and no other has any", "choices")
        return self


class Action(FileRecord):
    """
    One thing an approver may do; *code* goes over the wire, *label* on the button.

    *condition* is CEL over `summary` (SummaryData as sent) and is true where the action
    is offered; None: always. Anything but true, an error too, means it is not.
    """

    code: Text
    label: Text
    past: Text  # "Approved": what the card says once it was done
    hint: Sentence | None = None  # help, read where the action's form opens
    style: Style = Style.DEFAULT
    primary: bool = True  # False: behind "More"
    enabled: bool = True
    condition: Conditioned | None = None
    comment: Comment = Comment.OPTIONAL
    comment_length: int = Field(default=1000, ge=1, le=4000)  # characters
    justification: Comment = Comment.NONE  # goes out as ReasonCode and ReasonText
    justifications: tuple[Choice, ...] = Field(default=(), max_length=100)
    new_approver: bool = False  # asks for one, who must be somebody else; NewApproverAlias
    approver_type: Text | None = None  # of the new approver: "Interim"; ApproverType
    placements: tuple[Choice, ...] = Field(default=(), max_length=20)  # SequenceID
    inputs: tuple[Input, ...] = Field(default=(), max_length=10)
    confirmation: Sentence | None = None  # must be ticked before it is done
    bulk: bool = False  # may be taken on several requests together
    holds: bool = True  # False: a comment or question; the place is pending again

    @model_validator(mode="after")
    def _lists_are_where_they_are_asked_for(self) -> Self:
        if (self.justification is Comment.NONE) == bool(self.justifications):
            raise Wrong(
                'needs justification = "optional" or "required" beside it, and that needs these',
                "justifications",
            )
        if self.placements and not self.new_approver:
            raise Wrong("needs new_approver = true", "placements")
        if self.bulk and (self.new_approver or self.inputs):
            raise Wrong(
                "an action for several requests takes no new approver and no inputs", "bulk"
            )
        for name in ("justifications", "placements", "inputs"):
            if (second := second_with_same_code(getattr(self, name))) is not None:
                raise Wrong("two entries of one list have the same code", name, second, "code")
        return self

    @property
    def needs_form(self) -> bool:
        """
        Tell whether it opens a form: more is asked for than a comment.

        So does what stands behind "More" and takes one: the comment above the buttons is
        for those that are seen.
        """
        aside = not self.primary and self.comment is not Comment.NONE
        asked = self.justifications or self.new_approver or self.inputs or self.confirmation
        return aside or bool(asked)

    @property
    def room(self) -> int:
        """Return how many bytes of a card its button and form take at most, about."""
        button = 2 * _bytes(self.label[:40], self.code) + _A_BUTTON
        if not self.needs_form:
            return button
        ids = _bytes(self.code) * (5 + len(self.inputs))
        said = _bytes(self.label, self.hint or "", self.confirmation or "")
        lists = (self.justifications, self.placements, *(asked.choices for asked in self.inputs))
        choices = sum(_bytes(c.code, c.text) + _A_CHOICE for each in lists for c in each)
        inputs = sum(_bytes(asked.code, asked.label) + _AN_INPUT for asked in self.inputs)
        return button + ids + said + choices + inputs + _A_FORM


_A_BUTTON, _A_FORM, _AN_INPUT, _A_CHOICE = 450, 1500, 200, 30  # bytes of JSON around the words


def _bytes(*words: str) -> int:
    return sum(len(each.encode()) for each in words)
