"""Whence a request comes: the client's address, through proxies that are trusted and no others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Networks = tuple[Network, ...]

_MAPPED = IPv6Network("::ffff:0:0/96")
_MAPPED_BITS = 96
_LONGEST = 64
_MAX_HOPS = 32
# As proxies write them: `192.0.2.1`, `192.0.2.1:5678`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5678`.
_WITH_PORT = re.compile(r"(?:\[([^\[\]]+)\]|([0-9.]+))(?::[0-9]{1,5})?")


def address_of(text: str | None) -> Address | None:
    """An address, or None for what is none, such as the peer of a Unix socket.

    An IPv4 address within IPv6 (`::ffff:192.0.2.1`) is the IPv4 address; a zone (`%eth0`) is left out.
    """
    if not text or len(text) > _LONGEST:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and (mapped := address.ipv4_mapped) is not None:
        return mapped
    return address


def network_of(text: str) -> Network:
    """`10.0.0.0/8`, `2001:db8::/32`, or one address. Raises ValueError, whose message says what would be right."""
    try:
        network = ip_network(text, strict=True)
    except ValueError:
        raise ValueError("expected a network such as 10.0.0.0/8 or 2001:db8::/32, without bits of a host") from None
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        inner = network.network_address.ipv4_mapped
        return IPv4Network((int(inner or 0), network.prefixlen - _MAPPED_BITS))
    return network


def is_within(address: Address | None, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of the networks. Nobody knows where None is, so it is in none."""
    return address is not None and any(address in network for network in networks)


def covers(outer: Sequence[Network], inner: Network) -> bool:
    """Whether a network is a part of one of the others."""
    for network in outer:
        if isinstance(network, IPv4Network):
            if isinstance(inner, IPv4Network) and inner.subnet_of(network):
                return True
        elif isinstance(inner, IPv6Network) and inner.subnet_of(network):
            return True
    return False


def client_address(peer: str | None, forwarded: bytes | None, trusted: Sequence[Network]) -> Address | None:
    """Of a request. `peer` is who has connected, `forwarded` the value of X-Forwarded-For (of several headers, joined
    in their order with commas), `trusted` the networks of proxies that write it.

    Each proxy appends whom it heard from, so what counts is the last address that is not a trusted proxy's: what
    stands before it the client may have made up. From a peer that is not trusted the header means nothing. None if
    nobody can say, as when a proxy wrote something that is no address.
    """
    address = address_of(peer)
    if not forwarded or not trusted:
        return address
    rest: bytes | None = forwarded
    for _ in range(_MAX_HOPS):
        if not is_within(address, trusted) or rest is None:
            return address
        before, comma, last = rest.rpartition(b",")
        rest = before if comma else None
        address = _forwarded(last)
    return None if is_within(address, trusted) and rest is not None else address


def _forwarded(element: bytes) -> Address | None:
    text = element.strip(b" \t").decode("latin-1")
    if len(text) > _LONGEST:
        return None
    match = _WITH_PORT.fullmatch(text)
    return address_of((match[1] or match[2]) if match else text)
