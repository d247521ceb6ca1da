"""Takes HTML of others apart and writes it anew: balanced, and without what runs, loads or asks for something."""

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import NamedTuple

from markupsafe import Markup, escape

from cards.approval.values import words
from cards.mail.stylesheets import harmless, without_position
from cards.text import clean, safe_url

_ELEMENTS = words(
    "a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup"
    " dd del dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i ins kbd li"
    " main mark nav ol p pre q s samp section small span strike strong sub sup table tbody td tfoot"
    " th thead time tr u ul var wbr"
)
_VOID = frozenset({"br", "col", "hr", "wbr"})
# Their content goes with them. What is in neither set loses its tags, and keeps its text.
_GONE = words(
    "applet audio button canvas frameset iframe math noembed noframes noscript object picture"
    " plaintext script select style svg template textarea title video xmp"
)
_ATTRIBUTES = words(
    "align alt bgcolor border cellpadding cellspacing class color colspan dir face height href lang"
    " role rowspan scope size span start style title type valign width"
)
_OF_BODY = frozenset({"bgcolor", "class", "dir", "lang", "style"})
# Loads something, runs something, or hides such a thing from this very look (CSS escapes, comments).
_UNSAFE_STYLE = re.compile(
    r"url\s*\(|image-set|expression|behavior|-moz-binding|@|javascript:|[\\<>]|/\*", re.IGNORECASE
)
# Tags and comments that end. CPython's parser takes a time that grows with the square of those
# that do not (before 3.11.13 and 3.13.4).
_INTACT = re.compile(
    r"(?:[^<]++|<!--(?:[^-]++|-(?!->))*+-->|<!(?!--)[^<>]*+>"
    r"|</?[A-Za-z][^<>\"']*+(?:\"[^\"]*+\"[^<>\"']*+|'[^']*+'[^<>\"']*+)*+>|<(?![A-Za-z/!?]))*+"
)
_MAIL_ADDRESS = re.compile(r"mailto:[A-Za-z0-9._%+@-]{3,254}")
_DEEPEST = 200  # elements inside each other; deeper ones lose their tags


class Inert(NamedTuple):
    """A document in its parts. *left_out* names what was dropped, for whoever wrote it."""

    title: str
    styles: str  # that reach what stands in `stylesheets.OWN` alone
    attributes: dict[str, str]  # of its body
    body: Markup
    left_out: tuple[str, ...]


def intact(html: str) -> int:
    """Return how many characters of *html* are whole: all, unless a tag or comment has no end."""
    found = _INTACT.match(html)
    return found.end() if found else 0


def inert(html: str) -> Inert:
    """
    Return *html* as parts that can be put into any document: no part can leave its place.

    Give it only what is `intact`: the time for anything else grows with the square of its length.

    Raises:
        AssertionError: It has a section that html.parser does not know, as <![x]>.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.result()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._open: list[str] = []
        self._gone: list[str] = []  # elements whose content goes, as far as they are open
        self._title: list[str] = []
        self._styles: list[str] = []
        self._attributes: dict[str, str] = {}
        self._left_out: dict[str, None] = {}

    def result(self) -> Inert:
        closing = "".join(f"</{name}>" for name in reversed(self._open))
        return Inert(
            title=clean("".join(self._title)).replace("\n", " "),
            styles="\n".join(self._styles),
            attributes=self._attributes,
            body=Markup("".join(self._out) + closing),  # noqa: S704 (each piece was escaped)
            left_out=tuple(self._left_out),
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _GONE:
            if tag not in self._gone:  # the first is the one that ends it
                self._gone.append(tag)
            if tag not in ("title", "style"):
                self._left_out[f"<{tag}>"] = None
        elif self._gone:
            return
        elif tag == "body":
            self._attributes |= dict(self._kept(tag, [(n, v) for n, v in attrs if n in _OF_BODY]))
        elif tag == "img":
            self._picture(dict(attrs))
        elif tag in _ELEMENTS and (tag in _VOID or len(self._open) < _DEEPEST):
            self._write(tag, self._kept(tag, attrs))
        elif tag not in ("html", "head", "meta", "link"):
            self._left_out[f"<{tag}>"] = None

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # HTML knows no <p/>: it opens (13.1.2.1). Only what has no content anyway is closed by it.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._gone:
            if tag in self._gone:
                del self._gone[self._gone.index(tag) :]
        elif tag in self._open:
            at = len(self._open) - 1 - self._open[::-1].index(tag)
            self._out += [f"</{name}>" for name in reversed(self._open[at:])]
            del self._open[at:]

    def handle_data(self, data: str) -> None:
        if not self._gone:
            self._out.append(str(escape(data)))
        elif self._gone[-1] == "title":
            self._title.append(data)
        elif self._gone[-1] == "style":
            self._rules(data)

    def _rules(self, data: str) -> None:
        styles = harmless(data)
        self._left_out |= dict.fromkeys(styles.left_out)
        if styles.css:
            self._styles.append(styles.css)

    def _picture(self, attributes: dict[str, str | None]) -> None:
        """Write what a picture shows: a mail loads nothing from anywhere."""
        self._left_out["<img>: its alternative text is shown"] = None
        self._out.append(str(escape(attributes.get("alt") or "")))

    def _write(self, tag: str, kept: Iterable[tuple[str, str]]) -> None:
        written = "".join(f' {name}="{escape(value)}"' for name, value in kept)
        self._out.append(f"<{tag}{written}>")
        if tag not in _VOID:
            self._open.append(tag)

    def _kept(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> Iterator[tuple[str, str]]:
        for name, value in dict(attrs).items():
            if name not in _ATTRIBUTES and not re.fullmatch(r"aria-[a-z]+", name):
                self._left_out[f"{name} of <{tag}>"] = None
                continue
            kept = self._value(name, value or "")
            if kept is None or (name == "href" and tag != "a"):
                self._left_out[f"what {name} of <{tag}> says"] = None
            else:
                yield name, kept

    def _value(self, name: str, value: str) -> str | None:
        if name == "href":
            return safe_url(value) or (value if _MAIL_ADDRESS.fullmatch(value) else None)
        if name == "style":
            kept = [each for each in value.split(";") if not _UNSAFE_STYLE.search(each)]
            return without_position(";".join(kept)) or None
        return value
