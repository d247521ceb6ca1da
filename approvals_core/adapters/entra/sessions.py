# pyright: standard
"""The HTTP under MSAL, bounded in time; pyright standard: requests has no types."""

from pathlib import Path

import requests  # noqa: TID251 (MSAL speaks nothing else; it runs in threads of its own)
from requests.adapters import HTTPAdapter  # noqa: TID251 (the same)

CALL_TIMEOUT = 5.0  # seconds to connect, and between two bytes


class _TimedAdapter(HTTPAdapter):
    """MSAL passes no time-out, and requests has none of its own."""

    def send(self, request, *args, **kwargs):
        return super().send(request, *args, **{**kwargs, "timeout": CALL_TIMEOUT})

    def close(self) -> None:
        # urllib3 closes a pool's connections once nobody refers to it, and its errors do.
        pools = self.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118 (no mapping: it cannot be iterated)
            pools[key].close()
        super().close()


def issuer_session(ca_file: Path | None) -> requests.Session:
    """Return a session that speaks https only; *ca_file* names who is trusted instead of the usual ones."""
    session = _session()
    session.verify = str(ca_file) if ca_file is not None else True
    session.mount("https://", _TimedAdapter())
    return session


def machine_session() -> requests.Session:
    """Return a session for the door of this machine's own identity, which speaks http."""
    session = _session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _TimedAdapter())
    return session


def _session() -> requests.Session:
    session = requests.Session()
    # REQUESTS_CA_BUNDLE and the proxies' variables would win over `verify`.
    session.trust_env = False
    session.max_redirects = 0
    session.adapters.clear()
    return session
