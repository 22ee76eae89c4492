"""`gateway token`: what it takes, what it says, and what it never shows."""

from __future__ import annotations

import json
import re
import string
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.access.authenticate import Authenticator
from gateway.access.limits import Limits
from gateway.access.token import parse
from gateway.access.token_file import load_tokens
from gateway.errors import Unauthenticated
from tests.support.gateway import Done, gateway


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    return tmp_path / "tokens.yaml"


def command(tokens: Path, name: str, *arguments: str) -> Done:
    return gateway("token", name, *arguments, "--tokens", str(tokens))


def minted(tokens: Path, *arguments: str) -> str:
    done = command(tokens, "mint", "--tenant", "acme", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def good(tokens: Path, text: str) -> bool:
    try:
        Authenticator(tokens, lambda: 0.0).principal(f"Bearer {text}".encode())
    except Unauthenticated:
        return False
    return True


def test_mint_takes_all_that_a_token_can_have(tokens: Path) -> None:
    options = ["--not-before", "2026-01-31T08:00:00+02:00", "--network", "10.0.0.0/8", "--network", "2001:db8::/32"]
    options += ["--policy", "strict", "--limit", "requests_per_minute=60", "--limit", "concurrent=2"]
    token = parse(minted(tokens, *options))
    assert token is not None
    record = load_tokens(tokens)[token.id]
    assert record.not_before == datetime(2026, 1, 31, 6, tzinfo=UTC)
    assert [str(network) for network in record.networks] == ["10.0.0.0/8", "2001:db8::/32"]
    assert record.limits == Limits(requests_per_minute=60, concurrent=2)
    assert record.policy == "strict"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--not-before", "soon"),
        ("--not-before", "2026-13-01"),
        ("--network", "10.0.0.1/8"),
        ("--network", "everywhere"),
        ("--policy", "../x"),
        ("--limit", "requests_per_minute"),
        ("--limit", "requests_per_minute=0"),
        ("--limit", "requests_per_minute=x"),
        ("--limit", "rpm=60"),
        ("--limit", "concurrent=99999999999"),
        ("--expires", "999999w"),
        ("--expires", "30"),
        ("--subject", "token abcdefgh"),
        ("--subject", "a\nb"),
    ],
)
def test_mint_says_which_option_is_wrong_in_one_line(tokens: Path, option: str, value: str) -> None:
    done = command(tokens, "mint", "--tenant", "acme", option, value)
    assert done.returncode == 2
    assert done.stderr.startswith(option)
    assert len(done.stderr.splitlines()) == 1
    assert not tokens.exists()


def test_a_limit_is_said_once(tokens: Path) -> None:
    done = command(tokens, "mint", "--tenant", "acme", "--limit", "concurrent=1", "--limit", "concurrent=2")
    assert done.returncode == 2


def test_a_token_that_begins_after_its_end_is_refused(tokens: Path) -> None:
    done = command(tokens, "mint", "--tenant", "acme", "--expires", "1h", "--not-before", "2h")
    assert done.returncode == 2
    assert "--not-before" in done.stderr


def test_rotate_prints_a_new_token_of_the_same_id_and_the_old_one_is_good_while_they_overlap(tokens: Path) -> None:
    old = minted(tokens, "--subject", "jane", "--limit", "concurrent=2")
    before = load_tokens(tokens)[old[4:12]]
    done = command(tokens, "rotate", old, "--overlap", "24h")
    new = done.stdout.strip()
    assert done.stdout == f"{new}\n"
    assert new[:13] == old[:13]
    assert new != old
    assert good(tokens, old)
    assert good(tokens, new)
    record = load_tokens(tokens)[old[4:12]]
    assert record.old_until is not None
    assert timedelta(hours=23) < record.old_until - datetime.now(UTC) <= timedelta(hours=24)
    changed = {"sha256", "old_sha256", "old_until"}
    assert record.model_dump(exclude=changed) == before.model_dump(exclude=changed)


def test_rotate_without_overlap_ends_the_old_one(tokens: Path) -> None:
    old = minted(tokens)
    new = command(tokens, "rotate", old[4:12]).stdout.strip()
    assert (good(tokens, old), good(tokens, new)) == (False, True)
    assert "old_" not in tokens.read_text()


@pytest.mark.parametrize("overlap", ["8d", "169h", "x", "-1h", ""])
def test_an_overlap_has_bounds(tokens: Path, overlap: str) -> None:
    old = minted(tokens)
    done = command(tokens, "rotate", old[4:12], "--overlap", overlap)
    assert done.returncode == 2
    assert "--overlap" in done.stderr
    assert good(tokens, old)


def test_rotate_and_revoke_of_nobody_s_do_not_show_what_was_typed(tokens: Path) -> None:
    old = minted(tokens)
    tokens.write_text("version: 1\n")
    for name in ("rotate", "revoke"):
        done = command(tokens, name, old)
        assert done.returncode == 2
        assert old not in done.stdout + done.stderr


def test_list_as_json_has_everything_but_the_hashes(tokens: Path) -> None:
    token = minted(tokens, "--network", "10.0.0.0/8", "--limit", "concurrent=2", "--subject", "ä")
    command(tokens, "rotate", token, "--overlap", "1h")
    plain = minted(tokens)
    done = command(tokens, "list", "--json")
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["id"], first["networks"], first["limits"]) == (token[4:12], ["10.0.0.0/8"], {"concurrent": 2})
    assert first["subject"] == "ä"
    assert "old_until" in first
    assert set(second) == {"id", "tenant", "subject", "scopes", "models", "created"}
    assert "sha256" not in done.stdout
    assert plain not in done.stdout


def test_list_says_what_a_token_is_held_to(tokens: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    options = ["--not-before", "12h", "--network", "10.0.0.0/8", "--policy", "strict"]
    token = minted(tokens, *options, "--limit", "requests_per_minute=60", "--limit", "tokens_per_day=1000")
    command(tokens, "rotate", token, "--overlap", "1h")
    listed = command(tokens, "list").stdout
    for said in ("in 10.0.0.0/8, policy strict, 60 req/min, 1000 tok/day, old secret until 20", "from 20"):
        assert said in listed


def test_the_published_pattern_and_checksum_are_those_of_tokens(tokens: Path) -> None:
    """As somebody would write it who has only read what the command says."""
    done = gateway("token", "pattern")
    pattern = done.stdout.removesuffix("\n")
    token = minted(tokens)
    match = re.search(pattern, f"key = '{token}';")
    assert match is not None
    assert match[0] == token
    assert "CRC-32" in done.stderr
    digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
    number = sum(digits.index(digit) * 62**place for place, digit in enumerate(reversed(token[-6:])))
    assert number == zlib.crc32(token[:-6].encode("ascii"))
