"""Unique values are sent through every kind of request, also failing ones; then they are searched for everywhere.

Places: the log at debug level, the audit log, metrics, error bodies, what the upstream got, files that the process
has written, what it printed, and the answers to another user.
"""

from __future__ import annotations

import base64
import itertools
import json
import random
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demo.vllm import free_port
from tests.conftest import POLICY
from tests.support.gateway import GatewayProcess, start_gateway
from tests.support.upstream import Background, ScriptedUpstream

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Canaries:
    """Makes values of every kind that the policy finds, each different, and remembers them."""

    def __init__(self) -> None:
        self._random = random.Random(20260301)
        self._count = itertools.count(100_000)
        self.made: list[str] = []

    def _made(self, value: str) -> str:
        self.made.append(value)
        return value

    def email(self) -> str:
        return self._made(f"canary{next(self._count)}@example.org")

    def phone(self) -> str:
        return self._made(f"+1 212 55{self._random.randint(1, 9)} {self._random.randint(1000, 9999)}")

    def card(self) -> str:
        digits = "4" + "".join(str(self._random.randint(0, 9)) for _ in range(14))
        for check in "0123456789":
            if _luhn(digits + check):
                return self._made(digits + check)
        raise AssertionError

    def iban(self) -> str:
        account = "".join(str(self._random.randint(0, 9)) for _ in range(18))
        check = 98 - int(account + "131400") % 97
        return self._made(f"DE{check:02d}{account}")

    def address(self) -> str:
        return self._made(".".join(str(self._random.randint(11, 250)) for _ in range(4)))

    def employee(self) -> str:
        return self._made(f"E-{next(self._count)}")

    def text(self) -> str:
        values = [self.email(), self.phone(), self.card(), self.iban(), self.address(), self.employee()]
        return "Please note: " + ", ".join(values) + ". Thank you."


def _luhn(number: str) -> bool:
    total = 0
    for index, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


@dataclass
class Scene:
    """A gateway, the upstream behind it, the canaries, and all that came back on errors."""

    gateway: GatewayProcess
    upstream: ScriptedUpstream
    canaries: Canaries
    answers: list[bytes] = field(default_factory=list)

    def send(self, path: str, body: Any, token: str | None = None) -> tuple[int, bytes]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {token or self.gateway.token}", "content-type": "application/json"}
        request = urllib.request.Request(self.gateway.url + path, raw, headers)
        try:
            with DIRECT.open(request, timeout=20) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            answer = error.read()
            self.answers.append(answer)
            return error.code, answer

    def chat(self, **fields: Any) -> tuple[int, bytes]:
        return self.send("/v1/chat/completions", {"model": "llama", **fields})


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Background(ScriptedUpstream()) as upstream:
        directory = tmp_path_factory.mktemp("canary")
        gateway = start_gateway(directory, upstream.url, POLICY, metrics_port=free_port())
        yield Scene(gateway, upstream, Canaries())
        gateway.stop()


