from __future__ import annotations

import logging
import os
import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from gateway.access.authenticate import Authenticator
from gateway.access.brake import Brake
from gateway.access.entrance import Entrance
from gateway.access.limits import Limits
from gateway.access.principal import Principal, Scope
from gateway.access.token import Token, mint, parse
from gateway.access.token_file import TokenRecord, edit_tokens, load_tokens
from gateway.errors import ExpiredKey, Forbidden, MissingKey, ModelNotAllowed, RateLimited, Unauthenticated
from gateway.settings import ConfigurationError


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def add(path: Path, **fields: object) -> Token:
    token = mint()
    record = TokenRecord.model_validate(
        {"id": token.id, "sha256": token.digest, "tenant": "acme", "created": datetime.now(UTC), **fields}
    )
    with edit_tokens(path) as records:
        records[token.id] = record
    return token


def bearer(text: str) -> bytes:
    return f"Bearer {text}".encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.yaml"


def test_a_minted_token_is_well_formed_and_never_shown_by_repr() -> None:
    token = mint()
    assert parse(token.text) == token
    assert token.text not in repr(token)


def test_any_changed_character_breaks_the_checksum() -> None:
    text = mint().text
    for index, character in enumerate(text):
        changed = text[:index] + ("a" if character != "a" else "b") + text[index + 1 :]
        assert parse(changed) is None, index


def test_a_valid_token_names_its_principal(path: Path) -> None:
    token = add(path, subject="jane", models=["llama"])
    principal = Authenticator(path, Clock()).principal(bearer(token.text))
    assert principal == Principal(
        token.id, "acme", "jane", frozenset({Scope.CHAT, Scope.COMPLETIONS}), frozenset({"llama"})
    )
    assert principal.has(Scope.MODELS), "whoever may ask models may list them"
    principal.require("llama")
    with pytest.raises(ModelNotAllowed):
        principal.require("other")


def test_a_token_is_good_for_its_scopes_only(path: Path) -> None:
    token = add(path, scopes=["chat"])
    principal = Authenticator(path, Clock()).principal(bearer(token.text))
    principal.require_scope(Scope.CHAT)
    with pytest.raises(Forbidden, match="completions"):
        principal.require_scope(Scope.COMPLETIONS)


@pytest.mark.parametrize("header", [b"Bearer", b"Bearer x", b"Basic x", b"bearer \xff\xfe", b"Bearer " + b"a" * 9000])
def test_what_is_no_token_is_refused(path: Path, header: bytes) -> None:
    add(path)
    with pytest.raises(Unauthenticated):
        Authenticator(path, Clock()).principal(header)


def test_no_header_is_a_missing_key(path: Path) -> None:
    add(path)
    for header in (None, b""):
        with pytest.raises(MissingKey):
            Authenticator(path, Clock()).principal(header)


def test_a_well_formed_token_of_nobody_is_refused(path: Path) -> None:
    add(path)
    with pytest.raises(Unauthenticated):
        Authenticator(path, Clock()).principal(bearer(mint().text))


def test_the_secret_of_one_token_does_not_open_another(path: Path) -> None:
    first, second = add(path), add(path)
    swapped = second.text.replace(second.id, first.id)
    with pytest.raises(Unauthenticated):
        Authenticator(path, Clock()).principal(bearer(swapped))


