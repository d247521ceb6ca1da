"""Reads the folder: each file by itself, then what two of them may not share."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from approvals_core.adapters.conditions import compiler
from approvals_core.adapters.referenced import References
from approvals_core.adapters.small_files import read_small
from approvals_core.adapters.tenant_files.beside import (
    CheckTemplate,
    icons_beside,
    not_looked_at,
    texts_beside,
    wrong_beside,
)
from approvals_core.adapters.tenant_files.calls import wrong_in_calls
from approvals_core.adapters.tenant_files.lines import Loc
from approvals_core.adapters.tenant_files.mistakes import Mistake, at_field, in_order
from approvals_core.adapters.tenant_files.sign_in import wrong_in_sign_in
from approvals_core.adapters.tenant_files.told import told
from approvals_core.errors import BadTenantFiles
from approvals_core.onboarded import Onboarded
from approvals_core.tenant import Tenant
from approvals_core.tenant.conditions import CEL

LARGEST = 1_048_576  # bytes of one file
ALONE = ("code", "document_type_id")  # what no two files may share

Fields = Mapping[str, object]


@dataclass(frozen=True)
class _File:
    """One file, read."""

    path: Path
    text: str
    tenant: Tenant


class Intact(NamedTuple):
    """The tenants of the files without mistakes, by the files' names, and the names of the others."""

    files: Mapping[str, Tenant]
    broken: Sequence[str]


def load_tenants(
    folder: Path,
    references: References | None = None,
    *,
    check: CheckTemplate = not_looked_at,
) -> Onboarded:
    """
    Return what `read_tenants` does, to be looked up in.

    Raises:
        BadTenantFiles: There are none, or some are wrong.
    """
    return Onboarded(read_tenants(folder, references, check=check))


def read_tenants(
    folder: Path,
    references: References | None = None,
    *,
    check: CheckTemplate = not_looked_at,
) -> Mapping[str, Tenant]:
    """
    Read every ``*.toml`` of *folder*; return the tenants by the names of their files. Blocking.

    *references* reads the secrets that they refer to; None: whether those are there is
    not looked at. *check* looks at the templates of mails: what may stand in them is known
    where the mails are made.

    Raises:
        BadTenantFiles: There are none, or some are wrong.
    """
    read = _read_all(folder, references, check)
    files = [each for each in read.values() if isinstance(each, _File)]
    mistakes = [why for each in read.values() if not isinstance(each, _File) for why in each]
    mistakes += _shared(files)
    if mistakes:
        raise BadTenantFiles([_inert(str(mistake)) for mistake in in_order(mistakes)])
    return {file.path.name: file.tenant for file in files}


def read_intact(folder: Path, *, check: CheckTemplate = not_looked_at) -> Intact:
    """
    Read every ``*.toml`` of *folder*, and leave out what has mistakes. Blocking.

    Of two that share what only one may have, both are left out: nobody knows which is right.

    Raises:
        BadTenantFiles: There is no folder, or no file in it.
    """
    read = _read_all(folder, None, check)
    files = {name: each.tenant for name, each in read.items() if isinstance(each, _File)}
    taken = Counter(own for tenant in files.values() for own in _alone(tenant))
    intact = {
        name: tenant
        for name, tenant in files.items()
        if all(taken[own] == 1 for own in _alone(tenant))
    }
    return Intact(intact, [name for name in read if name not in intact])


def _read_all(
    folder: Path, references: References | None, check: CheckTemplate
) -> Mapping[str, _File | list[Mistake]]:
    """Return each file, or what is wrong in it, by the files' names."""
    if not folder.is_dir():
        raise BadTenantFiles([f"{folder}: there is no such folder; APPROVALS_TENANTS names it"])
    compiling = {CEL: compiler()}
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise BadTenantFiles([_inert(f"{folder}: no tenant's file (*.toml) is there")])
    return {path.name: _read(path, references, check, compiling) for path in paths}


def _alone(tenant: Tenant) -> Iterator[tuple[str, str]]:
    return ((field, str(getattr(tenant, field))) for field in ALONE)


