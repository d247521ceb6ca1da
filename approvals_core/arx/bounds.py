"""How much JSON one text may hold, told before it is parsed."""

import re

MOST_VALUES = 50_000  # in one operation of the details; a parser takes a tenth of a second for them

# It always matches, to the end of the text if nobody closed the string: so it goes through it once.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


def too_many_values(text: str, most: int = MOST_VALUES) -> bool:
    """Tell whether a JSON text holds more than *most* values, counting in it without parsing it."""
    # Commas in strings count too at first: of most texts there are few enough all the same.
    return _separators(text) > most and _separators(_STRING.sub("", text)) > most


def _separators(text: str) -> int:
    # Each value but the outermost is the first of its list or object, or follows a comma.
    return sum(map(text.count, ",[{"))
