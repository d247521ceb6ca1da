"""How much a card in a mail may show, so that it stays small enough for Outlook."""

from dataclasses import dataclass, replace
from enum import IntEnum

from cards.approval.room import ROOMS as TEAMS_ROOMS
from cards.approval.room import Room

# Nobody says how much Outlook takes (MicrosoftDocs/AdaptiveCards, issue 514): our own rule.
LIMIT_IN_BYTES = 20_000


class Reach(IntEnum):
    """Which actions are taken on the card itself; the others lead to the page."""

    NONE = 0
    ONE_CLICK = 1  # those that ask for nothing but a comment
    ALL = 2


@dataclass(frozen=True)
class MailRoom:
    """What the card in Teams is given, and the actions that fit."""

    shown: Room
    reach: Reach = Reach.ALL


_WIDE, _NARROW, _SCANT, _BARE, _CUT, _CUT_MORE = TEAMS_ROOMS

# Tried one after the other until the card is small enough. What was typed goes last.
ROOMS = (
    MailRoom(replace(_WIDE, details=5000)),
    MailRoom(replace(_NARROW, details=3000)),
    MailRoom(replace(_SCANT, details=1500)),
    MailRoom(_BARE),
    MailRoom(_BARE, Reach.ONE_CLICK),
    MailRoom(_BARE, Reach.NONE),
    MailRoom(_CUT, Reach.NONE),
    MailRoom(_CUT_MORE, Reach.NONE),
)
