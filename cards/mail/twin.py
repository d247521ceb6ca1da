"""The plain-text twin of a mail: all that its HTML says, in the same order."""

import textwrap
from collections.abc import Iterable, Iterator

from cards.html.parts import Box, Bullets, Facts, Files, Grid, Pair, Part, Request, Step
from cards.language import _
from cards.mail.document import Foot, ToDo

_WIDTH = 72  # characters; RFC 3676, 4.2 advises no more than 78
_DEEPER = "  "


def twin(first: str, found: Request, to_do: ToDo, foot: Foot) -> str:
    """Return the mail as plain text: lines of at most 72 characters, but for what has no space."""
    blocks = [_wrapped(first), *_request(found), *_to_do(to_do), *_foot(foot)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _request(found: Request) -> Iterator[str]:
    yield "\n".join(
        [
            _wrapped(found.title),
            _wrapped(f"{found.kind} {found.number}"),
            _wrapped(_("State: {state}").format(state=found.badge)),
        ]
    )
    yield from map(_box, found.boxes)
    yield "\n".join(
        [
            *(_pairs([Pair(_("Total"), found.total)]) if found.total else []),
            *(_pairs([Pair(_("Decide by"), found.decide_by)]) if found.decide_by else []),
            *([_wrapped(found.requested)] if found.requested else []),
        ]
    )
    yield _prose(found.notes)
    yield from map(_part, found.parts)
    yield from map(_wrapped, found.arrivals)
    if found.files:
        yield _files(found.files)
    yield _steps(_("Approval route"), found.route)
    yield _steps(_("Before it was opened again"), found.earlier)
    if found.detail_page:
        yield f"{found.detail_page.words}:\n{found.detail_page.url}"


def _box(box: Box) -> str:
    lines = [box.did, box.when] if box.did else []
    lines += [*box.chosen]
    said = [_wrapped(line) for line in lines if line]
    if box.did and box.comment:
        said.append(_quoted(box.comment))
    said += [_prose(note) for note in box.notes]
    if not box.did:
        said += [_wrapped(box.when)] if box.when else []
        said += [_quoted(box.comment)] if box.comment else []
    said += [f"{link.words}:\n{link.url}" for link in box.links]
    return "\n".join(said)


def _part(part: Part) -> str:
    match part:
        case Facts():
            lines = _pairs(part.pairs)
        case Bullets():
            lines = [_item(line) for line in part.lines]
        case Grid():
            lines = list(_grid(part))
    more = [_wrapped(part.more)] if part.more else []
    return "\n".join([*_heading(part.title), *lines, *more])


def _grid(grid: Grid) -> Iterator[str]:
    """Write each row as what names it, and the other cells with their labels beneath."""
    for row in grid.rows:
        yield _item(row[grid.main] or "—")
        others = (
            Pair(grid.labels[at], cell) for at, cell in enumerate(row) if cell and at != grid.main
        )
        yield from (textwrap.indent(line, _DEEPER) for line in _pairs(others))
    yield from _pairs([*grid.sums, *([grid.total] if grid.total else [])])


def _files(files: Files) -> str:
    lines: list[str] = []
    for file in files.files:
        lines.append(_item(f"{file.name} ({file.size})" if file.size else file.name))
        lines += [f"{_DEEPER}{file.url}"] if file.url else []
    tail = [_wrapped(each) for each in (files.more, files.elsewhere) if each]
    return "\n".join([*_heading(files.title), *lines, *tail])


def _steps(title: str, steps: tuple[Step, ...]) -> str:
    if not steps:
        return ""
    lines: list[str] = []
    for step in steps:
        lines.append(_item(f"{step.words}: {step.state}"))
        lines += [textwrap.indent(_wrapped(each), _DEEPER) for each in step.chosen]
        lines += [textwrap.indent(_quoted(step.comment), _DEEPER)] if step.comment else []
    return "\n".join([*_heading(title), *lines])


def _to_do(to_do: ToDo) -> Iterator[str]:
    yield "\n".join([*_heading(to_do.title), *map(_wrapped, to_do.words)])
    if to_do.url:
        yield f"{to_do.button}:\n{to_do.url}"
        yield _wrapped(to_do.about_link)


def _foot(foot: Foot) -> Iterator[str]:
    # RFC 3676, 4.3: what follows this line is no part of the message proper.
    yield "-- \n" + "\n".join(_wrapped(each) for each in (foot.notice, foot.why) if each)


def _heading(title: str) -> list[str]:
    return (
        [_wrapped(title.upper() if title.isascii() else title), "-" * min(len(title), _WIDTH)]
        if title
        else []
    )


def _pairs(pairs: Iterable[Pair]) -> list[str]:
    return [_wrapped(f"{pair.name}: {pair.value}", deeper=_DEEPER) for pair in pairs]


def _item(words: str) -> str:
    return _wrapped(f"- {words}", deeper=_DEEPER)


def _quoted(words: str) -> str:
    return "\n".join(
        textwrap.fill(
            line,
            _WIDTH,
            initial_indent="> ",
            subsequent_indent="> ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        or ">"
        for line in words.split("\n")
    )


def _prose(words: str) -> str:
    return "\n".join(_wrapped(line) for line in words.split("\n"))


def _wrapped(words: str, *, deeper: str = "") -> str:
    return textwrap.fill(
        words, _WIDTH, subsequent_indent=deeper, break_long_words=False, break_on_hyphens=False
    )
