"""Turns Assent's templates of mails (`#Dotted.Path#`) into ours, and says what it could not turn."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
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
_OPENING = re.compile(r"\{(?=[{%#])|\{$")  # would begin something of Jinja's
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*")
_NO_ACTION = "none"


class Source(NamedTuple):
    """One template as it was found: *key* "TemplateKey" or "TemplateKey|action"."""

    tenant: str  # PartitionKey, "" if it came from a folder
    key: str
    html: str


class Converted(NamedTuple):
    """Our template, and in sentences what was left out or changed, and what is to be mended by hand."""

    html: str
    notes: tuple[str, ...]
    mistakes: tuple[str, ...]


class BadTable(Exception):
    """An exported table that cannot be read as one; the message says why, after its name."""


def sources(path: Path) -> Iterator[Source]:
    """
    Yield the templates of an exported table (.csv), or of a folder (``*.html``). Blocking.

    Raises:
        OSError: It is not there, or cannot be read.
        UnicodeDecodeError: It is not UTF-8.
        BadTable: It is no table, a field is too large, or a column is missing.
    """
    if path.is_dir():
        for file in sorted(path.glob("*.html")):
            stem = file.stem.replace("__", "|", 1)
            yield Source("", _key(stem), read_small(file, LARGEST).decode("utf-8-sig"))
        return
    yield from _of_table(read_small(path, LARGEST).decode("utf-8-sig"))


def _of_table(text: str) -> Iterator[Source]:
    if "\0" in text:
        raise BadTable("has NUL characters in it: export it anew, as CSV in UTF-8")
    csv.field_size_limit(_FIELD)
    rows = csv.DictReader(StringIO(text, newline=""), strict=True)
    good = 1  # lines
    try:
        for row in rows:
            good = rows.line_num
            named = ((str(name), value) for name, value in row.items() if name)
            fields = {name.strip().casefold(): value or "" for name, value in named}
            tenant, key = _of(fields, "PartitionKey"), _key(_of(fields, "RowKey"))
            yield Source(tenant, key, _of(fields, "TemplateContent"))
    except csv.Error as problem:
        too_large = "field larger" in str(problem)
        wrong = f"has a field of more than {_FIELD // 1024} KB, in the row"
        raise BadTable(
            f"{wrong} after line {good}"
            if too_large
            else f"is no CSV after line {good} ({problem})"
        ) from None


def _of(fields: Mapping[str, str], name: str) -> str:
    if name.casefold() not in fields:
        raise BadTable(f"has no column {name}")
    return fields[name.casefold()].strip()


def _key(row_key: str) -> str:
    """Return a key as our files have it: without the action that means none."""
    key, _bar, action = (part.strip() for part in row_key.partition("|"))
    return key if action.casefold() in ("", _NO_ACTION) else f"{key}|{action}"


def convert(html: str) -> Converted:
    """Turn one template into ours."""
    notes: dict[str, None] = {}
    html, cards = _CARD.subn("", html)
    if cards:
        notes["the card's script was taken out: we put the card in"] = None
    html, scripts = _SCRIPT.subn("", html)
    if scripts:
        notes["another script was taken out: mails run none"] = None
    html = _COMMENT.sub(lambda found: "" if _PLACEHOLDER.search(found[0]) else found[0], html)
    written: list[str] = []
    at = 0
    for found in _PLACEHOLDER.finditer(html):
        if _COLOUR.fullmatch(found[1]):
            continue
        written += [_text(html[at : found.start()], notes), _placed(found[1], notes)]
        at = found.end()
    written.append(_text(html[at:], notes))
    result = "".join(written)
    return Converted(result, tuple(notes), tuple(mistakes_in(result)))


def _text(html: str, notes: dict[str, None]) -> str:
    """Return what stands between two placeholders, and note what may have been meant as one."""
    for found in _LIKE_ONE.findall(html):
        if not _COLOUR.fullmatch(found.strip("#")):
            notes[f"{found} was left as text: it is no placeholder that we know"] = None
    html, braces = _OPENING.subn("{ ", html)
    if braces:
        notes["braces that would begin something of a template's were parted: “{ {”, “{ %”"] = None
    return html


def _placed(path: str, notes: dict[str, None]) -> str:
    """Return our placeholder for one of theirs, "" if there is none, and note that."""
    steps = path.split(".")
    if len(steps) > 1 and steps[0].casefold() in _SUMMARY:
        steps = steps[1:]
    if (folded := steps[0].casefold()) in _NOT_HERE:
        notes[f"#{path}# was taken out: {_NOT_HERE[folded]}"] = None
        return ""
    ours = _ours(steps)
    name = _written(ours)
    placed = "{{ " + name + " }}"
    if mistakes_in(placed):
        notes[f"#{path}# was taken out: there is nothing like it here"] = None
        return ""
    if ".".join(ours) != path:
        notes[f"#{path}# became {name}"] = None
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
