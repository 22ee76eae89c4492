"""Settings: what is wrong is told, what is unknown is named, and the rest is still looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.doctor.result import Result, bad, shown
from gateway.doctor.settings import is_readable_by_others, judge, unknown
from gateway.doctor.setup import place_of, resolve
from gateway.settings import Settings
from tests.unit.doctor.scene import is_well, problems, warnings


def test_good_settings_are_those_of_serve(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text("workers: 2\nport: 8081\n")
    environ = {"GATEWAY_PORT": "8082", "HOME": "/"}
    setup = resolve({"workers": 3, "host": None}, environ, file)
    assert setup.settings == Settings.resolve({"workers": 3}, environ, file)
    assert is_well(judge(setup, False))


@pytest.mark.parametrize(
    ("flags", "environ", "text"),
    [
        ({"port": 99999}, {}, "workers: 2\n"),
        ({}, {"GATEWAY_PORT": "many"}, "workers: 2\n"),
        ({}, {}, "workers: 2\nport: many\n"),
        ({"port": 99999}, {"GATEWAY_QUEUE": "-1"}, "workers: 2\nstore_timeout: soon\n"),
    ],
)
def test_a_wrong_setting_is_told_and_the_others_hold(
    tmp_path: Path, flags: dict[str, object], environ: dict[str, str], text: str
) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(text)
    setup = resolve(flags, environ, file)
    assert setup.settings == Settings(workers=2)
    assert "port" in setup.problem or "queue" in setup.problem
    assert "port" in setup.replaced
    assert "take defaults for" in problems(judge(setup, False))


@pytest.mark.parametrize("text", ["wrokers: 2\n", "- a list\n", "port: [\n", None])
def test_a_file_that_is_wrong_is_left_out(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "gateway.yaml"
    if text is not None:
        file.write_text(text)
    setup = resolve({"port": 8081}, {}, file)
    assert setup.settings == Settings(port=8081)
    assert problems(judge(setup, False))


def test_a_wrong_address_is_not_quoted() -> None:
    setup = resolve({"upstream": "canary-upstream"}, {"GATEWAY_MASTER_KEY": "canary-key"}, None)
    assert "canary" not in problems(judge(setup, False))
    assert setup.settings == Settings()


@pytest.mark.parametrize(
    "line",
    ["store: !canary-pw x", "store: *canary-pw", "store: &canary-pw", "store: @canary-pw", "store: a: canary-pw"],
)
def test_yaml_that_is_broken_is_not_quoted(tmp_path: Path, line: str) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(f"workers: 2\n{line}\n")
    told = problems([shown(one, ()) for one in judge(resolve({}, {}, file), False)])
    assert "canary" not in told
    assert told


def test_unknown_variables_are_named_without_what_they_hold() -> None:
    environ = {
        "GATEWAY_UPSTREM": "canary",
        "GATEWAY_ZZZZZZZZZ": "canary",
        "gateway_port": "canary",
        "GATEWAY_PORT": "1",
        "GATEWAY_CANARIES": "x",
        "GATEWAY_CPUS": "2",
        "GATEWAY_SERVICE_HOST": "10.0.0.1",
        "GATEWAY_PORT_8080_TCP_ADDR": "10.0.0.1",
        "OTHER": "x",
    }
    told = warnings(unknown(environ))
    assert len(told.splitlines()) == 3
    assert "GATEWAY_UPSTREM: no setting is called that, so it changes nothing -> did you mean GATEWAY_UPSTREAM?" in told
    assert "gateway_port: no setting is called that, so it changes nothing -> did you mean GATEWAY_PORT?" in told
    assert "`gateway serve --help`" in told
    assert "canary" not in told


def test_a_variable_of_kubernetes_is_known_for_what_it_is() -> None:
    assert "enableServiceLinks" in problems(judge(resolve({}, {"GATEWAY_PORT": "tcp://10.0.0.1:80"}, None), False))


def test_proxies_that_are_trusted() -> None:
    def judged(listed: str) -> list[Result]:
        return list(judge(resolve({"trusted_proxies": listed}, {}, None), False))

    assert is_well(judged("10.0.0.0/8, 2001:db8::1"))
    assert "expected a network" in problems(judged("10.0.0.0/8,canary"))
    assert "canary" not in problems(judged("canary"))
    assert "everybody is trusted" in warnings(judged("0.0.0.0/0"))


def test_a_file_with_a_password_is_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text("store: redis://:canary@127.0.0.1\n")
    for mode, wrong in ((0o600, False), (0o644, True)):
        os.chmod(file, mode)
        setup = resolve({}, {}, file)
        assert is_readable_by_others(setup) is wrong
        told = warnings(judge(setup, is_readable_by_others(setup)))
        assert bool(told) is wrong
        assert "canary" not in told
    assert not warnings(judge(resolve({}, {"GATEWAY_STORE": "redis://:canary@127.0.0.1"}, file), True))


def test_results_are_one_line_without_secrets_and_controls() -> None:
    result = shown(bad("a\x1b[1m", "one\n  two canary-canary", "canary"), {"canary", "canary-canary", ""})
    assert (result.what, result.problem, result.remedy) == ("a?[1m", "one; two …", "…")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://u:canary@h:1/0?ssl=canary#canary", "redis://h:1/0"),
        ("http://[::1]:8001/v1/", "http://[::1]:8001/v1"),
        ("http://h:port/v1", "an address that cannot be read"),
    ],
)
def test_places_are_shown_without_logins(url: str, place: str) -> None:
    assert place_of(url) == place
