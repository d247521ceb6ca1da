"""Bodies that do not arrive as they should."""

import asyncio

import pytest
from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request

from bots.web import read_body


@pytest.mark.parametrize("gone", [ConnectionResetError(), web.RequestPayloadError("cut off")])
async def test_a_caller_who_goes_away_within_a_body_is_no_failure_of_ours(gone: Exception) -> None:
    content = StreamReader(BaseProtocol(asyncio.get_running_loop()), limit=1024)
    content.feed_data(b"half of")
    content.set_exception(gone)
    request = make_mocked_request("POST", "/", payload=content)

    with pytest.raises(web.HTTPException) as refused:
        await read_body(request, limit=1024)

    assert refused.value.status == 400
