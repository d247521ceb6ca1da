"""
What the pieces of a card say, in the elements that Outlook draws.

Outlook takes version 1.0 with a few additions of its own (outlook-dev-docs, adaptive-card.md):
here every piece of a newer version becomes one that says the same, so that a card in a mail
can never say anything else than the card in Teams.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from cards import text
from cards.elements import Piece
from cards.language import _

Element = dict[str, Any]  # as it goes over the wire

MOST_IN_A_ROW: Final = 4  # buttons: more are cut off by hosts with the renderer's own settings

_EVERY = frozenset({"type", "id", "spacing", "separator", "isVisible"})
# What version 1.0 and Outlook know of each element; all else is left out.
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "TextBlock": _EVERY
    | {"text", "color", "horizontalAlignment", "isSubtle", "maxLines", "size", "weight", "wrap"},
    "FactSet": _EVERY | {"facts"},
    # bleed came with version 1.2: whoever does not know it draws the box inside the margins, with a
    # warning to developers (microsoft/AdaptiveCards, issue 5117).
    "Container": _EVERY | {"items", "style", "bleed"},
    "ColumnSet": _EVERY | {"columns"},
    "Column": _EVERY | {"items", "width", "verticalContentAlignment"},
    "ActionSet": _EVERY | {"actions"},
    # A width in pixels is Outlook's own (outlook-dev-docs, adaptive-card.md); who does not know it
    # shows a picture as large as it is.
    "Image": _EVERY | {"altText", "url", "width"},
    "Input.Text": _EVERY | {"isMultiline", "maxLength", "placeholder", "value"},
    "Input.ChoiceSet": _EVERY | {"choices", "placeholder", "style", "value"},
    "Input.Toggle": _EVERY | {"title", "value", "valueOn", "valueOff"},
}
# Version 1.0 writes these in lower case.
_NAMED: Final = frozenset(
    {"color", "horizontalAlignment", "size", "spacing", "verticalContentAlignment", "weight"}
)
_BESIDE_BOX: Final = 28  # characters that fit beside a box on a phone
_WORDS: Final = re.compile(r"\w\w")


def in_outlook(pieces: Iterable[Piece]) -> list[Element]:
    """Return what is drawn for *pieces*, one beneath the other."""
    return _all(cast("Element", piece.render()) for piece in pieces)


def _all(elements: Iterable[Element]) -> list[Element]:
    return [made for element in elements for made in _made(element)]


def _text(element: Element) -> Element:
    made = _known(element)
    # On white Outlook's green, orange and blue are too pale to be read: signs keep them.
    if made.get("color") != "attention" and _WORDS.search(made["text"]):
        made.pop("color", None)
    return made


def _made(element: Element) -> Iterator[Element]:
    match element["type"]:
        case "TextBlock":
            yield _text(element)
        case "Badge":
            yield from _made(element["fallback"])
        case "RichTextBlock":
            yield from _lines(element)
        case "Container":
            yield _container(element)
        case "ColumnSet":
            yield _columns(element)
        case "ActionSet":
            yield from _rows(element)
        case "Input.Text" | "Input.ChoiceSet":
            yield from _labelled(element)
        case "Input.Toggle":
            yield from _box(element)
        case _:
            yield _known(element)


def _known(element: Element) -> Element:
    known = _KNOWN[element["type"]]
    made = {
        name: _lower(value) if name in _NAMED else value
        for name, value in element.items()
        if name in known
    }
    apart = made["type"] == "Column" or made.get("separator")
    if apart and made.get("spacing") == "small":
        made["spacing"] = "default"  # Outlook's small is three pixels: words and lines would touch
    return made


def _lower(value: str) -> str:
    return value[:1].lower() + value[1:]


def _container(element: Element) -> Element:
    made = _known(element) | {"items": _all(element["items"])}
    if made.get("style", "default") != "default":
        made["style"] = "emphasis"  # the only one of version 1.0: the words and signs say the rest
    return made


def _columns(element: Element) -> Element:
    columns = [_known(each) | {"items": _all(each["items"])} for each in element["columns"]]
    if opened := element.get("selectAction"):
        _link(columns, str(opened["url"]))
    return _known(element) | {"columns": columns}


def _link(columns: Sequence[Element], url: str) -> None:
    """Make the first text of a row that can be pressed a link: version 1.0 knows no other."""
    first = columns[0]["items"][0]
    label = first["text"].replace("[", "(").replace("]", ")")  # they would end the label
    first["text"] = f"[{label}]({url})"


def _lines(element: Element) -> Iterator[Element]:
    """Show a text with line breaks: a block for each line, for Markdown runs lines together."""
    spacing = element.get("spacing", "Default")
    for line in str(element["inlines"][0]["text"]).split("\n"):
        if not line:
            spacing = "Small"
            continue
        words = text.escape_markdown(line)
        yield {"type": "TextBlock", "text": words, "wrap": True, "spacing": _lower(spacing)}
        spacing = "None"


def _labelled(element: Element) -> Iterator[Element]:
    """Show an input's name above it: labels came with version 1.3."""
    label = {"type": "TextBlock", "text": text.escape_markdown(element["label"]), "wrap": True}
    yield label | {"weight": "bolder", "spacing": _lower(element.get("spacing", "Default"))}
    made = _known(element) | {"spacing": "small"}
    if "placeholder" in made:
        made["placeholder"] = text.escape_run(made["placeholder"])
    yield made


def _box(element: Element) -> Iterator[Element]:
    """Show what is ticked, above the box if it is long: beside it, it wraps since version 1.2 only."""
    title = element["title"]
    if len(title) <= _BESIDE_BOX:
        yield _known(element)
        return
    yield {"type": "TextBlock", "text": title, "wrap": True, "spacing": _lower(element["spacing"])}
    yield _known(element) | {"title": _("Yes"), "spacing": "small"}


def _rows(element: Element) -> Iterator[Element]:
    actions = [each | {"title": text.escape_run(each["title"])} for each in element["actions"]]
    for at in range(0, len(actions), MOST_IN_A_ROW):
        row = _known(element) | {"actions": actions[at : at + MOST_IN_A_ROW]}
        yield row if at == 0 else row | {"spacing": "default"}
