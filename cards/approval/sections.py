"""Which parts of the details become sections of the card: as the tenant's file maps them, else by their shape."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, count, islice
from typing import NamedTuple

from approvals_core.models import Content
from approvals_core.tenant import Section as Mapping
from approvals_core.tenant import SectionKind, Shown
from cards.approval.values import (
    Amount,
    Object,
    Value,
    as_list,
    as_object,
    follow,
    in_one_line,
    is_amount,
    is_currency_field,
    read,
    said,
    scalar,
    unit_of,
    words,
)
from cards.formats import humanised, number_of
from cards.language import _

COLUMNS = 4  # of one table: more does not fit a phone
LOOKED_AT = 50  # rows of a table from which its columns are chosen
MOST_KEYS = 100  # of them, from which the columns are chosen
MOST_SECTIONS = 100  # by their shape; more parts are counted
DEEPEST = 4  # levels of objects that are looked through
_OPAQUE = re.compile(r"\{?[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?")  # GUIDs
_ROWS = 10

# What a tenant wrote as an amount or a share: "4,160.00 EUR", "60 %".
_AMOUNT = re.compile(
    r"[-+]?[\d.,'\s]*\d\s?(?:[A-Z]{3}|[€$£¥%])|(?:[A-Z]{3}|[€$£¥])\s?[-+]?\d[\d.,'\s]*"
)

# The last word of a name, the best first.
_DESCRIBES = ("description", "name", "title", "subject", "text", "item", "product", "purpose")
_IDENTIFIES = words("number no id code key reference ref position pos sku account")
_POSITIONS = _IDENTIFIES | words("line row item index")
_SUMS = words("total amount sum subtotal net gross")
_SUMMARY = "SummaryData"


@dataclass(frozen=True)
class Fact:
    """A field by name; numbers are texts, as they were sent."""

    name: str
    value: Value


@dataclass(frozen=True)
class Group:
    """Fields under a heading."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Table:
    """Rows of equal fields; a cell is None where a row has nothing. *most* are shown."""

    title: str
    labels: tuple[str, ...]
    rows: tuple[tuple[Value | None, ...], ...]
    most: int = _ROWS
    main: int = 0  # the column that names a row

    def is_numeric(self, column: int) -> bool:
        """Tell whether a column holds numbers only, which stand at the right."""
        return self._numeric[column]

    @cached_property
    def _numeric(self) -> list[bool]:
        return [self._holds_numbers(at) for at in range(len(self.labels))]

    def _holds_numbers(self, column: int) -> bool:
        cells = [row[column] for row in self.rows if row[column] is not None]
        return column != self.main and bool(cells) and all(map(_is_number, cells))


@dataclass(frozen=True)
class Lines:
    """Plain values under a heading."""

    title: str
    lines: tuple[Value, ...]
    most: int = _ROWS


Section = Group | Table | Lines


class ByShape(NamedTuple):
    """Sections, and how many more parts of the details would be some."""

    sections: tuple[Section, ...]
    beyond: int


class _Part(NamedTuple):
    """A list or an inner object of the details, with the currency that it would be in."""

    title: str
    value: object
    unit: str


# -- as the tenant's file says -------------------------------------------------


def mapped(shown: Shown, content: Content, details: Object) -> tuple[Section, ...]:
    """Return the sections of the tenant's file that have something to show."""
    root = {**details, _SUMMARY.upper(): summary_of(content)}
    found = (_mapped(section, root, content.unit_of_measure) for section in shown.sections)
    return tuple(section for section in found if section is not None)


def values_of(section: Section) -> Iterable[Value | None]:
    """Return all that a section says, in no order that matters."""
    match section:
        case Group():
            return (fact.value for fact in section.facts)
        case Lines():
            return section.lines
        case Table():
            return chain.from_iterable(section.rows)


def operations_of(shown: Shown) -> frozenset[str]:
    """Return the operations, in upper case, that are not shown by their shape."""
    return frozenset(
        name.upper() for name in (*shown.hidden, *(s.source.split(".")[0] for s in shown.sections))
    )


