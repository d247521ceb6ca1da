"""Which field of the request fills what on the card. Texts are still raw here."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import chain
from types import MappingProxyType

from approvals_core.models import Approval, Attachment, Content
from approvals_core.ports import View
from approvals_core.tenant import Tenant
from cards.approval.items import Items, find_items, first
from cards.approval.sections import (
    Fact,
    Group,
    Section,
    by_shape,
    mapped,
    operations_of,
    values_of,
)
from cards.approval.values import (
    Amount,
    Object,
    Value,
    as_list,
    as_object,
    follow,
    read,
    said,
    scalar,
    unit_of,
)
from cards.formats import humanised, is_midnight, money, number_of, time_as_sent
from cards.language import _
from cards.text import clean
from cards.viewer import Viewer

MOST_FACTS = 8
NOTHING: Object = MappingProxyType({})

_AMOUNT_WORDS = ("amount", "total", "value", "price", "sum")
_LONG_TEXT = 6  # characters from which two equal texts are no accident
_MOST_FIELDS = 60  # of one request: more are in the tenant's system
MOST_FILES = 200  # of one operation; more are counted


@dataclass(frozen=True)
class Shown:
    """Everything the tenant sent that the card shows."""

    content: Content
    decide_by: datetime | None
    facts: tuple[Fact, ...]
    items: Items
    attachments: tuple[Attachment, ...]
    mapped: tuple[Section, ...] = ()  # as the tenant's file says
    sections: tuple[Section, ...] = ()  # all else of the details, by its shape
    beyond: int = 0  # parts of the details that are no sections any more
    further_files: int = 0  # beside the attachments

    @cached_property
    def has_times(self) -> bool:
        """Tell whether its facts and sections read differently in another time zone."""
        facts, sections = Group("", self.facts), (*self.mapped, *self.sections)
        told = chain.from_iterable(map(values_of, (facts, *sections)))
        return not all(is_midnight(value) for value in told if isinstance(value, datetime))


def shown(view: View) -> Shown:
    """Pick from the summary and the details what the card shows."""
    content, tenant = view.approval.content or Content(), view.tenant
    details = parsed(view.details)
    elsewhere = operations_of(tenant.shown)
    generic = {name: value for name, value in details.items() if name.upper() not in elsewhere}
    found = find_items(content, generic)
    decide_by = decide_by_of(tenant, content, details)
    own = mapped(tenant.shown, content, details)
    known = _known(view.approval, content, found.items, decide_by) | _mapped_values(own)
    facts = _facts(content, generic, known)
    rest = [Group(_("More details"), facts[MOST_FACTS:])] if len(facts) > MOST_FACTS else []
    others = by_shape(generic, content.unit_of_measure, found.parts)
    files, further = _attachments(content, details)
    return Shown(
        content,
        decide_by,
        facts[:MOST_FACTS],
        found.items,
        files,
        mapped=own,
        sections=(*rest, *others.sections),
        beyond=others.beyond,
        further_files=further,
    )


def submitter_of(content: Content) -> str:
    """Return the name of who asks, or his alias, or ""."""
    return clean(content.submitter.name) or clean(content.submitter.alias)


def total_of(content: Content, viewer: Viewer) -> str:
    """Return what it is all about, as money where it is money, or ""."""
    if not clean(content.unit_value):
        return ""
    return money(content.unit_value, content.unit_of_measure, viewer.locale)


def parsed(details: Mapping[str, str]) -> dict[str, object]:
    """Return the details that are JSON; the others are left out, the card comes without them."""
    found = ((operation, read(text)) for operation, text in details.items())
    return {operation: value for operation, value in found if value is not None}


def _facts(content: Content, details: Object, known: set[object]) -> tuple[Fact, ...]:
    found: list[Fact] = []
    for key, value, unit in _fields(content, details):
        name = humanised(key)
        told = None if scalar(value) is None else said(key, value, unit)
        if told is None or not name or _is_known(name, told, known):
            continue
        found.append(Fact(name, told))
        known |= {name.casefold(), _same(told)} if _is_telling(told) else {name.casefold()}
        if len(found) == _MOST_FIELDS:
            break
    return tuple(found)


def _fields(content: Content, details: Object) -> Iterator[tuple[str, object, str]]:
    """Go through the plain fields, each with the currency that it would be in."""
    if content.custom_attribute is not None:
        yield (*content.custom_attribute, "")
    yield "CompanyCode", content.company_code, ""
    unit = unit_of({}, content.unit_of_measure)
    yield from ((key, value, unit) for key, value in content.additional.items())
    for operation in details.values():
        fields = as_object(operation) or {}
        unit = unit_of(fields, content.unit_of_measure)
        yield from ((key, value, unit) for key, value in fields.items())


def _mapped_values(found: Iterable[Section]) -> set[object]:
    """Return the names and values that sections of the tenant's own show already."""
    facts = [fact for section in found if isinstance(section, Group) for fact in section.facts]
    values = {_same(fact.value) for fact in facts if _is_telling(fact.value)}
    return values | {fact.name.casefold() for fact in facts}


