"""Our public address in a browser: it says what this is, and nothing of anybody."""

import aiohttp
import pytest

from bots.page.pages import HEADERS
from tests.outside import authority, playground
from tests.page_visits import Page
from tests.running import Running, running

__all__ = ["authority", "playground", "running"]


async def seen(running: Running, method: str = "GET", path: str = "/") -> Page:
    url = f"{running.playground.teams.bot}{path}"
    async with aiohttp.ClientSession() as http, http.request(method, url) as response:
        return Page(response.status, response.headers, response.url, await response.read())


async def test_whoever_types_our_address_is_told_what_this_is_and_where_to_go(
    running: Running,
) -> None:
    page = await seen(running)

    assert page.status == 200
    assert page.title == "Approvals · Company Approvals"
    assert "What waits for you comes as a chat in Teams or as a mail." in page.text
    assert "Test installation: not for real decisions." in page.text


async def test_it_tells_nothing_of_tenants_people_or_requests(running: Running) -> None:
    before = await seen(running)
    await running.send("wiki-create")
    await running.asked("johndoe1")

    after = await seen(running)

    assert after.body == before.body
    for tenant in running.house.tenants.all():
        assert tenant.name not in after.text
    assert after.links == ["#main"]
    assert "Set-Cookie" not in after.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_it_may_do_as_little_as_every_page_of_ours(running: Running, method: str) -> None:
    page = await seen(running, method)

    assert page.status == 200
    assert {name: page.headers[name] for name in HEADERS} == HEADERS


async def test_nothing_can_be_posted_there_and_other_addresses_stay_unknown(
    running: Running,
) -> None:
    assert (await seen(running, "POST")).status == 405
    assert (await seen(running, path="/nowhere")).status == 404
