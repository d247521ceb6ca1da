"""One file as a download: named safely, of a type that its bytes show, and shut away from everything."""

import asyncio
import logging
import re
from collections.abc import Coroutine
from typing import Any, TypeVar
from urllib.parse import quote

from aiohttp import web

from approvals_core.ports import FetchedFile
from cards import text

log = logging.getLogger(__name__)

_T = TypeVar("_T")

LOOKS_EVERY = 1.0  # seconds: so long a turn may be held for somebody who has gone
GRACE = 20.0  # seconds for any file to be taken
SLOWEST = 262_144  # bytes a second beyond that: whoever is slower keeps others waiting
ANY = "application/octet-stream"

HEADERS = {
    # Whatever opens it all the same: it runs nothing, and is of no origin.
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# By their first bytes (IANA media types; the formats' own specifications).
_BEGINNINGS = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_OFFICE = "application/vnd.openxmlformats-officedocument"
_ZIPPED = {  # ISO/IEC 29500: all of them are ZIP files, told apart by name
    ".docx": f"{_OFFICE}.wordprocessingml.document",
    ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
    ".zip": "application/zip",
}
_ZIP = b"PK\x03\x04"
_WRITTEN = {".txt": "text/plain", ".csv": "text/csv"}
_UNSAFE = re.compile(r'[\\/:*?"<>|%;\x00-\x1f\x7f]')
_NO_NAME = "attachment"


def download(name: str, given: FetchedFile) -> web.Response:
    """Return the answer that saves a file under the *name* that the tenant gave it."""
    shown = safe_name(name)
    return web.Response(
        body=given.body,
        headers={
            **HEADERS,
            "Content-Type": type_of(shown, given.body),
            "Content-Disposition": disposition(shown),
        },
    )


class HungUp(Exception):
    """The one who asked has gone; nobody reads an answer."""


async def while_there(
    request: web.Request, working: Coroutine[Any, Any, _T], *, every: float = LOOKS_EVERY
) -> _T:
    """
    Do something for as long as the client is there; looked at *every* so many seconds.

    aiohttp lets a handler go on when its client hangs up, as decisions need it, and tells
    nobody: only the transport is gone.

    Raises:
        HungUp: He is not there any more; *working* was cancelled.
    """
    task = asyncio.create_task(working)
    try:
        while not task.done():
            if request.transport is None:
                raise HungUp
            await asyncio.wait({task}, timeout=every)
        return await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def written(
    request: web.Request,
    answer: web.Response,
    *,
    grace: float = GRACE,
    slowest: float = SLOWEST,
) -> web.Response:
    """
    Return the *answer* once its body has left us; the connection of who is too slow is cut.

    He has *grace* seconds, and one more for every *slowest* bytes. Until then the body is in memory.
    """
    body = answer.body
    size = len(body) if isinstance(body, bytes) else 0
    try:
        async with asyncio.timeout(grace + size / slowest):
            await answer.prepare(request)
            await answer.write_eof()
    except ConnectionError:  # he hung up
        pass
    except TimeoutError:
        log.warning("download_too_slow", extra={"path": request.path, "bytes": size})
        if request.transport is not None:
            request.transport.abort()
    answer.body = None  # what follows writes nothing any more
    return answer


def safe_name(name: str) -> str:
    """Return a name that is a name on every system: no path, no stream, nothing hidden."""
    calm = _UNSAFE.sub("_", text.file_name(name)).strip(" .")
    return calm or _NO_NAME


def disposition(name: str) -> str:
    """Write Content-Disposition for a download (RFC 6266; the second form is RFC 8187's)."""
    plain = "".join(letter if letter.isascii() else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def type_of(name: str, body: bytes) -> str:
    """Return the type that bytes and name agree on, of the few that we know; else that it is any."""
    for begins, kind in _BEGINNINGS:
        if body.startswith(begins):
            return kind
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    if body.startswith(_ZIP):
        return _ZIPPED.get(ending, ANY)
    return f"{_WRITTEN[ending]}; charset=utf-8" if ending in _WRITTEN and _is_text(body) else ANY


def _is_text(body: bytes) -> bool:
    try:
        return "\x00" not in body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
