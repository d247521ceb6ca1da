"""HTTP to the tenants' hosts, and to no address that their files do not allow."""

import errno
import socket
import ssl
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

Network = IPv4Network | IPv6Network
# family, type, protocol, canonical name, socket address: what getaddrinfo() returns
Address = tuple[int, int, int, str, tuple[object, ...]]

CONNECT = 10.0  # seconds for one address
REACH = 15.0  # seconds for name and connection together

_NEVER = (
    ip_network("168.63.129.16/32"),  # the platform's own door in every Azure machine
    # IPv4 inside IPv6: compatible, translated, NAT64 of all and of one's own, Teredo, 6to4
    ip_network("::/96"),
    ip_network("::ffff:0:0:0/96"),
    ip_network("64:ff9b::/96"),
    ip_network("64:ff9b:1::/48"),
    ip_network("2001::/32"),
    ip_network("2002::/16"),
    # What older tables of Python call public (IANA's special-purpose registries)
    ip_network("192.0.0.0/24"),  # protocol assignments
    ip_network("192.88.99.0/24"),  # relays of 6to4
    ip_network("fec0::/10"),  # site-local
    ip_network("3fff::/20"),  # documentation
    ip_network("5f00::/16"),  # segment routing
)


class AddressRefused(PermissionError):
    """A host's address is one that we do not call."""


def may_call(address: str, networks: Sequence[Network], *, loopback: bool) -> bool:
    """
    Tell whether we call an IP address: public ones, and those in *networks*.

    Link-local, multicast and unspecified addresses never, whatever *networks* says;
    loopback only where *loopback* allows it.
    """
    found = _plain(address)
    if found.is_loopback:
        return loopback
    if found.is_link_local or found.is_multicast or found.is_unspecified:
        return False
    if any(found in network for network in networks):
        return True
    return found.is_global and not any(found in network for network in _NEVER)


def session_to(
    networks: Sequence[Network],
    *,
    loopback: bool,
    resolver: AbstractResolver | None = None,
    trace_configs: Sequence[aiohttp.TraceConfig] = (),
    kept: float = 0.0,
) -> aiohttp.ClientSession:
    """
    Return a session that connects to allowed addresses only.

    The check stands where the socket is made, so that the address checked is the
    address connected to, whatever a name resolves to the next time. It keeps no
    cookies. A connection is *kept* for so many seconds without a call. 0.0: for none, as
    a POST on a kept one that the far side closed in that instant looks exactly like a
    POST that arrived.
    """

    def make_socket(info: Address) -> socket.socket:
        family, kind, protocol, _, where = info
        if not may_call(str(where[0]), networks, loopback=loopback):
            raise AddressRefused(errno.EACCES, f"{where[0]} is not allowed")
        return socket.socket(family, kind, protocol)

    keeping: dict[str, Any] = {"keepalive_timeout": kept} if kept else {"force_close": True}
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=make_socket, resolver=resolver, **keeping),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=REACH, sock_connect=CONNECT),
        trace_configs=list(trace_configs),
    )


def _plain(address: str) -> IPv4Address | IPv6Address:
    found = ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def session_trusting(
    ca_file: Path | None, *, trace_configs: Sequence[aiohttp.TraceConfig] = ()
) -> aiohttp.ClientSession:
    """
    Return a session for Microsoft's own services: keys, Graph and the Bot Connector.

    *ca_file* names the authorities trusted beside the usual ones; None: only those.
    Every caller sets a time-out of its own; the environment's proxies are not asked. It
    keeps no cookies.
    """
    trusted = ssl.create_default_context()
    if ca_file is not None:
        trusted.load_verify_locations(cafile=ca_file)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trusted, limit=200, limit_per_host=100),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=30),
        trust_env=False,
        trace_configs=list(trace_configs),
    )
