"""
Reads the address of a store in Redis: which servers there are, and what must be safe.

- ``redis://[USER:PASSWORD@]HOST[:PORT][/DB]``: one server, or a name that leads to whichever
  is the primary now. The name is resolved anew with each connection.
- ``redis+sentinel://HOST[:PORT],HOST[:PORT],…/NAME[/DB]``: sentinels, which know where the
  primary called NAME is. They are asked with ``sentinel_username`` and ``sentinel_password``,
  not with the primary's.
- ``redis+cluster://HOST[:PORT],HOST[:PORT],…``: some servers of a cluster; they name the others.
- ``unix:///FOLDER/SOCKET``: one server on this machine.

A name or a password is written with ``%2F %3F %23 %40`` for ``/ ? # @``.

``rediss`` in place of ``redis`` means TLS; ``ssl_ca_certs=FILE`` and other names that begin with
``ssl_`` are as in redis-py, but for what would trust any server. Behind the question mark may also
stand

- ``durability``: see `Durability`,
- ``wait_replicas``: how many replicas must have a commit before it is acknowledged (0),
- ``wait_ms``: how many milliseconds they may take (1000, at most 4000).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

BEGINNINGS = ("redis:", "rediss:", "redis+", "rediss+", "unix:")  # of every such address

_SCHEMES = ("redis", "rediss", "unix")
_KINDS = ("", "cluster", "sentinel")
_PORT = 6379
_SENTINEL_PORT = 26379
_SENTINELS = ("sentinel_username", "sentinel_password")
_NAME = re.compile(
    r"[a-z_]{1,40}"
)  # of a setting; what is written otherwise may be a password's end
_CHECKS = {"ssl_cert_reqs": ("required",), "ssl_check_hostname": ("true", "yes", "1")}  # of TLS


class Durability(StrEnum):
    """What the server's own disk promises about what was acknowledged."""

    ALWAYS = "always"  # nothing is lost
    EVERYSEC = "everysec"  # about the last second may be lost when the server's machine fails
    MANAGED = "managed"  # its settings are hidden; whoever runs it vouches for them


