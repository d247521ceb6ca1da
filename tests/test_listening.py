"""How the service listens: what its answers do not say, and what it says where it cannot."""

import asyncio
import socket

import aiohttp
import pytest
from aiohttp import web

from house.serving import served
from tests.ports import free_port


async def _hello(_request: web.Request) -> web.Response:
    return web.Response(text="hello")


def an_app() -> web.Application:
    app = web.Application()
    app.router.add_get("/", _hello)
    return app


@pytest.mark.parametrize("path", ["/", "/nowhere"])
async def test_no_answer_says_which_versions_we_run(path: str) -> None:
    port = free_port()

    async with (
        served(an_app(), "127.0.0.1", port, drain=1.0),
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        headers = answer.headers

    assert "Server" not in headers
    assert "Content-Type" in headers


async def test_a_port_that_is_taken_is_told_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(OSError, match=f"127.0.0.1:{port} is taken .* set APPROVALS_PORT"):
            async with asyncio.timeout(30), served(an_app(), "127.0.0.1", port, drain=1.0):
                pass


async def test_an_address_of_another_machine_is_told_with_its_setting() -> None:
    with pytest.raises(OSError, match="set METRICS_PORT and METRICS_HOST"):
        async with served(an_app(), "192.0.2.1", 1, drain=1.0, setting="METRICS_PORT"):
            pass
