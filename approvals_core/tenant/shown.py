"""What the card shows of a tenant's fields, and where."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pydantic import Field, PrivateAttr, model_validator

from approvals_core.tenant.base import Beside, Dotted, FileRecord, Text, Wrong

_COLUMNS = 4
_ICON = "/icons/{digest}.png"  # path at which one is served, see bots/page/icons.py
_ON_CARDS = "medium"


class Icons(FileRecord):
    """The tenant's icons: PNG files beside its own, square, of these sides in pixels."""

    small: Beside  # 16
    medium: Beside  # 30
    large: Beside  # 40
    _served: Mapping[str, bytes] = PrivateAttr(default_factory=dict[str, bytes])
    _paths: Mapping[str, str] = PrivateAttr(default_factory=dict[str, str])
    _url: str = PrivateAttr(default="")

    @property
    def served(self) -> Mapping[str, bytes]:
        """Return what is in those files, by its SHA-256 in hexadecimal; {} until they are read."""
        return self._served

    @property
    def paths(self) -> Mapping[str, str]:
        """Return the paths at which we serve them, by the names above; {} until they are read."""
        return self._paths

    @property
    def url(self) -> str:
        """Return the whole address of the one that cards show, "" if they show none."""
        return self._url

    def with_contents(self, contents: Mapping[str, bytes]) -> Self:
        """
        Return the same with what is in its files, by the names above.

        They are read and checked with the tenant's own, and never later. Their paths hold
        digests, so that whoever keeps one never shows an old one.
        """
        read = self.model_copy()
        digests = {name: hashlib.sha256(each).hexdigest() for name, each in contents.items()}
        read._served = {digests[name]: each for name, each in contents.items()}  # noqa: SLF001 (its own)
        read._paths = {name: _ICON.format(digest=each) for name, each in digests.items()}  # noqa: SLF001
        return read

    def served_at(self, public_url: str) -> Self:
        """Return the same for cards, which need the whole address; *public_url* is ours."""
        shown = self.model_copy()
        if path := self._paths.get(_ON_CARDS):
            shown._url = f"{public_url.rstrip('/')}{path}"  # noqa: SLF001 (its own)
        return shown


class SectionKind(StrEnum):
    """How a section shows what it is about."""

    FACTS = "facts"
    TABLE = "table"


class ShownField(FileRecord):
    """One value; *path* leads to it from where its section begins."""

    label: Text
    path: Dotted


class Section(FileRecord):
    """
    A part of the details with a heading of its own.

    *source* begins with "SummaryData" or an operation of the details ("LINE.LineItems"):
    a table's leads to a list.
    """

    title: Text
    kind: SectionKind = SectionKind.FACTS
    source: Dotted
    fields: tuple[ShownField, ...] = Field(min_length=1, max_length=20)
    rows: int = Field(default=10, ge=1, le=50)  # of a table, the rest is counted

    @model_validator(mode="after")
    def _columns_fit_a_phone(self) -> Self:
        if self.kind is SectionKind.TABLE and len(self.fields) > _COLUMNS:
            raise Wrong(f"a table has at most {_COLUMNS}: more does not fit a phone", "fields")
        return self


class Shown(FileRecord):
    """Fields of the summary or details that the card shows in a place of their own."""

    decide_by: Dotted | None = None  # path to a date in the summary, as "AdditionalData.DueDate"
    sections: tuple[Section, ...] = Field(default=(), max_length=8)
    hidden: tuple[str, ...] = ()  # operations of the details that no card shows


class Mail(FileRecord):
    """The tenant's own mails: TemplateKey, or "TemplateKey|action", -> HTML file beside its own."""

    templates: dict[str, Beside] = Field(default_factory=dict[str, Beside])
    _texts: Mapping[str, str] = PrivateAttr(default_factory=dict[str, str])

    @property
    def texts(self) -> Mapping[str, str]:
        """Return what is in those files, by the names of `templates`; {} until they are read."""
        return self._texts

    def with_texts(self, texts: Mapping[str, str]) -> Self:
        """Return the same with what is in its files: they are read with the tenant's, and never later."""
        read = self.model_copy()
        read._texts = dict(texts)  # noqa: SLF001 (its own)
        return read
