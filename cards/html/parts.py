"""What a request says, part by part, in the card's order: texts that are clean, and not yet HTML."""

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """How something looks, beside the words that say the same."""

    GOOD = "good"
    BAD = "bad"
    WARNING = "warning"
    NOTE = "note"
    OVER = "over"


@dataclass(frozen=True)
class Pair:
    """A name and what it says."""

    name: str
    value: str


@dataclass(frozen=True)
class Link:
    """An address that we dare to open: http or https."""

    words: str
    url: str


@dataclass(frozen=True)
class Facts:
    """Names and values; *title* "" if they stand under no heading. *more* counts the rest in words."""

    title: str
    pairs: tuple[Pair, ...]
    more: str = ""
    kind: str = "facts"


@dataclass(frozen=True)
class Grid:
    """A table. *numeric* tells which columns stand at the right, *main* which one names a row."""

    title: str
    labels: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    main: int = 0
    more: str = ""
    sums: tuple[Pair, ...] = ()  # beneath the last column
    total: Pair | None = None
    kind: str = "grid"


@dataclass(frozen=True)
class Bullets:
    """Plain values."""

    title: str
    lines: tuple[str, ...]
    more: str = ""
    kind: str = "bullets"


Part = Facts | Grid | Bullets


@dataclass(frozen=True)
class File:
    """An attachment; *url* "" if it can be opened in the tenant's system only."""

    name: str
    size: str
    url: str


@dataclass(frozen=True)
class Files:
    """The attachments. *elsewhere* says where those without a link are, "" if there are none."""

    title: str
    files: tuple[File, ...]
    more: str = ""
    elsewhere: str = ""


@dataclass(frozen=True)
class Step:
    """One row of the route, or of what was done in earlier rounds."""

    sign: str
    tone: Tone
    words: str
    state: str  # in words: "Done", "Waiting", "Next"
    is_now: bool = False
    chosen: tuple[str, ...] = ()
    comment: str = ""


@dataclass(frozen=True)
class Box:
    """What happened, or what stands in the way. *sign* "" for none; all but *tone* is in words."""

    tone: Tone
    sign: str = ""
    did: str = ""
    when: str = ""
    chosen: tuple[str, ...] = ()
    comment: str = ""
    notes: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Icon:
    """The tenant's icon and name; by paths of ours: *path*, and *sharp* for screens with more pixels."""

    path: str
    sharp: str
    tenant: str


@dataclass(frozen=True)
class Request:
    """All of it. "", () and None mean that there is nothing to say."""

    lang: str
    kind: str
    number: str
    number_url: str
    title: str
    sentence: str  # where it stands, for whom this is
    badge: str
    tone: Tone
    is_asking: bool  # something can be decided now
    boxes: tuple[Box, ...] = ()  # above everything else
    total: str = ""
    decide_by: str = ""
    requested: str = ""
    notes: str = ""
    parts: tuple[Part, ...] = ()
    arrivals: tuple[str, ...] = ()
    files: Files | None = None
    route: tuple[Step, ...] = ()
    earlier: tuple[Step, ...] = ()  # what was done in earlier rounds
    detail_page: Link | None = None
    icon: Icon | None = None  # on our page only: mails load nothing
    tenant: str = ""  # on our page only, beside the kind: mails say elsewhere whose they are
