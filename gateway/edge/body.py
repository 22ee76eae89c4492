"""Reads and parses a request body: bounded in bytes, time and depth, and strictly JSON."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, NoReturn

import orjson

from gateway.errors import InvalidJSON, InvalidValue, TooLarge

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Headers = dict[bytes, bytes]

_INT64 = 2**63
_MAX_VALUES = 100_000
_TEXT = re.compile(rb'"(?:[^"\\]+|\\.)*"', re.DOTALL)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class ClientGone(Exception):
    """The client closed the connection; there is nobody to answer."""


def headers_of(scope: Mapping[str, Any]) -> Headers:
    """Headers by name. One that stands twice has both values (RFC 9110, 5.3), so that no proxy can read another."""
    headers: Headers = {}
    for name, value in scope["headers"]:
        headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


async def read_body(receive: Receive, headers: Headers, limit_bytes: int, timeout_s: float) -> bytes:
    """The whole body. Raises TooLarge as soon as the limit is passed, InvalidJSON when it comes too slowly."""
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise InvalidValue("Compressed requests are not accepted; send the body without Content-Encoding.")
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit_bytes:
        raise _too_large(limit_bytes)
    try:
        async with asyncio.timeout(timeout_s):
            return await _collect(receive, limit_bytes)
    except TimeoutError:
        raise InvalidJSON(f"The request body did not arrive within {timeout_s:g} s; send it faster.") from None


async def _collect(receive: Receive, limit_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size_bytes = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size_bytes += len(chunk)
        if size_bytes > limit_bytes:
            raise _too_large(limit_bytes)
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(f"The request body is larger than {limit_bytes} bytes; send less, or ask for a higher limits.body.")


def parse_object(raw: bytes, max_depth: int) -> dict[str, Any]:
    """One JSON object in UTF-8 (RFC 8259), with no key twice, no NaN, no lone surrogate and bounded nesting.

    Raises InvalidJSON; its message never quotes the body.
    """
    if _separators(raw) > _MAX_VALUES and _separators(_TEXT.sub(b"", raw)) > _MAX_VALUES:
        raise TooLarge(f"The request has more than {_MAX_VALUES} values; send fewer.")
    try:
        tree = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_int,
            parse_float=_float,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise InvalidJSON("The request body is not UTF-8; send JSON in UTF-8.") from None
    except json.JSONDecodeError as error:
        raise InvalidJSON(f"The request body is not JSON: {error.msg} at character {error.pos}.") from None
    except RecursionError:
        raise _too_deep(max_depth) from None
    if not isinstance(tree, dict):
        raise InvalidJSON("The request body must be one JSON object.")
    _check_depth(tree, max_depth)
    if b"\\u" in raw:
        _check_escapes(tree, raw)
    return tree


def _separators(raw: bytes) -> int:
    """At most so many values are in a JSON text, less one, besides what stands in its texts."""
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise InvalidJSON("The request body has an object with the same key twice; send each key once.")
    return made


def _int(text: str) -> int:
    if len(text) > 20 or not -_INT64 <= (value := int(text)) < 2 * _INT64:
        raise InvalidJSON("The request body has an integer of more than 64 bits; send it as a string.")
    return value


def _float(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise InvalidJSON("The request body has a number that is too large.")
    return value


def _constant(name: str) -> NoReturn:
    raise InvalidJSON(f"The request body has {name}, which is not JSON; send a number or null.")


def _too_deep(max_depth: int) -> InvalidJSON:
    return InvalidJSON(f"The request body nests deeper than {max_depth} levels; send it flatter.")


def _check_depth(tree: Any, max_depth: int) -> None:
    level = [tree]
    for _ in range(max_depth):
        level = [
            inner
            for node in level
            for inner in (node.values() if isinstance(node, dict) else node)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise _too_deep(max_depth)


def _check_escapes(tree: dict[str, Any], raw: bytes) -> None:
    if _NUL.search(raw):
        raise InvalidJSON("The request body has a NUL character in a text; remove it.")
    try:
        orjson.dumps(tree)
    except TypeError:
        raise InvalidJSON("The request body has half of a surrogate pair in a text; send whole characters.") from None
