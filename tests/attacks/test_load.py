"""One request must not stop all others, nor take gigabytes."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from gateway.edge.body import parse_object
from gateway.edge.requests import check_chat
from gateway.errors import GatewayError
from gateway.policy.load import load_policy
from tests.conftest import POLICY
from tests.faults.wire import ask, chat
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream

BODY_BYTES = 4 * 2**20
MOST_BLOCKED_S = 0.6
_HEAD = '{"model":"llama","messages":[{"role":"user","content":"x"}],'


def _full(before: str, item: str, after: str, *, bytes_: int = BODY_BYTES) -> bytes:
    count = (bytes_ - len(before) - len(after)) // len(item)
    return ((before + item * count).rstrip(",") + after).encode()


@contextmanager
def _longest_wait(gateway: GatewayProcess) -> Iterator[list[float]]:
    """The longest time for which another client had to wait for the simplest answer, in seconds."""
    longest, over = [0.0], threading.Event()
    address = urlsplit(gateway.url)

    def poll() -> None:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        while not over.is_set():
            started = time.monotonic()
            connection.request("GET", "/health/live")
            connection.getresponse().read()
            longest[0] = max(longest[0], time.monotonic() - started)
            time.sleep(0.01)
        connection.close()

    thread = threading.Thread(target=poll)
    thread.start()
    time.sleep(0.05)
    yield longest
    over.set()
    thread.join()


LARGE = {
    "numbers": _full(_HEAD + '"a":[', "0,", "]}"),
    "empty lists": _full(_HEAD + '"a":[', "[],", "]}"),
    "deep lists": _full(_HEAD + '"a":[', "[" * 50 + "]" * 50 + ",", "]}"),
    "stops that are no texts": _full(_HEAD + '"stop":[', "0,", "]}", bytes_=2**20),
    "one text": _full(_HEAD + '"a":"', "\\u0031", '"}'),
}


@pytest.mark.parametrize("body", LARGE.values(), ids=LARGE.keys())
def test_a_large_request_does_not_keep_others_waiting(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, body: bytes
) -> None:
    with _longest_wait(gateway_process) as longest:
        assert ask(gateway_process, body).status in {200, 400, 413}
    assert longest[0] < MOST_BLOCKED_S


WRONG = {
    "messages": _full('{"model":"llama","messages":[', "0,", "]}", bytes_=199_000),
    "parts": _full('{"model":"llama","messages":[{"role":"user","content":[', "0,", "]}]}", bytes_=199_000),
    "calls": _full('{"model":"llama","messages":[{"role":"assistant","tool_calls":[', "0,", "]}]}", bytes_=199_000),
    "stop": _full(_HEAD + '"stop":[', "0,", "]}", bytes_=199_000),
}


@pytest.mark.parametrize("name", WRONG)
def test_very_many_wrong_items_are_refused_as_fast_as_one(name: str) -> None:
    policy = load_policy(POLICY).policy
    started = time.process_time()
    with pytest.raises(GatewayError):
        check_chat(parse_object(WRONG[name], 64), policy)
    assert time.process_time() - started < 0.3


SLOW = {"dots": "1." * 1000, "at signs": "a@a." * 500, "hosts": "www.a-" * 330, "phones": "212-555-0187 " * 150}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW.keys())
def test_a_short_text_that_is_slow_to_read_does_not_keep_others_waiting(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, text: str
) -> None:
    with _longest_wait(gateway_process) as longest:
        assert ask(gateway_process, chat(text)).status in {200, 503}
    assert longest[0] < MOST_BLOCKED_S


def test_a_long_text_of_commas_is_no_large_request(gateway_process: GatewayProcess, upstream: ScriptedUpstream) -> None:
    text = "[{," * 100_000
    assert ask(gateway_process, chat(text)).status == 200
    assert json.loads(upstream.raw[0])["messages"][0]["content"] == text