def _mapped(section: Mapping, root: Object, unit: str) -> Section | None:
    first, *steps = section.source.split(".")
    source = follow(root.get(first.upper()), steps)
    paths = [field.path.split(".") for field in section.fields]
    labels = tuple(field.label for field in section.fields)
    if section.kind is SectionKind.FACTS:
        values = _values(source, paths, labels, unit)
        facts = [Fact(n, v) for n, v in zip(labels, values, strict=True) if v is not None]
        return Group(section.title, tuple(facts)) if facts else None
    rows = [_values(row, paths, labels, unit) for row in as_list(source) or ()]
    told = tuple(row for row in rows if any(cell is not None for cell in row))
    return Table(section.title, labels, told, section.rows) if told else None


def _values(
    source: object, paths: Sequence[Sequence[str]], labels: Sequence[str], unit: str
) -> tuple[Value | None, ...]:
    own = unit_of(as_object(source) or {}, unit)
    return tuple(
        _value(path[-1], label, follow(source, path), own)
        for path, label in zip(paths, labels, strict=True)
    )


def _value(name: str, label: str, value: object, unit: str) -> Value | None:
    return said(name if is_amount(name) else label, value, unit)


def summary_of(content: Content) -> Object:
    """Return the summary by the names it has on the wire, as far as it is kept."""
    name, value = content.custom_attribute or ("", "")
    return {
        "Title": content.title,
        "UnitValue": content.unit_value,
        "UnitOfMeasure": content.unit_of_measure,
        "CurrencyCode": content.unit_of_measure,
        "SubmittedDate": content.submitted,
        "CompanyCode": content.company_code,
        "ApproverNotes": content.notes,
        "DetailPageURL": content.detail_page_url,
        "Submitter": {"Alias": content.submitter.alias, "Name": content.submitter.name},
        "CustomAttribute": {"CustomAttributeName": name, "CustomAttributeValue": value},
        "AdditionalData": {key: _nested(text) for key, text in content.additional.items()},
    }


def _nested(text: str) -> object:
    """Return what is in a text that is an object or a list, else the text."""
    return (read(text) if text.lstrip().startswith(("{", "[")) else None) or text


# -- by their shape ------------------------------------------------------------


def by_shape(operations: Object, unit: str, shown_already: Iterable[object]) -> ByShape:
    """
    Make a section of each list and each inner object of the details, outermost first.

    The plain fields of an operation are left to the facts above. *shown_already* are
    parts, by identity, that the card has elsewhere.
    """
    known = {id(part) for part in shown_already}
    parts = chain.from_iterable(
        _inside(_Part(_operation_title(name), value, unit), known, 0)
        for name, value in operations.items()
    )
    found = tuple(islice(filter(None, map(_section, parts)), MOST_SECTIONS))
    return ByShape(found, sum(1 for _ in parts))


def _inside(part: _Part, known: set[int], depth: int) -> Iterator[_Part]:
    fields, entries = as_object(part.value), as_list(part.value)
    if id(part.value) in known or depth > DEEPEST:
        return
    if entries:
        yield part
    elif fields:
        own = unit_of(fields, part.unit)
        if depth and any(scalar(each) is not None for each in fields.values()):
            yield part._replace(unit=own)
        for key, inner in fields.items():
            if isinstance(inner, dict | list) and key.casefold() != "attachments":
                yield from _inside(_Part(humanised(key), inner, own), known, depth + 1)


def _section(part: _Part) -> Section | None:
    fields = as_object(part.value)
    if fields is None:
        return _of_list(part.title, as_list(part.value) or (), part.unit)
    facts = tuple(_facts(fields, part.unit))
    return Group(part.title, facts) if facts else None


def _facts(fields: Object, unit: str) -> Iterator[Fact]:
    for key, value in fields.items():
        found = None if scalar(value) is None else said(key, value, unit)
        if found is not None and not is_currency_field(key):
            yield Fact(humanised(key), found)


