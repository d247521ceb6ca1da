"""What one setting may look like; each returns it as it is, or raises ValueError with what it must be."""

from pathlib import Path
from urllib.parse import urlsplit

from approvals_core.adapters.card_signing import CardSigner
from approvals_core.adapters.mail.mime import wire_address
from approvals_core.adapters.small_files import read_small
from approvals_core.adapters.stores import check_address
from approvals_core.errors import Unreachable

HERE = ("127.0.0.1", "localhost", "::1")
LARGEST_KEY = 64 * 1024  # bytes of a PEM file


def readable_store(url: str) -> str:
    """Refuse what no store can be opened at: that would fail with a trace, or not be seen."""
    check_address(url)
    return url


def safe_address(url: str | None, *, always_https: bool) -> str | None:
    """Refuse what would send tokens or decisions in the clear beyond this machine."""
    if url is None:
        return url
    parts = urlsplit(url)
    check_port(url)
    http = parts.hostname in HERE and not always_https
    if not parts.hostname or parts.scheme not in (("https", "http") if http else ("https",)):
        raise ValueError("must be an address with https")
    return url


def collector(url: str | None) -> str | None:
    """Take http, too: a collector stands beside us, and what it gets is no secret."""
    if url is None:
        return url
    parts = urlsplit(url)
    check_port(url)
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if not parts.hostname or parts.scheme not in ("http", "https") or not plain:
        raise ValueError("must be an address as http://HOST:4318, without a password")
    return url


def mail_address(address: str) -> str:
    """Refuse what no mail could come from; "" is none."""
    try:
        return address and wire_address(address)
    except Unreachable:
        raise ValueError("must be one plain address, as approvals@contoso.com") from None


def signing_key(path: Path | None) -> Path | None:
    """Find out now what would else be found out with the first mail."""
    if path is None:
        return path
    try:
        CardSigner.from_pem(read_small(path, LARGEST_KEY))
    except OSError as problem:
        raise ValueError(f"cannot be read: {problem.strerror}") from None
    return path


def check_port(url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError:  # its message has a part of the address in it, perhaps of a password
        raise ValueError("has a port that is none") from None
