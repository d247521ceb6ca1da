"""What may stand in a tenant's template: names that exist, few loops, and nothing that computes."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import NamedTuple

from jinja2 import Environment, TemplateSyntaxError, nodes

from cards.approval.values import words
from cards.language import _
from cards.mail.inert import inert, intact
from cards.mail.names import NAMES

FEW = "few"  # the filter that every loop's list goes through
WEIGHED = "weighed"  # the filter that all that is compared goes through
LOOP = frozenset({"index", "index0", "first", "last", "length"})
FILTERS = words(
    "amount capitalize count d date default first join last length lower title trim truncate upper"
)
_TESTS = frozenset({"defined", "undefined", "none"})
_COMPARED = frozenset({"eq", "ne"})
_MOST_LOOPS, _DEEPEST_LOOP = 20, 2
_DEEPEST = 60  # of one expression or block in another

_NODES: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem),
    *(nodes.Const, nodes.Filter, nodes.Test, nodes.If, nodes.For, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Keyword),
)
# Where a value must never stand: what it says would be read as styles or as a program.
_NO_VALUES = re.compile(
    r"<style\b.*?(?:</style|\Z)|<script\b.*?(?:</script|\Z)|<!--.*?(?:-->|\Z)"
    r"|[\s\"'/]style\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]*)",
    re.IGNORECASE | re.DOTALL,
)
_VALUE, _BLOCK = "{{}}", "{%%}"  # stand in the outline of a template
_STANDS_FOR = {"variable_begin": _VALUE, "block_begin": _BLOCK}
_PLACED = re.compile(r"\{[{%]")
_SCRIPT = re.compile(r"<script\b", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z](?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+>")
_QUOTED = re.compile(r"\"[^\"]*+\"|'[^']*+'")
_SECTION = re.compile(r"<(?:\{%%\}|\{\{\}\})*!(?:\{%%\}|\{\{\}\})*\[")
_LEXED = Environment(autoescape=True)


class Mistake(NamedTuple):
    """What is wrong, and in which line of the template."""

    line: int
    why: str

    def __str__(self) -> str:
        return _("line {line}: {why}").format(line=self.line, why=self.why)


def mistakes_in_html(source: str) -> Iterator[Mistake]:
    """Find scripts, HTML that is not whole, and values where no value may stand."""
    outline = _Outline(source)
    text = outline.text
    for found in _SCRIPT.finditer(text):
        why = _("a mail runs no script; the card is put in by us: take this out")
        yield Mistake(outline.line(found.start()), why)
    for found in _NO_VALUES.finditer(text):
        if _PLACED.search(found[0]) and not _SCRIPT.match(found[0]):
            why = _("nothing can be filled in inside of styles and comments")
            yield Mistake(outline.line(found.start()), why)
    for found in _TAG.finditer(text, 0, intact(text)):
        if _VALUE in _QUOTED.sub("", found[0]):
            why = _("a value in a tag is read as more attributes: put quotes round it")
            yield Mistake(outline.line(found.start()), why)
    yield from _unreadable(outline)


def _unreadable(outline: "_Outline") -> Iterator[Mistake]:
    whole = intact(outline.text)
    if whole < len(outline.text):
        why = _("this tag or comment has no end, or a quote in it has none")
        yield Mistake(outline.line(whole), why)
        return
    try:
        _read(outline)
    except AssertionError:  # how html.parser says that it knows no such section
        why = _("nothing of the kind of <![…]> can stand in a mail: take this out")
        found = _SECTION.search(outline.text)
        yield Mistake(outline.line(found.start() if found else 0), why)


def left_out(source: str) -> tuple[str, ...]:
    """Name what no mail will have of a template that has no mistakes: what runs, loads or asks."""
    return _read(_Outline(source))


def _read(outline: "_Outline") -> tuple[str, ...]:
    """Name what is left out; nothing where only single branches are whole, which show when filled."""
    html = outline.filled
    return inert(html).left_out if intact(html) == len(html) else ()


class _Outline:
    """The HTML of a template, without its comments; a sign stands where something is filled in."""

    def __init__(self, source: str) -> None:
        self._begins: list[tuple[int, int]] = []  # where a piece begins, and in which line
        pieces: list[str] = []
        at = 0
        for line, kind, value in _tokens(source):
            piece = value if kind == "data" else _STANDS_FOR.get(kind, "")
            if piece:
                self._begins.append((at, line))
                pieces.append(piece)
                at += len(piece)
        self.text = "".join(pieces)

    @property
    def filled(self) -> str:
        """Return the HTML with all that stands in conditions and loops, and addresses for values."""
        return self.text.replace(_BLOCK, "").replace(_VALUE, "https://example.com/")

    def line(self, at: int) -> int:
        """Return the line of the template in which this character stands."""
        known = bisect_right(self._begins, at, key=lambda begin: begin[0])
        begin, line = self._begins[known - 1] if known else (0, 1)
        return line + self.text.count("\n", begin, at)


def _tokens(source: str) -> list[tuple[int, str, str]]:
    try:
        return list(_LEXED.lex(source))
    except TemplateSyntaxError:  # told by whoever parses it
        return [(1, "data", source)]


class Look:
    """Goes through a parsed template; *mistakes* are what it found, *names* the roots that are used."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.names: set[str] = set()
        self._loops = 0
        self._line = 1  # of what was looked at last: some nodes have none

    def over(self, template: nodes.Template) -> None:
        """Look at all of it, and put a bound on each loop."""
        self._each(template.body, frozenset(), 0, 0)

    def _each(
        self, found: Iterable[nodes.Node], known: frozenset[str], loops: int, depth: int
    ) -> None:
        for node in found:
            self._at(node, known, loops, depth)

    def _at(self, node: nodes.Node, known: frozenset[str], loops: int, depth: int) -> None:
        self._line = node.lineno or self._line
        if depth > _DEEPEST:
            self._wrong(node, _("this is nested too deep"))
        elif not isinstance(node, _NODES):
            self._wrong(node, _("this cannot stand in a template of mails"))
        elif isinstance(node, nodes.For):
            self._loop(node, known, loops, depth)
        elif isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
            self._named(node, known, loops, depth)
        else:
            self._kind(node)
            self._each(node.iter_child_nodes(), known, loops, depth + 1)
            if isinstance(node, nodes.Compare | nodes.Operand):
                line = node.lineno
                node.expr = nodes.Filter(node.expr, WEIGHED, [], [], None, None, lineno=line)

    def _kind(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            self._wrong(node, _unknown(_("the filter {name}"), node.name, FILTERS))
        elif isinstance(node, nodes.Test) and node.name not in _TESTS:
            self._wrong(node, _unknown(_("the test {name}"), node.name, _TESTS))
        elif isinstance(node, nodes.Operand) and node.op not in _COMPARED:
            self._wrong(node, _("only == and != compare here: amounts and dates are texts"))

    def _loop(self, node: nodes.For, known: frozenset[str], loops: int, depth: int) -> None:
        self._loops += 1
        if not isinstance(node.target, nodes.Name) or node.test is not None or node.recursive:
            self._wrong(node, _("a loop is written as: for NAME in LIST"))
            return
        if loops >= _DEEPEST_LOOP or self._loops > _MOST_LOOPS:
            said = _("at most {most} loops, and one inside of one other")
            self._wrong(node, said.format(most=_MOST_LOOPS))
            return
        self._at(node.iter, known, loops, depth + 1)
        size = nodes.Const(sum(1 for _node in node.find_all(nodes.Node)), lineno=node.lineno)
        node.iter = nodes.Filter(node.iter, FEW, [size], [], None, None, lineno=node.lineno)
        inside = known | {node.target.name, "loop"}
        self._each(node.body, inside, loops + 1, depth + 1)
        self._each(node.else_, known, loops, depth + 1)

    def _named(self, node: nodes.Expr, known: frozenset[str], loops: int, depth: int) -> None:
        """Look at a name and what stands below it: SummaryData.Submitter.Name."""
        root, steps = _path(node)
        if not isinstance(root, nodes.Name):
            self._at(root, known, loops, depth + 1)
            return
        if any(step is None for step in steps):
            self._wrong(node, _("in brackets stands a name in quotes, or a number"))
        elif root.name == "loop" and "loop" in known:
            if len(steps) != 1 or steps[0] not in LOOP:
                self._wrong(node, _unknown(_("{name}"), f"loop.{_dotted(steps)}", _of_loop()))
        elif root.name not in known:
            self._known(root, [str(step) for step in steps])

    def _known(self, root: nodes.Name, steps: list[str]) -> None:
        called = next((n for n in NAMES if n.casefold() == root.name.casefold()), None)
        if called is None:
            self._wrong(root, _unknown(_("{name}"), root.name, NAMES))
            return
        root.name = called
        self.names.add(called)
        here = NAMES[called]
        for at, step in enumerate(steps):
            if here.anything:
                return
            found = next((n for n in here.below if n.casefold() == step.casefold()), None)
            if found is None:
                before = ".".join([called, *steps[:at]])
                beside = [f"{before}.{name}" for name in here.below]
                self._wrong(root, _unknown(_("{name}"), f"{before}.{step}", beside))
                return
            here = here.below[found]

    def _wrong(self, node: nodes.Node, why: str) -> None:
        self.mistakes.append(Mistake(node.lineno or self._line, why))


def _path(node: nodes.Expr) -> tuple[nodes.Expr, list[str | int | None]]:
    """Return where a path begins and its steps; None for one that is computed."""
    steps: list[str | int | None] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        steps.insert(0, node.attr if isinstance(node, nodes.Getattr) else _constant(node.arg))
        node = node.node
    return node, steps


def _constant(node: nodes.Node) -> str | int | None:
    value: object = node.value if isinstance(node, nodes.Const) else None
    return value if isinstance(value, str | int) else None


def _dotted(steps: Iterable[object]) -> str:
    return ".".join(map(str, steps))


def _of_loop() -> list[str]:
    return [f"loop.{name}" for name in sorted(LOOP)]


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is not known, and which known one is nearest, or what there is."""
    by_fold = {each.casefold(): each for each in known}
    near = get_close_matches(name.casefold(), by_fold, n=1)
    said = _("{what} is not known").format(what=what.format(name=name))
    if near:
        return _("{said}; did you mean {near}?").format(said=said, near=by_fold[near[0]])
    listed = ", ".join(sorted(by_fold.values()))
    return _("{said}; known are {listed}").format(said=said, listed=listed) if listed else said
