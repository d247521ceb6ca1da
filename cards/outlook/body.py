"""
What a button of the card in a mail sends, written and read in one place.

Outlook replaces ``{{id.value}}`` by what is in the input of that id, escaped or not: so
each choice is a line of its own, one of values that only we make up, and the comment is
the rest, which may be anything.
"""

import hashlib
import re
from typing import Final, NamedTuple

from approvals_core.models import Entries
from approvals_core.rules.filling import NOT_TICKED, TICKED
from approvals_core.tenant import Action, Comment, Input, InputKind

COMMENT: Final = "comment"  # id of the comment's input: one for all actions
LONGEST: Final = 20_000  # characters of a body: more than any comment may have, and all choices

_UNFILLED: Final = re.compile(r"\{\{[a-z0-9_]+\.value\}\}", re.ASCII)  # an input left blank
_LINE_BREAK: Final = re.compile("\r\n|\r")
_NOTHING_ASKED: Final = "act"  # a POST needs a body
_BRACES: Final = re.compile(r"\{(?=\{)")
_HELD_APART: Final = re.compile(r"\{\u200b(?=\{)")
_IN_LINE: Final = frozenset({InputKind.CHOICE, InputKind.CHECKBOX})


class Line(NamedTuple):
    """
    One thing to choose, and its line in the body.

    *asked* is the additional input that it is, None for the reason and the confirmation.
    *values* are what its input sends, each with what it means: a choice's code, or
    whether a box is ticked.
    """

    id: str
    asked: Input | None
    values: dict[str, str]

    def value(self, meaning: str) -> str | None:
        """Return what is sent for *meaning*, None if that cannot be chosen."""
        return next((sent for sent, meant in self.values.items() if meant == meaning), None)


def can_be_sent(action: Action) -> bool:
    """Tell whether a card in a mail can ask for all that *action* needs; else it is for the page."""
    return not action.new_approver and all(asked.kind in _IN_LINE for asked in action.inputs)


def reason_line(action: Action) -> Line:
    """Return the line of the action's justifications."""
    codes = [choice.code for choice in action.justifications]
    return _line(f"reason_{mark(action.code)}", None, codes)


def confirm_line(action: Action) -> Line:
    """Return the line of what must be ticked before the action is done."""
    return _line(f"confirm_{mark(action.code)}", None, [TICKED, NOT_TICKED])


def input_line(action: Action, asked: Input) -> Line:
    """Return the line of an additional input to choose from or to tick."""
    is_list = asked.kind is InputKind.CHOICE
    means = [choice.code for choice in asked.choices] if is_list else [TICKED, NOT_TICKED]
    return _line(f"input_{mark(action.code)}_{mark(asked.code)}", asked, means)


def body_template(action: Action) -> str:
    """Return Action.Http's body: a line for each choice of *action*, then the comment if it takes one."""
    ids = [line.id for line in lines(action)]
    if action.comment is not Comment.NONE:
        ids.append(COMMENT)
    return "\n".join(f"{{{{{id_}.value}}}}" for id_ in ids) or _NOTHING_ASKED


def read_body(text: str, action: Action) -> tuple[str, Entries]:
    """
    Return the comment and the choices that came for *action*.

    A line that is none of our values is no choice: the comment begins there. Nothing is
    checked: what is missing or too long is for the rules to say.
    """
    rest = _LINE_BREAK.sub("\n", text[:LONGEST])
    asked, chosen = lines(action), dict[str, str]()
    known = {value: line for line in asked for value in line.values}
    for _line_of_choice in asked:
        first, _break, others = rest.partition("\n")
        said = first.strip()
        if said in known:
            chosen[known[said].id] = known[said].values[said]
        elif said and not _UNFILLED.fullmatch(said):
            break
        rest = others
    return _comment(rest, action), _entries(action, chosen)


def held_apart(text: str) -> str:
    """Return what somebody typed as it may stand in an input: no client replaces ``{{..}}`` in it."""
    return _BRACES.sub("{\u200b", text)


def lines(action: Action) -> list[Line]:
    """Return what *action* gives to choose, in the order of the body's lines."""
    found = [reason_line(action)] if action.justifications else []
    found += [input_line(action, asked) for asked in action.inputs if asked.kind in _IN_LINE]
    return [*found, confirm_line(action)] if action.confirmation else found


def _line(id_: str, asked: Input | None, meanings: list[str]) -> Line:
    return Line(id_, asked, {mark(f"{id_} {meaning}"): meaning for meaning in meanings})


def mark(words: str) -> str:
    """
    Return eight letters and digits that stand for *words*.

    Outlook's renderer replaces ids of letters, digits and _ only (AdaptiveCards, shared.ts,
    StringWithSubstitutions), and a code may hold anything, line breaks too.
    """
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _comment(text: str, action: Action) -> str:
    if action.comment is Comment.NONE or text.strip() == f"{{{{{COMMENT}.value}}}}":
        return ""
    return _HELD_APART.sub("{", text)


def _entries(action: Action, chosen: dict[str, str]) -> Entries:
    inputs = {asked.code: chosen.get(input_line(action, asked).id, "") for asked in action.inputs}
    return Entries(
        justification=chosen.get(reason_line(action).id, ""),
        inputs={code: value for code, value in inputs.items() if value},
        confirmed=chosen.get(confirm_line(action).id) == TICKED,
    )
