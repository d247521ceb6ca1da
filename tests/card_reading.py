"""Reads cards as people do: all that is written on them, and whether anything in it would act."""

import re
from typing import Any

from markdown_it import MarkdownIt

from tests.card_schema import walk

# What the parsers of the mobile apps would act on, as far as markdown-it does not.
ACTIVE = re.compile(
    r"\][(\[:]"  # links and images
    r"|\{\{"  # dates and times, replaced by the client
    r"|<[A-Za-z/!?]"  # mentions, addresses, tags
    r"|~~|`"
    r"|(?<!\\)\*"
    r"|(?<![A-Za-z0-9\\])_|(?<!\\)_(?![A-Za-z0-9])"
    r"|^\s*(?:[-+*]|\d+[.)])\s"  # lists
)


def texts(card: dict[str, Any]) -> str:
    """Return all that is written on a card."""
    said = [
        str(piece[name])
        for _path, piece in walk(card.get("body"))
        for name in ("text", "title", "value", "label", "placeholder")
        if name in piece
    ]
    return "\n".join(said)


def offered(card: dict[str, Any]) -> list[dict[str, Any]]:
    return [p for path, p in walk(card) if p.get("verb") == "act"]


def links_in(markdown: str) -> list[str]:
    tokens = [t for block in MarkdownIt("js-default").parse(markdown) for t in block.children or []]
    return [str(token.attrs["href"]) for token in tokens if token.type == "link_open"]


def assert_inert(card: dict[str, Any]) -> None:
    for path, piece in walk(card):
        if "selectAction" not in path and piece.get("type") in {"TextBlock", "TextRun"}:
            is_run = piece["type"] == "TextRun"
            assert not re.search(r"\{\{", piece["text"])
            if is_run:
                assert not re.search(r"\][(\[:]", piece["text"])
            else:
                assert_own_markup_only(piece["text"])
        for name in ("title", "value"):
            if path.endswith("]") and "facts" in path:
                assert not ACTIVE.search(piece[name])
        if "url" in piece:
            assert re.match(r"https?://[^@/]+(/|$)", piece["url"])


def assert_own_markup_only(markdown: str) -> None:
    """Look at a TextBlock without the link of the header and the bold names we write ourselves."""
    assert all(link.startswith("https://erp.example.com/") for link in links_in(markdown))
    ours = re.sub(r"\[([^\]]*)\]\(https://erp\.example\.com/[^)]*\)$", r"\1", markdown)
    bare = re.sub(r"(?<!\\)\*\*", "", ours)
    assert not ACTIVE.search(bare)
