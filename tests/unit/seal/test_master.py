"""Where the master key comes from, and what is said when it does not come."""

from __future__ import annotations

import base64
import stat
import time
from pathlib import Path

import pytest

from gateway.seal.master import default_master, make_master, master_key
from gateway.settings import ConfigurationError, Settings

KEY = bytes(range(200, 232))
FORMS = [
    KEY.hex(), KEY.hex().upper(), base64.b64encode(KEY).decode(), base64.urlsafe_b64encode(KEY).decode(),
    base64.urlsafe_b64encode(KEY).decode().rstrip("="), f" {KEY.hex()}\n",
]  # fmt: skip
WEAK = [
    "",
    "secret",
    KEY[:31].hex(),
    KEY.hex() + "00",
    "0" * 64,
    "A" * 43,
    "!" * 43,
    base64.b64encode(KEY[:16]).decode(),
    "é" * 43,
]


@pytest.fixture
def keyset(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.mark.parametrize("text", FORMS)
def test_all_sources_read_all_forms(keyset: Path, text: str) -> None:
    file = keyset.with_name("m")
    file.touch(0o600)
    file.write_text(text)
    assert master_key("env:M", keyset, {"M": text}) == KEY
    assert master_key(f"file:{file}", keyset) == KEY
    assert master_key(f"command:printf %s '{text}'", keyset) == KEY


@pytest.mark.parametrize("text", WEAK)
def test_weak_keys_are_refused_and_not_quoted(keyset: Path, text: str) -> None:
    file = keyset.with_name("m")
    file.touch(0o600)
    file.write_text(text)
    for source in ("env:M", f"file:{file}", f"command:printf %s '{text}'"):
        with pytest.raises(ConfigurationError, match="is not a master key; expected 32 random bytes") as caught:
            master_key(source, keyset, {"M": text})
        assert not text or text not in str(caught.value).replace(str(file), "")


def test_the_file_beside_the_keyset_is_the_default_and_made_once(keyset: Path) -> None:
    with pytest.raises(ConfigurationError, match="gateway key init"):
        master_key(None, keyset)
    keyset.touch()
    with pytest.raises(ConfigurationError, match=r"keys\.json\.master: there is no such file; bring it back"):
        master_key(None, keyset)
    made = make_master(keyset)
    path = default_master(keyset)
    assert path == keyset.with_name("keys.json.master")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert master_key(None, keyset) == made == make_master(keyset)
    path.write_text("half")
    with pytest.raises(ConfigurationError, match="is not a master key"):
        make_master(keyset)
    assert path.read_text() == "half"


def test_a_file_that_is_missing_or_open_is_refused(keyset: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file"):
        master_key(f"file:{keyset}", keyset)
    make_master(keyset)
    keyset.touch()
    default_master(keyset).chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        master_key(None, keyset)


@pytest.mark.parametrize("source", ["", "env:", "file:", "command:", "command:  ", "secret", "vault:x", FORMS[0]])
def test_other_sources_are_refused_and_not_quoted(keyset: Path, source: str) -> None:
    with pytest.raises(ConfigurationError, match="expected env:NAME, file:PATH or command:") as caught:
        master_key(source, keyset)
    assert FORMS[0] not in str(caught.value)
    if source not in ("command:  ",):
        with pytest.raises(ConfigurationError, match="master_key"):
            Settings.resolve({"master_key": source}, {}, None)


def test_a_missing_variable_is_said_so(keyset: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no environment variable M"):
        master_key("env:M", keyset, {})
    assert Settings.resolve({}, {"GATEWAY_MASTER_KEY": "env:M"}, None).master_key == "env:M"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("/nowhere/kms", "cannot be run"), ("kms 'open", "cannot be run"), ("false", "exit code 1"),
        ("sh -c 'echo hidden; echo hidden >&2; exit 3'", "exit code 3"), ("sh -c 'kill -9 $$'", "exit code -9"),
        ("sh -c 'echo hidden >&2'", "is not a master key"), ("echo $HOME", "is not a master key"),
    ],
)  # fmt: skip
def test_a_command_that_fails_is_not_quoted(
    keyset: Path, command: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        master_key(f"command:{command}", keyset)
    assert caught.value.__cause__ is None
    assert "hidden" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_command_that_talks_on_standard_error_gives_its_key_all_the_same(keyset: Path) -> None:
    assert master_key(f"command:sh -c 'echo fetching >&2; echo {KEY.hex()}'", keyset) == KEY


def test_a_command_has_so_much_time_and_so_has_what_it_starts(keyset: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(ConfigurationError, match=r"gave no key within 0\.2 s"):
        master_key("command:sh -c 'sleep 60 & sleep 60'", keyset, limit_s=0.2)
    assert time.monotonic() - begun < 5
