"""Which requests come from our own pages, and to where we lead people on."""

import re
from urllib.parse import quote

from aiohttp import web
from yarl import URL

REQUEST_ID = r"[A-Za-z0-9_-]{1,64}"
_OURS = re.compile(rf"/requests/({REQUEST_ID})(/attachments/[0-9]{{1,4}})?", re.ASCII)


def is_from_us(request: web.Request, public_url: str) -> bool:
    """
    Tell whether a form was sent by a page of ours.

    Every browser says with a POST where it comes from (Fetch, "Origin"): one that does
    not is refused. So our pages must not be told to keep quiet about it: `no-referrer`
    makes that header "null".
    """
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    said = request.headers.getall("Origin", [])
    return site == "same-origin" and said == [str(URL(public_url).origin())]


def own_path(wanted: str) -> str:
    """Return *wanted* if it is a path of ours that people may be led to, else ""."""
    return wanted if _OURS.fullmatch(wanted) else ""


def tenant_code_in(path: str) -> str:
    """Return the code of the tenant whose request a path is about, "" if it is about none."""
    found = _OURS.fullmatch(path)
    return found[1].partition("-")[0] if found else ""


def path_of(public_id: str) -> str:
    """Return the path of a request's page."""
    return f"/requests/{quote(public_id)}"
