"""Whatever happens to the cache's store, requests are answered, rightly, and somebody is told what happened."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cache.scene import Scene, cached_gateway
from tests.faults.wire import wait_for
from tests.support.gateway import gateway
from tests.support.redis import Proxy, RedisServer, redis_server

pytestmark = pytest.mark.slow
_ENOUGH, _ENOUGH_WITHIN_S = 5, 30
_WORKERS = 4


class Load:
    """Clients that ask all the time, new things and things asked before, and check what comes back."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(_WORKERS)]
        self.wrong: list[str] = []
        self.caches: list[str] = []

    def _ask(self, worker: int) -> None:
        with httpx.Client(trust_env=False, timeout=30) as client:
            for number in itertools.count():
                if self._stop.is_set():
                    return
                # The model sees the same twice, the client asks about somebody else.
                text = f"Case {worker} {number // 2}: mail p{worker}x{number}@example.org."
                try:
                    answer = self._scene.ask(text, stream=number % 4 > 1, client=client)
                except httpx.HTTPError as error:
                    self.wrong.append(type(error).__name__)
                    continue
                self.caches.append(answer.cache)
                if answer.status != 200 or answer.text != text:
                    self.wrong.append(f"{answer.status} {answer.text}")

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def behind(tmp_path: Path, *options: str, patient: bool = True) -> Iterator[tuple[Scene, RedisServer]]:
    """A gateway with a Redis of its own."""
    with (
        redis_server(tmp_path / "redis", *options) as redis,
        cached_gateway(tmp_path, store=redis.url, patient=patient) as scene,
    ):
        yield scene, redis


def told(scene: Scene, *kinds: str) -> None:
    """The metrics count it and the log has one line for each kind, with nothing private."""
    mishaps = scene.mishaps()
    assert set(kinds) <= set(mishaps), mishaps
    lines = scene.log_lines()
    assert {line["kind"] for line in lines} == set(mishaps)
    assert len(lines) == len(mishaps)
    log = scene.gateway.log.read_text()
    assert "example.org" not in log
    assert "Traceback" not in log


def hits_again(scene: Scene, timeout_s: float = 12) -> None:
    """After the fault the cache works by itself."""
    until = time.monotonic() + timeout_s
    for number in itertools.count():
        text = f"Does it work again? {number}"
        if [scene.ask(text).cache for _ in range(2)] == ["miss", "hit"]:
            return
        assert time.monotonic() < until
        time.sleep(0.2)


def under_load(scene: Scene, *steps: Callable[[], object], pause_s: float = 0.5) -> Load:
    with Load(scene) as load:
        for step in steps:
            time.sleep(pause_s)
            step()
        time.sleep(pause_s)
        # A machine that does other things takes its time.
        until = time.monotonic() + _ENOUGH_WITHIN_S
        while len(load.caches) <= _ENOUGH and time.monotonic() < until:
            time.sleep(0.1)
    assert load.wrong == []
    assert len(load.caches) > _ENOUGH
    return load


def test_redis_is_killed_and_comes_back(tmp_path: Path) -> None:
    with behind(tmp_path) as (scene, redis):
        under_load(scene, redis.kill, lambda: None, redis.start)
        hits_again(scene)
        told(scene, "unreachable", "suspended")


def test_redis_is_not_there_at_the_start(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path / "redis")
    with cached_gateway(tmp_path, store=redis.url) as scene:
        under_load(scene)
        told(scene, "unreachable")
        try:
            redis.start()
            hits_again(scene)
        finally:
            redis.kill()


def test_redis_is_out_of_memory(tmp_path: Path) -> None:
    with behind(tmp_path, "--maxmemory-policy", "noeviction") as (scene, redis):
        assert [scene.ask("Kept before.").cache for _ in range(2)] == ["miss", "hit"]
        under_load(scene, lambda: redis.cli("CONFIG", "SET", "maxmemory", "1mb"))
        assert scene.ask("Kept before.").cache == "hit"
        told(scene, "full")
        assert "suspended" not in scene.mishaps()
        redis.cli("CONFIG", "SET", "maxmemory", "0")
        hits_again(scene)


def test_redis_becomes_a_replica_that_cannot_be_written(tmp_path: Path) -> None:
    with behind(tmp_path) as (scene, redis), redis_server(tmp_path / "primary") as primary:
        under_load(scene, lambda: redis.cli("REPLICAOF", "127.0.0.1", str(primary.port)))
        told(scene, "read_only")
        redis.cli("REPLICAOF", "NO", "ONE")
        hits_again(scene)


def test_redis_is_slow(tmp_path: Path) -> None:
    with behind(tmp_path, patient=False) as (scene, redis):
        sleeping = []
        load = under_load(scene, lambda: sleeping.append(redis.busy(2)), pause_s=1.5)
        assert len(load.caches) > 5
        sleeping[0].wait(10)
        hits_again(scene)
        told(scene, "timeout")


def test_the_password_is_wrong(tmp_path: Path) -> None:
    with redis_server(tmp_path / "redis", password="right-secret") as redis:
        wrong = redis.url.replace("right-secret", "wrong-secret")
        with cached_gateway(tmp_path, store=wrong) as scene:
            under_load(scene)
            told(scene, "denied")
            assert "-secret" not in scene.gateway.log.read_text()


