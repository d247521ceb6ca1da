"""What a person can read and press on an Adaptive Card."""

from collections.abc import Iterator
from typing import Any

from playground.records import Json

_READ = ("altText", "label", "title", "text", "value", "placeholder")
_NOT_SHOWN = ("data", "fallback", "refresh", "authentication", "targetElements")


def words(card: Json) -> str:
    """Return every text of the card, one a line, in its order; what opens on a click included."""
    return "\n".join(_texts(card))


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for one in part:
            yield from [one] if isinstance(one, str) else _texts(one)
    if isinstance(part, dict):
        yield from (part[name] for name in _READ if isinstance(part.get(name), str))
        for name, inside in part.items():
            if name not in _NOT_SHOWN and isinstance(inside, dict | list):
                yield from _texts(inside)


def buttons(card: Json) -> list[Json]:
    """Return every action that can be pressed, also those inside cards that open, in the card's order."""
    return [part for part in _parts(card) if str(part.get("type", "")).startswith("Action.")]


def button(card: Json, title: str) -> Json:
    """
    Return the action with this title; of several, the one that goes to the bot.

    Raises:
        LookupError: The card has no such button.
    """
    found = [one for one in buttons(card) if one.get("title") == title]
    if not found:
        offered = [one.get("title") for one in buttons(card)]
        raise LookupError(f"no button {title!r} among {offered}")
    return next((one for one in found if one["type"] in _TO_BOT), found[0])


_TO_BOT = ("Action.Execute", "Action.Submit")


def inputs_of(card: Json, action: Json) -> Json:
    """Return the inputs that Teams sends along with *action*, by id, as they stand on the card."""
    if action.get("associatedInputs") == "none":
        return {}
    scope = [card, *(inner for inner in _opened(card) if action in buttons(inner))]
    found = [part for root in scope for part in _parts(root, opened=root is not card)]
    return {
        part["id"]: part.get("value", "")
        for part in found
        if str(part.get("type", "")).startswith("Input.") and "id" in part
    }


def _opened(card: Json) -> list[Json]:
    shows = (one for one in buttons(card) if one["type"] == "Action.ShowCard")
    return [one["card"] for one in shows if isinstance(one.get("card"), dict)]


def _parts(part: Any, *, opened: bool = True) -> Iterator[Json]:
    """Walk all objects of a card; without those behind Action.ShowCard if not *opened*."""
    if isinstance(part, list):
        for one in part:
            yield from _parts(one, opened=opened)
    if isinstance(part, dict):
        yield part
        behind = part.get("type") == "Action.ShowCard" and not opened
        for name, inside in part.items():
            if name not in _NOT_SHOWN and not behind:
                yield from _parts(inside, opened=opened)
