"""The stores under test: memory, and Redis as a single server, behind TLS with a user of its own, and as a cluster."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.store import redis
from gateway.store.choose import store_of
from gateway.store.port import Store
from tests.support.redis import RedisServer, make_certificates, redis_cluster, redis_server

KINDS = ("memory", "redis", "tls", "cluster")


def permissions() -> list[str]:
    """What the module says that a user of Redis needs, for a single server."""
    told = (redis.__doc__ or "").partition("and in a cluster")[0]
    return [*re.findall(r"[~&]pgw:\*", told), *re.findall(r"\+[a-z]+", told)]


@pytest.fixture(scope="session")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("single")) as server:
        yield server


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    folder = tmp_path_factory.mktemp("secured")
    user = ("--user", "gateway", "on", ">p@ss/w:rd?#", *permissions())
    with redis_server(folder, *user, password="admin", certificates=make_certificates(folder / "tls")) as server:
        yield server


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as servers:
        yield servers


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.xdist_group(f"store-{kind}")) for kind in KINDS])
async def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    """An empty, open store of each kind. It is patient: a test machine may stand still for longer than 100 ms."""
    monkeypatch.setattr(redis, "CONNECT_S", 10.0)
    url, servers = "memory://", []
    if request.param == "redis":
        servers = [request.getfixturevalue("single")]
        url = servers[0].url
    elif request.param == "tls":
        servers = [request.getfixturevalue("secured")]
        url = servers[0].url.replace(":admin@", "gateway:p%40ss%2Fw%3Ard%3F%23@")
    elif request.param == "cluster":
        servers = request.getfixturevalue("cluster")
        url = f"redis://127.0.0.1:{servers[1].port}?cluster=true"
    for server in servers:
        server.cli("FLUSHALL")
    made = store_of(url, time.monotonic, 10.0)
    await made.open()
    yield made
    await made.close()