class Safety(BaseModel):
    """What must be true before a commit is acknowledged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    durability: Durability = Durability.ALWAYS
    wait_replicas: int = Field(default=0, ge=0, le=10)
    wait_ms: int = Field(default=1000, ge=1, le=4000)  # less than the wire waits for any answer

    def risks(self, kind: str) -> Sequence[str]:
        """Say what may be lost though it was acknowledged by servers of this *kind*; [] is nothing."""
        said = [_RISKS[self.durability]] if self.durability in _RISKS else []
        if kind and not self.wait_replicas:
            said.append(
                "wait_replicas=0: what no replica has yet when one takes over from its primary."
                " Add wait_replicas=1 to the address."
            )
        return said


_RISKS = {
    Durability.EVERYSEC: "durability=everysec: about the last second when the server's machine fails.",
    Durability.MANAGED: "durability=managed: whatever those who run the server do not keep.",
}


@dataclass(frozen=True)
class Address:
    """Where the store is; *servers* are given as HOST:PORT, "" is the one at the socket."""

    scheme: str
    kind: str  # "", "cluster" or "sentinel"
    servers: tuple[str, ...]
    safety: Safety
    primary: str  # its name among the sentinels
    _user: str
    _rest: str
    _asking: tuple[str, str]

    def url(self, server: str) -> str:
        """Return the URL of one server that holds approvals, as redis-py wants it."""
        return f"{self.scheme}://{self._user}{server}{self._rest}"

    def sentinel_url(self, server: str) -> str:
        """Return the URL of one sentinel."""
        user, password = (quote(part, safe="") for part in self._asking)
        who = f"{user}:{password}@" if user or password else ""
        _, mark, query = self._rest.partition("?")
        return f"{self.scheme}://{who}{server}{mark}{query}"


def read_address(url: str) -> Address:
    """
    Read the URL of a store.

    Raises:
        ValueError: It is none; the message has no password in it.
    """
    parts = _split(url)
    scheme, _, kind = parts.scheme.partition("+")
    if scheme not in _SCHEMES or kind not in _KINDS or (kind and scheme == "unix"):
        raise ValueError(
            "must begin with redis://, rediss://, redis+sentinel://, redis+cluster:// or unix://"
        )
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    safety = _safety({name: query.pop(name) for name in Safety.model_fields if name in query})
    asking = ("", "")
    if kind == "sentinel":
        asking = (query.pop(_SENTINELS[0], ""), query.pop(_SENTINELS[1], ""))
    _check_names(query, kind)
    _check_tls(query, scheme)
    user, at, hosts = parts.netloc.rpartition("@")
    path, primary = _path(scheme, kind, parts)
    return Address(
        scheme=scheme,
        kind=kind,
        servers=_servers(scheme, kind, hosts),
        safety=safety,
        primary=primary,
        _user=user + at,
        _rest=f"{path}?{urlencode(query)}" if query else path,
        _asking=asking,
    )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:  # its message has the password in it
        raise ValueError(f"cannot be read: {_WRITTEN}") from None
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":  # all before it is a password's begin
        raise ValueError(f"has an @ behind its hosts: {_WRITTEN}")
    return parts


_WRITTEN = "write a password with %2F %3F %23 %40 for / ? # @, and %XX for what is not ASCII"


def _check_names(query: Mapping[str, str], kind: str) -> None:
    odd = [name for name in query if not name.startswith("ssl_") and (kind or name != "db")]
    if odd:
        named = f": {odd[0]}" if _NAME.fullmatch(odd[0]) else ""
        raise ValueError(f"has a setting that we do not know{named}")


def _check_tls(query: Mapping[str, str], scheme: str) -> None:
    given = [name for name in query if name.startswith("ssl_")]
    if given and scheme != "rediss":
        raise ValueError("has settings of TLS: write rediss in place of redis")
    for name, good in _CHECKS.items():
        if query.get(name, good[0]).lower() not in good:
            raise ValueError(
                f"may not say anything but {name}={good[0]}: others could pass for this Redis."
                " Name who signed its certificate with ssl_ca_certs=FILE"
            )


def _safety(given: dict[str, str]) -> Safety:
    try:
        return Safety.model_validate(given)
    except ValidationError as problem:
        first = problem.errors()[0]
        raise ValueError(f"{first['loc'][0]}: {first['msg']}") from None


def _servers(scheme: str, kind: str, hosts: str) -> tuple[str, ...]:
    if scheme == "unix":
        if hosts:
            raise ValueError("unix:// takes no host: write three slashes before the path")
        return ("",)
    usual = _SENTINEL_PORT if kind == "sentinel" else _PORT
    servers = tuple(_server(host, usual) for host in hosts.split(","))
    if len(servers) > 1 and not kind:
        raise ValueError("several hosts need redis+sentinel:// or redis+cluster://")
    return servers


def _server(host: str, usual: int) -> str:
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port or usual
    except ValueError:  # its message has a part of the address in it, perhaps of a password
        raise ValueError("has a port that is none") from None
    if not parts.hostname or parts.path:
        raise ValueError("has no host")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{name}:{port}"


def _path(scheme: str, kind: str, parts: SplitResult) -> tuple[str, str]:
    """Return what follows the host in a server's own URL, and the primary's name."""
    if scheme == "unix":
        if len(parts.path) <= 1:
            raise ValueError("has no path of a socket")
        return parts.path, ""
    primary, database = "", parts.path.strip("/")
    if kind == "sentinel":
        primary, _, database = database.partition("/")
        if not primary:
            raise ValueError("must say behind the hosts what the sentinels call the primary")
    if database and not database.isdecimal():
        raise ValueError("has a database that is no number")
    if kind == "cluster" and database.strip("0"):
        raise ValueError("names a database: a cluster has only 0")
    return (f"/{database}" if database else ""), primary
