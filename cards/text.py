"""User text goes in raw and comes out inert: it shows as what was typed, and does nothing."""

import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, urlsplit

ZERO_WIDTH_SPACE = "\u200b"
ELLIPSIS = "…"

TITLE = 160  # characters, like all limits here
FACT_NAME = 60
FACT_VALUE = 300
FREE_TEXT = 600
FREE_TEXT_LINES = 10
FILE_NAME = 80
_END_OF_NAME = 16
PERSON = 80
BUTTON = 40
URL = 2000

# Each card of a request says the same in each state. Only short texts are kept: no tenant fills
# the memory with long ones.
_KEPT, _SHORT = 4096, 200  # texts, characters

UNBROKEN = 40  # longer runs are broken; IBANs and GUIDs are shorter, and must stay copyable
_PART_OF_RUN = 20

# Thrown away: controls, bidirectional overrides (they turn file names round), what cannot be seen,
# halves of surrogate pairs (they cannot be encoded). Joiners stay: emoji and Persian need them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_LINE_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SPACES = re.compile("[ \t\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\u3164\uffa0]+")
# Whatever `clean` would change; most texts have none of it.
_UNCALM = re.compile(
    "[\x00-\x1f\x7f-\xa0\u0300-\u036f\u1680\u1ab0-\u1aff\u1dc0-\u1dff\u2000-\u200b\u2028-\u202f"
    "\u205f-\u2064\u2066-\u206f\u20d0-\u20ff\u2800\u3000\u3164\ud800-\udfff\ufe20-\ufe2f\ufeff\uffa0"
    "\ufff9-\ufffb\ufffe\uffff]|  "
)
_EMPTY_LINES = re.compile("\n{3,}")
_MARK = "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED_MARKS = re.compile(f"({_MARK}{{3}}){_MARK}+")  # they would cover the lines above

_LONG_RUN = re.compile(rf"\S{{{UNBROKEN + 1},}}")
_JOINED = "\u200d\ufe0f\u0300-\u036f\U0001f3fb-\U0001f3ff"  # never break before these
_RUN_PART = re.compile(rf"\S{{{_PART_OF_RUN}}}(?<!\u200d)(?=\S)(?![{_JOINED}])")


def clean(text: str) -> str:
    """Take out what cannot be seen or sent or turns the text round, and calm the white space."""
    return _calmed(text) if _UNCALM.search(text) else text.strip()


def _calmed(text: str) -> str:
    text = _UNWANTED.sub("", _LINE_BREAK.sub("\n", text))
    text = _STACKED_MARKS.sub(r"\1", _SPACES.sub(" ", text))
    text = "\n".join(line.strip() for line in text.split("\n"))
    return _EMPTY_LINES.sub("\n\n", text).strip()


def cut(text: str, limit: int) -> str:
    """Shorten *text* to *limit* characters, never inside what looks like one."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > 0 and (_joins(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end].rstrip() + ELLIPSIS


def cut_lines(text: str, limit: int) -> str:
    lines = text.split("\n")
    return text if len(lines) <= limit else "\n".join(lines[:limit]).rstrip() + ELLIPSIS


def file_name(text: str) -> str:
    """For the name of a file: one line, and its end is kept, which says what kind of file it is."""
    name = clean(text).replace("\n", " ")
    if len(name) <= FILE_NAME:
        return name
    end = len(name) - _END_OF_NAME
    while end < len(name) and (_joins(name[end]) or name[end - 1] == "\u200d"):
        end += 1
    return cut(name, FILE_NAME - _END_OF_NAME) + name[end:]


def break_runs(text: str) -> str:
    """Let long words wrap: without a place to break they push the card out of a phone's screen."""
    return _LONG_RUN.sub(
        lambda run: _RUN_PART.sub(lambda part: part[0] + ZERO_WIDTH_SPACE, run[0]), text
    )


def one_line(text: str, limit: int) -> str:
    """For what is no markdown: titles of buttons, placeholders, badges, what is spoken."""
    return cut(clean(text).replace("\n", " "), limit)


def block(text: str, limit: int = FACT_VALUE) -> str:
    """For a TextBlock or a fact: one line, inert."""
    return _block_as_kept(text, limit) if len(text) <= _SHORT else _block(text, limit)


def _block(text: str, limit: int) -> str:
    return escape_markdown(break_runs(one_line(text, limit)))


_block_as_kept = lru_cache(_KEPT)(_block)


def run(text: str, limit: int = FREE_TEXT, lines: int = FREE_TEXT_LINES) -> str:
    """For a TextRun: line breaks stay, inert."""
    return escape_run(break_runs(cut_lines(cut(clean(text), limit), lines)))


