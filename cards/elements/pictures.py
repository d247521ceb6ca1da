# pyright: standard
# The package `adaptivecards` has no types: what it gives is Any, what this file gives is typed.
"""Pieces that are looked at."""

from adaptivecards import elements

from cards.elements.base import Strict


class Image(Strict, elements.Image):
    """
    A picture beside words that say the same: whoever hears the card misses nothing.

    So it is read aloud as nothing. The format has no word for that: an empty altText says it as
    HTML does, and the renderers of Teams and Outlook read no text for it (microsoft/AdaptiveCards,
    card-elements.ts; Teams-AdaptiveCards-Mobile, ImageRenderer.java, ACRImageRenderer.mm).
    *width* is in pixels: the room is kept while the picture is on its way, so that nothing
    moves when it comes.
    """

    def __init__(self, url: str, *, width: int) -> None:
        super().__init__(url=url, altText="", width=f"{width}px")
