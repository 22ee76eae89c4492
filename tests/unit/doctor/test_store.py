"""Redis as a gateway would find it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.doctor.result import Result
from gateway.doctor.setup import resolve
from gateway.doctor.store import Store, judge, look
from gateway.store.port import Trouble
from gateway.store.redis_probe import Probe
from tests.support.redis import RedisServer, free_port, make_certificates, redis_cluster, redis_server
from tests.unit.doctor.scene import is_well, problems, warnings

COMMANDS = (
    "+get +set +del +unlink +scan +strlen +eval +evalsha +incrby +pttl +pexpire +time +zadd +zcard +zcount "
    "+zrangebyscore +zrem +zremrangebyscore +zscore +publish +subscribe +ping +hello +client +select"
)
GOOD = Probe(pings_s=(0.001,), eviction="noeviction")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


def results(url: str, *, holds: bool = True, **flags: object) -> list[Result]:
    setup = resolve({"store": url, **flags}, {}, None)
    return list(judge(look(setup), setup, holds_what_must_stay=holds))


def judged(probe: Probe, *, holds: bool = True, url: str = "redis://127.0.0.1:6379") -> list[Result]:
    return list(judge(Store("", probe), resolve({"store": url}, {}, None), holds_what_must_stay=holds))


def test_a_good_redis_is_well_and_left_as_it_was(redis: RedisServer) -> None:
    found = results(redis.url)
    assert is_well(found)
    assert "p50" in found[0].what
    assert redis.cli("DBSIZE") == "0"


def test_the_clock_of_redis_is_read(redis: RedisServer) -> None:
    probe = look(resolve({"store": redis.url}, {}, None)).probe
    assert probe is not None
    assert abs(probe.ahead_s) < 1
    assert len(probe.pings_s) > 5


def test_the_commands_that_are_documented_are_enough(redis: RedisServer) -> None:
    redis.cli("ACL", "SETUSER", "least", "on", ">canary-pw", "~pgw:*", "&pgw:*", *COMMANDS.split())
    url = redis.url.replace("redis://", "redis://least:canary-pw@")
    found = results(url)
    assert not problems(found)
    assert "maxmemory-policy may not be read" in warnings(found)
    assert is_well(results(url, holds=False))


@pytest.mark.parametrize("name", ["get", "set", "eval", "zadd", "scan", "publish", "subscribe", "pexpire"])
def test_a_command_that_is_missing_is_named(redis: RedisServer, name: str) -> None:
    redis.cli("ACL", "SETUSER", "less", "reset", "on", ">canary-pw", "~pgw:*", "&pgw:*", *COMMANDS.split(), f"-{name}")
    told = problems(results(redis.url.replace("redis://", "redis://less:canary-pw@")))
    assert f"may not use: {name} " in told
    assert f"+{name}" in told
    assert "canary" not in told


def test_other_keys_are_of_no_use(redis: RedisServer) -> None:
    redis.cli("ACL", "SETUSER", "other", "on", ">pw", "~other:*", "&pgw:*", *COMMANDS.split())
    assert "may not use: get, set" in problems(results(redis.url.replace("redis://", "redis://other:pw@")))


def test_a_redis_that_evicts_loses_limits(redis: RedisServer) -> None:
    redis.cli("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        assert "allkeys-lru: limits, tokens and revocations" in problems(results(redis.url))
        assert is_well(results(redis.url, holds=False))
    finally:
        redis.cli("CONFIG", "SET", "maxmemory-policy", "noeviction")


def test_a_redis_that_takes_nothing(redis: RedisServer) -> None:
    redis.cli("CONFIG", "SET", "maxmemory", "1")
    try:
        assert "it takes no entries: full -> raise its maxmemory" in problems(results(redis.url))
    finally:
        redis.cli("CONFIG", "SET", "maxmemory", "0")


def test_a_wrong_password_and_a_redis_that_is_away(redis: RedisServer) -> None:
    told = problems(results(redis.url.replace("redis://", "redis://nobody:canary-pw@")))
    assert "denied -> are user and password right" in told
    assert "canary" not in told
    assert "unreachable" in problems(results(f"redis://:canary-pw@127.0.0.1:{free_port()}"))


def test_tls_and_certificates_of_somebody_else(tmp_path: Path) -> None:
    made, other = make_certificates(tmp_path / "made"), make_certificates(tmp_path / "other")
    with redis_server(tmp_path / "redis", certificates=made) as server:
        assert is_well(results(server.url))
        told = problems(results(server.url.replace(str(made.authority), str(other.authority))))
    assert "unreachable" in told
    assert "ssl_ca_certs" in told


def test_a_cluster(tmp_path: Path) -> None:
    with redis_cluster(tmp_path) as servers:
        found = results(f"{servers[0].url}?cluster=true")
        assert is_well(found)


def test_an_address_that_is_wrong_is_not_quoted() -> None:
    told = problems(results("redis://:canary@h?unknown=canary"))
    assert "setting store" in told
    assert "canary" not in told


def test_a_store_in_memory() -> None:
    assert is_well(results("memory://"))
    assert "2 workers" in warnings(results("memory://", workers=2))


@pytest.mark.parametrize(
    ("probe", "level", "told"),
    [
        (Probe(pings_s=(0.2,)), problems, "a command may take 100"),
        (Probe(pings_s=(0.06,)), warnings, "a command may take 100"),
        (Probe(Trouble.TIMEOUT), problems, "timeout"),
        (Probe(pings_s=(0.0,), refuses=Trouble.READ_ONLY), problems, "read_only -> name the primary"),
    ],
)
def test_what_is_slow_or_refuses(probe: Probe, level: object, told: str) -> None:
    assert callable(level)
    assert told in level(judged(probe, holds=False))


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("redis://127.0.0.1", False),
        ("redis://localhost:7", False),
        ("redis://[::1]", False),
        ("redis://:canary@redis.example.com", True),
        ("redis://10.0.0.7", True),
        ("rediss://redis.example.com", False),
    ],
)
def test_plain_text_over_a_network_is_a_warning(url: str, wrong: bool) -> None:
    told = warnings(judged(GOOD, url=url))
    assert ("rediss://" in told) is wrong
    assert "canary" not in told
