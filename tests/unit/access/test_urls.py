"""A token in a URL is noticed, however it is written there, and nothing else is."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from gateway.access.token import mint
from gateway.access.urls import has_token, token_in_url

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqYW5lIn0.c2lnbmF0dXJl"
TOKEN = mint().text


def seen(path: str, query: str = "") -> bool:
    return has_token({"path": path, "raw_path": path.encode(), "query_string": query.encode()})


def hidden(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


@pytest.mark.parametrize("token", [TOKEN, TOKEN[:20], JWT], ids=["ours", "a part of one", "JWT"])
@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/models", "api_key={}"),
        ("/v1/models", "x=1&token={}&y=%20"),
        ("/v1/models", "{}"),
        ("/v1/{}/models", ""),
        ("/admin/tokens/{}", ""),
        ("/admin/tokens/{}/rotate", "a=b"),
        ("/v1/models;{}", ""),
    ],
)
def test_a_token_in_a_url_is_seen(token: str, path: str, query: str) -> None:
    for written in (token, hidden(token), quote(hidden(token)), quote(quote(hidden(token)))):
        assert seen(path.format(written), query.format(written))


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/chat/completions", ""),
        ("/v1/models/llama-3.1_8b", ""),
        ("/admin/cache", "subject=pgw_jane"),
        ("/admin/tokens/aB3dE6gH/rotate", ""),
        ("/v1/models/eyJ.model.1", "a=%zz%"),
        ("/", "%" * 1000),
        ("/v1/models/pgw", "x=eyJhbGciOiJSUzI1NiJ9"),
    ],
)
def test_an_ordinary_one_has_none(path: str, query: str) -> None:
    assert not seen(path, query)


def test_a_scope_without_a_raw_path_will_do() -> None:
    assert has_token({"path": f"/x/{TOKEN}", "query_string": b""})
    assert not has_token({"path": "/ä\ud800", "query_string": b""})


def test_the_message_says_what_to_do_now_and_not_the_token() -> None:
    error = token_in_url()
    assert error.status == 401
    assert "rotated now" in error.message
    assert "header" in error.message
