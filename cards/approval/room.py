"""How much a card may show, so that it stays under the channel's limit."""

from dataclasses import dataclass

from cards import text


@dataclass(frozen=True)
class Room:
    """Numbers of rows, of characters in one text, and of bytes."""

    rows: int = 10  # of items, of attachments
    route: int = 8
    comment: int = 200  # of a step of the route, where it is not folded away
    facts: int = 8
    fact: int = text.FACT_VALUE
    prose: int = text.FREE_TEXT
    details: int = 9000  # bytes of the details' sections, beside facts and items
    typed: int | None = None  # None: as much as the tenant allows, nothing typed is lost


# Tried one after the other until the card is small enough; the last one always is.
ROOMS = (
    Room(),
    Room(rows=5, route=6, comment=120, facts=6, fact=160, prose=400, details=6000),
    Room(rows=3, route=4, comment=60, facts=4, fact=100, prose=250, details=3000),
    Room(rows=0, route=0, facts=0, fact=0, prose=100, details=0),
    Room(rows=0, route=0, facts=0, fact=0, prose=100, details=0, typed=1000),
    Room(rows=0, route=0, facts=0, fact=0, prose=100, details=0, typed=500),
)
