"""Finds where in HTML a # may begin a colour or an id: in styles, and in the attributes that hold colours."""

import re
from bisect import bisect_right
from collections.abc import Iterator

# A <style> with what is in it, else a tag up to its end. Whatever is broken, no place is read twice.
_MARKUP = re.compile(
    r"<style\b[^>]*+>(?P<rules>.*?)(?:</style\b|\Z)"
    r"|<[A-Za-z](?:[^\"'>]++|\"[^\"]*+\"|'[^']*+')*+",
    re.IGNORECASE | re.DOTALL,
)
# A name is looked at from its beginning only: one that has no value is not tried again at each letter.
_ATTRIBUTE = re.compile(
    r"(?<![^\s\"'<>/=])([^\s\"'<>/=]++)\s*+=\s*+(\"[^\"]*+\"|'[^']*+'|[^\s\"'>]++)"
)
_OF_COLOURS = frozenset({"style", "color", "bgcolor"})


class Styled:
    """Says of each place in one template whether it lies among styles and colours."""

    def __init__(self, html: str) -> None:
        spans = list(_spans(html))
        self._starts = [start for start, _end in spans]
        self._ends = [end for _start, end in spans]

    def __contains__(self, at: int) -> bool:
        """Tell it of the character at this index."""
        before = bisect_right(self._starts, at) - 1
        return before >= 0 and at < self._ends[before]


def _spans(html: str) -> Iterator[tuple[int, int]]:
    """Yield where each of them begins and ends, from top to bottom."""
    for found in _MARKUP.finditer(html):
        if found["rules"] is not None:
            yield found.span("rules")
            continue
        for attribute in _ATTRIBUTE.finditer(html, *found.span()):
            if attribute[1].casefold() in _OF_COLOURS:
                yield attribute.span(2)
