"""What a form of ours sends, read as what anybody may send."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from bots.web import read_body, refused

LIMIT = 1_048_576  # bytes: ten inputs of 4000 characters, of twelve bytes each when encoded
SHOWN_AGAIN = 65_536  # bytes of a form of nobody: one comment, to be shown again
_FIELDS = 200


async def read_form(request: web.Request, *, limit: int = LIMIT) -> Mapping[str, str]:
    """
    Return the fields of a form, of several with one name the first; answer 400, 408, 413 or 415.

    At most *limit* bytes, each character not of ASCII taking up to twelve.
    Line breaks are single characters, whatever the browser made of them.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise refused(415, "Send the form as a browser does.")
    body = await read_body(request, limit=limit)
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_FIELDS,
        )
    except ValueError:  # UnicodeDecodeError is one too
        raise refused(400, "The form cannot be read.") from None
    return {name: value.replace("\r\n", "\n") for name, value in reversed(fields)}


async def typed_by_nobody(request: web.Request) -> Mapping[str, str]:
    """Return what came from somebody who is not signed in; nothing of what is no form or too long."""
    try:
        return await read_form(request, limit=SHOWN_AGAIN)
    except web.HTTPException:
        return {}
