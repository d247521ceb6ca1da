"""Reads Assent's templates of mails where they are: in an exported table, or in a folder."""

import csv
from collections.abc import Iterator, Mapping
from io import StringIO
from itertools import chain, repeat
from pathlib import Path
from typing import NamedTuple

from approvals_core.adapters.small_files import read_small
from bots.cli.assent_templates.notes import LINE_END

LARGEST = 64 * 1024 * 1024  # bytes of the source: a table's export
_LONGEST = 1024 * 1024  # characters of one template
_NO_ACTION = "none"


class Source(NamedTuple):
    """One template as it was found: *key* "TemplateKey" or "TemplateKey|action"."""

    tenant: str  # PartitionKey, "" if it came from a folder
    key: str
    html: str
    row: int = 0  # of the table, whose first one has the columns' names; 0 if it came from a folder
    first_line: int = 1  # of *html* in its file or field


class BadTable(Exception):
    """An exported table that cannot be read as one; the message says why, after its name."""


def sources(path: Path) -> Iterator[Source]:
    """
    Yield the templates of an exported table (.csv), or of a folder (``*.html``). Blocking.

    Raises:
        OSError: It is not there, or cannot be read.
        UnicodeDecodeError: The table is not UTF-8.
        BadTable: It is no table, a template is too long, a column is missing, or a file of the folder is not UTF-8.
    """
    if path.is_dir():
        for file in sorted(path.glob("*.html")):
            stem = file.stem.replace("__", "|", 1)
            yield Source("", _key(stem), _of_file(file))
        return
    yield from _of_table(read_small(path, LARGEST).decode("utf-8-sig"))


def _of_file(file: Path) -> str:
    try:
        html = read_small(file, LARGEST).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadTable(f"cannot be read: {file.name} is not UTF-8") from None
    if len(html) > _LONGEST:
        raise BadTable(f"has a template of more than {_LONGEST // 1024} KB: {file.name}")
    return html


def _of_table(text: str) -> Iterator[Source]:
    if "\0" in text:
        raise BadTable("has NUL characters in it: export it anew, as CSV in UTF-8")
    csv.field_size_limit(_LONGEST)
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
        wrong = f"has a field of more than {_LONGEST // 1024} KB, in the row"
        raise BadTable(
            f"{wrong} after line {good}"
            if too_large
            else f"is no CSV after line {good} ({problem})"
        ) from None


def _of_row(number: int, fields: Mapping[str, str]) -> Source:
    tenant, key = _of(fields, "PartitionKey").strip(), _key(_of(fields, "RowKey"))
    html = _of(fields, "TemplateContent")
    above = html[: len(html) - len(html.lstrip())]
    first_line = 1 + len(LINE_END.findall(above))
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
