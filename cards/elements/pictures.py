# pyright: standard
# The package `adaptivecards` has no types: what it gives is Any, what this file gives is typed.
"""Pieces that are looked at."""

from adaptivecards import elements

from cards.elements.base import Strict


class Image(Strict, elements.Image):
    """
    A picture, *instead* for those who do not see it: user text goes through `text.escape_run` first.

    *width* is in pixels: the room is kept while the picture is on its way, so that nothing
    moves when it comes.
    """

    def __init__(self, url: str, instead: str, *, width: int) -> None:
        super().__init__(url=url, altText=instead, width=f"{width}px")
