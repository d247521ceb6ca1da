"""Styles of others, written anew: they load nothing, and reach only what stands in their own part of a mail."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

OWN = "ml-own"  # class around what a tenant wrote; its styles reach no further
OWN_BODY = "ml-body"  # class of what stands for his <body> in there

# Where one of these stands, nobody can tell where a rule ends, or what it says.
_UNREADABLE = re.compile(r"@import|@charset|@namespace|@font-face|[\\<]", re.IGNORECASE)
_UNSAFE = re.compile(
    r"url\s*\(|image-set|expression|behavior|-moz-binding|javascript:", re.IGNORECASE
)
_POSITION = re.compile(r"(?<![-\w])position\s*:", re.IGNORECASE)  # would lie over ours
_PROPERTY = re.compile(r"\s*+(-{0,2}[a-z_][\w-]*+)\s*+:(.*)", re.ASCII | re.DOTALL | re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
# Strings end in their line (CSS Syntax 3, 4.3.5); escapes are unsafe above.
_STRING = r"\"[^\"\n\r\f]*+\"|'[^'\n\r\f]*+'"
_PIECE = re.compile(rf"{_STRING}|[^\"'{{}}]++|[{{}}]")
_QUOTED = re.compile(_STRING)
_PART = re.compile(rf"{_STRING}|[()\[\],;]|[^\"'()\[\],;]++")
# What we put around a template, and what `request` brings; not to be hidden by its styles.
_OURS = re.compile(r"\.(?:ml|rq)-|\[\s*class", re.IGNORECASE)
# Nothing that could begin another rule or, as &, leave the part that the selector begins in.
_SELECTOR = re.compile(r"[\w\s.#:>+~*(),=^$|\[\]-]++")
_BEGINS = re.compile(r"[\w.#:*\[]")  # with + or ~ it would be what stands beside the part
_CONDITION = re.compile(r"@(?:media|supports)\b[\w\s():,.>=/%+*-]*+", re.IGNORECASE)
_ROOT = re.compile(
    r"(?:(?:html|:root)(?=[>\s])\s*+>?\s*+)?body(?![\w-])|(?:html|:root)(?![\w-])", re.IGNORECASE
)
_PAIRS = {")": "(", "]": "["}
_DEEPEST = 3  # conditions inside each other
_NAMED = 60  # characters of what was left out


class Styles(NamedTuple):
    """A stylesheet that was made harmless; *left_out* names what was dropped, for whoever wrote it."""

    css: str
    left_out: tuple[str, ...] = ()


def harmless(css: str) -> Styles:
    """Return *css* so that it reaches only what stands inside of the class `OWN`, and loads nothing."""
    told = _COMMENT.sub(" ", css)
    if _UNREADABLE.search(told):
        return Styles("", ("<style> that loads or hides something",))
    pieces = _PIECE.findall(told)
    if sum(map(len, pieces)) < len(told):
        return Styles("", ("<style> with a quote that has no end",))
    reader = _Reader(pieces)
    css = "\n".join(reader.rules(0))
    if "/*" in css or "*/" in css:  # whatever it came from: a comment would take in what follows
        return Styles("", ("<style> that has half a comment in it",))
    if _UNSAFE.search(css):  # what became one only where rules met
        return Styles("", ("<style> that loads or hides something",))
    return Styles(css, tuple(reader.left_out))


def without_position(declarations: str) -> str:
    """Return what a style attribute says, but for what would put something over ours."""
    return ";".join(each for each in declarations.split(";") if not _POSITION.search(each))


class _Reader:
    """Goes through the pieces once: texts, strings and braces."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = iter(pieces)
        self.left_out: dict[str, None] = {}

    def rules(self, depth: int) -> Iterator[str]:
        """Write the rules up to the brace that ends them, or the end."""
        before: list[str] = []
        for piece in self._pieces:
            if piece == "{":
                yield from self._rule(_last_statement("".join(before)), depth)
                before = []
            elif piece == "}":
                if depth:
                    return
                before = []
            else:
                before.append(piece)

    def _rule(self, before: str, depth: int) -> Iterator[str]:
        if before.startswith("@"):
            yield from self._condition(before, depth)
            return
        declarations = self._declarations()
        if _OURS.search(before):
            self.left_out["rules of <style> for .ml-… and .rq-…, which are ours"] = None
        elif _UNSAFE.search(before) or _UNSAFE.search(declarations or ""):
            begin = _begin(before)
            self.left_out[f"the rule “{begin}” of <style>: it loads or hides something"] = None
        elif declarations is None or not (_is_selector(before) and _is_balanced(declarations)):
            self._unread(before)
        else:
            kept = ";".join(self._written(declarations))
            yield f"{','.join(map(_inside, _parted(before, ',')))}{{{kept}}}"

    def _written(self, declarations: str) -> Iterator[str]:
        """Write each declaration anew: what is none, or lays something over ours, is left out."""
        for each in filter(None, _parted(declarations, ";")):
            found = _PROPERTY.fullmatch(each)
            if found is None:
                self.left_out[f"what is no declaration in <style>: “{_begin(each)}”"] = None
            elif found[1].lower() == "position":
                self.left_out["position in <style>"] = None
            else:
                yield f"{found[1]}:{found[2].strip()}"

    def _condition(self, before: str, depth: int) -> Iterator[str]:
        if depth >= _DEEPEST or not (_CONDITION.fullmatch(before) and _is_balanced(before)):
            self._declarations()
            self._unread(before)
        elif inside := list(self.rules(depth + 1)):
            yield f"{before}{{{' '.join(inside)}}}"

    def _declarations(self) -> str | None:
        """Return what stands up to the end of a rule, None if there are rules in it."""
        found: list[str] = []
        inside, is_nested = 1, False
        for piece in self._pieces:
            inside += {"{": 1, "}": -1}.get(piece, 0)
            if not inside:
                break
            is_nested |= piece == "{"
            found.append(piece)
        return None if is_nested else "".join(found)

    def _unread(self, before: str) -> None:
        self.left_out[f"the rule of <style> that begins with “{_begin(before)}”"] = None