def typed(text: str, limit: int) -> str:
    """For the value of an input: what somebody typed comes back as he typed it."""
    return _UNWANTED.sub("", _LINE_BREAK.sub("\n", text))[:limit]


def link(label: str, address: str, limit: int = FACT_VALUE) -> str:
    """Write *label* as a markdown link, or as text if *address* is none that we would open."""
    url = safe_url(address)
    shown = one_line(label, limit)
    if not url or not shown:
        return escape_markdown(break_runs(shown))
    return f"[{escape_label(break_runs(shown))}]({url})"


# What comes out of `escape_markdown` shows as the text that went in, in markdown-it (Teams desktop
# and web, Outlook) and in the C++ parser of Teams for iOS and Android
# (microsoft/Teams-AdaptiveCards-Mobile). Android takes a backslash away before * _ [ ] ) and iOS
# only before * _, where nothing else in the text is markdown: so only those two get one, and a
# zero-width space breaks every other construct.
_BACKSLASH = re.compile(r"\\(?=[!-/:-@\[-`{-~]|$)", re.MULTILINE)
_BRACKET = re.compile(r"\](?=[(\[:])")  # links, images, link definitions
_UNDERSCORE = re.compile(
    r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
)  # inside a word all parsers take _ literally
_LESS_THAN = re.compile(r"<(?=[A-Za-z/!?])")  # <http://..>, <at>..</at>, <b>
_BRACE = re.compile(r"\{(?=\{)")  # {{DATE(..)}}, which clients replace
_TILDE = re.compile(r"~(?=~)")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_AFTER_BRACKET = re.compile(r"(?<=[)\[\]])(?=[-+\d])")  # the C++ parser starts a list there
_LINE_START = re.compile(
    r"^(?=#{1,6}(?:\s|$)|>|[-+]+(?:\s|$)|\d{1,9}[.)](?:\s|$)|[-=|:][-=|: ]*$)", re.MULTILINE
)
_MARKUP = re.compile(r"[\\*_\[\]`~{<&#>+\-=|:]|\d[.)]")


def escape_markdown(text: str) -> str:
    """For TextBlock.text, Fact.title and Fact.value."""
    if not _MARKUP.search(text):
        return text
    text = _BACKSLASH.sub("\\\\" + ZERO_WIDTH_SPACE, text)
    text = text.replace("*", "\\*")
    text = _BRACKET.sub("]" + ZERO_WIDTH_SPACE, text)
    text = _UNDERSCORE.sub(r"\\_", text)
    text = _BRACE.sub("{" + ZERO_WIDTH_SPACE, text.replace("`", "\u02cb"))
    text = _TILDE.sub("~" + ZERO_WIDTH_SPACE, text)
    text = _LESS_THAN.sub("<" + ZERO_WIDTH_SPACE, text)
    text = _ENTITY.sub("&" + ZERO_WIDTH_SPACE, text)
    text = _AFTER_BRACKET.sub(ZERO_WIDTH_SPACE, text)
    return _LINE_START.sub(ZERO_WIDTH_SPACE, text)


def escape_run(text: str) -> str:
    """For TextRun.text: plain text, but Teams for iOS runs the same markdown over it."""
    return _BRACE.sub("{" + ZERO_WIDTH_SPACE, _BRACKET.sub("]" + ZERO_WIDTH_SPACE, text))


def escape_label(text: str) -> str:
    """For the text of a markdown link that we write ourselves."""
    return escape_markdown(text.replace("[", "(").replace("]", ")").replace("\n", " "))


_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
_SAFE_IN_URL = "%/:?#@!$&'+,;=~-._"  # not ( ) * [ ]: a parenthesis ends a markdown link early


def safe_url(address: str) -> str | None:
    """
    Return *address* as we dare to open it, or None.

    Only http and https, with a host and without a user name: what
    ``https://bank.example@evil.example`` opens is the second.
    """
    return _safe_as_kept(address) if len(address) <= _SHORT else _safe(address)


def _safe(address: str) -> str | None:
    address = address.strip()
    if clean(address) != address or "\n" in address:
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:  # UnicodeError is one too
        return None
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc or not _is_host(host):
        return None
    rest = address[len(f"{parts.scheme}://{parts.netloc}") :]
    where = _in_url(host) + (f":{port}" if port else "")
    url = f"{parts.scheme}://{where}{quote(rest, safe=_SAFE_IN_URL)}"
    return url if len(url) <= URL else None


_safe_as_kept = lru_cache(_KEPT)(_safe)


def _is_host(host: str) -> bool:
    return bool(_HOST.fullmatch(_in_url(host)))


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _joins(character: str) -> bool:
    return (
        bool(unicodedata.combining(character))
        or character in "\u200d\ufe0f"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )
