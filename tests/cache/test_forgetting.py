"""What is forgotten is gone, from the store and from every copy of it, and what others asked stays."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from redis import Redis

from tests.cache.scene import Scene, cached_gateway
from tests.faults.wire import wait_for
from tests.support.gateway import Done, gateway
from tests.support.redis import RedisServer, redis_server
from tests.support.upstream import completion


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def running(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with cached_gateway(tmp_path_factory.mktemp("gateway"), store=redis.url) as scene:
        yield scene


@pytest.fixture
def scene(running: Scene, redis: RedisServer) -> Scene:
    redis.cli("FLUSHALL")
    return running


def _command(scene: Scene, *arguments: str) -> Done:
    return gateway("cache", *arguments, "--store", scene.store, "--keyset", str(scene.keyset))


def _copies(redis: RedisServer) -> dict[bytes, bytes]:
    """A backup of every key, as an operator's tools would make it."""
    with Redis.from_url(redis.url) as client:
        return {key: cast(bytes, client.dump(key)) for key in client.scan_iter()}


def _restore(redis: RedisServer, copies: dict[bytes, bytes]) -> None:
    with Redis.from_url(redis.url) as client:
        for key, copy in copies.items():
            client.restore(key, 600_000, copy, replace=True)


def _asked(scene: Scene, text: str, *tokens: str) -> list[str]:
    return [scene.ask(text, token=token).cache for token in tokens]


def _kept(scene: Scene, text: str, *tokens: str) -> None:
    """Ask until it is in the cache for all of them: on a machine that is busy an answer may not be kept at once."""
    assert wait_for(lambda: set(_asked(scene, text, *tokens)) == {"hit"}, 20), scene.mishaps()


def test_a_tenant_is_forgotten_in_all_copies(scene: Scene, redis: RedisServer) -> None:
    jane, joe, other = scene.token("acme", "jane"), scene.token("acme", "joe"), scene.gateway.other_token
    assert _asked(scene, "Forget the tenant?", jane, joe, other) == ["miss"] * 3
    _kept(scene, "Forget the tenant?", jane, joe, other)
    copies = _copies(redis)
    assert len(copies) == 3
    done = _command(scene, "forget", "--tenant", "acme")
    assert done.returncode == 0, done.stderr
    assert "2 entries deleted" in done.stdout
    assert len(redis.cli("KEYS", "*").split()) == 1
    _restore(redis, copies)
    assert len(redis.cli("KEYS", "*").split()) == 3
    assert _asked(scene, "Forget the tenant?", jane, joe, other) == ["miss", "miss", "hit"]


def test_one_person_is_forgotten_and_the_others_are_not(scene: Scene, redis: RedisServer) -> None:
    jane, joe = scene.token("acme", "jane"), scene.token("acme", "joe")
    assert _asked(scene, "Forget jane?", jane, joe) == ["miss"] * 2
    _kept(scene, "Forget jane?", jane, joe)
    copies = _copies(redis)
    done = _command(scene, "forget", "--tenant", "acme", "--subject", "jane")
    assert "1 entries deleted" in done.stdout
    _restore(redis, copies)
    assert _asked(scene, "Forget jane?", jane, joe) == ["miss", "hit"]
    assert scene.mishaps() == {}


def test_what_was_sealed_under_a_key_before_is_deleted_too(scene: Scene, redis: RedisServer) -> None:
    jane = scene.token("acme", "jane")
    _kept(scene, "Before the rotation.", jane)
    assert gateway("key", "rotate", "--keyset", str(scene.keyset)).returncode == 0
    # The gateway has seen it when the same question has another name.
    assert wait_for(lambda: _asked(scene, "Before the rotation.", jane) == ["miss"], 30)
    assert "2 entries deleted" in _command(scene, "forget", "--tenant", "acme").stdout
    assert redis.cli("KEYS", "*") == ""


