"""
Typed pieces of an Adaptive Card, on the base classes of the `adaptivecards` package.

Version 0.4.1, its last, has no action, input, badge or refresh, and keeps a misspelt
property without a word: what it lacks is here, as subclasses of its own bases.
"""

from cards.elements.actions import (
    Action,
    Actions,
    Execute,
    Http,
    OpenUrl,
    Refresh,
    Submit,
    ToggleVisibility,
)
from cards.elements.base import (
    LIMIT_IN_BYTES,
    SCHEMA_URL,
    VERSION,
    Align,
    BadgeStyle,
    Box,
    ButtonStyle,
    Color,
    Piece,
    Size,
    Spacing,
    Strict,
    Vertical,
)
from cards.elements.card import Card, first_that_fits
from cards.elements.inputs import Choice, Choices, DateInput, PeoplePicker, Query, TextInput, Toggle
from cards.elements.layout import Column, Columns, Container
from cards.elements.pictures import Image
from cards.elements.texts import Badge, Facts, Prose, TextBlock

__all__ = [
    "LIMIT_IN_BYTES",
    "SCHEMA_URL",
    "VERSION",
    "Action",
    "Actions",
    "Align",
    "Badge",
    "BadgeStyle",
    "Box",
    "ButtonStyle",
    "Card",
    "Choice",
    "Choices",
    "Color",
    "Column",
    "Columns",
    "Container",
    "DateInput",
    "Execute",
    "Facts",
    "Http",
    "Image",
    "OpenUrl",
    "PeoplePicker",
    "Piece",
    "Prose",
    "Query",
    "Refresh",
    "Size",
    "Spacing",
    "Strict",
    "Submit",
    "TextBlock",
    "TextInput",
    "Toggle",
    "ToggleVisibility",
    "Vertical",
    "first_that_fits",
]
