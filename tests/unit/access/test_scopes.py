"""Scopes that let protected documents be quoted: `docs:NAME`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.access.authenticate import Authenticator
from gateway.access.principal import Scope
from gateway.access.token_file import TokenRecord, load_tokens
from gateway.errors import Forbidden
from gateway.settings import ConfigurationError
from tests.support.gateway import Done, gateway

GOOD = ["docs:hr", "docs:HR-2026", "docs:a.b_c", "docs:7", f"docs:{'x' * 63}"]
BAD = [
    "docs:",
    "docs",
    "docs:../x",
    "docs:a/b",
    "docs:.hidden",
    "docs:-x",
    "docs:a b",
    "docs:hr\n",
    "docs:*",
    "docs:ä",
    "DOCS:hr",
    "docs:hr,docs:law",
    "xdocs:hr",
    f"docs:{'x' * 64}",
    "admin",
    "",
]


def record(*scopes: str) -> TokenRecord:
    return TokenRecord.model_validate(
        {"id": "a" * 8, "sha256": "0" * 64, "tenant": "acme", "created": datetime.now(UTC), "scopes": scopes}
    )


def minted(tokens: Path, *scopes: str) -> Done:
    arguments = [argument for scope in scopes for argument in ("--scope", scope)]
    return gateway("token", "mint", "--tokens", str(tokens), "--tenant", "acme", *arguments)


@pytest.mark.parametrize("scope", GOOD)
def test_a_name_is_letters_digits_and_a_few_signs(scope: str) -> None:
    assert record(scope).scopes == (scope,)


@pytest.mark.parametrize("scope", BAD, ids=ascii)
def test_nothing_else_is_a_scope(scope: str) -> None:
    with pytest.raises(ValidationError):
        record(scope)


@pytest.mark.parametrize("scope", GOOD)
def test_mint_takes_a_scope_and_the_token_has_it(tmp_path: Path, scope: str) -> None:
    tokens = tmp_path / "tokens.yaml"
    done = minted(tokens, "chat", scope)
    assert done.returncode == 0, done.stderr
    principal = Authenticator(tokens, lambda: 0.0).principal(f"Bearer {done.stdout.strip()}".encode())
    assert principal.scopes == {Scope.CHAT, scope}


@pytest.mark.parametrize("scope", BAD, ids=ascii)
def test_mint_refuses_what_is_none_and_says_which_option(tmp_path: Path, scope: str) -> None:
    tokens = tmp_path / "tokens.yaml"
    done = minted(tokens, "chat", scope)
    assert done.returncode == 2
    assert "--scope" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not tokens.exists()


@pytest.mark.parametrize("scope", ["docs:", "docs:../x"])
def test_a_file_with_what_is_none_is_not_read(tmp_path: Path, scope: str) -> None:
    tokens = tmp_path / "tokens.yaml"
    assert minted(tokens, "docs:hr").returncode == 0
    tokens.write_text(tokens.read_text().replace("docs:hr", scope))
    with pytest.raises(ConfigurationError, match="scopes"):
        load_tokens(tokens)


def test_a_scope_of_documents_lets_nobody_ask_models(tmp_path: Path) -> None:
    """Who names scopes names all of them."""
    tokens = tmp_path / "tokens.yaml"
    token = minted(tokens, "docs:hr").stdout.strip()
    principal = Authenticator(tokens, lambda: 0.0).principal(f"Bearer {token}".encode())
    for scope in Scope:
        with pytest.raises(Forbidden):
            principal.require_scope(scope)


def test_without_scopes_a_token_may_quote_no_documents(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.yaml"
    token = minted(tokens).stdout.strip()
    principal = Authenticator(tokens, lambda: 0.0).principal(f"Bearer {token}".encode())
    assert not any(scope.startswith("docs:") for scope in principal.scopes)
