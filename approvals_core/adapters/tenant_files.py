"""The tenants' files: a folder of TOML, read at start, every mistake of every file at once."""

import re
import string
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import cast, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from approvals_core.adapters.tenant_api import PLACEHOLDERS
from approvals_core.complaints import complaint
from approvals_core.tenant import Tenant

Loc = tuple[int | str, ...]

_TABLE = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]")
_ENTRY = re.compile(r"\s*(?:\"([^\"]+)\"|'([^']+)'|([A-Za-z0-9_-]+))\s*=")

_PATHS = ("action", "summary", "attachment", "decision_status")
_UNSENDABLE = re.compile(r"[^!-~]")  # goes over the wire as it stands
_ENCODE = "only printable ASCII may stand here; percent-encode the rest"


class BadTenantFiles(Exception):
    """The tenants' files cannot be used; the message lists every mistake, one a line."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True)
class _File:
    """One file, read."""

    path: Path
    text: str
    tenant: Tenant


class TenantFiles:
    """The tenants of one folder, as they were when it was read."""

    def __init__(self, tenants: Iterable[Tenant]) -> None:
        self._all = tuple(sorted(tenants, key=lambda tenant: tenant.code))
        self._by_id = {tenant.document_type_id: tenant for tenant in self._all}
        self._by_code = {tenant.code: tenant for tenant in self._all}

    def by_id(self, document_type_id: str) -> Tenant | None:
        """Return the tenant with this DocumentTypeId, whatever its case, or None."""
        return self._by_id.get(document_type_id.strip().lower())

    def by_code(self, code: str) -> Tenant | None:
        """Return the tenant with this short code, or None."""
        return self._by_code.get(code)

    def all(self) -> Sequence[Tenant]:
        """Return all tenants, in the order of their codes."""
        return self._all


def load_tenants(folder: Path) -> TenantFiles:
    """
    Read every ``*.toml`` of *folder*. Blocking; called once, at start.

    Raises:
        BadTenantFiles: There are none, or some are wrong.
    """
    if not folder.is_dir():
        raise BadTenantFiles([f"{folder}: there is no such folder; APPROVALS_TENANTS names it"])
    mistakes: list[str] = []
    files: list[_File] = []
    for path in sorted(folder.glob("*.toml")):
        read = _read(path)
        if isinstance(read, _File):
            files.append(read)
        else:
            mistakes += read
    mistakes += _shared(files)
    if not files and not mistakes:
        mistakes.append(f"{folder}: no tenant's file (*.toml) is there")
    if mistakes:
        raise BadTenantFiles(mistakes)
    return TenantFiles(file.tenant for file in files)


def _read(path: Path) -> _File | list[str]:
    try:
        text = path.read_text("utf-8")
        fields = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        return [f"{path.name}: {_unreadable(problem)}"]
    told: dict[Loc, str] = {}
    tenant: Tenant | None = None
    try:
        tenant = Tenant.model_validate(fields)
    except ValidationError as problem:
        told = _told(problem)
    for loc, why in _wrong_in(fields.get("api")):
        told.setdefault(("api", *loc), why)
    if tenant is None or told:
        return [_mistake(path, text, loc, why) for loc, why in told.items()]
    return _File(path, text, tenant)


def _unreadable(problem: Exception) -> str:
    if isinstance(problem, tomllib.TOMLDecodeError):
        return f"is not TOML: {problem}"  # it says the line itself
    return "is not UTF-8" if isinstance(problem, UnicodeDecodeError) else str(problem)


def _told(problem: ValidationError) -> dict[Loc, str]:
    """Return one sentence for each field; pydantic has one for each branch of a union."""
    told: dict[Loc, str] = {}
    for error in problem.errors(include_input=False):
        loc = tuple(part for part in error["loc"] if "[" not in str(part))
        said = complaint(error)
        if error["type"] == "extra_forbidden":
            said = f"{said}; known are {', '.join(_known_beside(loc))}"
        told[loc] = f"{told[loc]}; {said}" if loc in told else said
    # A list whose only entry is wrong is called too short as well, which it is not.
    inside = {loc[:depth] for loc in told for depth in range(1, len(loc))}
    return {loc: said for loc, said in told.items() if loc not in inside}


def _known_beside(loc: Loc) -> Sequence[str]:
    """Return the names that may stand in the table in which *loc* stands."""
    table: type[BaseModel] = Tenant
    for part in loc[:-1]:
        if isinstance(part, str):
            table = _table_in(table.model_fields[part].annotation) or table
    return sorted(table.model_fields)


def _table_in(annotation: object) -> type[BaseModel] | None:
    """Return the table that a field holds, perhaps in a list or beside nothing."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_table_in(part) for part in get_args(annotation))
    return next((table for table in found if table is not None), None)


