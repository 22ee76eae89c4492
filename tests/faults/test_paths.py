"""What is not part of the API is not reachable, whatever the upstream has there."""

from __future__ import annotations

import pytest

from tests.faults.wire import CANARY, CHAT, Answer, ask, assert_error, chat, connected, read_answer
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream

UNKNOWN = [
    "/",
    "/v1",
    "/v1/",
    "/v2/chat/completions",
    "/chat/completions",
    "/completions",
    "/tokenize",
    "/detokenize",
    "/v1/tokenize",
    "/v1/responses",
    "/v1/rerank",
    "/v1/score",
    "/v1/audio/transcriptions",
    "/v1/messages",
    "/v1/load_lora_adapter",
    "/v1/files",
    "/v1/chat/completions/batch",
    "/v1/chat/completions/render",
    "/v1/chat/completions/",
    "/v1/completions/",
    "/v1//chat/completions",
    "//v1/chat/completions",
    "/v1/chat//completions",
    "/v1/chat/../chat/completions",
    "/v1/./chat/completions",
    "/v1%2Fchat%2Fcompletions",
    "/v1/chat%2fcompletions",
    "/v1/chat/completions%2F",
    "/v1/chat/completions%00",
    "/v1/chat/completions;x=1",
    "/V1/chat/completions",
    "/v1/Chat/Completions",
    "/metrics",
    "/health",
    "/health/",
    "/ping",
    "/version",
    "/server_info",
    "/invocations",
    "/pooling",
    "/sleep",
    "/collective_rpc",
    "/start_profile",
    "/docs",
    "/redoc",
    "/openapi.json",
    "/.env",
    f"/{CANARY}",
    f"/v1/{CANARY}?q={CANARY}",
]


@pytest.mark.parametrize("path", UNKNOWN)
def test_an_unknown_path_is_not_found(gateway_process: GatewayProcess, upstream: ScriptedUpstream, path: str) -> None:
    for method in ("POST", "GET"):
        assert_error(ask(gateway_process, chat(), path=path, method=method), 404, "not_found", param=None)
    assert not upstream.bodies


@pytest.mark.parametrize("name", ["", "nothing", f"a/b/{CANARY}", "llama/", "..%2F..%2Fmetrics", "%00"])
def test_an_unknown_model_is_not_found(gateway_process: GatewayProcess, name: str) -> None:
    assert_error(ask(gateway_process, path=f"/v1/models/{name}", method="GET"), 404, "model_not_found")


@pytest.mark.parametrize("name", [CANARY, "tiny-llama", "LLAMA", "llama ", "../llama", "llama\n"])
def test_a_request_to_an_unknown_model_is_not_found(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, name: str
) -> None:
    assert_error(ask(gateway_process, chat(model=name)), 404, "model_not_found", param="model")
    assert not upstream.bodies


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *[(method, CHAT) for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")],
        *[(method, "/v1/completions") for method in ("GET", "PUT")],
        *[(method, "/v1/models") for method in ("POST", "DELETE")],
        *[(method, "/v1/models/llama") for method in ("POST", "DELETE")],
        ("POST", "/health/live"),
        ("DELETE", "/health/ready"),
    ],
)
def test_another_method_is_not_allowed(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, method: str, path: str
) -> None:
    assert_error(ask(gateway_process, chat(), path=path, method=method), 405, "method_not_allowed", param=None)
    assert not upstream.bodies


def test_a_query_does_not_matter(gateway_process: GatewayProcess, upstream: ScriptedUpstream) -> None:
    assert ask(gateway_process, chat(), path=f"{CHAT}?api-version=1&x={CANARY}").status == 200
    assert upstream.paths == [CHAT]


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense " + CANARY.encode() + b"\r\n\r\n",
        b"GET /v1/models HTTP/9.9\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST /v1/completions HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/completions HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"POST /v1/completions HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["no HTTP", "version", "header", "two lengths", "two content-lengths", "negative length", "TLS"],
)
def test_what_is_not_http_has_the_same_envelope(gateway_process: GatewayProcess, raw: bytes) -> None:
    with connected(gateway_process) as connection:
        connection.sendall(raw)
        answer: Answer = read_answer(connection)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.document["error"]) == {"message", "type", "param", "code"}
    assert answer.document["error"]["type"] == "invalid_request_error"
    assert CANARY not in answer.body.decode()
