"""Reads HTML as a strict reader would: every element closed where it must be, and what it holds in order."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "wbr"})


@dataclass
class Element:
    name: str
    attributes: dict[str, str | None]
    children: list["Element | str"] = field(default_factory=list["Element | str"])

    def all(self, *names: str) -> Iterator["Element"]:
        """Yield this and what is inside, in order; only those called so, if *names* are given."""
        if not names or self.name in names:
            yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.all(*names)

    def one(self, name: str) -> "Element":
        [found] = self.all(name)
        return found

    @property
    def text(self) -> str:
        """Return what a reader reads, without what is hidden from those who listen."""
        if self.name in ("script", "style") or self.attributes.get("aria-hidden") == "true":
            return ""
        said = "".join(each if isinstance(each, str) else each.text for each in self.children)
        return said + "\n" if self.name in ("br", "p", "li", "td", "th", "dt", "dd") else said

    @property
    def raw(self) -> str:
        return "".join(each for each in self.children if isinstance(each, str))


class Unbalanced(AssertionError):
    """An element is not closed, or closed where it is not open."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.comments: list[str] = []
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if len({name for name, _value in attrs}) != len(attrs):
            raise Unbalanced(f"<{tag}> has an attribute twice")
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if self._open[-1].name != tag:
            raise Unbalanced(f"</{tag}> closes <{self._open[-1].name}>")
        self._open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def finished(self) -> Element:
        if len(self._open) != 1:
            raise Unbalanced(f"<{self._open[-1].name}> is not closed")
        return self.root


def read_html(html: str) -> Element:
    """
    Return the whole, as an element without a name.

    Raises:
        Unbalanced: It is not as strict readers want it.
    """
    return _read(html).finished()


def shape(element: Element) -> list[tuple[str, frozenset[str]]]:
    """Return the elements and the names of their attributes, without line breaks."""
    return [(e.name, frozenset(e.attributes)) for e in element.all() if e.name not in ("br", "wbr")]


def comments_in(html: str) -> list[str]:
    return _read(html).comments


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader
