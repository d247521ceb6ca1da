"""The whole HTML document of a mail: head, card, what it says, and the signed card at its end."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from cards.html.environment import environment
from cards.html.request import styler
from cards.html.styles import INK, LINE, MUTED, STYLES, WIDE, Style, dark_rules
from cards.language import LANGUAGE, _
from cards.mail.stylesheets import OWN, OWN_BODY

_LETTER = {
    "ml": Style("margin:0;padding:0;background-color:#f5f4f3", "background-color:#1b1a19"),
    "ml-outer": Style(
        "width:100%;table-layout:fixed;background-color:#f5f4f3", "background-color:#1b1a19"
    ),
    "ml-gap": Style("padding:16px 8px"),
    "ml-sheet": Style(
        "max-width:600px;margin:0 auto;padding:20px 20px 24px;background-color:#ffffff;border-radius:8px",
        "background-color:#252423",
    ),
    "ml-first": Style(
        f"margin:0 0 16px;padding:0 0 12px;border-bottom:1px solid {LINE};font-size:13px;line-height:20px;color:{MUTED}",
        "border-color:#484644;color:#bdbbb8",
    ),
    "ml-do": Style(
        f"margin:24px 0 0;padding:16px 0 0;border-top:1px solid {LINE};font-size:15px;line-height:22px;color:{INK}",
        "border-color:#484644;color:#f3f2f1",
    ),
    "ml-h2": Style(
        f"margin:0 0 8px;font-size:17px;line-height:24px;font-weight:600;color:{INK}",
        "color:#f3f2f1",
    ),
    "ml-button": Style(
        "display:inline-block;padding:10px 20px;border-radius:4px;background-color:#0f6cbd;"
        "border:1px solid #0f6cbd;font-size:15px;line-height:22px;font-weight:600;color:#ffffff;text-decoration:none",
        "background-color:#115ea3;border-color:#115ea3;color:#ffffff",
    ),
    "ml-foot": Style(
        "max-width:600px;margin:12px auto 0;padding:0 20px 16px;font-family:'Segoe UI',-apple-system,"
        f"BlinkMacSystemFont,Roboto,Helvetica,Arial,sans-serif;font-size:13px;line-height:20px;color:{MUTED}",
        "color:#bdbbb8",
    ),
    "ml-notice": Style(f"margin:0 0 8px;font-weight:600;color:{INK}", "color:#f3f2f1"),
}
_ALL = STYLES | _LETTER
_TEMPLATES = environment(Path(__file__).parent, {"_": _})
_DOCUMENT = _TEMPLATES.get_template("document.html")
_LETTER_HTML = _TEMPLATES.get_template("letter.html")
_CLOSING = _TEMPLATES.get_template("closing.html")
_OWN = _TEMPLATES.get_template("own.html")
_COLOR = re.compile(r"#?[0-9A-Za-z]{1,20}")
_STYLER = styler(_ALL)

# Of programs that know media queries: colours of the dark, and more room on phones.
_RULES = Markup(  # noqa: S704 (all of it is ours)
    f"{WIDE}"
    ":root{color-scheme:light dark;supported-color-schemes:light dark}\n"
    "@media (max-width:480px){.ml-gap{padding:0 !important}"
    ".ml-sheet{padding:16px 12px !important;border-radius:0 !important}"
    ".rq-total{font-size:24px !important}.ml-button{display:block !important;text-align:center !important}}\n"
    f"@media (prefers-color-scheme:dark){{\n{dark_rules(_ALL)}}}\n"
)


class ToDo(NamedTuple):
    """
    What the reader is to do, all raw texts. *url* "" if there is no page of ours.

    *is_asked*: he can decide now, and the link is what the mail is for.
    """

    title: str
    words: tuple[str, ...]
    button: str
    url: str
    about_link: str
    is_asked: bool = False


class Foot(NamedTuple):
    """What stands under everything: why he gets it, and what is not as usual."""

    why: str
    notice: str


class Parts(NamedTuple):
    """What goes into a document beside its body; *styles* reach nothing of ours."""

    subject: str
    card: Mapping[str, object] | None
    signed: str
    styles: str = ""


def letter_html(first: str, request: Markup, to_do: ToDo, foot: Foot) -> Markup:
    """Write the body of our own mail."""
    page = _LETTER_HTML.render(first=first, request=request, todo=to_do, foot=foot, s=_STYLER)
    return Markup(page)  # noqa: S704


def closing_html(to_do: ToDo | None, foot: Foot) -> Markup:
    """Write what stands under a tenant's own mail; *to_do* None if it says that itself."""
    return Markup(_CLOSING.render(todo=to_do, foot=foot, s=_STYLER))  # noqa: S704


def own_html(body: Markup, attributes: Mapping[str, str]) -> Markup:
    """
    Write what a tenant's template says, shut away from what stands beneath it.

    *body* is balanced, *attributes* are those of his <body>; both were made inert.
    """
    ground = attributes.get("bgcolor", "")
    said = [f"background-color:{ground}"] if _COLOR.fullmatch(ground) else []
    said += [attributes["style"]] if "style" in attributes else []
    named = {"class": f"{OWN_BODY} {attributes.get('class', '')}".strip(), "style": ";".join(said)}
    kept = {name: attributes[name] for name in ("dir", "lang") if name in attributes}
    given = {name: value for name, value in (named | kept).items() if value}
    return Markup(_OWN.render(body=body, attributes=given, own=OWN))  # noqa: S704


def document(body: Markup, parts: Parts) -> str:
    """Put everything together; *body* is balanced HTML."""
    return _DOCUMENT.render(
        lang=LANGUAGE,
        subject=parts.subject,
        rules=_RULES,
        styles=Markup(parts.styles),  # noqa: S704 (made inert where it came from)
        card=None if parts.card is None else in_script(parts.card),
        s=_STYLER,
        body=body,
        signed=parts.signed,
    )


def in_script(card: Mapping[str, object]) -> Markup:
    """
    Write JSON so that nothing in it ends the script element or begins a comment there.

    Both begin with "<" (HTML, 13.2.5.15 "script data less-than sign state"). The two line
    separators are no line breaks in JSON, and are some to programs that read it as a script.
    """
    written = json.dumps(card, ensure_ascii=False, separators=(",", ":"))
    for each in "<\u2028\u2029":
        written = written.replace(each, f"\\u{ord(each):04x}")
    return Markup(written)  # noqa: S704
