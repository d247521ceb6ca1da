"""What a request of the page is about: the approval in its path, and the click in its form."""

import re
from collections.abc import Mapping

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from approvals_core.errors import UnknownApproval
from approvals_core.models import Attachment
from approvals_core.ports import View
from approvals_core.rules.deciding import Click
from bots.page.origins import REQUEST_ID
from cards import text
from cards.approval.content import shown
from cards.buttons import read_card_key, read_comment, read_entries
from cards.language import _

_ID = re.compile(REQUEST_ID, re.ASCII)


class _Sent(BaseModel):
    """What a form's hidden fields carry (see `cards.buttons`), and which button was pressed."""

    model_config = ConfigDict(frozen=True)

    k: str
    r: int = Field(ge=0, le=10**9)
    v: int = Field(ge=0, le=10**9)
    t: int = Field(ge=0, le=10**9)
    a: str = Field(min_length=1, max_length=160)


def public_id_in(request: web.Request) -> str:
    """
    Return the public id in the path.

    Raises:
        UnknownApproval: It is none.
    """
    found = request.match_info["public_id"]
    if not _ID.fullmatch(found):
        raise UnknownApproval(_("This request is not available to you."))
    return found


def title_of(view: View) -> str:
    """Return what the browser calls the page."""
    content = view.approval.content
    number = text.one_line(view.approval.display_number, text.FACT_NAME)
    title = text.one_line(content.title, text.TITLE) if content else ""
    return f"{title} ({number})" if title else number


def files_of(view: View) -> tuple[Attachment, ...]:
    """Return the files of a request, in the order in which they are numbered from 1."""
    return shown(view).attachments


def click_in(public_id: str, form: Mapping[str, str]) -> Click | None:
    """Return the click that a form of this request's page sends; None: we made no such form."""
    try:
        sent = _Sent.model_validate(dict(form))
    except ValidationError:
        return None
    address = read_card_key(sent.k)
    if address is None or address[0] != public_id:
        return None
    return Click(
        seat=address[1],
        round=sent.r,
        revision=sent.v,
        attempt=sent.t,
        action=sent.a,
        comment=read_comment(form, sent.a),
        entries=read_entries(form, sent.a),
        channel="page",
    )