def test_the_network_is_cut_and_stalls(tmp_path: Path) -> None:
    with (
        redis_server(tmp_path / "redis") as redis,
        Proxy(redis.port) as proxy,
        cached_gateway(tmp_path, store=proxy.url, patient=False) as scene,
    ):
        under_load(scene, proxy.cut, proxy.mend, proxy.stall, proxy.mend)
        hits_again(scene)
        told(scene, "unreachable", "timeout")


def _keys(redis: RedisServer) -> list[str]:
    return redis.cli("KEYS", "*").split()


def test_entries_are_changed_cut_and_swapped(tmp_path: Path) -> None:
    with behind(tmp_path) as (scene, redis):
        texts = [f"Question {number}, from n{number}@example.org?" for number in range(6)]
        tokens = [scene.gateway.token, scene.gateway.other_token]
        for text in texts:
            assert all(scene.ask(text, token=token).cache == "miss" for token in tokens)
        keys = _keys(redis)
        assert len(keys) == 12
        for one, other in zip(keys[::2], keys[1::2], strict=True):
            redis.cli("RENAME", one, "held")
            redis.cli("RENAME", other, one)
            redis.cli("RENAME", "held", other)
        for text in texts:
            for token in tokens:
                answer = scene.ask(text, token=token)
                assert (answer.text, answer.cache) == (text, "miss")
        for number, key in enumerate(_keys(redis)):
            redis.cli("SETRANGE", key, str(number * 300), "x" * 16)  # one byte might be the one that is there
        for text in texts:
            for token in tokens:
                assert scene.ask(text, token=token).cache == "miss"
        told(scene, "unreadable")
        assert scene.mishaps() == {"unreadable": 24}


def test_the_clock_is_set_forward_and_back(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    program = ("tests.support.shifted", str(clock))
    with redis_server(tmp_path / "redis") as redis, cached_gateway(tmp_path, store=redis.url, program=program) as scene:
        assert [scene.ask("What time is it?").cache for _ in range(2)] == ["miss", "hit"]
        for shift in ("3600", "-3600"):
            clock.write_text(shift)
            assert [scene.ask("What time is it?").cache for _ in range(2)] == ["miss", "hit"]
        clock.unlink()
        assert scene.ask("What time is it?").cache == "miss"
        assert scene.mishaps() == {}


def test_a_key_is_rotated_and_retired_under_load(tmp_path: Path) -> None:
    with behind(tmp_path) as (scene, _):
        key = ("key", "rotate", "--keyset", str(scene.keyset))
        load = under_load(
            scene,
            lambda: gateway(*key),
            lambda: gateway("key", "retire", "k1", "--keyset", str(scene.keyset)),
            lambda: gateway(*key),
            pause_s=1.5,
        )
        assert {"hit", "miss"} <= set(load.caches)
        assert set(load.caches) == {"hit", "miss"}
        hits_again(scene)
        assert set(scene.mishaps()) <= {"unreadable"}


def test_an_entry_of_a_retired_key_is_a_miss(tmp_path: Path) -> None:
    with behind(tmp_path) as (scene, redis):
        assert [scene.ask("Under which key?").cache for _ in range(2)] == ["miss", "hit"]
        for arguments in (("rotate",), ("retire", "k1")):
            assert gateway("key", *arguments, "--keyset", str(scene.keyset)).returncode == 0
        time.sleep(1.2)
        assert [scene.ask("Under which key?").cache for _ in range(2)] == ["miss", "hit"]
        assert len(_keys(redis)) == 2


def test_the_keyset_becomes_unreadable_while_it_runs(tmp_path: Path) -> None:
    with behind(tmp_path) as (scene, _):
        assert scene.ask("Before.").cache == "miss"
        scene.keyset.write_text("{}")
        assert wait_for(lambda: "keyset" in scene.gateway.log.read_text(), 10)
        assert scene.ask("Before.").cache == "hit"


def test_the_salts_cannot_be_written(tmp_path: Path) -> None:
    """Whoever has no salt yet has no cache, and is answered all the same."""
    with behind(tmp_path) as (scene, _):
        assert scene.ask("With a salt.").cache == "miss"
        salts = scene.keyset.with_name(scene.keyset.name + ".salts")
        salts.unlink()
        salts.mkdir()
        answer = scene.ask("Without one.", token=scene.gateway.other_token)
        assert (answer.status, answer.cache) == (200, "bypass")
        told(scene, "no_key")


@pytest.mark.parametrize("url", ["redis://:pass-word@/0", "redis://h:x/0", "mem://", "rediss://h/0?ssl_cert_reqs=none"])
def test_an_address_that_is_wrong_is_said_at_the_start_and_not_quoted(tmp_path: Path, url: str) -> None:
    done = gateway("serve", "--store", url, "--policy", "policies/default.yaml", "--tokens", str(tmp_path / "t.yaml"))
    assert done.returncode == 2
    assert "setting store" in done.stderr
    assert "pass-word" not in done.stderr
