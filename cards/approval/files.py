"""The attachments: what there is, and where a person can open it."""

from collections.abc import Callable
from functools import lru_cache

from approvals_core.models import Attachment
from approvals_core.ports import View
from approvals_core.tenant import Tenant
from cards import text
from cards.approval.content import Shown
from cards.approval.room import Room
from cards.elements import Column, Columns, OpenUrl, Piece, TextBlock
from cards.formats import file_size
from cards.language import _
from cards.pieces import heading, more, small
from cards.viewer import Viewer


def attachments(
    view: View, shown: Shown, viewer: Viewer, room: Room, page_url: str = ""
) -> list[Piece]:
    """
    List the files; what has no link, the card says where it is.

    What only the tenant's API gives is opened through our own page of the request, if
    there is one at *page_url*.
    """
    found = shown.attachments
    if not found:
        return []
    count = len(found) + shown.further_files
    title = heading(_("Attachments ({count})").format(count=count))
    ours = own_links(view, shown, page_url)
    urls = [link_of(file, view.tenant) or ours(file) for file in found[: room.rows]]
    rows = [
        _file(text.file_name(file.name), file.size, url, viewer.locale)
        for file, url in zip(found, urls, strict=False)
    ]
    note = [] if all(urls) or not rows else [_elsewhere(view)]
    return [title, *rows, *more(count - min(len(found), room.rows)), *note]


def link_of(file: Attachment, tenant: Tenant) -> str:
    """
    Return the address at which a person can open the file himself, "" if there is none.

    It is https, and not the tenant's own API: that asks for a token which no browser has.
    """
    url = text.safe_url(file.url) or ""
    if not url.startswith("https://"):
        return ""
    api = tenant.api
    reads = f"{api.base_url.rstrip('/')}{api.attachment}".split("{")[0] if api.attachment else ""
    return "" if reads and url.startswith(reads) else url


def own_links(view: View, shown: Shown, page_url: str) -> Callable[[Attachment], str]:
    """
    Return what tells at which address below *page_url* we give a file, "" if we do not.

    We give what the tenant's API gives and has no link of its own. Files are numbered
    from 1, as `Shown` has them.
    """
    page, files, tenant = text.safe_url(page_url), shown.attachments, view.tenant

    def link(file: Attachment) -> str:
        given = tenant.api.attachment and file.id and file in files
        if not page or not given or link_of(file, tenant):
            return ""
        return f"{page}/attachments/{files.index(file) + 1}"

    return link


@lru_cache(1024)  # the cards of a request have the same files; finished, so nobody may change them
def _file(name: str, size: int | None, url: str, locale: str) -> Columns:
    name = name or _("Attachment")
    inert = text.escape_markdown(text.break_runs(name))
    label = TextBlock(f"📎 {inert}", color="Accent" if url else None)
    columns = [Column(label, width="stretch")]
    if size is not None:
        written = small(file_size(size, locale), None)
        columns.append(Column(written, width="auto", vertical="Center"))
    opened = OpenUrl(_("Open {name}").format(name=name), url) if url else None
    return Columns(*columns, spacing="Small", on_select=opened)


def _elsewhere(view: View) -> TextBlock:
    """Say where the files are that cannot be opened from here, with the way there if we know it."""
    content = view.approval.content
    tenant = text.link(view.tenant.name, content.detail_page_url if content else "", text.PERSON)
    said = _("Files without a link can only be opened in {tenant}")
    return small(said.format(tenant=tenant), "Small")
