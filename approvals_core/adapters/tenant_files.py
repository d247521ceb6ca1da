"""The tenants' files: a folder of TOML, read at start, every mistake of every file at once."""

import re
import string
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from approvals_core.adapters.tenant_api import PLACEHOLDERS
from approvals_core.tenant import Api, Tenant

Loc = tuple[int | str, ...]

_TABLE = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]")
_ENTRY = re.compile(r"\s*(?:\"([^\"]+)\"|'([^']+)'|([A-Za-z0-9_-]+))\s*=")

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
        return [f"{path.name}: {problem}"]  # tomllib says the line itself
    try:
        tenant = Tenant.model_validate(fields)
    except ValidationError as problem:
        return [_mistake(path, text, loc, why) for loc, why in _told(problem).items()]
    wrong = [_mistake(path, text, ("api", *loc), why) for loc, why in _wrong_in(tenant.api)]
    return wrong or _File(path, text, tenant)


def _told(problem: ValidationError) -> dict[Loc, str]:
    """Return one sentence for each field; pydantic has one for each branch of a union."""
    told: dict[Loc, str] = {}
    for error in problem.errors():
        loc = tuple(part for part in error["loc"] if "[" not in str(part))
        told[loc] = f"{told[loc]}; {error['msg']}" if loc in told else error["msg"]
    return told


def _mistake(path: Path, text: str, loc: Loc, why: str) -> str:
    line = _line_of(text, loc)
    field = ".".join(str(part) for part in loc) or "the whole file"
    where = f"{path.name}:{line}" if line else path.name
    return f"{where}: {field}: {why.removeprefix('Value error, ')}"


def _wrong_in(api: Api) -> Iterator[tuple[Loc, str]]:
    """Find what the shape of a tenant's APIs allows and no call could be made with."""
    if why := _wrong_in_base(api.base_url):
        yield ("base_url",), why
    single = {
        "action": api.action,
        "summary": api.summary,
        "attachment": api.attachment,
        "decision_status": api.decision_status,
    }
    paths: dict[Loc, str | None] = {(name,): path for name, path in single.items()}
    paths |= {("details", name): path for name, path in api.details.items()}
    for loc, path in paths.items():
        if path and (why := _wrong_in_path(path)):
            yield loc, why


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
