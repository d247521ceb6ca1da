# pyright: standard
# The package `adaptivecards` has no types: what it gives is Any, what this file gives is typed.
"""Pieces that hold others: containers and columns."""

from adaptivecards import containers

from cards.elements.actions import Action
from cards.elements.base import Box, Piece, Spacing, Strict, Vertical, prop


class Container(Strict, containers.Container):
    rounded = prop("roundedCorners", bool)

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
    on_select = prop("selectAction", Piece)

    def __init__(
        self,
        *items: Piece,
        width: str,
        spacing: Spacing | None = None,
        vertical: Vertical | None = None,
        on_select: "Action | None" = None,
    ) -> None:
        super().__init__(
            items=list(items),
            width=width,
            spacing=spacing,
            verticalContentAlignment=vertical,
            on_select=on_select,
        )


class Columns(Strict, containers.ColumnSet):
    on_select = prop("selectAction", Piece)

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
