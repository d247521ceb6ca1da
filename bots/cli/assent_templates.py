"""Turns Assent's templates of mails (`#Dotted.Path#`) into ours, and says what it could not turn."""

import csv
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from itertools import chain, repeat
from pathlib import Path
from typing import NamedTuple

from approvals_core.adapters.small_files import read_small
from cards.mail import mistakes_in
from cards.mail.names import NAMES, Name

LARGEST = 64 * 1024 * 1024  # bytes of the source: a table's export
_FIELD = 1024 * 1024  # characters of one template in a table

# (assent-app, EmailHelper.cs: what is added to the summary's own fields)
_OURS = {
    "msapprovalsdetailpage": "PageURL",
    "msapprovalsdevicedetailpage": "PageURL",
    "toolname": "Tenant.Name",
    "tenantname": "Tenant.Name",
    "appname": "Tenant.Name",
    "documentnumberprefix": "Tenant.RequestWord",
    "approverchain": "ApproverChain",
    "adaptiveapproverchain": "ApproverChain",
    "detailtemplate": "request",
    "actiondetails": "ActionDetail",
}
# What Assent's templates may say before a field of the summary, which it lays flat.
_SUMMARY = frozenset({"summaryjson", "summarydata"})
# Tables whose fields are also found by their own name: no other has one alike.
_BY_LEAF = ("ApprovalIdentifier", "CustomAttribute")
_NOT_HERE = {
    "actionablemessage": "the card has the buttons",
    "adaptivejson": "the card is put in by us",
}
_PLACEHOLDER = re.compile(r"#([A-Za-z]\w*(?:\.[\w][\w -]*)*)#")
# What people write who meant one: a path into a list, a name with a dash.
_LIKE_ONE = re.compile(r"#[A-Za-z][^\s#<>{}();:\"']{1,80}#")
_COLOUR = re.compile(r"[0-9A-Fa-f]{3}(?:[0-9A-Fa-f]{3})?")
_CARD = re.compile(
    r"<script[^>]*application/adaptivecard\+json[^>]*>.*?</script\s*>\s*", re.IGNORECASE | re.DOTALL
)
_SCRIPT = re.compile(r"<script\b.*?(?:</script\s*>|$)\s*", re.IGNORECASE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*")
_NO_ACTION = "none"
# What is taken out leaves one of these for each of its lines, so that those beneath it keep their numbers.
_GONE = "\0"
# Would begin something of Jinja's, once that is taken away, too.
_OPENING = re.compile(rf"\{{(?={_GONE}*(?:[{{%#]|\Z))")
_LINE_END = re.compile(rf"\r\n|[\r\n{_GONE}]")
_MOST_LINES = 8  # of one note


class Source(NamedTuple):
    """One template as it was found: *key* "TemplateKey" or "TemplateKey|action"."""

    tenant: str  # PartitionKey, "" if it came from a folder
    key: str
    html: str
    row: int = 0  # of the table, whose first one has the columns' names; 0 if it came from a folder
    first_line: int = 1  # of *html* in its file or field


class Note(NamedTuple):
    """What was left out or changed, in a sentence, and on which lines of the source; none if that is no matter."""

    why: str
    lines: tuple[int, ...] = ()

    def at(self, row: int) -> str:
        """Return the sentence behind its place; *row* is the one of the source, 0 if it has none."""
        if not self.lines:
            return self.why
        named = ", ".join(map(str, self.lines[:_MOST_LINES]))
        further = len(self.lines) - _MOST_LINES
        more = f" and {further} more" if further > 0 else ""
        word = "line" if len(self.lines) == 1 else "lines"
        return f"{f'row {row}, ' if row else ''}{word} {named}{more}: {self.why}"


class Converted(NamedTuple):
    """Our template, what was left out or changed, and in sentences what is to be mended in it by hand."""

    html: str
    notes: tuple[Note, ...]
    mistakes: tuple[str, ...]


class BadTable(Exception):
    """An exported table that cannot be read as one; the message says why, after its name."""


def sources(path: Path) -> Iterator[Source]:
    """
    Yield the templates of an exported table (.csv), or of a folder (``*.html``). Blocking.

    Raises:
        OSError: It is not there, or cannot be read.
        UnicodeDecodeError: The table is not UTF-8.
        BadTable: It is no table, a field is too large, a column is missing, or a file of the folder is not UTF-8.
    """
    if path.is_dir():
        for file in sorted(path.glob("*.html")):
            stem = file.stem.replace("__", "|", 1)
            try:
                yield Source("", _key(stem), read_small(file, LARGEST).decode("utf-8-sig"))
            except UnicodeDecodeError:
                raise BadTable(f"cannot be read: {file.name} is not UTF-8") from None
        return
    yield from _of_table(read_small(path, LARGEST).decode("utf-8-sig"))


def _of_table(text: str) -> Iterator[Source]:
    if "\0" in text:
        raise BadTable("has NUL characters in it: export it anew, as CSV in UTF-8")
    csv.field_size_limit(_FIELD)
    rows = csv.reader(StringIO(text, newline=""), strict=True)
    good = 1  # lines
    names: list[str] = []
    try:
        for number, row in enumerate(rows, 1):
            if names and row:
                cells = chain(row, repeat(""))  # a row may end early, or go on
                yield _of_row(number, dict(zip(names, cells, strict=False)))
            names = names or [name.strip().casefold() for name in row]
            good = rows.line_num
    except csv.Error as problem:
        too_large = "field larger" in str(problem)
        wrong = f"has a field of more than {_FIELD // 1024} KB, in the row"
        raise BadTable(
            f"{wrong} after line {good}"
            if too_large
            else f"is no CSV after line {good} ({problem})"
        ) from None


def _of_row(number: int, fields: Mapping[str, str]) -> Source:
    tenant, key = _of(fields, "PartitionKey").strip(), _key(_of(fields, "RowKey"))
    html = _of(fields, "TemplateContent")
    above = html[: len(html) - len(html.lstrip())]
    first_line = 1 + len(_LINE_END.findall(above))
    return Source(tenant, key, html.strip(), row=number, first_line=first_line)


def _of(fields: Mapping[str, str], name: str) -> str:
    if name.casefold() not in fields:
        if any(";" in each for each in fields):
            raise BadTable("has its columns parted by “;”: export it anew, parted by “,”")
        raise BadTable(f"has no column {name}")
    return fields[name.casefold()]


def _key(row_key: str) -> str:
    """Return a key as our files have it: without the action that means none."""
    key, _bar, action = (part.strip() for part in row_key.partition("|"))
    return key if action.casefold() in ("", _NO_ACTION) else f"{key}|{action}"


def convert(html: str, first_line: int = 1) -> Converted:
    """Turn one template into ours, whose first line is the source's *first_line*."""
    notes = _Notes(first_line)
    html, cards = _CARD.subn(_lines_of, html.replace(_GONE, ""))
    if cards:
        notes.add("the card's script was taken out: we put the card in")
    html = _without_comments(_without_scripts(html, notes), notes)
    written: list[str] = []
    at = 0
    for found in _PLACEHOLDER.finditer(html):
        if _COLOUR.fullmatch(found[1]):
            continue
        written += [_text(html, at, found.start(), notes), _placed(found, notes)]
        at = found.end()
    written.append(_text(html, at, len(html), notes))
    result = "".join(written).replace(_GONE, "")
    return Converted(result, notes.all(), tuple(mistakes_in(result)))


class _Notes:
    """Gathers what there is to say, each sentence once, with all the lines that it is about."""

    def __init__(self, first_line: int) -> None:
        self._first_line = first_line
        self._found: dict[str, list[int]] = {}
        self._ends: list[int] = []

    def read(self, html: str) -> None:
        """Learn where the lines of *html* end: what is added from now on stands there."""
        self._ends = [end.end() for end in _LINE_END.finditer(html)]

    def add(self, why: str, at: int | None = None) -> None:
        """Note *why*, about what begins *at* this character of what was read; None: about no line."""
        lines = self._found.setdefault(why, [])
        if at is None:
            return
        line = bisect_right(self._ends, at) + self._first_line
        if line not in lines[-1:]:
            lines.append(line)

    def all(self) -> tuple[Note, ...]:
        return tuple(Note(why, tuple(lines)) for why, lines in self._found.items())


def _lines_of(taken: re.Match[str]) -> str:
    return _GONE * len(_LINE_END.findall(taken[0]))


def _without_scripts(html: str, notes: _Notes) -> str:
    notes.read(html)
    for script in _SCRIPT.finditer(html):
        notes.add("another script was taken out: mails run none", script.start())
    return _SCRIPT.sub(_lines_of, html)


def _without_comments(html: str, notes: _Notes) -> str:
    """Take out the comments that hold placeholders: none of ours may stand in one."""
    notes.read(html)

    def left(comment: re.Match[str]) -> str:
        if not (found := _PLACEHOLDER.search(comment[0])):
            return comment[0]
        why = f"{found[0]} was taken out with the comment around it: none can stand there"
        notes.add(why, comment.start() + found.start())
        return _lines_of(comment)

    without = _COMMENT.sub(left, html)
    notes.read(without)
    return without


def _text(html: str, start: int, end: int, notes: _Notes) -> str:
    """Return what stands between two placeholders, and note what may have been meant as one."""
    text = html[start:end]
    for found in _LIKE_ONE.finditer(text):
        if not _COLOUR.fullmatch(found[0].strip("#")):
            name = found[0].replace(_GONE, "")
            why = f"{name} was left as text: it is no placeholder that we know"
            notes.add(why, start + found.start())
    for found in _OPENING.finditer(text):
        why = "braces that would begin something of a template's were parted: “{ {”, “{ %”"
        notes.add(why, start + found.start())
    return _OPENING.sub("{ ", text)


def _placed(found: re.Match[str], notes: _Notes) -> str:
    """Return our placeholder for one of theirs, "" if there is none, and note that."""
    path, at = found[1], found.start()
    steps = path.split(".")
    if len(steps) > 1 and steps[0].casefold() in _SUMMARY:
        steps = steps[1:]
    if (folded := steps[0].casefold()) in _NOT_HERE:
        notes.add(f"#{path}# was taken out: {_NOT_HERE[folded]}", at)
        return ""
    ours = _ours(steps)
    name = _written(ours)
    placed = "{{ " + name + " }}"
    if mistakes_in(placed):
        notes.add(f"#{path}# was taken out: there is nothing like it here", at)
        return ""
    if ".".join(ours) != path:
        notes.add(f"#{path}# became {name}")
    return placed


def _ours(steps: Sequence[str]) -> Sequence[str]:
    """Return our path for one of theirs, whatever its capitals, and with dots between words or not."""
    root, *below = steps
    if (known := _OURS.get(root.casefold())) is not None:
        return [*known.split("."), *below]
    return _SPELT.get("".join(steps).casefold()) or [_ROOTS.get(root.casefold(), root), *below]


def _written(path: Sequence[str]) -> str:
    root, *below = path
    if all(map(_PLAIN_NAME.fullmatch, below)):
        return ".".join(path)
    return root + "".join(f'["{step}"]' for step in below)


def _paths(names: Mapping[str, Name], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path to each name of ours."""
    for name, table in names.items():
        yield (*above, name)
        yield from _paths(table.below, (*above, name))


_ROOTS = {name.casefold(): name for name in NAMES}
_SPELT = {
    **{name.casefold(): (table, name) for table in _BY_LEAF for name in NAMES[table].below},
    **{"".join(path).casefold(): path for path in _paths(NAMES)},
}
