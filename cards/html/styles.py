"""How the HTML of a request looks: one table, for a page's stylesheet and for the style attributes of mails."""

from typing import NamedTuple


class Style(NamedTuple):
    """Declarations of one class, and those that differ in the dark."""

    light: str
    dark: str = ""


_FONT = "font-family:'Segoe UI','Segoe UI Web',-apple-system,BlinkMacSystemFont,Roboto,Helvetica,Arial,sans-serif"
INK, MUTED, LINE = "#242424", "#5c5c5c", "#e1dfdd"
_INK_DARK, _MUTED_DARK, _LINE_DARK = "color:#f3f2f1", "color:#bdbbb8", "border-color:#484644"
_LINK, _LINK_DARK = "color:#0f548c", "color:#85bff2"
_START = "text-align:left;text-align:start"  # the first for those who do not know the second
_WRAP = "word-wrap:break-word"  # the older name of overflow-wrap
_ANYWHERE = f"{_WRAP};overflow-wrap:anywhere"  # also where a table asks how narrow it can be
_BOX = f"margin:0 0 16px;padding:12px 16px;border-left:4px solid;border-radius:4px;{_WRAP}"
_BADGE = "display:inline-block;padding:2px 10px;border-radius:12px;font-size:13px;line-height:20px;font-weight:600"

# Every pair of ink and ground has a contrast of 4.5 or more (WCAG 1.4.3).
_TONES = {
    "good": ("#0e5a0e", "#e6f3e6", "#107c10", "#a9dca9", "#1c321c"),
    "bad": ("#8a1f17", "#fdeceb", "#c4314b", "#f6b9b2", "#43211e"),
    "warning": ("#6b4800", "#fff4d6", "#c58a00", "#f5d88d", "#3b3216"),
    "note": ("#0f4a7c", "#e8f1fa", "#2886de", "#abd4f7", "#1a3046"),
    "over": ("#424242", "#f0f0f0", "#8a8886", "#dddbd9", "#3a3938"),
}

