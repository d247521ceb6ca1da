"""Looks at the files beside a tenant's own: its icons, and the templates of its mails."""

import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from approvals_core.adapters.small_files import read_small
from approvals_core.adapters.tenant_files.calls import table_of, text_of
from approvals_core.adapters.tenant_files.lines import Loc
from approvals_core.tenant import Icons, Tenant

SIDES = {"small": 16, "medium": 30, "large": 40}  # pixels (assent-app, TenantImage)
LARGEST_ICON = 64 * 1024  # bytes
LARGEST_TEMPLATE = 256 * 1024  # bytes

# PNG (RFC 2083, 3.1 and 4.1.1): signature, then a chunk IHDR of 13 bytes: width, height, ...
_HEAD = struct.Struct(">8sI4sII")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"IEND\xaeB`\x82"


# Looks at a template; returns what is wrong with it, each with its line.
CheckTemplate = Callable[[str], Sequence[str]]


def not_looked_at(_template: str) -> Sequence[str]:
    """Find nothing wrong with a template: for those who send no mails."""
    return ()


def wrong_beside(
    fields: Mapping[str, object], folder: Path, check: CheckTemplate
) -> Iterator[tuple[Loc, str]]:
    """Find icons and templates that are not there, or not what they should be."""
    icons = table_of(fields, "icons")
    for name, side in SIDES.items():
        if path := text_of(icons, name):
            icon = _icon(folder, path, side)
            if isinstance(icon, str):
                yield ("icons", name), icon
    templates = table_of(table_of(fields, "mail"), "templates")
    for name in templates:
        if (path := text_of(templates, name)) and (why := _wrong_template(folder, path, check)):
            yield ("mail", "templates", name), why
    folded = Counter(name.strip().casefold() for name in templates)
    for name in templates:
        if folded[name.strip().casefold()] > 1:
            yield ("mail", "templates", name), "stands there twice: capitals make no difference"


def texts_beside(tenant: Tenant, folder: Path) -> Mapping[str, str]:
    """
    Return the tenant's templates, by their names in its file. Blocking.

    Raises:
        OSError: One is not readable any more.
        UnicodeDecodeError: One is not UTF-8 any more.
    """
    paths = tenant.mail.templates.items()
    return {n: read_small(folder / path, LARGEST_TEMPLATE).decode("utf-8-sig") for n, path in paths}


def icons_beside(icons: Icons, folder: Path) -> Mapping[str, bytes | str]:
    """Return what is in the tenant's icons, by their names in its file, or why one is none. Blocking."""
    return {name: _icon(folder, getattr(icons, name), side) for name, side in SIDES.items()}


def _icon(folder: Path, path: str, side: int) -> bytes | str:
    """Return what is in the file, or why it is no icon of this side."""
    content = _content(folder, path, LARGEST_ICON)
    if isinstance(content, str):
        return content
    if len(content) < _HEAD.size or not content.endswith(_END):
        return f"{path} is no PNG"
    signature, length, chunk, width, height = _HEAD.unpack_from(content)
    if (signature, length, chunk) != (_SIGNATURE, 13, b"IHDR"):
        return f"{path} is no PNG"
    if (width, height) != (side, side):
        return f"{path} must have {side} x {side} pixels, and has {width} x {height}"
    return content


def _wrong_template(folder: Path, path: str, check: CheckTemplate) -> str:
    content = _content(folder, path, LARGEST_TEMPLATE)
    if isinstance(content, str):
        return content
    try:
        written = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return f"{path} is not UTF-8"
    if not written.strip():
        return f"{path} is empty"
    return "; ".join(f"{path}, {mistake}" for mistake in check(written))


def _content(folder: Path, path: str, largest: int) -> bytes | str:
    """Return what is in the file, or why it cannot be taken."""
    found, home = (folder / path).resolve(), folder.resolve()
    if not found.is_relative_to(home):
        return f"{path} leads out of the folder of the tenant's file: put the file itself there, no link"
    try:
        return read_small(found, largest)
    except FileNotFoundError:
        return f"{path} is not there; it is looked for beside the tenant's file"
    except OSError as problem:
        return f"{path} cannot be read: {problem.strerror}"
