"""The wire format, byte by byte: what vLLM gets of a request, and what the client gets of vLLM's answer.

When a change here is meant, `python -m tests.golden.regenerate` writes the expected files anew.
"""

from __future__ import annotations

import json

import pytest

from tests.golden.wire import CASES, PRIVATE, answer_file, names, play
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream

STREAMS = [name for name in names() if answer_file(name).suffix == ".sse"]


@pytest.mark.parametrize("name", names())
def test_the_wire_is_as_written_down(name: str, gateway_process: GatewayProcess, upstream: ScriptedUpstream) -> None:
    wire = play(name, gateway_process, upstream)
    assert wire.upstream_request == (CASES / name / "upstream_request.json").read_text("utf-8")
    assert wire.answer == answer_file(name).read_text("utf-8")


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_the_same_however_its_bytes_are_cut(
    name: str, gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    wire = play(name, gateway_process, upstream, piece_bytes=7)
    assert wire.answer == answer_file(name).read_text("utf-8")
    assert wire.content_type == "text/event-stream; charset=utf-8"


@pytest.mark.parametrize("name", names())
def test_no_private_value_is_in_what_vllm_gets(
    name: str, gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    sent = play(name, gateway_process, upstream).raw_upstream_request.decode()
    request = json.dumps(json.loads((CASES / name / "request.json").read_text("utf-8")), ensure_ascii=False)
    assert any(value in request for value in PRIVATE), "a case without private values proves nothing"
    assert not [value for value in PRIVATE if value in sent]