STYLES = {
    "rq": Style(f"{_FONT};font-size:15px;line-height:22px;color:{INK};{_START}", _INK_DARK),
    "rq-head": Style("margin:0 0 16px"),
    "rq-kind": Style(
        f"margin:0 0 4px;font-size:13px;line-height:20px;color:{MUTED};{_WRAP}", _MUTED_DARK
    ),
    "rq-icon": Style("margin-right:8px;vertical-align:middle"),
    "rq-title": Style(
        f"margin:0 0 8px;font-size:24px;line-height:30px;font-weight:600;color:{INK};{_WRAP}",
        _INK_DARK,
    ),
    "rq-state": Style("margin:0"),
    "rq-link": Style(f"{_LINK};text-decoration:underline;{_ANYWHERE}", _LINK_DARK),
    "rq-sign": Style("font-weight:700"),
    "rq-line": Style("margin:0 0 4px"),
    "rq-last": Style("margin:0"),
    "rq-small": Style(
        f"margin:0 0 4px;font-size:13px;font-weight:400;line-height:20px;color:{MUTED};{_WRAP}",
        _MUTED_DARK,
    ),
    "rq-in-box": Style("margin:0 0 4px;font-size:13px;line-height:20px"),
    "rq-said": Style(
        f"margin:8px 0;padding:0 0 0 12px;border-left:2px solid {LINE};{_WRAP}",
        _LINE_DARK,
    ),
    "rq-hero": Style("margin:0 0 4px;padding:0"),
    "rq-label": Style(f"margin:0;font-size:13px;line-height:20px;color:{MUTED}", _MUTED_DARK),
    "rq-total": Style(
        f"margin:0 0 8px;font-size:28px;line-height:36px;font-weight:600;color:{INK};{_WRAP}",
        _INK_DARK,
    ),
    "rq-by": Style(f"margin:0 0 8px;font-weight:600;color:{INK}", _INK_DARK),
    "rq-notes": Style(f"margin:16px 0 0;{_WRAP}"),
    "rq-h2": Style(
        f"margin:24px 0 8px;font-size:17px;line-height:24px;font-weight:600;color:{INK};{_WRAP}",
        _INK_DARK,
    ),
    "rq-facts": Style(f"margin:16px 0 0;padding:0;border-top:1px solid {LINE}", _LINE_DARK),
    "rq-facts-titled": Style(f"margin:0;padding:0;border-top:1px solid {LINE}", _LINE_DARK),
    "rq-fact": Style(f"padding:6px 0;border-bottom:1px solid {LINE}", _LINE_DARK),
    "rq-name": Style(
        f"margin:0;font-size:13px;line-height:20px;color:{MUTED};{_WRAP}", _MUTED_DARK
    ),
    "rq-value": Style(f"margin:0;color:{INK};{_ANYWHERE}", _INK_DARK),
    "rq-scroll": Style("overflow-x:auto"),
    "rq-table": Style("width:100%;border-collapse:collapse;font-size:15px;line-height:22px"),
    "rq-th": Style(
        f"padding:6px 12px 6px 0;border-bottom:2px solid {LINE};font-size:13px;line-height:20px;"
        f"font-weight:400;{_START};vertical-align:bottom;color:{MUTED}",
        f"{_LINE_DARK};{_MUTED_DARK}",
    ),
    "rq-th-number": Style(
        f"padding:6px 0 6px 12px;border-bottom:2px solid {LINE};font-size:13px;line-height:20px;"
        f"font-weight:400;text-align:right;vertical-align:bottom;color:{MUTED}",
        f"{_LINE_DARK};{_MUTED_DARK}",
    ),
    "rq-row": Style(
        f"padding:8px 12px 8px 0;border-bottom:1px solid {LINE};font-weight:400;{_START};"
        f"vertical-align:top;color:{INK};{_ANYWHERE}",
        f"{_LINE_DARK};{_INK_DARK}",
    ),
    "rq-number": Style(
        f"padding:8px 0 8px 12px;border-bottom:1px solid {LINE};text-align:right;vertical-align:top;"
        f"white-space:nowrap;color:{INK}",
        f"{_LINE_DARK};{_INK_DARK}",
    ),
    "rq-sum": Style(f"padding:6px 12px 6px 0;font-weight:400;{_START};color:{MUTED}", _MUTED_DARK),
    "rq-sum-number": Style(
        f"padding:6px 0 6px 12px;text-align:right;white-space:nowrap;color:{MUTED}", _MUTED_DARK
    ),
    "rq-whole": Style(f"padding:8px 12px 8px 0;font-weight:600;{_START};color:{INK}", _INK_DARK),
    "rq-whole-number": Style(
        f"padding:8px 0 8px 12px;font-weight:600;text-align:right;white-space:nowrap;color:{INK}",
        _INK_DARK,
    ),
    "rq-list": Style("margin:0;padding:0 0 0 20px"),
    "rq-item": Style(f"margin:0 0 4px;{_ANYWHERE}"),
    "rq-steps": Style("margin:0;padding:0;list-style:none"),
    "rq-step": Style(
        f"margin:0;padding:8px 0 8px 12px;border-left:2px solid {LINE};{_WRAP}", _LINE_DARK
    ),
    "rq-step-now": Style(
        f"margin:0;padding:8px 0 8px 12px;border-left:2px solid #2886de;font-weight:600;{_WRAP}",
        "border-color:#85bff2",
    ),
    **{
        f"rq-box-{tone}": Style(
            f"{_BOX};color:{ink};background-color:{ground};border-left-color:{edge}",
            f"color:{dark_ink};background-color:{dark_ground}",
        )
        for tone, (ink, ground, edge, dark_ink, dark_ground) in _TONES.items()
    },
    **{
        f"rq-badge-{tone}": Style(
            f"{_BADGE};color:{ink};background-color:{ground}",
            f"color:{dark_ink};background-color:{dark_ground}",
        )
        for tone, (ink, ground, _edge, dark_ink, dark_ground) in _TONES.items()
    },
    **{
        f"rq-ink-{tone}": Style(f"font-weight:700;color:{ink}", f"color:{dark_ink}")
        for tone, (ink, _ground, _edge, dark_ink, _dark_ground) in _TONES.items()
    },
}


# Where there is room, names and values stand side by side.
WIDE = (
    "@media (min-width:521px){.rq-fact{display:flex}.rq-name{flex:0 0 34%;padding-right:16px}"
    ".rq-value{flex:1;min-width:0}}\n"
)


def stylesheet(styles: dict[str, Style]) -> str:
    """Return *styles* as a stylesheet, light and dark."""
    light = "".join(f".{name}{{{style.light}}}\n" for name, style in styles.items())
    return f"{light}{WIDE}@media (prefers-color-scheme: dark){{\n{_dark(styles, '')}}}\n"


def dark_rules(styles: dict[str, Style]) -> str:
    """Return what differs in the dark, strong enough to win over style attributes."""
    return _dark(styles, " !important")


def _dark(styles: dict[str, Style], strength: str) -> str:
    found = ((name, style.dark.split(";")) for name, style in styles.items() if style.dark)
    return "".join(
        f".{name}{{{';'.join(each + strength for each in each_of)}}}\n" for name, each_of in found
    )


STYLESHEET = stylesheet(STYLES)
