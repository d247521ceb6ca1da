# pyright: standard
# The package `adaptivecards` has no types: what it gives is Any, what this file gives is typed.
"""
Typed pieces of an Adaptive Card, on the base classes of the `adaptivecards` package.

Version 0.4.1, its last, has no action, input, badge or refresh, and keeps a misspelt
property without a word: what it lacks is here, as subclasses of its own bases.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

import orjson
from adaptivecards import adaptivecard, baseobject, containers, elements

Piece = baseobject.BareObject  # anything a card is made of

Size = Literal["Small", "Default", "Medium", "Large", "ExtraLarge"]
Color = Literal["Default", "Accent", "Good", "Warning", "Attention"]
Spacing = Literal["None", "Small", "Default", "Medium", "Large", "ExtraLarge"]
Align = Literal["Left", "Center", "Right"]
Vertical = Literal["Top", "Center", "Bottom"]
Box = Literal["default", "emphasis", "good", "attention", "warning", "accent"]
BadgeStyle = Literal["Default", "Subtle", "Informative", "Accent", "Good", "Attention", "Warning"]
ButtonStyle = Literal["default", "positive", "destructive"]

VERSION = "1.5"  # what Teams shows
LIMIT_IN_BYTES = 28 * 1024  # of Teams, for a whole card


def _prop(key: str, *types: type) -> Any:
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
        for name, value in properties.items():
            if value is None:
                continue
            known = self._known.get(name)
            if known is None:
                raise TypeError(f"{type(self).__name__} has no property {name}")
            key, types, holds_pieces = known
            if not isinstance(value, types):
                raise TypeError(f"{key} must be of type(s) {types} (got {value!r})")
            data[key] = _plain(value) if holds_pieces else value
        if self._type is not None:
            data["type"] = self._type


def _known(declared: baseobject.PropertyType) -> _Known:
    types = declared.type if isinstance(declared.type, tuple) else (declared.type,)
    holds = any(each is list or issubclass(each, Piece) for each in types)
    return _Known(str(declared.key_name), types, holds)


def _plain(value: object) -> object:
    if isinstance(value, Piece):
        return value.render()
    return [_plain(each) for each in value] if isinstance(value, list) else value


class TextBlock(Strict, elements.TextBlock):
    """Markdown: user text goes through `text.block` first."""

    style = _prop("style")

    def __init__(
        self,
        text: str,
        *,
        wrap: bool = True,
        subtle: bool | None = None,
        size: Size | None = None,
        weight: Literal["Lighter", "Default", "Bolder"] | None = None,
        color: Color | None = None,
        align: Align | None = None,
        lines: int | None = None,
        spacing: Spacing | None = None,
        heading: bool = False,
    ) -> None:
        super().__init__(
            text=text,
            wrap=wrap,
            isSubtle=subtle,
            size=size,
            weight=weight,
            color=color,
            horizontalAlignment=align,
            maxLines=lines,
            spacing=spacing,
            style="heading" if heading else None,
        )


class Prose(Strict, elements.RichTextBlock):
    """A text with its line breaks: user text goes through `text.run` first."""

    def __init__(self, text: str, *, spacing: Spacing | None = None) -> None:
        super().__init__(inlines=[elements.TextRun(text=text)], spacing=spacing)


class Facts(Strict, containers.FactSet):
    """Names and values side by side; both are markdown."""

    def __init__(self, facts: Sequence[tuple[str, str]], *, spacing: Spacing | None = None) -> None:
        rows = [containers.Fact(title=name, value=value) for name, value in facts]
        super().__init__(facts=rows, spacing=spacing)


class Container(Strict, containers.Container):
    rounded = _prop("roundedCorners", bool)

    def __init__(
        self,
        *items: Piece,
        style: Box | None = None,
        bleed: bool | None = None,
        spacing: Spacing | None = None,
        rounded: bool | None = None,
        id: str | None = None,  # noqa: A002 - the schema's own word
        visible: bool | None = None,
    ) -> None:
        super().__init__(
            items=list(items),
            style=style,
            bleed=bleed,
            spacing=spacing,
            rounded=rounded,
            id=id,
            visible=visible,
        )


class Column(Strict, containers.Column):
    def __init__(
        self,
        *items: Piece,
        width: str,
        spacing: Spacing | None = None,
        vertical: Vertical | None = None,
    ) -> None:
        super().__init__(
            items=list(items), width=width, spacing=spacing, verticalContentAlignment=vertical
        )


class Columns(Strict, containers.ColumnSet):
    on_select = _prop("selectAction", Piece)

    def __init__(
        self,
        *columns: Column,
        spacing: Spacing | None = None,
        separator: bool | None = None,
        on_select: "Action | None" = None,
    ) -> None:
        super().__init__(
            columns=list(columns), spacing=spacing, separator=separator, on_select=on_select
        )


class Badge(Strict, baseobject.Element):
    """A state in a coloured frame: of Teams only, so everybody else gets *instead*."""

    element_type = "Badge"
    fallback = _prop("fallback", Piece)
    text = _prop("text")
    icon = _prop("icon")
    style = _prop("style")
    appearance = _prop("appearance")
    size = _prop("size")
    shape = _prop("shape")

    def __init__(self, text: str, *, style: BadgeStyle, icon: str, instead: TextBlock) -> None:
        super().__init__(
            text=text,
            icon=icon,
            style=style,
            appearance="Tint",
            size="Large",
            shape="Rounded",
            fallback=instead,
        )


class TextInput(Strict, baseobject.Element):
    element_type = "Input.Text"
    label = _prop("label")
    placeholder = _prop("placeholder")
    multiline = _prop("isMultiline", bool)
    max_length = _prop("maxLength", int)
    value = _prop("value")

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the schema's own word
        label: str,
        placeholder: str,
        max_length: int,
        value: str | None = None,
        spacing: Spacing | None = None,
    ) -> None:
        super().__init__(
            id=id,
            label=label,
            multiline=True,
            max_length=max_length,
            placeholder=placeholder,
            value=value,
            spacing=spacing,
        )


class Action(Strict, Piece):
    element_type = "Action"
    title = _prop("title")
    style = _prop("style")
    fallback = _prop("fallback", Piece)


class OpenUrl(Action):
    """A link: *url* comes from `text.safe_url`."""

    element_type = "Action.OpenUrl"
    url = _prop("url")

    def __init__(self, title: str, url: str) -> None:
        super().__init__(title=title, url=url)


class ToggleVisibility(Action):
    element_type = "Action.ToggleVisibility"
    targets = _prop("targetElements", list)

    def __init__(self, title: str, *targets: str) -> None:
        super().__init__(title=title, targets=list(targets))


class Submit(Action):
    """What clients send that do not know `Execute`. It has no verb."""

    element_type = "Action.Submit"
    data = _prop("data", dict)

    def __init__(
        self, title: str, *, data: Mapping[str, object], style: ButtonStyle | None = None
    ) -> None:
        super().__init__(title=title, data=dict(data), style=style)


class Execute(Action):
    """A button that sends *verb* and *data*; older clients send a `Submit` with that data."""

    element_type = "Action.Execute"
    verb = _prop("verb")
    data = _prop("data", dict)

    def __init__(
        self,
        title: str,
        *,
        verb: str,
        data: Mapping[str, object],
        style: ButtonStyle | None = None,
        submit_instead: bool = True,
    ) -> None:
        super().__init__(
            title=title,
            verb=verb,
            data=dict(data),
            style=style,
            fallback=Submit(title, data=data, style=style) if submit_instead else None,
        )


class Actions(Strict, containers.ActionSet):
    def __init__(self, *actions: Action, spacing: Spacing | None = None) -> None:
        super().__init__(actions=list(actions), spacing=spacing)


class Refresh(Strict, Piece):
    action = _prop("action", Execute)
    user_ids = _prop("userIds", list)

    def __init__(self, action: Execute, user_ids: Sequence[str]) -> None:
        super().__init__(action=action, user_ids=list(user_ids))


class Card(adaptivecard.AdaptiveCard):
    """A whole card for Teams."""

    version = _prop("version")
    refresh = _prop("refresh", dict)
    msteams = _prop("msteams", dict)

    def __init__(
        self,
        *body: Piece,
        speak: str,
        fallback_text: str,
        lang: str,
        refresh: Refresh | None = None,
    ) -> None:
        super().__init__()
        self.version = VERSION
        self.lang, self.speak, self.fallback_text = lang, speak, fallback_text
        self.msteams = {"width": "Full"}
        if refresh is not None:
            self.refresh = refresh.render()
        self.body = [piece.render() for piece in body]

    def to_json(self) -> str:
        return self._json().decode()

    def to_dict(self) -> dict[str, object]:
        """Return the card itself, not a copy: nobody changes it."""
        return cast("dict[str, object]", self.render())

    @property
    def size(self) -> int:
        """Return how many bytes go over the wire."""
        return len(self._json())

    def _json(self) -> bytes:
        return orjson.dumps(self.render())
