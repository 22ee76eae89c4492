"""Whence a request comes: nobody can make up an address, whatever they write into the header."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.addresses import address_of, client_address, covers, is_within, network_of

PROXIES = (network_of("10.0.0.0/8"), network_of("fd00::/8"), network_of("127.0.0.1"))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::1", "::1"),
    ],
)
def test_an_address_has_one_form(text: str, address: str) -> None:
    assert address_of(text) == ip_address(address)


@pytest.mark.parametrize("text", [None, "", "unix:", "/run/x.sock", "testclient", "1.2.3", "01.2.3.4", "1" * 10_000])
def test_what_is_none_is_nobody_s_address(text: str | None) -> None:
    assert address_of(text) is None


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "x", "", "2001:db8::1/32", "0/0", "10.0.0.0/8/8"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a network such as"):
        network_of(text)


def test_a_network_within_the_mapped_addresses_is_the_one_of_ipv4() -> None:
    assert network_of("::ffff:10.0.0.0/104") == ip_network("10.0.0.0/8")
    assert network_of("::ffff:10.0.0.1") == ip_network("10.0.0.1/32")
    assert network_of("::/0") == ip_network("::/0")


def test_nobody_knows_where_none_is() -> None:
    assert not is_within(None, [ip_network("0.0.0.0/0"), ip_network("::/0")])


def test_a_network_is_covered_by_a_larger_one_of_its_kind() -> None:
    assert covers([ip_network("10.0.0.0/8")], ip_network("10.1.0.0/16"))
    assert not covers([ip_network("10.1.0.0/16")], ip_network("10.0.0.0/8"))
    assert not covers([ip_network("0.0.0.0/0")], ip_network("::/0"))
    assert not covers([], ip_network("10.0.0.0/8"))


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("198.51.100.7", b"192.0.2.1", "198.51.100.7"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", b"", "10.0.0.1"),
        ("10.0.0.1", b"192.0.2.1", "192.0.2.1"),
        ("::ffff:10.0.0.1", b"192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", b"6.6.6.6, 192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", b"6.6.6.6,192.0.2.1 ,10.0.0.2,\tfd00::7", "192.0.2.1"),
        ("10.0.0.1", b"192.0.2.1:5678", "192.0.2.1"),
        ("10.0.0.1", b"[2001:db8::1]:5678, [fd00::7]", "2001:db8::1"),
        ("10.0.0.1", b"::ffff:192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", b"10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", b"192.0.2.1, unknown", None),
        ("10.0.0.1", b"192.0.2.1,", None),
        ("10.0.0.1", b"192.0.2.1, \xff", None),
        ("10.0.0.1", b"1" * 100_000, None),
        (None, b"192.0.2.1", None),
        ("/run/x.sock", b"192.0.2.1", None),
        ("10.0.0.1", b", ".join([b"10.0.0.2"] * 100), None),
    ],
)
def test_the_last_address_that_no_trusted_proxy_has_is_the_client_s(
    peer: str | None, header: bytes | None, client: str | None
) -> None:
    assert client_address(peer, header, PROXIES) == (ip_address(client) if client else None)


def test_without_trusted_proxies_the_header_means_nothing() -> None:
    assert client_address("10.0.0.1", b"192.0.2.1", ()) == ip_address("10.0.0.1")


@given(made_up=st.binary(max_size=60), proxies=st.integers(0, 3), client=st.ip_addresses())
def test_what_a_client_writes_before_changes_nothing(made_up: bytes, proxies: int, client: object) -> None:
    known = address_of(str(client))
    if is_within(known, PROXIES):
        return
    written = b", ".join([str(client).encode(), *[b"10.0.0.9"] * proxies])
    assert client_address("10.0.0.1", made_up + b", " + written, PROXIES) == known
