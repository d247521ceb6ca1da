"""Looks at what a tenant's file says of its APIs: could a call be made with it?"""

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

from approvals_core.adapters.tenant_files.lines import Loc
from approvals_core.adapters.tenant_files.microsofts import is_microsofts

COMMON = ("DocumentNumber", "DisplayDocumentNumber", "FiscalYear", "DocumentTypeId")
# What each path may be filled with; those of the details with what is common.
PLACEHOLDERS: Mapping[str, Sequence[str]] = {
    "action": COMMON,
    "summary": COMMON,
    "attachment": (*COMMON, "AttachmentId"),
    "decision_status": (*COMMON, "DecisionId"),
}
_NEEDED = {"attachment": "AttachmentId"}  # else all files would be one

_UNSENDABLE = re.compile(r"[^!-~]")  # goes over the wire as it stands
_ENCODE = "only printable ASCII may stand here; percent-encode the rest"


def wrong_in_calls(fields: Mapping[str, object]) -> Iterator[tuple[Loc, str]]:
    """Find what the shape of a tenant's APIs allows and no call could be made with."""
    api = table_of(fields, "api")
    if (base := text_of(api, "base_url")) and (why := _wrong_in_base(base)):
        yield ("api", "base_url"), why
    if "resource" in api and (why := _wrong_in_resource(text_of(api, "resource"))):
        yield ("api", "resource"), why
    for name, known in PLACEHOLDERS.items():
        if (path := text_of(api, name)) and (why := _wrong_in_path(path, known, _NEEDED.get(name))):
            yield ("api", name), why
    details = table_of(api, "details")
    for name in details:
        if (path := text_of(details, name)) and (why := _wrong_in_path(path, COMMON, None)):
            yield ("api", "details", name), why


def table_of(fields: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return the table *name*; an empty one if there is none, or something else."""
    value = fields.get(name)
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def text_of(fields: Mapping[str, object], name: str) -> str:
    """Return the text *name*; "" if there is none, or something else."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _wrong_in_resource(resource: str) -> str:
    if not resource.strip():
        return "may not be empty"
    if is_microsofts(resource):
        return (
            "is Microsoft's own: the token for it would reach the tenant's host;"
            " write the App ID URI of the tenant's API"
        )
    return ""


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


def _wrong_in_path(path: str, known: Sequence[str], needed: str | None) -> str:
    if _UNSENDABLE.search(path):
        return _ENCODE
    try:
        found = [name for _, name, _, _ in string.Formatter().parse(path) if name is not None]
    except ValueError as problem:
        return str(problem)
    unknown = [name for name in found if name not in known]
    if unknown:
        return f"{{{unknown[0]}}} is none of {', '.join(known)}"
    return f"{{{needed}}} must stand in it" if needed and needed not in found else ""