def _of_list(title: str, entries: Sequence[object], unit: str) -> Section | None:
    rows = [row for row in map(as_object, entries) if row]
    if len(rows) * 2 > len(entries):
        return _table(title, rows, unit)
    lines = [scalar(entry) or in_one_line(entry) for entry in entries]
    told = tuple(line for line in lines if line not in (None, ""))
    return Lines(title, told) if told else None


def _table(title: str, rows: Sequence[Object], unit: str) -> Section | None:
    keys = columns_of(rows)
    if not keys:
        return None
    cells = tuple(
        tuple(said(key, row.get(key), unit_of(row, unit)) for key in keys) for row in rows
    )
    told = tuple(row for row in cells if any(cell is not None for cell in row))
    if len(keys) == 1:
        lines = tuple(cell for row in told for cell in row if cell is not None)
        return Lines(title, lines) if lines else None
    main = next((i for i, key in enumerate(keys) if _describes(key) is not None), 0)
    return Table(title, tuple(map(humanised, keys)), told, main=main) if told else None


def columns_of(rows: Sequence[Object]) -> list[str]:
    """
    Choose the columns: one that identifies, one that describes, up to two amounts, then others.

    The others are those that most rows have, in the tenant's order. Currencies go with
    their amounts. What is the same in all rows, or counts them, says nothing.
    """
    looked_at = rows[:LOOKED_AT]
    keys = list(islice(dict.fromkeys(key for row in looked_at for key in row), MOST_KEYS))
    telling = [key for key in keys if _tells(key, looked_at)]
    describing = sorted(
        (key for key in telling if _describes(key) is not None), key=lambda k: _describes(k) or 0
    )[:1]
    naming = [k for k in telling if _last(k) in _IDENTIFIES and k not in describing][:1]
    sums = [key for key in telling if is_amount(key) and key not in (*describing, *naming)]
    amounts = sorted(sums, key=lambda key: _last(key) not in _SUMS)[:2]
    chosen = [*naming, *describing, *amounts]
    others = sorted(
        (key for key in telling if key not in chosen), key=lambda key: -_filled(key, looked_at)
    )[: COLUMNS - len(chosen)]
    # The largest sum stands last, where the eye looks for it.
    return [*naming, *describing, *(k for k in telling if k in others), *reversed(amounts)]


def _tells(key: str, rows: Sequence[Object]) -> bool:
    values = [scalar(row.get(key)) or in_one_line(row.get(key)) for row in rows]
    told = [value for value in values if value not in (None, "")]
    if not told or is_currency_field(key) or key.casefold() == "attachments":
        return False
    if len(rows) > 1 and len(told) == len(rows) and len(set(told)) == 1:
        return False
    opaque = all(isinstance(value, str) and _OPAQUE.fullmatch(value) for value in told)
    return not opaque and not (_last(key) in _POSITIONS and _counts(told))


def _counts(values: Sequence[object]) -> bool:
    numbers = [number_of(value) for value in values]
    return all(number == at for number, at in zip(numbers, count(1), strict=False))


def _filled(key: str, rows: Sequence[Object]) -> int:
    return sum(scalar(row.get(key)) is not None for row in rows)


def _describes(key: str) -> int | None:
    return _DESCRIBES.index(_last(key)) if _last(key) in _DESCRIBES else None


def _last(key: str) -> str:
    return (humanised(key).casefold().split() or [""])[-1]


def _is_number(value: Value | None) -> bool:
    if isinstance(value, str):
        return number_of(value) is not None or bool(_AMOUNT.fullmatch(value))
    return isinstance(value, Amount)


def _operation_title(name: str) -> str:
    """Return a heading for a whole operation: LINE is a word, DT1 is a code."""
    is_word = name.isalpha() and len(name) > len("HDR")
    return humanised(name.capitalize()) if is_word else _("Details")
