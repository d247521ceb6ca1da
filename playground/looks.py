"""A mail's HTML in the dark or in the light, whatever the reader's system prefers."""

import re

_STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(</style>)", re.DOTALL | re.IGNORECASE)
_PREFERS = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)
_ALWAYS, _NEVER = "(min-width:0)", "(max-width:0)"
_LOOKS = ("dark", "light")


def in_look(html: str, look: str) -> str:
    """
    Return *html* as it is shown to somebody who prefers *look*: "dark", "light", else as his system.

    A frame has no way to prefer something else than the system: so the questions that the
    mail's styles ask are answered here.
    """
    if look not in _LOOKS:
        return html
    answered = _STYLE.sub(lambda found: found[1] + _answered(found[2], look) + found[3], html)
    scheme = f"<style>:root{{color-scheme:{look} !important}}</style>"
    head, found, rest = answered.partition("</head>")
    return f"{head}{scheme}{found}{rest}" if found else f"{scheme}{answered}"


def _answered(css: str, look: str) -> str:
    return _PREFERS.sub(lambda asked: _ALWAYS if asked[1].lower() == look else _NEVER, css)