def _last_statement(before: str) -> str:
    """Return what begins a rule, without the statements before it, such as “@layer a;”."""
    statements = before.split(";")
    at = 0
    while at < len(statements) - 1 and statements[at].lstrip().startswith("@"):
        at += 1
    return ";".join(statements[at:]).strip()


def _begin(text: str) -> str:
    return " ".join(text[:_NAMED].split())


def _is_selector(text: str) -> bool:
    bare = _QUOTED.sub("", text)
    if not (_SELECTOR.fullmatch(bare) and _is_balanced(text)):
        return False
    return all(_BEGINS.match(each) for each in _parted(text, ","))


def _is_balanced(text: str) -> bool:
    """Tell whether brackets end where they should: one without an end would take in the next rule."""
    opened: list[str] = []
    for sign in re.findall(r"[()\[\]]", _QUOTED.sub("", text)):
        if sign in "([":
            opened.append(sign)
        elif not opened or opened.pop() != _PAIRS[sign]:
            return False
    return not opened


def _parted(text: str, sign: str) -> list[str]:
    """Part a text at a comma or semicolon, but for those in brackets and strings."""
    found: list[list[str]] = [[]]
    depth = 0
    for piece in _PART.findall(text):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(piece, 0)
        if piece == sign and not depth:
            found.append([])
        else:
            found[-1].append(piece)
    return ["".join(each).strip() for each in found]


def _inside(selector: str) -> str:
    """Bind a selector to the tenant's part: whatever it names is somewhere below that."""
    return f".{OWN} {_ROOT.sub(f'.{OWN_BODY}', selector, count=1) if _ROOT.match(selector) else selector}"