def _read(
    path: Path,
    references: References | None,
    check: CheckTemplate,
    compiling: Mapping[str, object],
) -> _File | list[Mistake]:
    try:
        text = read_small(path, LARGEST).decode("utf-8")
        fields = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as problem:
        return [Mistake(path.name, None, None, _unreadable(problem))]
    found: dict[Loc, str] = {}
    tenant: Tenant | None = None
    try:
        tenant = Tenant.model_validate(fields, context=dict(compiling))
    except ValidationError as problem:
        found = told(problem)
    for loc, why in _wrong(fields, path.parent, references, check):
        if not any(_overlap(loc, known) for known in found):
            found[loc] = why
    if tenant is None or found:
        return [at_field(path.name, text, loc, why) for loc, why in found.items()]
    with_icons = _with_icons(path, text, tenant)
    if isinstance(with_icons, list):
        return with_icons
    return _with_templates(path, text, with_icons)


def _with_icons(path: Path, text: str, tenant: Tenant) -> Tenant | list[Mistake]:
    """Take what is in its icons up with the tenant: what was checked is what is shown."""
    if tenant.icons is None:
        return tenant
    found = icons_beside(tenant.icons, path.parent)
    contents = {name: each for name, each in found.items() if isinstance(each, bytes)}
    if len(contents) < len(found):  # changed since we looked at them
        wrong = ((name, why) for name, why in found.items() if isinstance(why, str))
        return [at_field(path.name, text, ("icons", name), why) for name, why in wrong]
    return tenant.model_copy(update={"icons": tenant.icons.with_contents(contents)})


def _with_templates(path: Path, text: str, tenant: Tenant) -> _File | list[Mistake]:
    """Take what is in its templates up with the tenant, so that a reload takes up both or none."""
    if not tenant.mail.templates:
        return _File(path, text, tenant)
    try:
        texts = texts_beside(tenant, path.parent)
    except (OSError, UnicodeDecodeError) as problem:  # changed since we looked at them
        return [at_field(path.name, text, ("mail", "templates"), _unreadable(problem))]
    mail = tenant.mail.with_texts(texts)
    return _File(path, text, tenant.model_copy(update={"mail": mail}))


def _wrong(
    fields: Fields, folder: Path, references: References | None, check: CheckTemplate
) -> Iterator[tuple[Loc, str]]:
    """Find what the shapes allow and nobody could work with."""
    yield from wrong_in_calls(fields)
    yield from wrong_in_sign_in(fields, references)
    yield from wrong_beside(fields, folder, check)


def _overlap(loc: Loc, known: Loc) -> bool:
    """Tell whether something is told of the field already, or of what is around it."""
    return loc[: len(known)] == known and bool(known)


def _unreadable(problem: Exception) -> str:
    if isinstance(problem, tomllib.TOMLDecodeError):
        return f"is not TOML: {problem}"  # it says the line itself
    if isinstance(problem, UnicodeDecodeError):
        return "is not UTF-8"
    if isinstance(problem, RecursionError):
        return "is nested too deep: take out brackets or braces"
    if isinstance(problem, ValueError):  # Python's bound (sys.int_info.default_max_str_digits)
        return "has a whole number with too many digits"
    why = problem.strerror if isinstance(problem, OSError) else None
    return f"cannot be read: {why or problem}"


def _inert(mistake: str) -> str:
    """Return a mistake with what would play with a terminal made visible: keys may hold anything."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in mistake
    )


def _shared(files: Sequence[_File]) -> list[Mistake]:
    """Find what two files say that only one may."""
    mistakes: list[Mistake] = []
    for field in ALONE:
        first: dict[str, Path] = {}
        for file in files:
            value = str(getattr(file.tenant, field))
            other = first.setdefault(value, file.path)
            if other is not file.path:
                why = f"{value} is the one of {other.name} too"
                mistakes.append(at_field(file.path.name, file.text, (field,), why))
    return mistakes
