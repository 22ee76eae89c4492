"""No valid token, no answer; and the answer does not say more than it must."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.access.principal import Scope
from gateway.access.token import mint
from gateway.access.token_file import TokenRecord, edit_tokens
from tests.faults.wire import CANARY, CHAT, COMPLETIONS, ask, assert_error, chat, connected, read_answer, wait_for
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream

_SECOND = timedelta(seconds=1)


def _add(tokens: Path, *, expires_in: timedelta | None = None, scopes: tuple[Scope, ...] = tuple(Scope)) -> str:
    now = datetime.now(UTC).replace(microsecond=0)
    token = mint()
    with edit_tokens(tokens) as records:
        records[token.id] = TokenRecord(
            id=token.id,
            sha256=token.digest,
            tenant="acme",
            scopes=scopes,
            created=now,
            expires=now + expires_in if expires_in is not None else None,
        )
    return token.text


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _code(gateway: GatewayProcess, headers: Mapping[str, str]) -> str:
    """The code of the error that this token gets, or nothing if it is let in."""
    answer = ask(gateway, path="/v1/models", method="GET", headers=headers)
    if answer.status == 200:
        return ""
    return str(assert_error(answer, 401, answer.document["error"]["code"], param=None)["code"])


def _wrong_headers(token: str) -> dict[str, dict[str, str]]:
    changed = token[:-1] + ("0" if token[-1] != "0" else "1")
    return {
        "empty": {"authorization": ""},
        "no scheme": {"authorization": token},
        "another scheme": {"authorization": f"Basic {token}"},
        "a scheme alone": {"authorization": "Bearer"},
        "no token": {"authorization": "Bearer "},
        "a word": _bearer(CANARY),
        "another kind of key": _bearer("sk-" + "a" * 48),
        "a changed token": _bearer(changed),
        "half a token": _bearer(token[:30]),
        "a token twice": _bearer(f"{token},{token}"),
        "a token and more": _bearer(f"{token} {CANARY}"),
        "lower case": _bearer(token.lower()),
        "a very long token": _bearer("pgw_" + "a" * 20_000),
        "another header": {"api-key": token, "x-api-key": token},
        "a cookie": {"cookie": f"authorization=Bearer {token}"},
    }


@pytest.mark.parametrize("case", _wrong_headers("x" * 60))
def test_a_wrong_token_is_a_401(gateway_process: GatewayProcess, upstream: ScriptedUpstream, case: str) -> None:
    headers = _wrong_headers(gateway_process.token)[case]
    code = "invalid_api_key" if headers.get("authorization") else "missing_api_key"
    for path in (CHAT, COMPLETIONS, "/v1/models", "/v1/models/llama"):
        method = "GET" if "models" in path else "POST"
        answer = ask(gateway_process, chat(CANARY), path=path, method=method, headers=headers)
        error = assert_error(answer, 401, code, param=None)
        assert gateway_process.token[5:] not in error["message"]
        assert {name.lower(): value for name, value in answer.headers.items()}["www-authenticate"] == "Bearer"
    assert not upstream.bodies


def test_bytes_that_are_no_text_are_a_wrong_token(gateway_process: GatewayProcess) -> None:
    with connected(gateway_process) as connection:
        connection.sendall(b"GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer pgw_\xff\xfe\xe9\r\n\r\n")
        assert_error(read_answer(connection), 401, "invalid_api_key")


def test_a_token_in_the_query_does_not_count(gateway_process: GatewayProcess) -> None:
    path = f"/v1/models?api_key={gateway_process.token}&access_token={gateway_process.token}"
    assert_error(ask(gateway_process, path=path, method="GET", headers={}), 401, "missing_api_key")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"x" * 5 * 2**20], ids=["empty", "no JSON", "no text", "large"])
def test_a_missing_token_is_told_before_anything_else(gateway_process: GatewayProcess, body: bytes) -> None:
    with connected(gateway_process) as connection:
        connection.sendall(f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode())
        assert_error(read_answer(connection), 401, "missing_api_key")


def test_the_scheme_may_be_in_any_case(gateway_process: GatewayProcess, upstream: ScriptedUpstream) -> None:
    assert ask(gateway_process, chat(), headers={"authorization": f"bEARER  {gateway_process.token}"}).status == 200


@pytest.fixture(scope="module")
def life(gateway_process: GatewayProcess, tokens_file: Path) -> dict[str, str]:
    """The codes that tokens got as they came, expired and were revoked; all in one go to wait as little as can be."""
    past, soon, revoked = (_add(tokens_file, expires_in=left) for left in (-_SECOND, 3 * _SECOND, None))
    codes = {}
    assert wait_for(lambda: _code(gateway_process, _bearer(revoked)) == "", 5)
    codes["past"] = _code(gateway_process, _bearer(past))
    codes["soon, before"] = _code(gateway_process, _bearer(soon))
    with edit_tokens(tokens_file) as records:
        del records[revoked[4:12]]
    wait_for(lambda: _code(gateway_process, _bearer(revoked)) != "", 5)
    codes["revoked"] = _code(gateway_process, _bearer(revoked))
    wait_for(lambda: _code(gateway_process, _bearer(soon)) != "", 5)
    codes["soon, after"] = _code(gateway_process, _bearer(soon))
    return codes


def test_an_expired_token_says_so(life: dict[str, str]) -> None:
    assert life["past"] == "expired_api_key"


def test_a_token_expires_while_the_gateway_runs(life: dict[str, str]) -> None:
    assert life["soon, before"] in {"", "expired_api_key"}, "a slow machine may see only the end"
    assert life["soon, after"] == "expired_api_key"


def test_a_revoked_token_is_not_valid_any_more(life: dict[str, str]) -> None:
    assert life["revoked"] == "invalid_api_key"


def test_a_broken_tokens_file_lets_nobody_back_in(
    gateway_process: GatewayProcess, tokens_file: Path, upstream: ScriptedUpstream
) -> None:
    good = tokens_file.read_text("utf-8")
    try:
        tokens_file.write_text("tokens: [" + CANARY, "utf-8")
        time.sleep(1.2)
        assert _code(gateway_process, gateway_process.headers) == ""
        assert _code(gateway_process, _bearer(mint().text)) == "invalid_api_key"
    finally:
        tokens_file.write_text(good, "utf-8")


def test_a_token_without_the_scope_is_forbidden(gateway_process: GatewayProcess) -> None:
    headers = _bearer(_add(gateway_process.directory / "tokens.yaml", scopes=(Scope.CHAT,)))
    body = {"model": "llama", "prompt": CANARY}
    assert wait_for(lambda: ask(gateway_process, body, path=COMPLETIONS, headers=headers).status == 403, 5)
    assert_error(ask(gateway_process, body, path=COMPLETIONS, headers=headers), 403, "scope_missing")
    assert ask(gateway_process, chat(), headers=headers).status == 200
