"""Steps of signing in on the page: does it begin, and where does it come back to."""

from urllib.parse import parse_qs, urlsplit

from bots.cli.doctor.finding import Finding, broken, ok, unseen, waits
from bots.cli.doctor.house import ADDRESS
from bots.cli.doctor.ward import NoAnswer, Ward
from config import Settings

PAGE = "signing in on the page"
_ANEW = "Start the service anew with these settings, and let the proxy pass /sign-in on."


def redirect_uri(settings: Settings) -> str:
    """Return where Entra sends people back to, as the page tells it."""
    return f"{settings.public_url.rstrip('/')}/signed-in"


async def page(ward: Ward, *, able: bool) -> Finding:
    """See whether the page leads people to Entra, and names our public address to come back to."""
    settings = ward.settings
    if not settings.secret_keys:
        how = "Set APPROVALS_SECRET_KEYS to a random text of 32 characters or more."
        return broken(PAGE, "there is no page behind the links in mails", how)
    back = redirect_uri(settings)
    if urlsplit(back).scheme != "https" and not settings.custom_issuers:
        how = "Set APPROVALS_PUBLIC_URL to the https address of this service."
        return broken(PAGE, f"{back} is not https, and Entra sends nobody there", how)
    if not able:
        return waits(PAGE, ADDRESS)
    url = f"{settings.public_url.rstrip('/')}/sign-in?directory={settings.directories[0]}"
    try:
        status, leads = await ward.led(url)
    except NoAnswer as problem:
        return broken(PAGE, f"{url}: {problem}", _ANEW)
    return _judged(url, status, leads, back)


def _judged(url: str, status: int, leads: str, back: str) -> Finding:
    named = parse_qs(urlsplit(leads).query).get("redirect_uri", [""])[0]
    if not named:
        how = f"{_ANEW} If it is 503, `sign_in_not_begun` in the log says what Entra said."
        return broken(PAGE, f"{url} answers {status}, and leads nowhere", how)
    if named != back:
        saw = f"the service that runs has people sent back to {named}, by the settings it is {back}"
        return broken(PAGE, saw, "Start the service anew with these settings.")
    return ok(PAGE, f"leads to {urlsplit(leads).netloc}, and back to {back}")


def registered(settings: Settings) -> Finding:
    """Say what only Entra shows: where it may send people back to."""
    app, uri = settings.bot_app_id, redirect_uri(settings)
    where = (
        f"Entra, App registrations, application {app}, Authentication: {uri} stands there, to the"
        f" letter, under Web. Else: az ad app update --id {app} --web-redirect-uris {uri}"
    )
    return unseen("the redirect URI in Entra", where)
