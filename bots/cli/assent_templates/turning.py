"""Turns Assent's templates of mails into ours, and says what it could not turn."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from bots.cli.assent_templates.naming import is_known, ours, placed, why_not_here
from bots.cli.assent_templates.notes import GONE, LINE_END, Note, Notes
from bots.cli.assent_templates.styled import Styled
from cards.mail import mistakes_in

_PLACEHOLDER = re.compile(r"#([A-Za-z]\w*(?:\.\w(?:[\w -]*\w)?)*)#")
# What people write who meant one: a path into a list, a name with a dash, or with a space at its end.
_LIKE_ONE = re.compile(r"#[A-Za-z](?:[^\s#<>{}();:\"']{1,80}|\w*(?:\.[\w -]+)+)#")
_COLOUR = re.compile(r"[0-9A-Fa-f]{3}(?:[0-9A-Fa-f]{3})?")
_BETWEEN_STYLES = re.compile(
    r"[ ,+~]"
)  # selectors, or colours: #main.wide #side, linear-gradient(#fff,#eee)
# A tag that is no card's, and what has no end, are found too, and stay: so no place is read twice.
_CARD = re.compile(
    r"<script(?:(?!application/adaptivecard\+json)[^>])*+"
    r"(?:application/adaptivecard\+json[^>]*+(?:>.*?(?:(?P<end></script\s*+>\s*+)|\Z)|\Z))?",
    re.IGNORECASE | re.DOTALL,
)
_SCRIPT = re.compile(r"<script\b.*?(?:</script\s*>|$)\s*", re.IGNORECASE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?(?:(?P<end>-->)|\Z)", re.DOTALL)
# Would begin something of Jinja's, once that is taken away, too.
_OPENING = re.compile(rf"\{{(?={GONE}*(?:[{{%#]|\Z))")


class Converted(NamedTuple):
    """Our template, what was left out or changed, and in sentences what is to be mended in it by hand."""

    html: str
    notes: tuple[Note, ...]
    mistakes: tuple[str, ...]


def convert(html: str, first_line: int = 1) -> Converted:
    """Turn one template into ours, whose first line is the source's *first_line*."""
    notes = Notes(first_line)
    html = _without_cards(html.replace(GONE, ""), notes)
    html = _without_comments(_without_scripts(html, notes), notes)
    result = "".join(_turned(html, notes)).replace(GONE, "")
    return Converted(result, notes.all(), tuple(mistakes_in(result)))


def _lines_of(taken: re.Match[str]) -> str:
    return GONE * len(LINE_END.findall(taken[0]))


def _without_cards(html: str, notes: Notes) -> str:
    def left(script: re.Match[str]) -> str:
        if script["end"] is None:
            return script[0]
        notes.add("the card's script was taken out: we put the card in")
        return _lines_of(script)

    return _CARD.sub(left, html)


def _without_scripts(html: str, notes: Notes) -> str:
    notes.read(html)
    for script in _SCRIPT.finditer(html):
        notes.add("another script was taken out: mails run none", script.start())
    return _SCRIPT.sub(_lines_of, html)


def _without_comments(html: str, notes: Notes) -> str:
    """Take out the comments that hold placeholders: none of ours may stand in one."""
    notes.read(html)

    def left(comment: re.Match[str]) -> str:
        if comment["end"] is None or not (found := _PLACEHOLDER.search(comment[0])):
            return comment[0]
        why = f"{found[0]} was taken out with the comment around it: none can stand there"
        notes.add(why, comment.start() + found.start())
        return _lines_of(comment)

    without = _COMMENT.sub(left, html)
    notes.read(without)
    return without


def _turned(html: str, notes: Notes) -> Iterator[str]:
    """Yield our template piece by piece."""
    styled = Styled(html)
    at = 0
    while found := _PLACEHOLDER.search(html, at):
        yield _text(html, at, found.start(), styled, notes)
        if _stays(found, styled, notes):
            yield found[0][:-1]
            at = found.end() - 1  # its last # may begin the next one
        else:
            yield _placed(found, notes)
            at = found.end()
    yield _text(html, at, len(html), styled, notes)


def _text(html: str, start: int, end: int, styled: Styled, notes: Notes) -> str:
    """Return what stands between two placeholders, and note what may have been meant as one."""
    text = html[start:end]
    for found in _LIKE_ONE.finditer(text):
        at = start + found.start()
        if not (at in styled and _BETWEEN_STYLES.search(found[0])):
            name = found[0].replace(GONE, "")
            notes.add(f"{name} was left as text: it is no placeholder that we know", at)
    for found in _OPENING.finditer(text):
        why = "braces that would begin something of a template's were parted: “{ {”, “{ %”"
        notes.add(why, start + found.start())
    return _OPENING.sub("{ ", text)


def _stays(found: re.Match[str], styled: Styled, notes: Notes) -> bool:
    """Tell whether what looks like a placeholder may be something else, and note that."""
    path, at = found[1], found.start()
    if why_not_here(path) or is_known(path):
        return False
    if at in styled:
        if not _BETWEEN_STYLES.search(path):
            why = "it stands among styles and colours, where no value can"
            notes.add(f"{found[0]} was left as it is: {why}", at)
        return True
    if not _COLOUR.fullmatch(path):
        return False
    # In a text, Fee and Add are words, and so names. Nobody calls a field fff or A52A2A.
    following = _PLACEHOLDER.match(found.string, found.end() - 1)
    before_another = following is not None and is_known(following[1])
    if path.isalpha() and len(set(path.casefold())) > 1 and not before_another:
        return False
    kept = found[0][:-1] if before_another else found[0]
    notes.add(f"{kept} was left as text: it may be a colour", at)
    return True


def _placed(found: re.Match[str], notes: Notes) -> str:
    """Return our placeholder for one of theirs, "" if there is none, and note that."""
    path, at = found[1], found.start()
    if why := why_not_here(path):
        notes.add(f"#{path}# was taken out: {why}", at)
        return ""
    if not is_known(path):
        notes.add(f"#{path}# was taken out: there is nothing like it here", at)
        return ""
    turned = placed(ours(path))
    if ".".join(ours(path)) != path:
        notes.add(f"#{path}# became {turned.strip('{ }')}")
    return turned
