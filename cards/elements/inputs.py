# pyright: standard
# The package `adaptivecards` has no types: what it gives is Any, what this file gives is typed.
"""Pieces that are filled in."""

from collections.abc import Sequence

from adaptivecards import baseobject

from cards.elements.base import Piece, Spacing, Strict, prop


class TextInput(Strict, baseobject.Element):
    element_type = "Input.Text"
    label = prop("label")
    placeholder = prop("placeholder")
    multiline = prop("isMultiline", bool)
    max_length = prop("maxLength", int)
    value = prop("value")

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the schema's own word
        label: str,
        placeholder: str,
        max_length: int,
        value: str | None = None,
        spacing: Spacing | None = None,
        multiline: bool = True,
    ) -> None:
        super().__init__(
            id=id,
            label=label,
            multiline=multiline,
            max_length=max_length,
            placeholder=placeholder,
            value=value,
            spacing=spacing,
        )


class Toggle(Strict, baseobject.Element):
    """A box to tick: *title* is markdown. It sends *on* if it is ticked, else *off*."""

    element_type = "Input.Toggle"
    title = prop("title")
    label = prop("label")
    value = prop("value")
    on = prop("valueOn")
    off = prop("valueOff")
    wrap = prop("wrap", bool)

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the schema's own word
        title: str,
        on: str = "true",
        off: str = "false",
        ticked: bool = False,
        label: str | None = None,
        spacing: Spacing | None = None,
    ) -> None:
        super().__init__(
            id=id,
            title=title,
            on=on,
            off=off,
            value=on if ticked else off,
            label=label,
            wrap=True,
            spacing=spacing,
        )


class Choice(Strict, Piece):
    title = prop("title")
    value = prop("value")


class Choices(Strict, baseobject.Element):
    """One of several: *choices* are values, and titles as plain text."""

    element_type = "Input.ChoiceSet"
    label = prop("label")
    choices = prop("choices", list)
    placeholder = prop("placeholder")
    value = prop("value")
    style = prop("style")
    wrap = prop("wrap", bool)

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the schema's own word
        label: str,
        choices: Sequence[tuple[str, str]],
        placeholder: str,
        value: str | None = None,
        spacing: Spacing | None = None,
    ) -> None:
        super().__init__(
            id=id,
            label=label,
            choices=[Choice(value=value, title=title) for value, title in choices],
            placeholder=placeholder,
            value=value,
            style="compact",
            wrap=True,
            spacing=spacing,
        )


class Query(Strict, Piece):
    """Where a list's choices come from, while somebody types."""

    element_type = "Data.Query"
    dataset = prop("dataset")


class PeoplePicker(Strict, baseobject.Element):
    """
    Somebody of the viewer's organization, searched by Teams itself; it sends his object id.

    (msteams-docs, people-picker.md: `graph.microsoft.com/users`.)
    """

    element_type = "Input.ChoiceSet"
    label = prop("label")
    choices = prop("choices", list)
    query = prop("choices.data", Query)
    placeholder = prop("placeholder")
    value = prop("value")

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the schema's own word
        label: str,
        placeholder: str,
        value: str | None = None,
        spacing: Spacing | None = None,
    ) -> None:
        super().__init__(
            id=id,
            label=label,
            choices=[],
            query=Query(dataset="graph.microsoft.com/users"),
            placeholder=placeholder,
            value=value,
            spacing=spacing,
        )


class DateInput(Strict, baseobject.Element):
    """A day; *value* and what it sends are as 2026-01-31."""

    element_type = "Input.Date"
    label = prop("label")
    value = prop("value")

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the schema's own word
        label: str,
        value: str | None = None,
        spacing: Spacing | None = None,
    ) -> None:
        super().__init__(id=id, label=label, value=value, spacing=spacing)
