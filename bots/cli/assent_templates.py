"""Turns Assent's templates of mails (`#Dotted.Path#`) into ours, and says what it could not turn."""

import csv
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from approvals_core.adapters.small_files import read_small
from cards.mail import mistakes_in

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
_NOT_HERE = {
    "actionablemessage": "the card has the buttons",
    "adaptivejson": "the card is put in by us",
}
_PLACEHOLDER = re.compile(r"#([A-Za-z]\w*(?:\.[\w][\w -]*)*)#")
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


def sources(path: Path) -> Iterator[Source]:
    """
    Yield the templates of an exported table (.csv), or of a folder (``*.html``). Blocking.

    Raises:
        OSError: It is not there, or cannot be read.
        UnicodeDecodeError: It is not UTF-8.
        KeyError: The table lacks a column; its name is the argument.
    """
    if path.is_dir():
        for file in sorted(path.glob("*.html")):
            stem = file.stem.replace("__", "|", 1)
            yield Source("", _key(stem), read_small(file, LARGEST).decode("utf-8-sig"))
        return
    csv.field_size_limit(_FIELD)
    text = read_small(path, LARGEST).decode("utf-8-sig")
    for row in csv.DictReader(StringIO(text, newline="")):
        fields = {str(name).strip().casefold(): value or "" for name, value in row.items() if name}
        yield Source(
            _of(fields, "PartitionKey"), _key(_of(fields, "RowKey")), _of(fields, "TemplateContent")
        )


def _of(fields: Mapping[str, str], name: str) -> str:
    if name.casefold() not in fields:
        raise KeyError(name)
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
        written += [_OPENING.sub("{ ", html[at : found.start()]), _placed(found[1], notes)]
        at = found.end()
    written.append(_OPENING.sub("{ ", html[at:]))
    result = "".join(written)
    return Converted(result, tuple(notes), tuple(mistakes_in(result)))


def _placed(path: str, notes: dict[str, None]) -> str:
    """Return our placeholder for one of theirs, "" if there is none, and note that."""
    root, *below = path.split(".")
    folded = root.casefold()
    if folded in _NOT_HERE:
        notes[f"#{path}# was taken out: {_NOT_HERE[folded]}"] = None
        return ""
    ours = _OURS.get(folded, root)
    name = (
        ".".join([ours, *below]) if all(map(_PLAIN_NAME.fullmatch, below)) else _quoted(ours, below)
    )
    placed = "{{ " + name + " }}"
    if mistakes_in(placed):
        notes[f"#{path}# was taken out: there is nothing like it here"] = None
        return ""
    if folded in _OURS and _OURS[folded].casefold() != folded:
        notes[f"#{path}# became {name}"] = None
    return placed


def _quoted(root: str, below: list[str]) -> str:
    return root + "".join(f'["{step}"]' for step in below)
