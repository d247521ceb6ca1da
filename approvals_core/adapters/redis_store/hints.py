"""What an operator can do about an error of Redis, in a sentence beside Redis' own words."""

from collections.abc import Sequence

_FULL = (
    "It is full: raise its maxmemory, or let closed requests go to an archive (docs/retention.md)."
)
_DISK = "It cannot write to its disk: make room there."
_SIGN_IN = (
    "The password belongs in the address: redis://:PASSWORD@HOST:PORT/DB, or with a user"
    " redis://USER:PASSWORD@HOST:PORT/DB; write %40 for @ in it."
)
_NO_SIGN_IN = "It has no password: leave it out of the address."
_TLS = "Does it speak TLS there? rediss:// is with TLS, redis:// without."
_REACHED = "Is HOST:PORT right, does it listen there, and does no firewall keep us out?"

# A part of what redis-py or the server says, in lower case, and what to do; the first that fits.
_HINTS: Sequence[tuple[str, str]] = (
    ("used memory > 'maxmemory'", _FULL),
    ("misconf", _DISK),
    ("errors writing to the aof file", _DISK),
    ("called without any password configured", _NO_SIGN_IN),
    ("authentication required", _SIGN_IN),
    ("noauth", _SIGN_IN),
    ("wrongpass", _SIGN_IN),
    ("invalid username-password pair", _SIGN_IN),
    ("invalid password", _SIGN_IN),
    ("wrong_version_number", _TLS),
    ("wrong version number", _TLS),
    ("record layer failure", _TLS),
    ("connection closed by server", _TLS),
    ("connection reset by peer", _TLS),
    ("timeout connecting", f"{_REACHED} {_TLS}"),
    ("no connection in time", f"{_REACHED} {_TLS}"),
    ("error 111 connecting", _REACHED),
    ("connection refused", _REACHED),
    ("name or service not known", _REACHED),
)


def with_hint(words: str) -> str:
    """Return *words*, what Redis or the connection to it says, and what to do about it if we know."""
    said = words.lower()
    hint = next((hint for part, hint in _HINTS if part in said), "")
    if not hint:
        return words
    return f"{words} {hint}" if words.endswith((".", "?", "!")) else f"{words}. {hint}"
