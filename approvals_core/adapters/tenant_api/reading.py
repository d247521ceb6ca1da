"""What is made of an answer that is only read: JSON of a bounded size and depth, or why not."""

import json
from datetime import datetime
from typing import Any, cast

from approvals_core.adapters.answers import retry_after
from approvals_core.adapters.tenant_api.calls import UNAUTHORIZED, Reply
from approvals_core.arx.bounds import MOST_VALUES, too_many_values
from approvals_core.arx.reading import DEPTH, Json, too_deep
from approvals_core.ports import Fetched, FetchedKind

_LATER = {UNAUTHORIZED, 408, 425, 429}
_OK = 200


def fetched(reply: Reply, *, now: datetime) -> Fetched:
    """Return what a reply of a tenant's Summary or Details API is good for."""
    return _found(reply.body) if reply.status == _OK else failed(reply, now=now)


def failed(reply: Reply, *, now: datetime) -> Fetched:
    """Return what a reply means that is no HTTP 200."""
    status = reply.status
    reason = f"HTTP {status}"
    if status in range(400, 500) and status not in _LATER:
        return Fetched(kind=FetchedKind.REFUSED, status=status, reason=reason)
    if status in _LATER or status in range(500, 600):
        after = retry_after(reply.headers, now=now)
        return Fetched(
            kind=FetchedKind.UNAVAILABLE, status=status, reason=reason, retry_after=after
        )
    return unusable(reason, status)  # redirects are not followed; the others bring nothing


def unusable(reason: str, status: int | None = None) -> Fetched:
    """Return that there was an answer, but none that can be used."""
    return Fetched(kind=FetchedKind.UNUSABLE, status=status, reason=reason)


def _found(body: bytes) -> Fetched:
    try:
        text = body.decode("utf-8-sig")  # .NET likes to begin with a byte order mark
        if too_many_values(text):
            return unusable(f"HTTP 200, more than {MOST_VALUES} values", _OK)
        value: Any = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):  # what is no UTF-8 is a ValueError too
        return unusable("HTTP 200, no JSON", _OK)
    if not isinstance(value, dict | list):
        return unusable("HTTP 200, neither an object nor an array", _OK)
    if too_deep(cast("Json", value)):
        return unusable(f"HTTP 200, nested deeper than {DEPTH}", _OK)
    return Fetched(kind=FetchedKind.FOUND, body=text, status=_OK)


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