def test_an_expired_token_says_so(path: Path) -> None:
    token = add(path, expires=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(ExpiredKey):
        Authenticator(path, Clock()).principal(bearer(token.text))


def test_a_time_without_a_zone_is_utc(path: Path) -> None:
    token = add(path, expires=(datetime.now(UTC) + timedelta(minutes=5)).replace(tzinfo=None))
    assert Authenticator(path, Clock()).principal(bearer(token.text)).tenant == "acme"


def test_a_revoked_token_is_refused_within_a_second_and_others_stay(path: Path) -> None:
    gone, stays = add(path), add(path)
    clock = Clock()
    authenticator = Authenticator(path, clock)
    authenticator.principal(bearer(gone.text))
    with edit_tokens(path) as records:
        del records[gone.id]
    clock.now += 1.0
    with pytest.raises(Unauthenticated):
        authenticator.principal(bearer(gone.text))
    authenticator.principal(bearer(stays.text))


def test_a_file_that_has_become_invalid_changes_nothing(path: Path) -> None:
    token = add(path)
    clock = Clock()
    authenticator = Authenticator(path, clock)
    path.write_text("tokens: [")
    clock.now += 1.0
    authenticator.principal(bearer(token.text))


def test_the_file_holds_hashes_only_and_is_private(path: Path) -> None:
    token = add(path)
    text = path.read_text()
    assert token.text not in text
    assert token.digest in text
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest.mark.parametrize("text", ["tokens: 5", "tokens: [{id: x}]", "[]", "tokens:\n- {"])
def test_a_wrong_file_is_a_configuration_error(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigurationError):
        load_tokens(path)


def test_a_key_that_stands_twice_is_refused_with_its_place(path: Path) -> None:
    """The second would take the place of the first, whose tokens would be gone, or valid again."""
    path.write_text("version: 1\ntokens: []\ntokens: []\n")
    with pytest.raises(ConfigurationError, match=r"tokens\.yaml:3:1: the key tokens stands twice; keep one"):
        load_tokens(path)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "null"])
def test_a_file_may_be_empty(path: Path, text: str) -> None:
    path.write_text(text)
    assert load_tokens(path) == {}


OLD_FILE = """\
# Hashes of tokens, made by `gateway token mint`. A token itself is shown once and never kept.
version: 1
tokens:
- id: {id}
  sha256: {sha256}
  tenant: acme
  subject: jane
  scopes:
  - chat
  - admin:cache
  models:
  - '*'
  created: '2026-01-02T03:04:05Z'
  expires: '2999-01-01T00:00:00Z'
"""


def test_a_file_of_before_is_read_and_written_back_as_it_was(path: Path) -> None:
    token = mint()
    old = OLD_FILE.format(id=token.id, sha256=token.digest)
    path.write_text(old)
    principal = Authenticator(path, Clock()).principal(bearer(token.text))
    assert (principal.policy, principal.limits, principal.networks) == ("", None, ())
    with edit_tokens(path):
        pass
    assert path.read_text() == old


@pytest.mark.parametrize(
    "line",
    [
        "nets: []",
        "networks: 10.0.0.0/8",
        "networks: [5]",
        "networks: [10.0.0.1/8]",
        "limits: {concurrent: 0}",
        "limits: {rpm: 5}",
        "policy: ../x",
        "not_before: soon",
        "old_sha256: x",
    ],
)
def test_what_a_token_cannot_have_is_told_with_its_place_and_not_quoted(path: Path, line: str) -> None:
    token = mint()
    path.write_text(OLD_FILE.format(id=token.id, sha256=token.digest) + f"  {line}\n")
    with pytest.raises(ConfigurationError, match=f"tokens.0.{line.partition(':')[0]}") as raised:
        load_tokens(path)
    assert token.digest not in str(raised.value)


def test_all_that_a_token_can_have_is_kept(path: Path) -> None:
    now = datetime.now(UTC)
    token = add(
        path,
        not_before=now - timedelta(hours=1),
        networks=["10.0.0.0/8", "2001:db8::/32", "::ffff:192.0.2.7"],
        policy="strict",
        limits={"requests_per_minute": 60, "concurrent": 2},
        scopes=["embeddings", "models", "audit:read", "reveal", "admin:tokens", "admin:policy", "docs:hr"],
    )
    principal = Authenticator(path, Clock()).principal(bearer(token.text), ip_address("10.1.2.3"))
    assert principal.policy == "strict"
    assert principal.limits == Limits(requests_per_minute=60, concurrent=2)
    assert principal.networks == tuple(map(ip_network, ("10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32")))
    assert "reveal" in principal.scopes


def test_a_token_is_good_from_its_networks_only_and_they_are_not_told(path: Path) -> None:
    token = add(path, networks=["10.0.0.0/8", "2001:db8::/32"])
    authenticator = Authenticator(path, Clock())
    for good in ("10.255.0.1", "2001:db8::1"):
        authenticator.principal(bearer(token.text), ip_address(good))
    for bad in ("11.0.0.1", "2001:db9::1", "::1", "127.0.0.1", None):
        with pytest.raises(Forbidden) as raised:
            authenticator.principal(bearer(token.text), ip_address(bad) if bad else None)
        assert raised.value.status == 403
        assert "10." not in raised.value.message
        assert "db8" not in raised.value.message


