"""The markup of actionable messages in a mail's HTML: where it is, and the HTML without it."""

from html.parser import HTMLParser
from typing import NamedTuple

CARD_TYPE = "application/adaptivecard+json"
OTHER_TYPES = ("application/ld+json",)  # of MessageCards: a card under it is not shown
SIGNED_TYPE = "http://schema.org/SignedAdaptiveCard"


class Script(NamedTuple):
    """A script element that holds a card, or tries to."""

    kind: str
    text: str
    in_head: bool


class Markup(NamedTuple):
    """What of a mail is meant for Outlook alone. *signed* is the JWS, "" without one."""

    scripts: tuple[Script, ...]
    signed: str
    bare: str  # the HTML without all of it


def markup_of(html: str) -> Markup:
    """Find the markup in *html*."""
    finder = _Finder(html)
    finder.feed(html)
    finder.close()
    return Markup(tuple(finder.scripts), finder.signed, finder.bare())


class _Finder(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self._html = html
        self._lines = [0]  # where each line begins
        for line in html.split("\n"):  # as the parser counts them
            self._lines.append(self._lines[-1] + len(line) + 1)
        self.scripts: list[Script] = []
        self.signed = ""
        self._in_head = False
        self._script: tuple[str, int] | None = None  # its type and where it begins
        self._text = ""
        self._section: int | None = None  # where the signed section begins
        self._in_jws = False
        self._cuts: list[tuple[int, int]] = []

    def bare(self) -> str:
        kept, at = "", 0
        for begins, ends in self._cuts:
            kept, at = kept + self._html[at:begins], ends
        return kept + self._html[at:]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        kind = (given.get("type") or "").strip().lower()
        if tag in ("head", "body"):
            self._in_head = tag == "head"
        elif tag == "script" and kind in (CARD_TYPE, *OTHER_TYPES):
            self._script, self._text = (kind, self._here), ""
        elif tag == "section" and given.get("itemtype") == SIGNED_TYPE:
            self._section = self._here
        elif given.get("itemprop") == "signedAdaptiveCard":
            self._in_jws = True

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self._text += data
        elif self._in_jws:
            self.signed += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._script is not None:
            kind, began = self._script
            self.scripts.append(Script(kind, self._text, self._in_head))
            self._cut(began)
            self._script = None
        elif tag == "section" and self._section is not None:
            self._cut(self._section)
            self._section = None
        elif tag == "head":
            self._in_head = False
        self._in_jws = self._in_jws and tag != "div"

    def _cut(self, began: int) -> None:
        ends = self._html.find(">", self._here)
        self._cuts.append((began, ends + 1 if ends >= 0 else len(self._html)))

    @property
    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column
