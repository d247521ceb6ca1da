"""What is made of a tenant's answer that should be a file: its bytes, or why there are none."""

from datetime import datetime

from approvals_core.adapters.tenant_api.calls import Reply
from approvals_core.adapters.tenant_api.reading import failed
from approvals_core.models import Attachment
from approvals_core.ports import Fetched, FetchedFile, FetchedKind

_OK = 200
_PAGES = ("text/html", "application/xhtml+xml")
_NAMED_AS_PAGE = (".html", ".htm", ".xhtml", ".mht")
_TYPE = 100  # characters of a media type; longer ones are none


def fetched_file(reply: Reply, attachment: Attachment, *, now: datetime) -> FetchedFile:
    """
    Return the file, or what the reply is instead.

    A page where no page was asked for is how sign-in pages and gateways say no with HTTP 200.
    """
    if reply.status != _OK:
        return as_file(failed(reply, now=now))
    kind = _media_type(reply)
    if not reply.body:
        return _unusable("HTTP 200, an empty file")
    if kind in _PAGES and not attachment.name.strip().lower().endswith(_NAMED_AS_PAGE):
        return _unusable("HTTP 200, a page of HTML instead of the file")
    return FetchedFile(
        kind=FetchedKind.FOUND, body=reply.body, content_type=kind, status=reply.status
    )


def as_file(read: Fetched) -> FetchedFile:
    """Return what came to nothing, as the answer to who wanted a file."""
    return FetchedFile(
        kind=read.kind, status=read.status, reason=read.reason, retry_after=read.retry_after
    )


def _unusable(reason: str) -> FetchedFile:
    return FetchedFile(kind=FetchedKind.UNUSABLE, status=_OK, reason=reason)


def _media_type(reply: Reply) -> str:
    kind = reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind if len(kind) <= _TYPE else ""
