"""
What our buttons carry, written and read in one place.

    act      {"k", "r", "v", "t", "a"}  card key, round, revision, attempt, the action's code
    refresh  {"k"}                      as show: the current face of one card
    show     {"k"}
    pending  {"c"}                      where the next page of the list begins
    several  {"s"}                      the tenant's code: its requests, to be ticked; with "c" as
                                        pending, with "w" all are ticked
    act      {"s", "a"}                 as act, for all that is ticked: a tick's value is the
                                        request's "k", "r", "v" and "t" in one text; "c" as there
    refresh  {"s", "d"}                 as show: what became of the requests with these card keys

What an action asks for beside a comment has ids that end in the action's code.

A Submit, which older clients send instead of an Execute, has the same data and no
verb; the keys tell them apart. What was typed is added under the input's own id.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from approvals_core.models import Approval, Entries, Place
from approvals_core.rules.filling import TICKED
from approvals_core.tenant import Action, Input

ACT: Final = "act"
REFRESH: Final = "refresh"
SHOW: Final = "show"
PENDING: Final = "pending"
SEVERAL: Final = "several"
COMMENT: Final = "comment"  # id of the comment's input
TICK: Final = "tick"  # ids of ticks begin so
REASON: Final = "reason."  # before the action's code: id of its list of justifications
CONFIRM: Final = "confirm."  # likewise, of its confirmation
OWN_COMMENT: Final = "comment."  # likewise, of the comment in its own form
NEW_APPROVER: Final = "person."
PLACEMENT: Final = "placement."
INPUT: Final = "input."  # before the action's code, a dot and the input's code

_CARD_KEY = re.compile(r"([A-Za-z0-9_-]{1,64})\.(\d{1,4})", re.ASCII)

_TICK = re.compile(r"([A-Za-z0-9_-]{1,64})\.(\d{1,4})\.(\d{1,9})\.(\d{1,9})\.(\d{1,9})", re.ASCII)

_TYPED = (
    8_000  # characters read of one input: more than any may have, so that too much stays too much
)
_INPUTS = 50  # of one click; an action has fewer


class Tick(NamedTuple):
    """One request that was ticked, as it stood then."""

    public_id: str
    seat: int
    round: int
    revision: int
    attempt: int


def card_key(approval: Approval, place: Place) -> str:
    """Return what finds this place's card again: an address, no authority."""
    return f"{approval.id}.{place.seat}"


def read_card_key(key: object) -> tuple[str, int] | None:
    """Return the public id and the seat that *key* names, or None if it is no card key."""
    match = _CARD_KEY.fullmatch(key) if isinstance(key, str) else None
    return (match[1], int(match[2])) if match else None


def act_data(approval: Approval, place: Place, action: Action) -> dict[str, object]:
    return {
        "k": card_key(approval, place),
        "r": place.round,
        "v": approval.revision,
        "t": place.attempt,
        "a": action.code,
    }


def input_id(action: Action, asked: Input) -> str:
    """Return the id of one of the action's additional inputs."""
    return f"{INPUT}{action.code}.{asked.code}"


def read_comment(data: Mapping[str, object], code: str) -> str:
    """
    Return the comment that came with the action *code*: of its own form, else of the card's.

    Whoever writes first and then opens a form has written his comment.
    """
    own = data.get(OWN_COMMENT + code)
    return own if isinstance(own, str) and own.strip() else _typed(data, COMMENT)


def read_entries(data: Mapping[str, object], code: str) -> Entries:
    """Return what was filled in for the action *code*; what is no text counts as blank."""
    prefix = f"{INPUT}{code}."
    mine = [key for key in data if key.startswith(prefix)][:_INPUTS]
    inputs = {key.removeprefix(prefix): _typed(data, key) for key in mine}
    return Entries(
        justification=_typed(data, REASON + code),
        placement=_typed(data, PLACEMENT + code),
        new_approver=_typed(data, NEW_APPROVER + code),
        inputs={name: value for name, value in inputs.items() if value},
        confirmed=_typed(data, CONFIRM + code) == TICKED,
    )


def _typed(data: Mapping[str, object], key: str) -> str:
    value = data.get(key)
    return value[:_TYPED] if isinstance(value, str) else ""


def tick_value(approval: Approval, place: Place) -> str:
    """Return what the tick of this request sends: what `act_data` has, without the action."""
    key = card_key(approval, place)
    return f"{key}.{place.round}.{approval.revision}.{place.attempt}"


def read_tick(value: object) -> Tick | None:
    """Return what a tick sent, or None if it is none, or was not ticked."""
    match = _TICK.fullmatch(value) if isinstance(value, str) else None
    return Tick(match[1], *(int(each) for each in match.groups()[1:])) if match else None


def several_data(tenant: str, *, after: str = "", ticked: bool = False) -> dict[str, object]:
    """Return what lists the requests of the tenant with this code, the page *after* if given."""
    further = {"c": after} if after else {}
    return {"s": tenant, **further, **({"w": True} if ticked else {})}


def act_together_data(tenant: str, action: Action, *, here: str) -> dict[str, object]:
    """Return what decides all that is ticked; *here* is where this page began, "" for the first."""
    return {"s": tenant, "a": action.code, **({"c": here} if here else {})}


def look_data(tenant: str, keys: Sequence[str]) -> dict[str, object]:
    return {"s": tenant, "d": list(keys)}
