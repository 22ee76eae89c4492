from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.access.authenticate import Authenticator
from gateway.access.principal import Principal, Scope
from gateway.access.token import Token, mint, parse
from gateway.access.token_file import TokenRecord, edit_tokens, load_tokens
from gateway.errors import ExpiredKey, Forbidden, MissingKey, ModelNotAllowed, Unauthenticated
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
