# pyright: standard
# The package `adaptivecards` has no types: what it gives is Any, what this file gives is typed.
"""Pieces that are read: texts, facts and badges."""

from collections.abc import Sequence
from typing import Literal

from adaptivecards import baseobject, containers, elements

from cards.elements.base import Align, BadgeStyle, Color, Piece, Size, Spacing, Strict, prop


class TextBlock(Strict, elements.TextBlock):
    """Markdown: user text goes through `text.block` first."""

    style = prop("style")

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


class Badge(Strict, baseobject.Element):
    """A state in a coloured frame: of Teams only, so everybody else gets *instead*."""

    element_type = "Badge"
    fallback = prop("fallback", Piece)
    text = prop("text")
    icon = prop("icon")
    style = prop("style")
    appearance = prop("appearance")
    size = prop("size")
    shape = prop("shape")

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
