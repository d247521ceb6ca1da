"""The few shapes all our cards are made of."""

import re

from approvals_core.tenant import Tenant
from cards import text
from cards.elements import Column, Columns, OpenUrl, Piece, Spacing, TextBlock
from cards.language import _, plural

_MOST_LINKS = 2  # of one message
_ADDRESS = re.compile(r"https?://[^\s<>\"“”]+", re.IGNORECASE)


def heading(words: str) -> TextBlock:
    return TextBlock(words, weight="Bolder", heading=True, size="Default", spacing="Large")


def small(words: str, spacing: Spacing | None = "None", *, right: bool = False) -> TextBlock:
    align = "Right" if right else None
    return TextBlock(words, size="Small", subtle=True, spacing=spacing, align=align)


def small_print(words: str) -> TextBlock:
    """Say in a line under everything what is not as usual."""
    return small(text.block(words), "Large")


def kind_of(tenant: Tenant) -> str:
    """Say on one line what the request is, and whose, as markdown."""
    return joined(text.block(tenant.request_word), text.block(beside_kind(tenant), text.PERSON))


def beside_kind(tenant: Tenant) -> str:
    """Return the tenant's name, "" if what its requests are called has it in it."""
    said = tenant.name.casefold() in tenant.request_word.casefold()
    return "" if said else tenant.name


def joined(*parts: str) -> str:
    """Put on one line what there is of *parts*."""
    return " · ".join(part for part in parts if part)


def bold(words: str) -> str:
    """Write somebody's name in bold markdown."""
    inert = text.block(words, text.PERSON)
    return f"**{inert}**" if inert else "—"


def two(left: list[Piece], right: TextBlock, *, separator: bool = False) -> Columns:
    """Show something, and at the right what it amounts to."""
    return Columns(
        Column(*left, width="stretch"),
        Column(right, width="auto"),
        spacing="Small",
        separator=separator or None,
    )


def more(count: int) -> list[Piece]:
    """Say how many more there are than the card shows."""
    if count <= 0:
        return []
    return [small(plural("and {count} more", "and {count} more", count), "Small")]


def links(message: str) -> list[OpenUrl]:
    """Return buttons for the first web addresses in a text of others, labelled with their host."""
    found: list[OpenUrl] = []
    for address in _ADDRESS.findall(text.clean(message)):
        url = text.safe_url(address.rstrip(".,;:!?)]}'\u2019"))
        if url and all(url != link.url for link in found):
            host = text.one_line(url.split("/")[2], text.BUTTON)
            found.append(OpenUrl(_("Open {host}").format(host=host), url))
    return found[:_MOST_LINKS]
