"""
Cards as Microsoft's own renderer draws them in Chromium, as the playground's page does.

``python -m tests.card_pictures FOLDER [NAME ...]`` writes pictures of the faces, several
on a sheet: light, dark, and as wide as a small phone, folded parts opened too.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, Page, Route, async_playwright

from playground.page import FILES, LIBRARIES, NODE_MODULES, TYPES
from tests.browser import find_browser
from tests.card_faces import faces

Theme = Literal["light", "dark"]
Looks = tuple[tuple[str, Theme, int, bool], ...]

HERE = "http://cards.example"  # nobody is asked there: the files come from the disk
PANE, PHONE = 560, 304  # pixels of a card in a chat, and on a phone of 320
MARGIN = 8
LOOKS: Looks = (
    ("light", "light", PANE, False),
    ("dark", "dark", PANE, False),
    ("phone", "light", PHONE, True),
    ("phone-dark", "dark", PHONE, True),
)
ON_A_SHEET = {PANE: 3, PHONE: 5}

_HTML = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<link rel="stylesheet" href="/page/css/tokens.css"><link rel="stylesheet" href="/page/css/card.css">
<script src="/page/lib/markdown-it.js"></script><script src="/page/lib/adaptivecards.js"></script>
<style>
  html, body { display: block; height: auto; overflow: visible; }
  body { width: max-content; padding: 8px; }
  #sheet { display: flex; align-items: start; gap: 16px; }
  #sheet > div { container: chat / inline-size; }
  h6 { margin: 0 0 4px; font: 12px/16px var(--mono); color: var(--ink-3); }
</style></head><body><div id="sheet"></div></body></html>"""

_DRAW = """async ({ cards, width }) => {
  const { CardView } = await import("/page/js/card.js");
  (await import("/page/js/people.js")).knowDirectory([{ id: "0002", name: "Jonas Berg" }, { id: "0003", name: "Priya Nair" }]);
  const sheet = document.getElementById("sheet");
  sheet.replaceChildren();
  for (const [name, card] of cards) {
    const box = document.createElement("div"), title = document.createElement("h6");
    box.style.width = `${width}px`;
    title.textContent = name;
    const view = new CardView(card, { key: name, onInvoke: async () => {} });
    box.append(title, view.element);
    sheet.append(box);
    view.placed();
  }
}"""

# Opens what is folded away: details, forms, and what stands behind "More". Of forms that close each other the last one stays.
_OPEN = """() => {
  for (const button of document.querySelectorAll(".card .ac-pushButton")) {
    const folded = /^(Show or hide details|More)$|…$/.test(button.textContent.trim());
    const target = document.getElementById((button.getAttribute("aria-controls") ?? "").split(" ")[0]);
    if (folded && target && !target.offsetParent) button.click();
  }
}"""

# What passes the edge of its card, is cut off, or is written over: nothing may.
_STICKING_OUT = """() => [...document.querySelectorAll(".card")].flatMap((card) => {
  const edge = card.getBoundingClientRect().right - 8;
  return [...card.querySelectorAll("*")]
    .filter((e) => e.offsetParent && e.childElementCount === 0)
    .filter((e) => e.getBoundingClientRect().right > edge + 1 || (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0))
    .map((e) => `${e.className}: ${e.textContent}`);
})"""

# WCAG 1.4.3: the contrast of every text with what is behind it.
_CONTRASTS = """() => {
  const parts = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return [m[0], m[1], m[2], m[3] ?? 1]; };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const behind = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) layers.unshift(parts(getComputedStyle(e).backgroundColor));
    return layers.reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const light = ([r, g, b]) => {
    const f = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const low = [];
  const walker = document.createTreeWalker(document.getElementById("sheet"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode, e = text.parentElement;
    if (!text.data.trim() || !e.offsetParent || e.closest("textarea, h6")) continue;
    const ground = behind(e), [a, b] = [light(over(parts(getComputedStyle(e).color), ground)), light(ground)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)}: ${text.data.trim()}`);
  }
  return low;
}"""


class Sheet:
    """A bare page with cards side by side; *complaints* are what the browser found wrong."""

    def __init__(self, page: Page, script: str) -> None:
        self.page = page
        self._script = script
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def draw(
        self, cards: Sequence[tuple[str, Any]], *, theme: Theme, width: int, opened: bool
    ) -> None:
        """Draw cards, given as JSON objects by name, instead of those that are there."""
        await self.page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        await self.page.evaluate(self._script, {"cards": cards, "width": width})
        if opened:
            await self.page.evaluate(_OPEN)

    async def sticking_out(self) -> list[str]:
        return await self.page.evaluate(_STICKING_OUT)

    async def low_contrasts(self) -> list[str]:
        return await self.page.evaluate(_CONTRASTS)

    async def save(self, path: Path) -> None:
        await self.page.screenshot(path=path, full_page=True)


@asynccontextmanager
async def a_sheet(browser: Browser, *, script: str = _DRAW) -> AsyncIterator[Sheet]:
    """Open an empty sheet that gets its files from this folder and asks nobody; *script* draws cards."""
    context = await browser.new_context(
        viewport={"width": 320, "height": 400}, device_scale_factor=1.25
    )
    await context.route("**/*", _serve)
    sheet = Sheet(await context.new_page(), script)
    await sheet.page.goto(f"{HERE}/")
    yield sheet
    await context.close()


async def _serve(route: Route) -> None:
    path = route.request.url.removeprefix(HERE)
    if path == "/":
        await route.fulfill(body=_HTML, content_type="text/html")
        return
    library = LIBRARIES.get(path.removeprefix("/page/lib/"))
    file = NODE_MODULES / library if library else FILES / path.removeprefix("/page/")
    if route.request.url.startswith(HERE) and file.suffix in TYPES and file.is_file():
        await route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])
        return
    await route.abort()


def sheets(names: Sequence[str], width: int) -> Iterator[tuple[str, ...]]:
    many = ON_A_SHEET[width]
    return (tuple(names[at : at + many]) for at in range(0, len(names), many))


async def write(
    folder: Path, made: Mapping[str, Any], looks: Looks = LOOKS, *, script: str = _DRAW
) -> None:
    """Save pictures of the cards, and print what the browser found wrong with each sheet."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox"]
        )
        async with a_sheet(browser, script=script) as sheet:
            for look, theme, width, opened in looks:
                for names in sheets(list(made), width):
                    cards = [(name, made[name]) for name in names]
                    await sheet.draw(cards, theme=theme, width=width, opened=opened)
                    path = folder / f"{look}-{names[0]}.png"
                    await sheet.save(path)
                    problems = [*sheet.complaints, *await sheet.sticking_out()]
                    problems += await sheet.low_contrasts()
                    print(path, *problems, sep="\n  ")  # noqa: T201 - for who looks at them
        await browser.close()


if __name__ == "__main__":
    to, *wanted = sys.argv[1:]
    Path(to).mkdir(parents=True, exist_ok=True)
    asyncio.run(
        write(Path(to), {n: c.to_dict() for n, c in faces().items() if n in (wanted or [n])})
    )
