from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import ConfigurationError, Settings


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text("port: 1\nworkers: 2\nhost: 127.0.0.3\nbody-timeout: 4\n")
    settings = Settings.resolve({"port": 3, "host": None}, {"GATEWAY_PORT": "2", "GATEWAY_WORKERS": "3"}, file)
    assert (settings.port, settings.workers, settings.host, settings.body_timeout) == (3, 3, "127.0.0.3", 4.0)


def test_unknown_settings_in_the_file_are_errors(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text("prot: 1\n")
    with pytest.raises(ConfigurationError, match=r"setting prot .* no such setting"):
        Settings.resolve({}, {}, file)


def test_other_variables_of_the_environment_are_none_of_our_business() -> None:
    assert Settings.resolve({}, {"GATEWAY_SOMETHING": "x", "PORT": "1"}, None).port == 8080


@pytest.mark.parametrize(("written", "meant"), [("on", "on"), ("off", "off"), ("'on'", "on"), ("true", "on")])
def test_the_words_on_and_off_are_taken_as_they_are_written(tmp_path: Path, written: str, meant: str) -> None:
    """YAML 1.1 reads them as true and false."""
    file = tmp_path / "gateway.yaml"
    file.write_text(f"ui: {written}\n")
    assert Settings.resolve({}, {}, file).ui == meant
    assert Settings.resolve({}, {"GATEWAY_UI": "off"}, file).ui == "off"
    assert Settings.resolve({}, {}, None).ui == "off"


def test_the_page_is_on_or_off() -> None:
    with pytest.raises(ConfigurationError, match=r"setting ui \(--ui, GATEWAY_UI\)"):
        Settings.resolve({"ui": "yes please"}, {}, None)
