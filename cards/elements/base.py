# pyright: standard
# The package `adaptivecards` has no types: what it gives is Any, what this file gives is typed.
"""What every piece of a card is: properties that are checked, and nothing else."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from adaptivecards import baseobject

Piece = baseobject.BareObject  # anything a card is made of

Size = Literal["Small", "Default", "Medium", "Large", "ExtraLarge"]
Color = Literal["Default", "Accent", "Good", "Warning", "Attention"]
Spacing = Literal["None", "Small", "Default", "Medium", "Large", "ExtraLarge"]
Align = Literal["Left", "Center", "Right"]
Vertical = Literal["Top", "Center", "Bottom"]
Box = Literal["default", "emphasis", "good", "attention", "warning", "accent"]
BadgeStyle = Literal["Default", "Subtle", "Informative", "Accent", "Good", "Attention", "Warning"]
ButtonStyle = Literal["default", "positive", "destructive"]

SCHEMA_URL = "http://adaptivecards.io/schemas/adaptive-card.json"
VERSION = "1.5"  # what Teams shows
LIMIT_IN_BYTES = 28 * 1024  # of Teams, for a whole card


def prop(key: str, *types: type) -> Any:
    return baseobject.PropertyType(type=types or (str,), key_name=key)


class _Known(NamedTuple):
    """A property as the package declares it."""

    key: str
    types: tuple[type, ...]
    holds_pieces: bool


class Strict:
    """
    A property the element does not have is an error, and None means unset.

    What it holds goes in as it goes over the wire: pieces as their dictionaries. So a
    piece is finished when it is put into another.
    """

    _known: Mapping[str, _Known] = {}
    _type: str | None = None
    _data: dict[str, object]  # the package's: what it renders

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._type = getattr(cls, "element_type", None)
        cls._known = {
            name: _known(value)
            for base in reversed(cls.__mro__)
            for name, value in vars(base).items()
            if isinstance(value, baseobject.PropertyType)
        }

    def __init__(self, **properties: object) -> None:
        # All that the package's own constructors do, at a third of their time.
        self._data = data = {}
        known = self._known
        for name, value in properties.items():
            if value is None:
                continue
            if name not in known:
                raise TypeError(f"{type(self).__name__} has no property {name}")
            key, types, holds_pieces = known[name]
            if not isinstance(value, types):
                raise TypeError(f"{key} must be of type(s) {types} (got {value!r})")
            data[key] = plain(value) if holds_pieces else value
        if self._type is not None:
            data["type"] = self._type


def _known(declared: baseobject.PropertyType) -> _Known:
    types = declared.type if isinstance(declared.type, tuple) else (declared.type,)
    holds = any(each is list or issubclass(each, Piece) for each in types)
    return _Known(str(declared.key_name), types, holds)


def plain(value: object) -> object:
    if isinstance(value, Piece):
        return value.render()
    if not isinstance(value, list):
        return value
    return [each.render() if isinstance(each, Piece) else plain(each) for each in value]
