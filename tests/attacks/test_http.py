"""Requests that two servers in a row could read as different ones, and headers that could be read twice."""

from __future__ import annotations

import json
import re

import pytest

from tests.faults.wire import CHAT, connected, head, read_answer
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream

BODY = json.dumps({"model": "llama", "messages": [{"role": "user", "content": "ada@example.org"}]}).encode()


def _answers_in(received: bytes) -> int:
    return len(re.findall(rb"HTTP/1\.1 \d{3} ", received))


def _sent(gateway: GatewayProcess, *pieces: bytes) -> bytes:
    """All that comes back until nothing does."""
    received = b""
    with connected(gateway) as connection:
        connection.settimeout(0.3)
        try:
            for piece in pieces:
                connection.sendall(piece)
                received += connection.recv(65536)
            while chunk := connection.recv(65536):
                received += chunk
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            pass
    return received


def _post(gateway: GatewayProcess, *lines: str, body: bytes = BODY) -> bytes:
    return head(gateway, *lines, f"content-length: {len(body)}") + body


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.0"])
def test_the_body_of_a_request_to_upgrade_is_not_read_as_the_next_request(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, protocol: str
) -> None:
    inner = head(gateway_process).replace(f"POST {CHAT}".encode(), b"GET /v1/models")
    lines = ("connection: upgrade", f"upgrade: {protocol}", f"content-length: {len(inner)}")
    # The body comes by itself, as it does from a proxy.
    received = _sent(gateway_process, head(gateway_process, *lines), inner)
    assert _answers_in(received) == 1
    assert b'"object":"list"' not in received


@pytest.mark.parametrize("good_first", [True, False])
def test_a_token_beside_another_one_is_not_valid(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, good_first: bool
) -> None:
    good, other = f"authorization: Bearer {gateway_process.token}", "authorization: Bearer x"
    lines = "\r\n".join([good, other] if good_first else [other, good])
    raw = _post(gateway_process).replace(good.encode(), lines.encode())
    with connected(gateway_process) as connection:
        connection.sendall(raw)
        assert read_answer(connection).status == 401
    assert not upstream.bodies


@pytest.mark.parametrize("line", ["\tTOKEN", "\xa0TOKEN", "Bearer\tTOKEN", "Bearer TOKEN,", "Bearer pgw_TOKEN"])
def test_a_token_that_is_spelled_otherwise_is_not_valid(gateway_process: GatewayProcess, line: str) -> None:
    value = line.replace("TOKEN", gateway_process.token)
    with connected(gateway_process) as connection:
        connection.sendall(f"GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: {value}\r\n\r\n".encode("latin-1"))
        assert read_answer(connection).status == 401


AMBIGUOUS = {
    "chunked and a length": ["transfer-encoding: chunked", f"content-length: {len(BODY)}"],
    "chunked twice": ["transfer-encoding: chunked, chunked"],
    "chunked, spelled otherwise": ["transfer-encoding: xchunked"],
    "not chunked": ["transfer-encoding: identity", f"content-length: {len(BODY)}"],
    "one length twice": [f"content-length: {len(BODY)}"] * 2,
    "a list of lengths": [f"content-length: {len(BODY)}, {len(BODY)}"],
    "a signed length": [f"content-length: +{len(BODY)}"],
    "a space before the colon": ["x : y", f"content-length: {len(BODY)}"],
    "a folded line": ["x: y\r\n z: 1", f"content-length: {len(BODY)}"],
}


@pytest.mark.parametrize("lines", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_an_ambiguous_request_is_refused_and_the_connection_closed(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, lines: list[str]
) -> None:
    received = _sent(gateway_process, head(gateway_process, *lines) + BODY)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert _answers_in(received) == 1
    assert not upstream.bodies


def test_answers_to_requests_in_a_row_come_in_their_order(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    bodies = [BODY.replace(b"ada@", f"user{i}@".encode()) for i in range(4)]
    with connected(gateway_process) as connection:
        connection.sendall(b"".join(_post(gateway_process, body=body) for body in bodies))
        received = b""
        while received.count(b'"total_tokens"') < 4:
            received += connection.recv(65536)
    assert [received.count(f"user{i}@example.org".encode()) for i in range(4)] == [1] * 4
    assert sorted(range(4), key=lambda i: received.index(f"user{i}@".encode())) == [0, 1, 2, 3]


def test_the_body_after_a_refused_token_is_not_read_as_a_request(gateway_process: GatewayProcess) -> None:
    inner = head(gateway_process).replace(f"POST {CHAT}".encode(), b"GET /v1/models")
    raw = _post(gateway_process, body=inner).replace(gateway_process.token.encode(), b"x", 1)
    received = _sent(gateway_process, raw)
    assert _answers_in(received) == 1
    assert received.startswith(b"HTTP/1.1 401 ")