def test_an_answer_that_is_under_way_is_not_kept_after_the_tenant_is_forgotten(
    scene: Scene, redis: RedisServer
) -> None:
    gate = threading.Event()

    async def slow(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        while not gate.is_set():
            await asyncio.sleep(0.01)
        return web.json_response(completion("late"))

    scene.upstream.reset()
    scene.upstream.handler = slow
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(scene.ask, "Under way?", token=scene.token("acme", "jane"))
        scene.await_request()
        assert _command(scene, "forget", "--tenant", "acme").returncode == 0
        gate.set()
        assert answer.result().text == "late"
    scene.upstream.reset()
    assert redis.cli("KEYS", "*") == ""
    assert scene.mishaps() == {}


def test_nobody_s_entries_are_nothing(scene: Scene) -> None:
    done = _command(scene, "forget", "--tenant", "nobody")
    assert done.returncode == 0
    assert "0 entries deleted" in done.stdout


def test_without_the_store_it_is_done_in_part(scene: Scene) -> None:
    arguments = ("--store", "redis://127.0.0.1:9/0", "--keyset", str(scene.keyset))
    assert _asked(scene, "Is the store there?", scene.gateway.token) == ["miss"]
    done = gateway("cache", "forget", "--tenant", "acme", *arguments)
    assert done.returncode == 3
    assert "opened by nobody" in done.stdout
    assert _asked(scene, "Is the store there?", scene.gateway.token) == ["miss"]
    tokens = str(scene.gateway.directory / "tokens.yaml")
    done = gateway("cache", "stats", "--tokens", tokens, *arguments)
    assert done.returncode == 2
    assert "unreachable" in done.stderr


def test_stats_are_by_tenant(scene: Scene) -> None:
    _kept(scene, "How many?", scene.gateway.token, scene.gateway.other_token)
    _kept(scene, "How many more?", scene.gateway.token)
    done = _command(scene, "stats", "--tokens", str(scene.gateway.directory / "tokens.yaml"))
    assert done.returncode == 0, done.stderr
    rows = {line.split()[1]: line.split()[3] for line in done.stdout.splitlines() if "acme" in line or "globex" in line}
    assert rows == {"acme": "2", "globex": "1"}


def test_a_keyset_is_needed(scene: Scene) -> None:
    for command in (("forget", "--tenant", "acme"), ("stats",)):
        done = gateway("cache", *command, "--store", scene.store)
        assert done.returncode == 2
        assert "--keyset" in done.stderr


def test_the_settings_of_the_server_are_used(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "GATEWAY_STORE", scene.store)
    monkeypatch.setitem(os.environ, "GATEWAY_KEYSET", str(scene.keyset))
    assert gateway("cache", "forget", "--tenant", "acme").returncode == 0


def test_an_administrator_forgets_over_http(scene: Scene) -> None:
    admin = scene.token("acme", "boss")
    jane, joe, other = scene.token("acme", "jane"), scene.token("acme", "joe"), scene.gateway.other_token
    _kept(scene, "Over HTTP?", jane, joe, other)
    assert scene.admin("GET", admin).json()["entries"] == 2
    answer = scene.admin("DELETE", admin, "?subject=jane")
    assert answer.status_code == 200
    assert answer.json()["entries"] == 1
    assert _asked(scene, "Over HTTP?", jane, joe, other) == ["miss", "hit", "hit"]
    assert scene.admin("DELETE", admin).json()["entries"] == 2
    assert _asked(scene, "Over HTTP?", jane, joe, other) == ["miss", "miss", "hit"]

    def deletions(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [line for line in events if line["endpoint"] == "DELETE /admin/cache"]

    acts = deletions(scene.gateway.events(lambda events: len(deletions(events)) == 2))
    assert [line["status"] for line in acts] == [200, 200]
    assert {line["tenant"] for line in acts} == {"acme"}
    assert "jane" not in json.dumps(acts)


def test_only_administrators_may(scene: Scene) -> None:
    for method in ("GET", "DELETE"):
        assert scene.admin(method, scene.gateway.token).status_code == 403
        assert scene.admin(method, "pgw_none").status_code == 401
    admin = scene.token("acme", "boss")
    assert scene.ask("May an administrator ask?", token=admin).status == 403


@pytest.mark.parametrize("query", ["?subjekt=jane", "?subject=a&subject=b", "?subject", "?tenant=globex", "?%ff", "?x"])
def test_what_is_misspelled_forgets_nothing(scene: Scene, query: str) -> None:
    admin = scene.token("acme", "boss")
    jane = scene.token("acme", "jane")
    _asked(scene, "Misspelled?", jane)
    assert scene.admin("DELETE", admin, query).status_code == 400
    assert _asked(scene, "Misspelled?", jane) == ["hit"]


def test_the_memory_of_a_gateway_forgets_by_command(tmp_path: Path) -> None:
    with cached_gateway(tmp_path, "--workers", "2") as scene:
        for _ in range(8):
            scene.ask("In memory?")
        done = gateway("cache", "forget", "--tenant", "acme", "--keyset", str(scene.keyset))
        assert done.returncode == 0
        assert "follows with its next request" in done.stdout
        before = scene.asked
        assert scene.ask("In memory?").cache == "miss"
        for _ in range(12):
            scene.ask("In memory?")
        assert scene.asked - before <= 2
        assert gateway("cache", "stats", "--keyset", str(scene.keyset)).returncode == 2


def test_a_name_that_is_no_text_is_refused(scene: Scene) -> None:
    done = _command(scene, "forget", "--tenant", "acme\udcff")
    assert done.returncode == 2
    assert "--tenant" in done.stderr


def test_a_token_without_a_subject_is_a_person_of_its_own(scene: Scene, redis: RedisServer) -> None:
    first, second = scene.gateway.token, scene.tokens["acme/"]
    assert _asked(scene, "Whose is it?", first, second, first) == ["miss", "miss", "hit"]
    subject = f"token {first.split('_')[1]}"
    assert "1 entries deleted" in _command(scene, "forget", "--tenant", "acme", "--subject", subject).stdout
    assert _asked(scene, "Whose is it?", first, second) == ["miss", "hit"]
