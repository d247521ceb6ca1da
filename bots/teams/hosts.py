"""Which service URLs may be sent our token: the cloud's own, compiled in, and nobody else's."""

from collections.abc import Iterable

from yarl import URL

# First contact, by cloud (msteams-docs, send-proactive-messages.md). Later activities name
# another path of the same host: https://smba.trafficmanager.net/emea/ ...
FIRST_CONTACT = {
    "public": "https://smba.trafficmanager.net/teams/",
    "gcc": "https://smba.infra.gcc.teams.microsoft.com/teams/",
    "gcch": "https://smba.infra.gov.teams.microsoft.us/teams/",
    "dod": "https://smba.infra.dod.teams.microsoft.us/teams/",
}


class ServiceUrls:
    """
    The service URLs that we call, by scheme, host and port.

    Whoever can make us call an address of his own gets the bot's token.
    """

    def __init__(self, urls: Iterable[str]) -> None:
        self._origins = frozenset(_origin(URL(url)) for url in urls)
        if not self._origins:
            raise ValueError("without a service URL nobody can be reached")

    def allow(self, url: str) -> bool:
        """Tell whether *url* is at one of our hosts."""
        try:
            given = URL(url)
            plain = given.user is None and given.password is None
            return plain and _origin(given) in self._origins
        except ValueError:
            return False


def _origin(url: URL) -> tuple[str, str, int | None]:
    if not url.host:
        raise ValueError("a service URL needs a host")
    return url.scheme, url.host.lower(), url.port
