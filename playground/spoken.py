"""What a screen reader says of a mail: its text in reading order, with what each piece is."""

import re
from html.parser import HTMLParser
from typing import NamedTuple

_SILENT = frozenset({"head", "script", "style", "title", "template", "noscript"})
_BLOCKS = re.compile(
    "address|article|aside|blockquote|body|br|dd|div|dl|dt|fieldset|figure|footer|form|h[1-6]|header|hr|html"
    "|li|main|nav|ol|p|pre|section|table|tbody|tfoot|thead|tr|ul"
)
_CELLS = frozenset({"td", "th"})
_VOID = re.compile("area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_LAYOUT = ("presentation", "none")
_ITEM = "list item"
_NO_ALT = "without a description"


class Said(NamedTuple):
    """One thing that is read out. *role* is "" for plain text, "heading 2", "link", "image", "header cell" ..."""

    role: str
    text: str


class _Open(NamedTuple):
    """An element that is not closed yet. *is_data*: it is in a table of facts, not of a layout."""

    tag: str
    silent: bool
    role: str
    is_data: bool


def spoken(html: str) -> list[list[Said]]:
    """Return the lines that are read of *html*, in its order; what is hidden from a screen reader is left out."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.end_line()
    return reader.lines


def beginning(html: str, *, length: int) -> str:
    """Return the first words of *html* on one line, as an inbox shows them below a subject."""
    said = (one for line in spoken(html) for one in line if one.role not in ("table", "image"))
    line = " ".join(one.text for one in said)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[list[Said]] = []
        self._line: list[Said] = []
        self._open: list[_Open] = []
        self._item_begins = False  # and nothing of it was said yet

    def end_line(self) -> None:
        line = [Said(one.role, " ".join(one.text.split())) for one in self._line]
        said = [one for one in line if one.text]
        if said:
            self.lines.append(said)
        self._line = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        here = self._here
        if _BLOCKS.fullmatch(tag) or (tag in _CELLS and not here.is_data):
            self.end_line()
        silent = here.silent or _is_silent(tag, given)
        if _VOID.fullmatch(tag):
            if tag == "img" and not silent:
                self._say_image(given)
            return
        is_data = given.get("role") not in _LAYOUT if tag == "table" else here.is_data
        self._item_begins = self._item_begins or tag == "li"
        self._open.append(_Open(tag, silent, _role(tag, given, here), is_data))
        if tag == "table" and is_data and not silent:
            self.lines.append([Said("table", "begins")])

    def handle_endtag(self, tag: str) -> None:
        if _BLOCKS.fullmatch(tag) or (tag in _CELLS and not self._here.is_data):
            self.end_line()
        self._item_begins = self._item_begins and tag != "li"
        at = next((n for n in reversed(range(len(self._open))) if self._open[n].tag == tag), None)
        if at is not None:
            ended = self._open[at]
            del self._open[at:]
            if tag == "table" and ended.is_data and not ended.silent:
                self.lines.append([Said("table", "ends")])

    def handle_data(self, data: str) -> None:
        here = self._here
        if here.silent or not data:
            return
        last = self._line[-1] if self._line else None
        is_space = not data.strip()
        role = "" if is_space else self._said_as(here.role)
        goes_on = last is not None and (last.role == role or (last.role, role) == (_ITEM, ""))
        if last is not None and (is_space or (goes_on and here.tag not in _CELLS)):
            self._line[-1] = last._replace(text=last.text + data)
        elif not is_space:
            self._line.append(Said(role, data))

    def _said_as(self, role: str) -> str:
        """Return what is said before a text: that an item begins is said once, before its first."""
        begins, self._item_begins = self._item_begins, False
        if begins and role != _ITEM:
            return f"{_ITEM}, {role}"
        return role if begins or role != _ITEM else ""

    def _say_image(self, given: dict[str, str]) -> None:
        alt = given.get("alt", _NO_ALT)
        if alt:
            self._line.append(Said("image", alt))

    @property
    def _here(self) -> _Open:
        return self._open[-1] if self._open else _Open("", silent=False, role="", is_data=False)


def _is_silent(tag: str, given: dict[str, str]) -> bool:
    hidden = "hidden" in given or given.get("aria-hidden") == "true"
    return tag in _SILENT or hidden or bool(_HIDDEN.search(given.get("style", "")))


def _role(tag: str, given: dict[str, str], outside: _Open) -> str:
    """Return what is said before an element's text; what has no role of its own has that of what is around it."""
    if re.fullmatch("h[1-6]", tag):
        return f"heading {tag[1]}"
    if tag == "a" and given.get("href"):
        return "link"
    if tag == "table":
        return ""
    cells = {"th": "header cell", "td": "cell"} if outside.is_data else {}
    return {"li": _ITEM, **cells}.get(tag, outside.role)
