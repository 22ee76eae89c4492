"""The same canaries through a gateway that caches all it may: Redis, its files and its wire hold nothing of them."""

from __future__ import annotations

import hashlib
import math
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from demo.vllm import free_port
from tests.canary.test_canary import KINDS, Canaries, Scene, leaks, user
from tests.conftest import POLICY
from tests.support.gateway import gateway, start_gateway
from tests.support.redis import RedisServer, redis_server
from tests.support.upstream import Background, ScriptedUpstream

# Words of the prompts and answers, of the gateway's own formats, and of the names of tenants and models.
_WORDS = [b"Please note", b"Thank you", b"canary", b"EMAIL_ADDRESS", b"placeholder", b"acme", b"globex", b"tiny-llama"]
_WORDS += [b"chat.completion", b"choices", b"content", b"assistant", b"usage", b"messages"]


@dataclass
class Stolen:
    """All that somebody gets who has the Redis server."""

    canaries: Canaries
    entries: dict[bytes, bytes]
    files: dict[str, bytes]
    wire: bytes


@pytest.fixture(scope="module")
def stolen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stolen]:
    directory = tmp_path_factory.mktemp("cached-canary")
    policy, keyset = directory / "policy.yaml", directory / "keys.json"
    policy.write_text(POLICY.read_text().replace("{when: never}", "{when: always, tool_calls: true}"))
    assert gateway("key", "init", str(keyset)).returncode == 0
    with redis_server(directory / "redis", "--appendonly", "yes") as redis, Background(ScriptedUpstream()) as upstream:
        wire = directory / "wire"
        with wire.open("wb") as watched:
            watcher = subprocess.Popen(["redis-cli", "-p", str(redis.port), "MONITOR"], stdout=watched)
        process = start_gateway(
            directory, upstream.url, policy, "--store", redis.url, "--keyset", str(keyset), metrics_port=free_port()
        )
        scene = Scene(process, upstream, Canaries())
        try:
            for kind in KINDS:
                upstream.handler = None
                kind(scene)
            for number in range(40):
                text = f"{number} times: " + scene.canaries.text() * (1 + number % 7)
                assert scene.chat(messages=user(text))[0] == 200
            redis.cli("SAVE")
            yield _all_of(redis, directory, wire, scene.canaries)
        finally:
            watcher.kill()
            process.stop()


def _all_of(redis: RedisServer, directory: Path, wire: Path, canaries: Canaries) -> Stolen:
    with Redis.from_url(redis.url) as client:
        entries = {key: bytes(client.get(key) or b"") for key in client.scan_iter()}
    files = {path.name: path.read_bytes() for path in (directory / "redis").rglob("*") if path.is_file()}
    return Stolen(canaries, entries, files, _unescaped(wire.read_bytes()))


def _unescaped(wire: bytes) -> bytes:
    """MONITOR writes bytes as text, in which `\\xacme` is no name."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes.fromhex(match[1].decode()), wire)


def test_there_is_something_to_steal(stolen: Stolen) -> None:
    assert len(stolen.entries) > 40
    assert any(name.endswith(".rdb") for name in stolen.files)
    assert any(".aof" in name and len(raw) > 100_000 for name, raw in stolen.files.items())
    assert len(stolen.wire) > 100_000
    assert len(stolen.canaries.made) > 300


def test_it_has_none_of_the_canaries_and_no_word_of_a_prompt(stolen: Stolen) -> None:
    haystacks = [*stolen.files.values(), stolen.wire, *stolen.entries, *stolen.entries.values()]
    everything = b"\n".join(haystacks)
    assert leaks(everything, stolen.canaries) == []
    assert [word for word in _WORDS if word in everything] == []


def test_values_look_like_noise_and_lengths_say_little(stolen: Stolen) -> None:
    for value in stolen.entries.values():
        assert _entropy(value) >= 7.9
    assert _entropy(b"".join(stolen.entries.values())) >= 7.99
    assert len({len(value) for value in stolen.entries.values()}) <= 2


def _entropy(raw: bytes) -> float:
    return -sum(n / len(raw) * math.log2(n / len(raw)) for n in Counter(raw).values())


def test_no_name_can_be_guessed(stolen: Stolen) -> None:
    """No hash of anything known is in a name: nor of the tenants, nor of what was asked, nor of the model."""
    names = b"\n".join(stolen.entries).decode()
    for known in ("acme", "globex", "llama", "tiny-llama", "tests", *stolen.canaries.made):
        for algorithm in ("md5", "sha1", "sha256", "sha512", "blake2b"):
            digest = hashlib.new(algorithm, known.encode()).hexdigest()
            assert digest[:16] not in names