def _known(
    approval: Approval, content: Content, items: Items, decide_by: datetime | None
) -> set[object]:
    """Return what the card already shows elsewhere, in the form of `_same`."""
    people = [
        content.submitter,
        *(named for level in content.hierarchy for named in level.approvers),
    ]
    texts = [
        *(approval.display_number, approval.key.number),
        *(content.title, content.notes, content.unit_of_measure, content.detail_page_url),
        *(text for named in people for text in (named.alias, named.name)),
        *(text for place in approval.places for text in (place.alias, place.name)),
    ]
    told = [scalar(text) for text in (*texts, content.unit_value, content.submitted, items.total)]
    return {_same(value) for value in [*told, decide_by] if value is not None}


def _same(value: Value) -> object:
    """Return what two ways of writing the same value have in common."""
    if isinstance(value, bool):
        return ("truth", value)  # never what a number is
    if isinstance(value, Amount):
        return number_of(value.number)
    if not isinstance(value, str):
        return value
    number = number_of(value)
    return value.casefold() if number is None else number


def _is_known(name: str, value: Value, known: set[object]) -> bool:
    folded, same = name.casefold(), _same(value)
    # A number of seats may happen to be the total; an amount that is the total is shown already.
    is_count = isinstance(same, Decimal) and not any(word in folded for word in _AMOUNT_WORDS)
    return folded in known or (same in known and not is_count)


def _is_telling(value: Value) -> bool:
    # Two facts may both be "Yes" or 10; the same long text twice says nothing new.
    return isinstance(value, str) and number_of(value) is None and len(value) >= _LONG_TEXT


def decide_by_of(tenant: Tenant, content: Content, details: Object = NOTHING) -> datetime | None:
    """Return by when to decide, as the tenant's file says where that stands; None if nowhere there."""
    path = tenant.shown.decide_by
    return _at(path, content, details) if path else None


def _at(path: str, content: Content, details: Object) -> datetime | None:
    """Follow a dotted path into AdditionalData or a details operation, to a date."""
    value = follow({**details, "AdditionalData": content.additional}, path.split("."))
    return time_as_sent(value) if isinstance(value, str) else None


def _attachments(content: Content, details: Object) -> tuple[tuple[Attachment, ...], int]:
    """Return the files of the summary, those that only the details name, and how many more."""
    found, further = list(content.attachments), 0
    seen = {(file.id, file.name) for file in found}
    for operation in details.values():
        entries = as_list(follow(operation, ("Attachments",))) or ()
        further += max(0, len(entries) - MOST_FILES)
        for entry in entries[:MOST_FILES]:
            file = _attachment(as_object(entry) or {})
            if (file.name or file.id) and (file.id, file.name) not in seen:
                seen.add((file.id, file.name))
                found.append(file)
    return tuple(found), further


def _attachment(fields: Object) -> Attachment:
    size = number_of(first(fields, ("size", "filesize")))
    return Attachment(
        id=first(fields, ("id",)),
        name=first(fields, ("name",)),
        url=first(fields, ("url",)),
        size=int(size) if size is not None and size >= 0 else None,
    )
