"""What all our HTTP clients do with an answer: read no more than agreed, understand Retry-After."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")  # fractions are not legal, and sent
A_DAY = 86_400.0  # seconds; who asks for more is asked again after this


class AnswerTooLong(Exception):
    """The far side sent more than we agreed to read."""


async def read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """
    Return the body of *response*, at most *limit* bytes of it, unpacked.

    Raises:
        AnswerTooLong: There is more. The connection is closed, not drained.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            response.close()
            raise AnswerTooLong(f"more than {limit} bytes")
    return bytes(body)


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """
    Return the seconds that Retry-After asks for, or None if it asks for nothing we understand.

    It is a number of seconds or a date (RFC 9110, 10.2.3); more than a day counts as a day.
    """
    value = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(value):
        return min(float(value), A_DAY)
    try:
        at = parsedate_to_datetime(value).astimezone(UTC)
    except (ValueError, OverflowError):  # the year 9999 may lie beyond itself in UTC
        return None
    return min(max(0.0, (at - now).total_seconds()), A_DAY)
