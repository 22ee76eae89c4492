"""Model servers as the policies want them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.doctor.policies import read
from gateway.doctor.result import Result
from gateway.doctor.setup import Setup, resolve
from gateway.doctor.upstreams import Looked, Upstream, judge, look, upstreams_of
from gateway.upstream.looking import Seen
from tests.support.redis import free_port
from tests.support.upstream import Background
from tests.unit.doctor.scene import Models, is_well, problems, warnings

KEY = "canary-key-of-the-upstream"
POLICY = """version: 1
name: x
models:
  a: {id: tiny, max_context: 1024}
  b: {upstream: two, id: large}
upstreams: {two: {url: '%s', key_file: two.key}}
"""
TINY = {"id": "tiny", "max_model_len": 2048}
LARGE = {"id": "large"}


@pytest.fixture(scope="module")
def _servers() -> Iterator[tuple[Models, Models]]:
    with Background(Models()) as one, Background(Models()) as two:
        assert isinstance(one, Models)
        assert isinstance(two, Models)
        yield one, two


@pytest.fixture
def servers(_servers: tuple[Models, Models]) -> tuple[Models, Models]:
    one, two = _servers
    for server, offered in ((one, [TINY]), (two, [LARGE])):
        server.offered, server.key, server.status, server.version, server.date = offered, None, 200, "0.11.2", None
    two.key = KEY
    return one, two


def scene(folder: Path, one: str, two: str, key: str = KEY) -> tuple[Setup, list[Upstream]]:
    (folder / "p.yaml").write_text(POLICY % two)
    (folder / "two.key").write_text(f"{key}\n")
    os.chmod(folder / "two.key", 0o600)
    setup = resolve({"policy": folder / "p.yaml", "upstream": one}, {}, None)
    return setup, upstreams_of(setup, read(setup).loaded)


def looks(setup: Setup, upstreams: list[Upstream]) -> list[Looked]:
    return [look(setup, one) for one in upstreams]


def results(folder: Path, servers: tuple[Models, Models], key: str = KEY) -> list[Result]:
    setup, upstreams = scene(folder, servers[0].url, servers[1].url, key)
    return list(judge(looks(setup, upstreams)))


def test_all_upstreams_are_well(tmp_path: Path, servers: tuple[Models, Models]) -> None:
    setup, upstreams = scene(tmp_path, servers[0].url, servers[1].url)
    looked = looks(setup, upstreams)
    found = list(judge(looked))
    assert is_well(found)
    assert ["upstream default" in found[0].what, "upstream two" in found[1].what] == [True, True]
    assert "vLLM 0.11.2" in found[0].what
    assert all(one.seen is not None and abs(one.seen.ahead_s or 9) < 5 for one in looked)
    assert KEY in setup.secrets
    assert KEY not in repr(looked)


def test_a_model_that_is_not_there(tmp_path: Path, servers: tuple[Models, Models]) -> None:
    servers[0].offered = [LARGE]
    assert "it has no model tiny, which policy x names" in problems(results(tmp_path, servers))


def test_a_context_that_is_longer_than_the_servers(tmp_path: Path, servers: tuple[Models, Models]) -> None:
    servers[0].offered = [{"id": "tiny", "max_model_len": 512}]
    assert "tiny takes 1024 tokens; it takes 512 -> max_context: 512" in problems(results(tmp_path, servers))


def test_a_key_that_is_not_accepted(tmp_path: Path, servers: tuple[Models, Models]) -> None:
    told = problems(results(tmp_path, servers, "canary-wrong-key"))
    assert "it does not accept the key (status 401)" in told
    servers[0].key = "another"
    told += problems(results(tmp_path, servers))
    assert "it wants a key" in told
    assert "canary" not in told


@pytest.mark.parametrize("key", ["canary\nkey", "canary-\N{SNOWMAN}\x00"])
def test_a_key_that_can_stand_in_no_header(tmp_path: Path, servers: tuple[Models, Models], key: str) -> None:
    told = problems(results(tmp_path, servers, key))
    assert "upstream two" in told
    assert "canary" not in told


def test_a_login_and_a_key(tmp_path: Path, servers: tuple[Models, Models]) -> None:
    setup, upstreams = scene(tmp_path, servers[0].url, servers[1].url.replace("http://", "http://u:canary@"))
    told = problems(judge(looks(setup, upstreams)))
    assert "a request can bear one of them" in told
    assert "canary" not in told


def test_files_of_keys(tmp_path: Path, servers: tuple[Models, Models]) -> None:
    setup, upstreams = scene(tmp_path, servers[0].url, servers[1].url)
    os.chmod(tmp_path / "two.key", 0o644)
    assert "chmod 600" in warnings(judge(looks(setup, upstreams)))
    (tmp_path / "two.key").unlink()
    assert "the key cannot be read" in problems(judge(looks(setup, upstreams)))


@pytest.mark.parametrize(
    ("status", "offered", "told"),
    [(404, [], "ends in /v1"), (500, [], "status 500"), (200, {"a": 1}, "no list of models"), (301, [], "status 301")],
)
def test_answers_that_are_none(
    tmp_path: Path, servers: tuple[Models, Models], status: int, offered: object, told: str
) -> None:
    servers[0].status, servers[0].offered = status, offered
    assert told in problems(results(tmp_path, servers))


@pytest.mark.parametrize("version", ["\x1b[1mcanary", 7, "canary canary"])
def test_a_version_that_looks_like_none_is_not_shown(
    tmp_path: Path, servers: tuple[Models, Models], version: object
) -> None:
    servers[0].version = version
    found = results(tmp_path, servers)
    assert is_well(found)
    assert "vLLM" not in found[0].what


def test_a_clock_that_is_wrong(tmp_path: Path, servers: tuple[Models, Models]) -> None:
    servers[0].date = "Mon, 01 Jan 2024 00:00:00 GMT"
    setup, upstreams = scene(tmp_path, servers[0].url, servers[1].url)
    seen = looks(setup, upstreams)[0].seen
    assert seen is not None
    assert seen.ahead_s is not None
    assert seen.ahead_s < -86400
    servers[0].date = "canary"
    seen = looks(setup, upstreams)[0].seen
    assert seen is not None
    assert seen.ahead_s is None


def test_servers_that_are_away(tmp_path: Path) -> None:
    url = f"http://u:canary@127.0.0.1:{free_port()}/v1"
    setup, upstreams = scene(tmp_path, url, "http://no-such-host.invalid/v1")
    told = problems(judge(looks(setup, upstreams)))
    assert "it cannot be reached" in told
    assert "nobody knows its name" in told
    assert "canary" not in told


@pytest.mark.parametrize(
    ("url", "addresses", "wrong"),
    [
        ("http://h/v1", ("127.0.0.1", "::1"), False),
        ("http://h/v1", ("10.1.2.3",), False),
        ("http://h/v1", ("fe80::1%eth0",), False),
        ("http://h/v1", (), False),
        ("http://h/v1", ("10.1.2.3", "8.8.8.8"), True),
        ("http://h/v1", ("no address",), True),
        ("https://h/v1", ("8.8.8.8",), False),
    ],
)
def test_plain_text_through_the_internet_is_a_warning(url: str, addresses: tuple[str, ...], wrong: bool) -> None:
    upstream = Upstream(url, None, ("default",), ())
    told = warnings(judge([Looked(upstream, Seen(200, models={}), addresses=addresses)]))
    assert ("plain text" in told) is wrong


def test_an_upstream_that_no_policy_uses_is_not_asked(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "version: 1\nname: x\nmodels: {a: {upstream: two, id: b}}\nupstreams: {two: http://h/v1, three: http://i/v1}\n"
    )
    setup = resolve({"policy": tmp_path / "p.yaml"}, {}, None)
    assert [one.url for one in upstreams_of(setup, read(setup).loaded)] == ["http://h/v1"]
    assert [one.names for one in upstreams_of(setup, [])] == [("default",)]
