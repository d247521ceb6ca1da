# pyright: standard
# The package `adaptivecards` has no types: what it gives is Any, what this file gives is typed.
"""The whole card."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol, TypeVar, cast

import orjson
from adaptivecards import adaptivecard

from cards.elements.actions import Refresh
from cards.elements.base import LIMIT_IN_BYTES, SCHEMA_URL, VERSION, Piece, Strict, prop

_Room = TypeVar("_Room")


class Sized(Protocol):
    """Something that goes over the wire."""

    @property
    def size(self) -> int:
        """Return how many bytes it takes there."""
        ...


_Sized = TypeVar("_Sized", bound=Sized)


class Card(Strict, adaptivecard.AdaptiveCard):
    """A whole card for Teams, finished when it is made."""

    kind = prop("type")
    schema = prop("$schema")
    version = prop("version")
    refresh = prop("refresh", Piece)
    msteams = prop("msteams", dict)

    def __init__(
        self,
        *body: Piece,
        speak: str,
        fallback_text: str,
        lang: str,
        refresh: Refresh | None = None,
    ) -> None:
        super().__init__(
            kind="AdaptiveCard",
            version=VERSION,
            schema=SCHEMA_URL,
            lang=lang,
            speak=speak,
            fallback_text=fallback_text,
            msteams={"width": "Full"},
            refresh=refresh,
            body=list(body),
        )

    def to_json(self) -> bytes:
        """Return what goes over the wire."""
        return self._json

    def to_dict(self) -> dict[str, object]:
        """Return the card itself, not a copy: nobody changes it."""
        return cast("dict[str, object]", self.render())

    @property
    def size(self) -> int:
        """Return how many bytes go over the wire."""
        return len(self._json)

    @cached_property
    def _json(self) -> bytes:
        return orjson.dumps(self.render())


def first_that_fits(
    draw: Callable[[_Room], _Sized], rooms: Sequence[_Room], *, limit: int = LIMIT_IN_BYTES
) -> _Sized:
    """Return the card of the first of *rooms*, most room first, that is small enough; else of the last."""
    card = draw(rooms[0])
    for room in rooms[1:]:
        if card.size <= limit:
            break
        card = draw(room)
    return card
