"""The tenants' icons as anybody fetches them, through the whole service."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bots.page.icons import HEADERS
from playground.outside import Playground
from tests.card_schema import walk
from tests.page_visits import paged, path_of, visiting
from tests.running import Running

ICONS = Path(__file__).parent.parent / "playground" / "tenants" / "icons"


@pytest.fixture
async def service(playground: Playground, tmp_path: Path) -> AsyncIterator[Running]:
    async with paged(playground, tmp_path) as running:
        yield running


async def draw(service: Running, folder: Path, icon: str) -> None:
    """Let the file of the tenant that asks name this icon in three sizes, and take it up."""
    file = folder / "tenants" / "purchasing.toml"
    kept = file.read_text(encoding="utf-8").partition("[icons]")[0]
    sides = {"small": 16, "medium": 30, "large": 40}
    named = "".join(f'{name} = "icons/{icon}-{side}.png"\n' for name, side in sides.items())
    file.write_text(f"{kept}[icons]\n{named}", encoding="utf-8")
    await service.house.onboarding.reload()
    assert service.house.onboarding.refused == ()


async def shown_to(service: Running, alias: str, before: str = "") -> str:
    """Wait for the address of the icon on somebody's card, another one than *before*."""

    def look() -> str | None:
        message = service.card_of(alias)
        pieces = walk((message.card or {}).get("body")) if message else ()
        images = [str(piece["url"]) for _at, piece in pieces if piece.get("type") == "Image"]
        return images[0] if images and images != [before] else None

    return await service.until(look)


async def fetched(
    service: Running, url: str, method: str = "GET"
) -> tuple[aiohttp.ClientResponse, bytes]:
    """Ask as somebody does who is signed in nowhere."""
    whole = url if url.startswith("http") else f"{service.playground.teams.bot}{url}"
    async with aiohttp.ClientSession() as http, http.request(method, whole) as answer:
        return answer, await answer.read()


async def test_who_has_a_card_can_load_the_icon_that_it_shows(
    service: Running, tmp_path: Path
) -> None:
    await draw(service, tmp_path, "capex")

    url = await shown_to(service, "johndoe1")

    answer, content = await fetched(service, url)
    assert answer.status == 200
    assert answer.content_type == "image/png"
    assert content == (ICONS / "capex-30.png").read_bytes()
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "public" in answer.headers["Cache-Control"]
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    head, nothing = await fetched(service, url, "HEAD")
    assert (head.status, head.content_length, nothing) == (200, len(content), b"")


async def test_an_icon_that_is_replaced_has_another_address_on_open_cards(
    service: Running, tmp_path: Path
) -> None:
    await draw(service, tmp_path, "capex")
    before = await shown_to(service, "johndoe1")

    await draw(service, tmp_path, "expenses")
    after = await shown_to(service, "johndoe1", before)

    _answer, content = await fetched(service, after)
    assert content == (ICONS / "expenses-30.png").read_bytes()
    (
        tmp_path / "tenants" / "icons" / "expenses-30.png"
    ).unlink()  # what was checked is what is shown
    assert (await fetched(service, after))[1] == content


@pytest.mark.parametrize(
    "path",
    [
        f"/icons/{'0' * 64}.png",
        f"/icons/{'0' * 64}.svg",
        f"/icons/{'0' * 64}",
        "/icons/",
        "/icons/capex-30.png",
        "/icons/..%2fpurchasing.toml",
        "/icons/%2e%2e/purchasing.toml",
    ],
)
async def test_nothing_else_is_there(service: Running, tmp_path: Path, path: str) -> None:
    await draw(service, tmp_path, "capex")

    answer, content = await fetched(service, path)

    assert answer.status == 404
    assert answer.content_type == "application/problem+json"
    assert "immutable" not in answer.headers.get("Cache-Control", "")
    assert b"PNG" not in content


async def test_nobody_keeps_that_an_icon_is_not_there_yet(service: Running) -> None:
    answer, _content = await fetched(service, f"/icons/{'0' * 64}.png")

    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_file_that_no_tenant_names_any_more_is_not_served(
    service: Running, tmp_path: Path
) -> None:
    file = tmp_path / "tenants" / "purchasing.toml"
    plain = file.read_text(encoding="utf-8")
    (tmp_path / "tenants/capex.toml").unlink()
    await draw(service, tmp_path, "capex")
    url = await shown_to(service, "johndoe1")

    file.write_text(plain, encoding="utf-8")
    await service.house.onboarding.reload()

    assert (await fetched(service, url))[0].status == 404


async def test_the_page_may_load_icons_and_no_other_picture(
    service: Running, tmp_path: Path
) -> None:
    async with visiting(service, "johndoe1") as visitor:
        without = await visitor.open(await path_of(service))
        await draw(service, tmp_path, "capex")
        page = await visitor.open(await path_of(service))

        [image] = [given for tag, given in page.elements if tag == "img"]
        icon = await visitor.get(image["src"])
    ours = f"; img-src {service.playground.teams.bot}/icons/"
    policy = "Content-Security-Policy"
    assert page.headers[policy] == without.headers[policy] + ours
    assert not [tag for tag, _given in without.elements if tag == "img"]
    assert "Contoso Purchasing" in page.text
    assert icon.status == 200
    assert icon.body == (ICONS / "capex-30.png").read_bytes()
