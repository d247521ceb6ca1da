"""The tenants' own templates of mails: which one counts, and how it is filled."""

from functools import lru_cache

from jinja2 import TemplateSyntaxError
from jinja2 import nodes as jinja_nodes

from approvals_core.models import Notification, Occasion
from approvals_core.tenant import Tenant
from cards.language import _
from cards.mail.allowed import Look, Mistake, mistakes_in_html
from cards.mail.filling import Filling, Unfit, parsed
from cards.mail.inert import Inert, inert, intact
from cards.mail.unreadable import why_unreadable
from cards.viewer import Viewer

LARGEST = 256 * 1024  # characters of a template
_OWN_NAMES = {
    Occasion.ASKED: "PendingApproval",
    Occasion.ENDED: "ApprovalComplete",
    Occasion.REMINDER: "Reminder",
}


class BadTemplate(Exception):
    """A template with mistakes, all told at once."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("; ".join(map(str, mistakes)))
        self.mistakes = mistakes


class Template:
    """A tenant's template, checked and compiled; *names* are those of `NAMES` that it uses."""

    def __init__(self, source: jinja_nodes.Template, names: frozenset[str]) -> None:
        self.names = names
        self._filling = Filling(source)

    def filled(self, values: dict[str, object], viewer: Viewer) -> Inert:
        """
        Fill in *values*, of which those in `names` are needed.

        Raises:
            Unfit: It failed, came out too long, or empty.
        """
        try:
            found = _read(self._filling.html(values, viewer))
        except Unfit:
            raise
        except Exception as problem:  # whatever a template of others does, the mail goes out
            raise Unfit(f"it failed: {type(problem).__name__}") from problem
        if not found.body.striptags().strip():
            raise Unfit("it came out empty")
        return found


def _read(html: str) -> Inert:
    if intact(html) < len(html):
        raise Unfit("a tag or comment in it has no end")
    return inert(html)


def parse(text: str) -> Template:
    """
    Check and compile a template.

    Raises:
        BadTemplate: It has mistakes; each says its line.
    """
    if len(text) > LARGEST:
        raise BadTemplate(
            [Mistake(1, _("it is larger than {most} KB").format(most=LARGEST // 1024))]
        )
    mistakes, look = list(mistakes_in_html(text)), Look()
    try:
        source = parsed(text)
        look.over(source)
        mistakes += look.mistakes
        if not mistakes:
            return Template(source, frozenset(look.names))
    except TemplateSyntaxError as problem:
        mistakes.append(Mistake(problem.lineno, why_unreadable(problem)))
    except (RecursionError, SyntaxError):
        mistakes.append(Mistake(1, _("it is nested too deep")))
    raise BadTemplate(sorted(set(mistakes)))


def mistakes_in(text: str) -> list[str]:
    """Return what is wrong with a template, each with its line; [] if nothing is."""
    try:
        _known(text)
    except BadTemplate as bad:
        return [str(mistake) for mistake in bad.mistakes]
    return []


def template_for(tenant: Tenant, notification: Notification, occasion: Occasion) -> Template | None:
    """
    Return the tenant's own template for that mail; None: it has none, ours counts.

    First what is named TemplateKey|action, then TemplateKey, whatever the case; then
    what is named for the occasion: PendingApproval, ApprovalComplete or Reminder.
    """
    key, action = notification.template, notification.action
    if occasion is Occasion.REMINDER:
        key, _bar, action = (
            notification.reminder.template if notification.reminder else ""
        ).partition("|")
    texts = {name.casefold(): text for name, text in tenant.mail.texts.items()}
    for name in (f"{key}|{action}", key, _OWN_NAMES[occasion]):
        if text := texts.get(name.strip().casefold()):
            try:
                return _known(text)
            except BadTemplate:  # said when the files were read
                return None
    return None


@lru_cache(maxsize=256)
def _known(text: str) -> Template:
    return parse(text)