def test_a_wrong_secret_is_a_401_from_everywhere(path: Path) -> None:
    """Whoever has no token learns nothing of its networks, its times or whether it is there."""
    token = add(path, networks=["10.0.0.0/8"], expires=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(Unauthenticated) as raised:
        Authenticator(path, Clock()).principal(bearer(mint(token.id).text), ip_address("192.0.2.1"))
    with pytest.raises(Unauthenticated) as nobody:
        Authenticator(path, Clock()).principal(bearer(mint().text), ip_address("192.0.2.1"))
    assert (raised.value.code, raised.value.message) == (nobody.value.code, nobody.value.message)


def test_the_digests_that_nobody_has_open_nothing(path: Path) -> None:
    """A token whose hash were the one that stands for no token would still have no record."""
    add(path)
    with pytest.raises(Unauthenticated):
        Authenticator(path, Clock()).principal(bearer(mint("0" * 8).text))


def test_a_token_whose_time_has_not_come_says_so(path: Path) -> None:
    now = datetime.now(UTC)
    times = [now]
    token = add(path, not_before=now + timedelta(minutes=5))
    authenticator = Authenticator(path, Clock(), now=lambda: times[0])
    with pytest.raises(Unauthenticated, match="not in force yet"):
        authenticator.principal(bearer(token.text))
    times[0] += timedelta(minutes=5)
    authenticator.principal(bearer(token.text))


def test_a_rotated_token_of_the_file_is_good_with_both_secrets_until_the_old_one_ends(path: Path) -> None:
    token, now = add(path), datetime.now(UTC)
    times = [now]
    new = mint(token.id)
    with edit_tokens(path) as records:
        records[token.id] = records[token.id].rotated(new, now, now + timedelta(hours=1))
    authenticator = Authenticator(path, Clock(), now=lambda: times[0])
    assert authenticator.principal(bearer(token.text)) == authenticator.principal(bearer(new.text))
    times[0] += timedelta(hours=1)
    authenticator.principal(bearer(new.text))
    with pytest.raises(Unauthenticated):
        authenticator.principal(bearer(token.text))


async def test_admit_is_the_same_for_tokens_of_the_file(path: Path) -> None:
    token = add(path)
    authenticator = Authenticator(path, Clock())
    assert await authenticator.admit(bearer(token.text)) == authenticator.principal(bearer(token.text))
    for header, error in ((None, MissingKey), (b"Bearer x", Unauthenticated), (bearer(mint().text), Unauthenticated)):
        with pytest.raises(error):
            await authenticator.admit(header)


async def test_admit_of_a_token_of_the_file_does_not_wait(path: Path) -> None:
    token = add(path)
    coroutine = Authenticator(path, Clock()).admit(bearer(token.text))
    with pytest.raises(StopIteration):
        coroutine.send(None)


async def test_wrong_tokens_are_braked_and_good_ones_from_the_same_address_are_not(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token, old = add(path), add(path, expires=datetime.now(UTC) - timedelta(seconds=1))
    entrance = Entrance(Authenticator(path, Clock()).admit, Brake(Clock(), free=3))
    address = ip_address("192.0.2.1")
    for _ in range(50):
        for header, error in ((None, MissingKey), (bearer(old.text), ExpiredKey)):
            with pytest.raises(error):
                await entrance.principal(header, address)
    for kind in (Unauthenticated, Unauthenticated, Unauthenticated, RateLimited, RateLimited):
        with pytest.raises(kind) as raised:
            await entrance.principal(bearer(mint().text), address)
        await entrance.principal(bearer(token.text), address)
    assert raised.value.code == "rate_limit_exceeded"
    assert "pgw_" not in caplog.text


async def test_a_token_of_a_policy_that_is_not_there_is_refused(path: Path) -> None:
    token = add(path, policy="strict")
    for policies, good in (([], False), (["lax"], False), (["lax", "strict"], True)):
        entrance = Entrance(Authenticator(path, Clock()).admit, Brake(Clock()), None, policies)
        if good:
            assert (await entrance.principal(bearer(token.text))).policy == "strict"
            continue
        with pytest.raises(Forbidden):
            await entrance.principal(bearer(token.text))
