"""The sandbox in which a tenant's template is filled: plain values, a few filters, and an end to all work."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import cast

from jinja2 import ChainableUndefined, Undefined, pass_context
from jinja2 import nodes as jinja_nodes
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from cards.approval.values import as_list, as_object, follow, scalar
from cards.formats import day, is_currency, money, time_as_sent
from cards.language import _
from cards.mail.allowed import FEW, FILTERS, LOOP, WEIGHED
from cards.text import clean, typed
from cards.viewer import Viewer

MOST = 100  # entries of one list, in a loop
_LONGEST_VALUE = 20_000  # characters of one text
_LONGEST = 512 * 1024  # characters of a filled template
_MOST_ROUNDS = 5_000  # of all loops together
_MOST_WORK = 5_000_000  # characters that filters and comparisons read, and steps in loops
_STEP = 10  # characters that are read in the time of one step
_LONGEST_BETWEEN = 100  # characters between the entries of a list
_NAMED = 3  # values of something that is no text
_LOOKED_AT = 20  # fields or entries of it
# No names that a template could write.
_VIEWER = "viewer of the mail"
_ROUNDS = "rounds of its loops"
_WORK = "work of its filters"
_PLAIN_FILTER = "plain "


class Unfit(Exception):
    """A template could not be filled for this request; the message has no word of it."""


def parsed(text: str) -> jinja_nodes.Template:
    """
    Read a template, to be looked at before it is compiled.

    Raises:
        TemplateSyntaxError, RecursionError: It cannot be read.
    """
    return _SANDBOX.parse(text)


class Filling:
    """One compiled template. *source* was read by `parsed`, and looked at."""

    def __init__(self, source: jinja_nodes.Template) -> None:
        self._code = _SANDBOX.from_string(source)

    def html(self, values: dict[str, object], viewer: Viewer) -> str:
        """
        Return what the template says with *values*: HTML of others still.

        Raises:
            Unfit: It does too much, or comes out too long.
        """
        given = {**values, _VIEWER: viewer, _ROUNDS: [0], _WORK: [0]}
        return typed(_bounded(self._code.generate(given)), _LONGEST)


def _bounded(pieces: Iterable[str]) -> str:
    found: list[str] = []
    room = _LONGEST
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            raise Unfit(f"it came out longer than {_LONGEST // 1024} KB")
        found.append(piece)
    return "".join(found)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Knows plain values only: what is in a table or list of the request, and nothing of Python's."""

    def getattr(self, obj: object, attribute: str) -> object:
        if isinstance(obj, LoopContext):
            return getattr(obj, attribute) if attribute in LOOP else self.undefined(name=attribute)
        return self._below(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        return self._below(obj, str(argument))

    def is_safe_callable(self, obj: object) -> bool:
        return False

    def _below(self, obj: object, name: str) -> object:
        found = follow(obj, (name,))
        return self.undefined(name=name) if found is None else _short(found)


def _short(value: object) -> object:
    """Return the value as it is worked on: a text of a length that takes no time."""
    return value[:_LONGEST_VALUE] if isinstance(value, str) else value


def _said(value: object) -> object:
    """Return what stands in the mail for a value; only our own HTML goes in as it is."""
    if isinstance(value, Markup):
        return value
    if value is None or isinstance(value, Undefined):
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if as_object(value) is not None or as_list(value) is not None:
        return clean(_named(value))
    return clean(str(value)[:_LONGEST_VALUE])


def _named(value: object) -> str:
    """Name the first things that an object or a list says."""
    inside = (as_object(value) or {}).values() or as_list(value) or ()
    told = (scalar(each) for each in islice(inside, _LOOKED_AT))
    return ", ".join(str(_said(each)) for each in islice(filter(None, told), _NAMED))


def _entries(value: object) -> list[object]:
    """Return the first entries of a list, or an object alone."""
    if as_object(value):
        return [value]
    return [_short(each) for each in islice(as_list(value) or (), MOST)]


@pass_context
def _few(context: Context, value: object, size: int) -> list[object]:
    """Return what a loop goes through, of which each round has *size* steps."""
    found = _entries(value)
    _go_round(context, len(found))
    _work(context, len(found) * size * _STEP)
    return found


@pass_context
def _joined(context: Context, value: object, between: object = "") -> str:
    entries = _entries(value)
    _go_round(context, len(entries))
    parted = str(_said(between))[:_LONGEST_BETWEEN]
    return parted.join(str(_said(each))[:_LONGEST_VALUE] for each in entries)[:_LONGEST_VALUE]


def _go_round(context: Context, times: int) -> None:
    rounds = cast("list[int]", context[_ROUNDS])
    rounds[0] += times
    if rounds[0] > _MOST_ROUNDS:
        raise Unfit(f"its loops go round more than {_MOST_ROUNDS} times")


def _work(context: Context, much: int) -> None:
    done = cast("list[int]", context[_WORK])
    done[0] += much
    if done[0] > _MOST_WORK:
        raise Unfit("its filters and loops have too much to do")


@pass_context
def _weighed(context: Context, value: object) -> object:
    """Return what is compared, which pays for its length."""
    _work(context, len(str(value)))
    return value


def _charged(name: str) -> Callable[..., object]:
    """Return a filter of jinja2's or ours that pays for what it reads."""

    @pass_context
    def paying(context: Context, value: object, *given: object, **named: object) -> object:
        _work(context, sum(len(str(each)) + _STEP for each in (value, *given, *named.values())))
        plain = context.environment.call_filter
        return plain(_PLAIN_FILTER + name, value, given, named, context=context)

    return paying


@pass_context
def _put(context: Context, value: object) -> object:
    """Return what stands in the mail for a value, which pays for its length."""
    if isinstance(value, str):
        _work(context, min(len(value), _LONGEST_VALUE))
    return _said(value)


@pass_context
def _date(context: Context, value: object) -> str:
    """Write a date as the reader is used to see it; what is none stays."""
    said, viewer = str(_said(value)), cast("Viewer", context[_VIEWER])
    at = time_as_sent(said)
    return day(at, viewer.locale, viewer.zone) if at else said


@pass_context
def _amount(context: Context, value: object, unit: object = "") -> str:
    """Write a number as the reader is used to see it, with its currency."""
    said, viewer = str(_said(value)), cast("Viewer", context[_VIEWER])
    in_unit = str(_said(unit))
    return money(said, in_unit if is_currency(in_unit) else "", viewer.locale) if said else ""


def _sandbox() -> _Sandbox:
    made = _Sandbox(autoescape=True, undefined=ChainableUndefined, finalize=_put, auto_reload=False)
    made.globals = {}
    filters = cast("dict[str, object]", made.filters)  # pyright: ignore[reportUnknownMemberType] (jinja2 leaves them untyped)
    for name in {*filters} - FILTERS:
        del filters[name]
    filters |= {"join": _joined, "date": _date, "amount": _amount}
    plain = {_PLAIN_FILTER + name: each for name, each in filters.items()}
    made.filters = {
        **plain,
        **{name: _charged(name) for name in filters},
        FEW: _few,
        WEIGHED: _weighed,
    }
    return made


_SANDBOX = _sandbox()
