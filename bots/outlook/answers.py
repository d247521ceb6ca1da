"""What Outlook is answered: a card that takes the mail's place, or one line that says what was wrong."""

import re
from collections.abc import Mapping

import orjson
from aiohttp import web

from bots.web import refused

MOST_IN_LINE = 200  # characters

_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]+")


def answered(card: Mapping[str, object]) -> web.Response:
    """
    Return *card*, which Outlook puts in the place of the one that it has.

    Without that header it ignores the body (outlook-dev-docs, adaptive-card.md,
    "Refresh cards").
    """
    return web.Response(
        body=orjson.dumps(card),
        content_type="application/json",
        headers={"CARD-UPDATE-IN-BODY": "true", "Cache-Control": "no-store"},
    )


def failed(status: int, said: str) -> web.HTTPException:
    """
    Return what to raise so that Outlook leaves its card alone and shows *said* beneath it.

    *said* names nobody and no time, as Outlook wants it (adaptive-card.md, "Reporting an
    action's success or failure").
    """
    return refused(status, said, headers={"CARD-ACTION-STATUS": status_line(said)})


def status_line(text: str) -> str:
    """Return *text* as it may stand in a header: one line of printable ASCII, of 200 characters."""
    return _NOT_PRINTABLE.sub(" ", text).strip()[:MOST_IN_LINE]
