"""A request as HTML: what its card says, in the same order and words. No buttons and no forms."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from markupsafe import Markup

from approvals_core.ports import View
from approvals_core.tenant import Tenant
from cards import text
from cards.html.cutting import line
from cards.html.environment import environment
from cards.html.parts import Icon, Request, Step
from cards.html.reading import FileLinks, no_links, request_of, seen_by_nobody
from cards.html.styles import STYLES, Style
from cards.language import _
from cards.pieces import beside_kind
from cards.viewer import Viewer

Styler = Callable[[str], Markup]


def classes(name: str) -> Markup:
    """Return the attribute with which a page's stylesheet finds the element."""
    return Markup(' class="{}"').format(name)


def styler(styles: dict[str, Style]) -> Styler:
    """Return what writes class and style attribute, for mails: many programs drop stylesheets."""
    written = {
        name: Markup(' class="{}" style="{}"').format(name, style.light)
        for name, style in styles.items()
    }
    return written.__getitem__


_TEMPLATES = environment(Path(__file__).parent, {"_": _})
_REQUEST = _TEMPLATES.get_template("request.html")
_ROUTE = _TEMPLATES.get_template("route.html")
_INLINE = styler(STYLES)


def request_html(
    view: View,
    viewer: Viewer,
    *,
    said: str = "",
    problem: str = "",
    recording: str = "",
    is_told_only: bool = False,
    file_links: FileLinks = no_links,
) -> Markup:
    """
    Write header, state, total, details, attachments and route, for a page that serves `STYLESHEET`.

    *said* is a sentence above everything, *problem* why a decision came back; both raw
    texts. *recording* is the code of an action whose commit has not answered yet.
    *is_told_only*: the reader is no approver, whoever's place the view has.
    *file_links* returns our own address of a file, "" for none. Its only h1 is the title. Its icon comes from
    the origin of the page: no mail can show it.
    """
    seen = seen_by_nobody(view) if is_told_only else view
    found = request_of(
        *(seen, viewer), said=said, problem=problem, recording=recording, file_links=file_links
    )
    icon = _icon(view.tenant)
    tenant = "" if icon else line(beside_kind(view.tenant), text.PERSON)
    return written(replace(found, icon=icon, tenant=tenant), inline=False)


def _icon(tenant: Tenant) -> Icon | None:
    if tenant.icons is None or not tenant.icons.paths:
        return None
    paths = tenant.icons.paths
    return Icon(paths["medium"], paths["large"], line(tenant.name, text.PERSON))


def written(found: Request, *, inline: bool) -> Markup:
    """Write a request that was read; *inline* puts its styles into the elements."""
    return Markup(_REQUEST.render(rq=found, s=_INLINE if inline else classes))  # noqa: S704


def steps_html(steps: tuple[Step, ...]) -> Markup:
    """Write the rows of a route as a list, its styles in the elements."""
    return Markup(_ROUTE.render(steps=steps, s=_INLINE))  # noqa: S704
