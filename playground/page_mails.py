"""The page's JSON API for Outlook: opening mails, pressing what is on their cards, forwarding them; and their HTML."""

from collections.abc import Iterable

from aiohttp import web

from playground.actionable import sender_of, visible_to
from playground.looks import in_look
from playground.mailboxes import ELSEWHERE
from playground.markup import markup_of
from playground.outlook import Outlook
from playground.page_events import MAIL_PLACES, Things, shown
from playground.page_requests import bad, body_of, object_in, own_page_only, switch
from playground.records import Json
from playground.spoken import spoken
from playground.world import World

# What a mail says is a stranger's: no script runs, nothing is asked for but pictures, and styles are its own.
BODY_HEADERS = {
    "Content-Security-Policy": (
        "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
        "style-src 'unsafe-inline'; img-src https: data:; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
IN_A_NEW_WINDOW = '<base target="_blank">'


class MailRooms:
    """Lets the reader of the page sit at everybody's *outlook*."""

    def __init__(self, world: World, outlook: Outlook, things: Things) -> None:
        self._world = world
        self._outlook = outlook
        self._things = things

    def routes(self, api: str) -> Iterable[web.RouteDef]:
        return [
            web.get("/page/mails/{person}/{mail}", self._body),
            web.post(f"{api}/mail/open", own_page_only(self._open)),
            web.post(f"{api}/mail/invoke", own_page_only(self._invoke)),
            web.post(f"{api}/mail/press", own_page_only(self._press)),
            web.post(f"{api}/mail/forward", own_page_only(self._forward)),
            web.post(f"{api}/mail/fault", own_page_only(self._set_fault)),
        ]

    # -- what the reader does -------------------------------------------------

    async def _open(self, request: web.Request) -> web.Response:
        alias, mail_id = self._mail(await body_of(request))
        self._outlook.open(alias, mail_id)
        return self._answered(alias, mail_id)

    async def _invoke(self, request: web.Request) -> web.Response:
        """Let the card refresh itself, as Outlook does once it shows it; nobody is told if that fails."""
        alias, mail_id = self._mail(await body_of(request))
        await self._outlook.auto_invoke(alias, mail_id)
        return self._answered(alias, mail_id)

    async def _press(self, request: web.Request) -> web.Response:
        asked = await body_of(request)
        alias, mail_id = self._mail(asked)
        action, inputs = object_in(asked, "action"), object_in(asked, "inputs")
        try:
            await self._outlook.press(alias, mail_id, action, inputs)
        except LookupError as problem:
            raise bad(str(problem.args[0])) from None
        return self._answered(alias, mail_id)

    async def _forward(self, request: web.Request) -> web.Response:
        asked = await body_of(request)
        alias, mail_id = self._mail(asked)
        to = str(asked.get("to", ""))
        if to == alias or to not in {person.alias for person in shown(self._world)}:
            raise bad("a mail is forwarded to somebody else whose inbox is seen here")
        self._outlook.forward(alias, mail_id, to, hostile=bool(asked.get("hostile")))
        return web.json_response({})

    async def _set_fault(self, request: web.Request) -> web.Response:
        """Let the mail system go wrong at whose door the service hands over its mails."""
        asked = await body_of(request)
        return switch(self._world, MAIL_PLACES[self._world.mail_via], asked.get("fault"))

    # -- what he sees ---------------------------------------------------------

    async def _body(self, request: web.Request) -> web.Response:
        """Return a mail's HTML without what is meant for Outlook alone, dark or light as the page is."""
        alias, mail_id = self._mail(dict(request.match_info))
        html = markup_of(self._outlook.mail(alias, mail_id).html).bare
        html = in_look(html, request.query.get("theme", ""))
        return web.Response(
            text=_with_base(html), content_type="text/html", charset="utf-8", headers=BODY_HEADERS
        )

    def _answered(self, alias: str, mail_id: str) -> web.Response:
        """Return the mail as the reading pane shows it now, and its line in the inbox."""
        key = f"mail/{alias}/{mail_id}"
        changed = [self._things.rendered(key, self._things.sources()[key])]
        return web.json_response({"changed": changed, "pane": self._pane(alias, mail_id)})

    def _pane(self, alias: str, mail_id: str) -> Json:
        mail, reading = self._outlook.mail(alias, mail_id), self._outlook.reading(alias, mail_id)
        found = self._outlook.verdict(alias, mail_id)
        name, address = sender_of(mail)
        card = found.card or {}
        return {
            "person": alias,
            "id": mail_id,
            "at": mail.at.isoformat(),
            "subject": mail.subject,
            "from": {"name": name, "address": address},
            "to": visible_to(mail),
            "body": f"/page/mails/{alias}/{mail_id}",
            "spoken": [[one._asdict() for one in line] for line in spoken(mail.html)],
            "card": found.card,
            "hides_body": card.get("hideOriginalBody") is True,
            "forwarded": self._world.mailboxes.owner(address) != ELSEWHERE,
            "invokes": isinstance(card.get("autoInvokeAction"), dict),
            "refusals": found.refusals,
            "remarks": [*found.remarks, *([reading.invoked] if reading.invoked else [])],
            "status": reading.status,
            "failed": reading.failed,
        }

    # -- whose ----------------------------------------------------------------

    def _mail(self, asked: Json) -> tuple[str, str]:
        alias, mail_id = str(asked.get("person", "")), str(asked.get("mail", ""))
        if alias not in self._world.people:
            raise bad("nobody of this name has an inbox here")
        if self._world.mailboxes.find(alias, mail_id) is None:
            raise bad("this mail is no longer in the inbox")
        return alias, mail_id


def _with_base(html: str) -> str:
    """Let links open windows of their own: nothing else may be loaded into the mail's place."""
    head, found, rest = html.partition("<head>")
    return f"{head}{found}{IN_A_NEW_WINDOW}{rest}" if found else f"{IN_A_NEW_WINDOW}{html}"
