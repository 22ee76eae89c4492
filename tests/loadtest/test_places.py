"""What rests in a place is found there: planted values, in every place that a run searches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from redis import Redis

from bench.processes import Processes
from loadtest import mock
from loadtest.afterwards import Search
from loadtest.canaries import person
from loadtest.servers import Choices, Servers
from tests.support.redis import redis_server

ADA = person(1, 3)


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    """None of them runs; what counts is where their files are."""
    return Servers(Processes(tmp_path, 1), tmp_path, Choices(tmp_path / "policy.yaml"))


def test_names_and_values_in_redis(tmp_path: Path) -> None:
    search = Search()
    with redis_server(tmp_path, "--rdbcompression", "no") as redis, Redis.from_url(redis.url) as client:
        client.set("harmless", "nothing" * 100)
        search.redis(redis.url)
        assert (search.leaks["Redis"], search.sizes["Redis"] > 700) == (0, True)
        client.set(f"of {ADA.email}", "x")
        client.hset("known", mapping={"note": f"{'padding ' * 50}{ADA.iban}{' padding' * 50}"})
        search.redis(redis.url)
    assert search.leaks["Redis"] == 2


@pytest.mark.parametrize(
    ("name", "place"), [("2-gateway.log", "gateway log"), ("audit.jsonl", "audit log"), ("tokens.yaml", "other files")]
)
def test_lines_of_files(servers: Servers, tmp_path: Path, name: str, place: str) -> None:
    (tmp_path / "harmless.log").write_text("nothing")
    (tmp_path / name).write_text(json.dumps({"text": f"call {ADA.phone}"}) + "\n")
    search = Search()
    search.files(servers)
    assert {found: count for found, count in search.leaks.items() if count} == {place: 1}


def test_bodies_that_the_mock_has_marked(tmp_path: Path) -> None:
    (tmp_path / mock.BODIES).write_bytes(b"...")
    (tmp_path / mock.LEAKS).write_text(json.dumps({"kind": "email", "value": ADA.email, "path": "/"}) + "\n")
    search = Search()
    search.upstream(tmp_path)
    assert (search.sizes, search.leaks) == ({"bodies at the model": 3}, {"bodies at the model": 1})
