"""Fields that would lead around the filters are refused with their reason, whatever they hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.faults.wire import CANARY, CHAT, COMPLETIONS, ask, assert_error, chat
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream

# Written out here once more, so that none of them can be dropped from the gateway unnoticed.
FORBIDDEN: dict[str, Any] = {
    "audio": {"voice": CANARY},
    "background": True,
    "cache_salt": CANARY,
    "chat_template": "{{ messages }} " + CANARY,
    "documents": [{"text": CANARY}],
    "ec_transfer_params": {CANARY: 1},
    "echo": True,
    "kv_transfer_params": {"remote_host": CANARY},
    "logits_processors": [CANARY],
    "media_io_kwargs": {CANARY: 1},
    "mm_payload": CANARY,
    "mm_processor_kwargs": {CANARY: 1},
    "previous_response_id": CANARY,
    "priority": -100,
    "prompt_embeds": CANARY,
    "prompt_logprobs": 1,
    "request_id": CANARY,
    "return_prompt_text": True,
    "return_token_ids": True,
    "return_tokens_as_token_ids": True,
    "session_id": CANARY,
    "vllm_xargs": {CANARY: 1},
}
_NEVER = {name: value for name, value in FORBIDDEN.items() if name not in {"echo", "priority"}}


def _bodies(name: str, value: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(CHAT, chat(**{name: value})), (COMPLETIONS, {"model": "llama", "prompt": "x", name: value})]


@pytest.mark.parametrize(("name", "value"), FORBIDDEN.items(), ids=FORBIDDEN.keys())
def test_a_forbidden_field_is_refused_with_a_reason(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, name: str, value: Any
) -> None:
    for path, body in _bodies(name, value):
        message = assert_error(ask(gateway_process, body, path=path), 400, "invalid_value", param=name)["message"]
        assert message.startswith(f"The field {name} is not accepted: ")
        assert len(message.split(": ", 1)[1]) > 20
    assert not upstream.bodies


@pytest.mark.parametrize("value", [0, 1, "", [], {}, 0.0, CANARY], ids=json.dumps)
@pytest.mark.parametrize("name", ["prompt_logprobs", "cache_salt", "kv_transfer_params", "prompt_embeds"])
def test_it_is_refused_also_when_it_is_zero_or_empty(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, name: str, value: Any
) -> None:
    assert_error(ask(gateway_process, chat(**{name: value})), 400, "invalid_value", param=name)
    assert not upstream.bodies


@pytest.mark.parametrize("name", FORBIDDEN)
def test_it_may_be_null(gateway_process: GatewayProcess, upstream: ScriptedUpstream, name: str) -> None:
    """SDKs in other languages write the fields that they do not set as null."""
    assert ask(gateway_process, chat(**{name: None})).status == 200
    assert upstream.bodies[0].get(name) is None or name == "cache_salt"


def test_a_client_cannot_choose_the_cache_salt_by_null(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream
) -> None:
    ask(gateway_process, chat(cache_salt=None))
    ask(gateway_process, chat())
    assert upstream.bodies[0]["cache_salt"] == upstream.bodies[1]["cache_salt"]
    assert upstream.bodies[0]["cache_salt"]


@pytest.mark.parametrize(("name", "value"), _NEVER.items(), ids=_NEVER.keys())
def test_it_is_refused_inside_chat_template_kwargs_too(
    gateway_process: GatewayProcess, upstream: ScriptedUpstream, name: str, value: Any
) -> None:
    answer = ask(gateway_process, chat(chat_template_kwargs={"enable_thinking": False, name: value}))
    message = assert_error(answer, 400, "invalid_value", param="chat_template_kwargs")["message"]
    assert message.startswith(f"chat_template_kwargs cannot set {name}: ")
    assert not upstream.bodies
