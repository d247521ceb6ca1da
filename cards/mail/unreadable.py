"""What is wrong with a template that Jinja cannot read, in words for whoever wrote it."""

import re
from collections.abc import Callable

from jinja2 import TemplateSyntaxError

from cards.language import _
from cards.text import clean, cut

_LONGEST = 40  # characters of what the template says, in what we say


def why_unreadable(problem: TemplateSyntaxError) -> str:
    """Say what is wrong and what to do; Jinja's own words are about its parser."""
    told = clean(problem.message or "")
    for pattern, words in _WORDS:
        if found := pattern.search(told):
            return words(*(cut(each, _LONGEST) for each in found.groups()))
    return _("this {{ … }} or {% … %} cannot be read: see the examples in tenants/README.md")


def _no_end() -> str:
    return _("this {{ or {% has no end: put }} or %} behind it, both signs without a space")


def _open(tag: str) -> str:
    return _("{{% {tag} … %}} has no end: put {{% end{tag} %}} behind it").format(tag=tag)


def _crossing(tag: str, still_open: str) -> str:
    said = _("{{% {tag} %}} comes too early: put {{% end{still_open} %}} before it")
    return said.format(tag=tag, still_open=still_open)


def _goes_on(tag: str) -> str:
    said = _("{{% {tag} %}} belongs to nothing: put {{% if … %}} or {{% for … %}} before it")
    return said.format(tag=tag)


def _unknown(tag: str) -> str:
    said = _("{{% {tag} … %}} is not known; known are if, elif, else, endif, for and endfor")
    return said.format(tag=tag)


def _missing() -> str:
    return _(
        "something is missing in this {{ … }} or {% … %}: a name, a filter or a text in quotes"
    )


def _too_much(what: str) -> str:
    if what in ("=", "=="):
        return _("to compare write == between two values, as in {% if A == B %}")
    said = _("“{what}” is too much here: {{{{ … }}}} has one name, and its filters behind |")
    return said.format(what=what)


def _instead(what: str, missing: str) -> str:
    said = _("“{missing}” is missing before “{what}”")
    return said.format(what=what, missing=missing)


def _odd(what: str) -> str:
    if what in ("'", '"'):
        return _("a quote has no end: put the same quote behind the text")
    return _("“{what}” cannot stand in {{{{ … }}}} or {{% … %}}: take it out").format(what=what)


_TAG = "(end\\w+|else|elif)"
_WORDS: tuple[tuple[re.Pattern[str], Callable[..., str]], ...] = tuple(
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (r"\AUnexpected end of template.* closed is '(\w+)'", _open),
        (r"\AUnexpected end of template|end of template|'eof'|got '\Z", _no_end),
        (r"special loop variable", lambda: _("“loop” is our own name: choose another one")),
        (rf"unknown tag '{_TAG}'.* closed is '(\w+)'", _crossing),
        (rf"unknown tag '{_TAG}'", _goes_on),
        (r"unknown tag '(.*?)'\.", _unknown),
        (r"Missing end of comment", lambda: _("this {# has no end: put #} behind it")),
        (r"Missing end of raw", lambda: _open("raw")),
        (r"\Aunexpected '[}%]'\Z", _no_end),
        (r"xpected an expression|expected token '(?:name|in)'|unexpected 'end of", _missing),
        (r"expected token 'end of (?:print statement|statement block)', got '(.*)'", _too_much),
        (r"\Aunexpected '(.*)', expected '(.*)'", _instead),
        (r"\Aunexpected char [\"']\\?(.*?)[\"'] at", _odd),
        (r"\Aunexpected '(.*)'", _odd),
    )
)
