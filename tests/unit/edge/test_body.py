from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.edge.body import ClientGone, parse_object, read_body
from gateway.errors import InvalidJSON, InvalidValue, TooLarge


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b'"x"', b"null", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1e999}', b'{"a": 1, "a": 2}',
        b'{"x": {"a": 1, "a": 1}}', b'{"a": "\xff"}', b"\xff\xfe{\x00}\x00", b'{"a": "\\ud800"}', b'{"a\\udfff": 1}',
        b'{"a": "\x00"}', b'{"a": "\\u0000"}', b'{"a": 1' + b"0" * 30 + b"}", b'{"a": 1' + b"0" * 5000 + b"}",
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", b'{"a": 1} {"b": 2}',
        b"\xef\xbb\xbf{}", b"{'a': 1}",
    ],
)  # fmt: skip
def test_what_is_not_one_strict_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidJSON):
        parse_object(raw, 64)


def test_what_is_json_is_kept_as_it_is() -> None:
    assert parse_object('{"a": ["é", "\\u00e9", "\\ud83d\\ude00", 1.5, -3, null, true, {}]}'.encode(), 64) == {
        "a": ["é", "é", "😀", 1.5, -3, None, True, {}]
    }


def test_messages_about_bad_json_do_not_quote_it() -> None:
    for raw in (b'{"jane@example.org"', b'{"jane@example.org": 1, "jane@example.org": 2}', b'{"a": jane@example.org}'):
        with pytest.raises(InvalidJSON) as caught:
            parse_object(raw, 64)
        assert "jane" not in caught.value.message


def sending(*messages: dict[str, Any], then_hang: bool = False) -> Callable[[], Awaitable[dict[str, Any]]]:
    queue = list(messages)

    async def receive() -> dict[str, Any]:
        if not queue and then_hang:
            await asyncio.sleep(60)
        return queue.pop(0)

    return receive


def part(body: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_pieces_is_one_body() -> None:
    assert await read_body(sending(part(b"ab", True), part(b"", True), part(b"c")), {}, 10, 1) == b"abc"


async def test_a_body_over_the_limit_is_refused_before_it_is_read_when_it_says_so() -> None:
    with pytest.raises(TooLarge):
        await read_body(sending(), {b"content-length": b"11"}, 10, 1)


async def test_a_body_over_the_limit_is_refused_as_soon_as_it_is_passed() -> None:
    with pytest.raises(TooLarge):
        await read_body(sending(part(b"x" * 6, True), part(b"x" * 6, True)), {}, 10, 1)


async def test_a_body_that_comes_too_slowly_is_refused() -> None:
    with pytest.raises(InvalidJSON, match="did not arrive"):
        await read_body(sending(part(b"x", True), then_hang=True), {}, 10, 0.05)


async def test_a_client_that_goes_is_not_answered() -> None:
    with pytest.raises(ClientGone):
        await read_body(sending(part(b"x", True), {"type": "http.disconnect"}), {}, 10, 1)


async def test_compressed_bodies_are_refused() -> None:
    with pytest.raises(InvalidValue):
        await read_body(sending(), {b"content-encoding": b"gzip"}, 10, 1)