def _mistake(path: Path, text: str, loc: Loc, why: str) -> str:
    line = _line_of(text, loc)
    field = ".".join(str(part) for part in loc) or "the whole file"
    where = f"{path.name}:{line}" if line else path.name
    return f"{where}: {field}: {why}"


def _wrong_in(api: object) -> Iterator[tuple[Loc, str]]:
    """Find what the shape of a tenant's APIs allows and no call could be made with."""
    if not isinstance(api, dict):
        return
    written = cast("dict[str, object]", api)
    if (base := _text(written, "base_url")) and (why := _wrong_in_base(base)):
        yield ("base_url",), why
    paths: dict[Loc, str] = {(name,): _text(written, name) for name in _PATHS}
    details = written.get("details")
    if isinstance(details, dict):
        named = cast("dict[str, object]", details)
        paths |= {("details", name): _text(named, name) for name in named}
    for loc, path in paths.items():
        if path and (why := _wrong_in_path(path)):
            yield loc, why


def _text(table: Mapping[str, object], name: str) -> str:
    value = table.get(name)
    return value if isinstance(value, str) else ""


def _wrong_in_base(base_url: str) -> str:
    if _UNSENDABLE.search(base_url):
        return _ENCODE
    try:
        url = urlsplit(base_url)
        port = url.port
    except ValueError as problem:
        return str(problem)
    if url.username or url.password or url.query or url.fragment or port == 0:
        return "only scheme, host, port and path may stand here"
    if url.scheme != "https" and not _is_loopback(url.hostname or ""):
        return "https is needed: a token goes there"
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wrong_in_path(path: str) -> str:
    if _UNSENDABLE.search(path):
        return _ENCODE
    try:
        found = [name for _, name, _, _ in string.Formatter().parse(path) if name is not None]
    except ValueError as problem:
        return str(problem)
    unknown = [name for name in found if name not in PLACEHOLDERS]
    return f"{{{unknown[0]}}} is none of {', '.join(PLACEHOLDERS)}" if unknown else ""


def _shared(files: Sequence[_File]) -> list[str]:
    """Find what two files say that only one may."""
    mistakes: list[str] = []
    for field in ("code", "document_type_id"):
        first: dict[str, Path] = {}
        for file in files:
            value = str(getattr(file.tenant, field))
            other = first.setdefault(value, file.path)
            if other is not file.path:
                why = f"{value} is the one of {other.name} too"
                mistakes.append(_mistake(file.path, file.text, (field,), why))
    return mistakes


def _line_of(text: str, loc: Loc) -> int | None:
    """Return the line where a field is written, or the nearest table around it; None if unknown."""
    best: tuple[int, int] | None = None
    for line, written in _written(text):
        shared = len(written)
        if written == loc[:shared] and (best is None or shared > best[0]):
            best = (shared, line)
    return best[1] if best else None


def _written(text: str) -> Iterator[tuple[int, Loc]]:
    """Yield each line that opens a table or writes an entry, with the path it stands for."""
    table: Loc = ()
    counts: dict[Loc, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if opened := _TABLE.match(line):
            table = tuple(part.strip().strip("\"'") for part in opened[2].split("."))
            if opened[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            yield number, table
        elif entry := _ENTRY.match(line):
            yield number, (*table, next(name for name in entry.groups() if name))
