"""From an address to a store: what is understood, and that no error shows an address."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest

from gateway.settings import ConfigurationError
from gateway.store.address import read_address
from gateway.store.choose import store_of
from gateway.store.memory import MemoryStore
from gateway.store.redis import RedisStore
from tests.support.redis import make_certificates


@pytest.mark.parametrize(("url", "size"), [("memory://", 64 << 20), ("memory://?mib=256", 256 << 20)])
def test_memory(url: str, size: int) -> None:
    store = store_of(url, time.monotonic)
    assert isinstance(store, MemoryStore)
    assert store._max_bytes == size


@pytest.mark.parametrize("url", ["redis://h", "rediss://u:p@h:1/2", "redis://[::1]:6380", "redis://h?cluster=true"])
async def test_redis_opens_without_a_server(url: str) -> None:
    store = store_of(url, time.monotonic)
    assert isinstance(store, RedisStore)
    await store.open()
    await store.close()


def test_parts_of_an_address() -> None:
    address = read_address("redis://u%40:p%2F%23@example.org:7000/3")
    assert (address.host, address.port, address.db) == ("example.org", 7000, 3)
    assert (address.username, address.password, address.tls, address.cluster) == ("u@", "p/#", None, False)
    assert "p/#" not in repr(address)
    plain = read_address("redis://:secret@localhost?cluster=true")
    assert (plain.username, plain.password, plain.port, plain.db, plain.cluster) == (None, "secret", 6379, 0, True)


def test_tls_is_always_verified(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    for query in ("", f"?ssl_ca_certs={made.authority}", f"?ssl_certfile={made.certificate}&ssl_keyfile={made.key}"):
        context = read_address(f"rediss://h{query}").tls
        assert context is not None
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
    only = read_address(f"rediss://h?ssl_ca_certs={made.authority}").tls
    assert only is not None
    assert len(only.get_ca_certs()) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "memory",
        "memory:///tmp",
        "memory://?mib=0",
        "memory://?mib=1.5",
        "memory://?size=secret",
        "unix:///secret",
        "http://secret",
        "redis://",
        "redis:///0",
        "redis://secret:secret@",
        "redis://:sec#ret@host",
        "redis://:sec/ret@host",
        "redis://:sec?ret@host",
        "redis://[secret",
        "redis://host:secret",
        "redis://host:99999",
        "redis://host/secret",
        "redis://host/-1",
        "redis://host/1?cluster=true",
        "redis://host?cluster=secret",
        "redis://host?ssl_ca_certs=/secret",
        "redis://host?socket_timeout=5",
        "rediss://host?ssl_cert_reqs=none",
        "rediss://host?ssl_check_hostname=false",
        "rediss://host?ssl_ca_certs=/secret",
        "rediss://host?ssl_ca_certs=/etc/hostname",
        "rediss://host?ssl_certfile=/secret",
    ],
)
def test_what_is_not_understood_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        store_of(url, time.monotonic)
    message = str(caught.value)
    assert "setting store" in message
    assert "redis://" in message
    assert "secret" not in message
    assert "sec" not in message.replace("second", "")
    assert caught.value.__cause__ is None
