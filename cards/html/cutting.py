"""How much of a text of others stands in HTML: a line, or some paragraphs."""

from cards import text

_PROSE = 4000  # characters
_PROSE_LINES = 80


def line(words: str, limit: int = text.FACT_VALUE) -> str:
    """Return a text as one line of at most *limit* characters."""
    return text.one_line(words, limit)


def prose(words: str) -> str:
    """Return what somebody wrote, with its line breaks."""
    return text.cut_lines(text.cut(text.clean(words), _PROSE), _PROSE_LINES)