def user(text: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def every_role(scene: Scene) -> None:
    text = scene.canaries.text
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": json.dumps({"a": text()})}}
    messages = [
        {"role": "system", "content": text()},
        {"role": "developer", "content": [{"type": "text", "text": text()}]},
        {"role": "user", "content": text(), "name": "n"},
        {"role": "assistant", "content": text(), "tool_calls": [call]},
        {"role": "tool", "content": text(), "tool_call_id": "c1"},
        {"role": "user", "content": text()},
    ]
    assert scene.chat(messages=messages)[0] == 200


def every_field(scene: Scene) -> None:
    text = scene.canaries.text
    schema = {"type": "object", "properties": {scene.canaries.email(): {"enum": [text()], "description": text()}}}
    tool = {"type": "function", "function": {"name": "f", "description": text(), "parameters": schema}}
    status, _ = scene.chat(
        messages=user(text()),
        tools=[tool],
        tool_choice={"type": "function", "function": {"name": "f"}},
        metadata={"k": text(), scene.canaries.email(): "v", "n": int(scene.canaries.card())},
        user=scene.canaries.email(),
        stop=[scene.canaries.email()],
        response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": schema}},
        structured_outputs={"choice": [text()]},
        chat_template_kwargs={"who": text()},
        invented={"deep": [{"deeper": text()}, int(scene.canaries.card())]},
        prediction={"type": "content", "content": text()},
    )
    assert status == 200


def streams(scene: Scene) -> None:
    status, answer = scene.chat(messages=user(scene.canaries.text()), stream=True)
    assert status == 200
    assert answer.endswith(b"data: [DONE]\n\n")


def completions(scene: Scene) -> None:
    assert scene.send("/v1/completions", {"model": "llama", "prompt": scene.canaries.text()})[0] == 200
    scene.upstream.answers({"choices": [{"index": 0, "text": "x"}], "usage": {}})
    body = {"model": "llama", "prompt": [scene.canaries.text(), scene.canaries.text()], "suffix": scene.canaries.text()}
    assert scene.send("/v1/completions", body)[0] == 200


def blocked(scene: Scene) -> None:
    scene.canaries.made.append("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
    messages = user(f"{scene.canaries.text()} pay 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
    assert scene.chat(messages=messages)[0] == 400


def refused_fields(scene: Scene) -> None:
    for name in ("chat_template", "cache_salt", "documents", "prompt_embeds", "request_id", "vllm_xargs"):
        assert scene.chat(messages=user("x"), **{name: scene.canaries.text()})[0] == 400


def wrong_types(scene: Scene) -> None:
    text = scene.canaries.text
    for fields in (
        {"messages": text()},
        {"messages": [text()]},
        {"messages": [{"role": text(), "content": text()}]},
        {"messages": user({"x": text()})},
        {"messages": user([{"type": text(), "text": text()}])},
        {"messages": user([{"type": "image_url", "image_url": {"url": text()}}])},
        {"messages": user(text()), "temperature": text()},
        {"messages": user(text()), "n": text()},
        {"messages": user(text()), "metadata": text()},
        {"messages": user(text()), "logit_bias": {text(): text()}},
        {"messages": user(text()), "tools": [{"type": text()}]},
    ):
        assert scene.chat(**fields)[0] == 400
    assert scene.send("/v1/chat/completions", {"model": text(), "messages": user(text())})[0] in (400, 404)


def broken_json(scene: Scene) -> None:
    text = scene.canaries.text()
    for raw in (f'{{"model": "{text}', f'["{text}"]', f'{{"{text}": 1, "{text}": 2}}', f'{{"a": "{text}\\ud800"}}'):
        assert scene.send("/v1/chat/completions", raw.encode())[0] == 400


def strangers(scene: Scene) -> None:
    assert (
        scene.send("/v1/chat/completions", {"model": "llama", "messages": user(scene.canaries.text())}, "x")[0] == 401
    )
    assert scene.send("/v1/nothing/" + urllib.parse.quote(scene.canaries.email()), {})[0] == 404


def failing_upstreams(scene: Scene) -> None:
    for status in (400, 404, 422, 429, 500, 503):
        text = scene.canaries.text()
        scene.upstream.answers({"error": {"message": f"cannot read {text}", "type": text, "code": status}}, status)
        assert scene.chat(messages=user(text))[0] >= 400
    text = scene.canaries.text()
    scene.upstream.answers(f"<html>{text}</html>")
    assert scene.chat(messages=user(text))[0] == 502
    scene.upstream.streams([{"error": {"message": text}}])
    assert scene.chat(messages=user(text), stream=True)[0] == 502


def half_requests(scene: Scene) -> None:
    host, port = scene.gateway.url.removeprefix("http://").split(":")
    for head in ("POST /v1/chat/completions HTTP/1.1", "BAD"):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            text = scene.canaries.text()
            lines = [head, f"Host: {host}", f"Authorization: Bearer {scene.gateway.token}", "Content-Length: 9999"]
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + text).encode())
            time.sleep(0.1)


def names_in_urls(scene: Scene) -> None:
    query = urllib.parse.urlencode({"q": scene.canaries.email()})
    scene.send(f"/v1/chat/completions?{query}", {"model": "llama", "messages": user("x")})


KINDS: list[Callable[[Scene], None]] = [
    every_role,
    every_field,
    streams,
    completions,
    blocked,
    refused_fields,
    wrong_types,
    broken_json,
    strangers,
    failing_upstreams,
    half_requests,
    names_in_urls,
]


@pytest.fixture(scope="module")
def sent(scene: Scene) -> Scene:
    """Everything has been sent; the canaries have had every chance to rest somewhere."""
    for kind in KINDS:
        scene.upstream.handler = None
        kind(scene)
    assert len(scene.canaries.made) > 300
    return scene


def variants(value: str) -> Iterator[bytes]:
    """A value as it may be written down by somebody else: bare, in JSON, in a URL, in base64."""
    yield value.encode()
    yield urllib.parse.quote(value).encode()
    yield json.dumps(value)[1:-1].encode()
    yield base64.b64encode(value.encode()).rstrip(b"=")[:-1]
    yield value.replace(" ", "").encode()


def leaks(haystack: bytes, canaries: Canaries) -> list[str]:
    return [value for value in canaries.made if any(form in haystack for form in variants(value))]


def test_the_upstream_got_no_value(sent: Scene) -> None:
    assert len(sent.upstream.raw) >= 14
    assert leaks(b"\n".join(sent.upstream.raw), sent.canaries) == []


def test_no_log_line_has_a_value_at_debug_level(sent: Scene) -> None:
    assert leaks(sent.gateway.log.read_bytes(), sent.canaries) == []


def test_the_audit_log_has_every_exchange_and_no_value(sent: Scene) -> None:
    statuses = {200, 400, 401, 502, 503}
    events = sent.gateway.events(lambda events: {event["status"] for event in events} >= statuses)
    raw = sent.gateway.audit.read_bytes()
    assert {event["status"] for event in events} >= statuses
    assert any(finding["kind"] == "EMAIL_ADDRESS" for event in events for finding in event["findings"])
    assert leaks(raw, sent.canaries) == []


def test_metrics_count_and_have_no_value(sent: Scene) -> None:
    with DIRECT.open(sent.gateway.metrics_url, timeout=10) as response:
        text = response.read()
    assert b'kind="CREDIT_CARD"' in text
    assert leaks(text, sent.canaries) == []


def test_no_error_body_has_a_value(sent: Scene) -> None:
    assert len(sent.answers) > 20
    for answer in sent.answers:
        assert set(json.loads(answer)) == {"error"}
    assert leaks(b"\n".join(sent.answers), sent.canaries) == []


def test_no_file_has_a_value(sent: Scene) -> None:
    files = [path for path in sent.gateway.directory.rglob("*") if path.is_file()]
    files += _open_files(sent.gateway.process.pid)
    assert files
    for path in files:
        assert leaks(path.read_bytes(), sent.canaries) == [], path


def _open_files(pid: int) -> list[Path]:
    """Regular files that the process holds open, deleted ones included."""
    links = Path(f"/proc/{pid}/fd")
    return [link for link in links.iterdir() if link.exists() and link.is_file()] if links.exists() else []


def test_no_token_is_written_anywhere_but_as_a_hash(sent: Scene) -> None:
    secret = sent.gateway.token.encode()
    for path in sent.gateway.directory.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path


def test_another_user_gets_no_value(sent: Scene) -> None:
    sent.upstream.says("<EMAIL_ADDRESS_1> <PHONE_NUMBER_1> <IBAN_CODE_1> <EMPLOYEE_ID_1>")
    status, answer = sent.send(
        "/v1/chat/completions", {"model": "llama", "messages": user("Whose data is this?")}, sent.gateway.other_token
    )
    assert status == 200
    assert b"<EMAIL_ADDRESS_1>" in answer
    assert leaks(answer, sent.canaries) == []
