"""The main job on real input: the OpenAI SDK, the gateway, vLLM, a LLaMA."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
import urllib.request
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError, OpenAI

from demo.recorder import Recorder
from tests.support.gateway import GatewayProcess

EMAIL, PHONE, IBAN = "jane.doe@example.org", "+1 212 555 0187", "DE89 3704 0044 0532 0130 00"
VALUES = (EMAIL, PHONE, IBAN)
QUESTION = (
    f"Please write a letter. My e-mail address is {EMAIL}, my phone number is {PHONE}, "
    f"and the refund goes to the account {IBAN}."
)


@pytest.fixture
def client(gateway: GatewayProcess) -> OpenAI:
    """Nothing from the cache: each question is one to the model."""
    headers = {"cache-control": "no-store"}
    return OpenAI(
        base_url=f"{gateway.url}/v1", api_key=gateway.token, max_retries=0, timeout=120, default_headers=headers
    )


def seen_by_model(recorder: Recorder) -> str:
    return recorder.seen[-1].request.decode()


def test_a_whole_chat_hides_the_values_and_gives_them_back(client: OpenAI, recorder: Recorder) -> None:
    answer = client.chat.completions.create(
        model="llama", messages=[{"role": "user", "content": QUESTION}], temperature=0, max_tokens=120
    )
    content = answer.choices[0].message.content or ""
    assert all(value in content for value in VALUES)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "llama"
    assert not any(value in seen_by_model(recorder) for value in VALUES)
    assert "<EMAIL_ADDRESS_1>" in recorder.seen[-1].answer.decode()


def test_a_streamed_chat_says_the_same_as_a_whole_one(client: OpenAI, recorder: Recorder) -> None:
    messages: Any = [{"role": "user", "content": QUESTION}]
    whole = client.chat.completions.create(model="llama", messages=messages, temperature=0, max_tokens=120)
    stream = client.chat.completions.create(
        model="llama",
        messages=messages,
        temperature=0,
        max_tokens=120,
        stream=True,
        stream_options={"include_usage": True},
    )
    events = list(stream)
    text = "".join(event.choices[0].delta.content or "" for event in events if event.choices)
    assert text == whole.choices[0].message.content
    # Personal data is looked for in sentences, so the text comes in so many pieces at least.
    assert sum(1 for event in events if event.choices and event.choices[0].delta.content) > 1
    assert events[-1].usage is not None
    assert events[-1].usage.completion_tokens == (whole.usage and whole.usage.completion_tokens)
    assert not any(value in seen_by_model(recorder) for value in VALUES)


def test_several_choices_are_each_restored(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="llama", messages=[{"role": "user", "content": QUESTION}], n=3, temperature=0.2, seed=7, max_tokens=120
    )
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert all(EMAIL in (choice.message.content or "") for choice in answer.choices)


def test_a_named_tool_is_called_with_the_clients_own_values(client: OpenAI, recorder: Recorder) -> None:
    tool: Any = {
        "type": "function",
        "function": {
            "name": "send_mail",
            "description": f"Send a mail, for example to {EMAIL}.",
            "parameters": {
                "type": "object",
                "properties": {"to": {"type": "string", "enum": [EMAIL]}},
                "required": ["to"],
                "additionalProperties": False,
            },
        },
    }
    answer = client.chat.completions.create(
        model="llama",
        messages=[{"role": "user", "content": f"Send a mail to {EMAIL}."}],
        tools=[tool],
        tool_choice={"type": "function", "function": {"name": "send_mail"}},
        temperature=0,
        max_tokens=100,
    )
    calls: Any = answer.choices[0].message.tool_calls
    assert calls
    assert json.loads(calls[0].function.arguments) == {"to": EMAIL}
    assert EMAIL not in seen_by_model(recorder)


def test_a_schema_with_personal_data_is_followed_and_restored(client: OpenAI, recorder: Recorder) -> None:
    entry = {
        "type": "object",
        "properties": {"type": {"const": "EMAIL_ADDRESS"}, "value": {"const": EMAIL}},
        "required": ["type", "value"],
        "additionalProperties": False,
    }
    schema: Any = {"type": "array", "items": entry, "minItems": 1, "maxItems": 1}
    answer = client.chat.completions.create(
        model="llama",
        messages=[{"role": "user", "content": f"Give the contact as JSON: {EMAIL}."}],
        response_format={"type": "json_schema", "json_schema": {"name": "contact", "schema": schema}},
        temperature=0,
        max_tokens=100,
    )
    assert json.loads(answer.choices[0].message.content or "") == [{"type": "EMAIL_ADDRESS", "value": EMAIL}]
    assert EMAIL not in seen_by_model(recorder)


def test_text_completions_are_redacted_and_stop_at_a_private_word(client: OpenAI, recorder: Recorder) -> None:
    answer = client.completions.create(
        model="llama", prompt=f"Write to {EMAIL} about the refund.", temperature=0, max_tokens=40, stop=[PHONE]
    )
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert EMAIL not in seen_by_model(recorder)
    assert PHONE not in seen_by_model(recorder)


def test_two_tenants_do_not_share_the_prefix_cache(client: OpenAI, gateway: GatewayProcess, recorder: Recorder) -> None:
    other = OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.other_token, max_retries=0)
    salts = []
    for who in (client, other, client):
        who.chat.completions.create(model="llama", messages=[{"role": "user", "content": "Hello"}], max_tokens=4)
        salts.append(json.loads(recorder.seen[-1].request)["cache_salt"])
    assert salts[0] == salts[2] != salts[1]
    assert len(salts[0]) == 64


def test_a_prompt_that_is_too_long_is_called_that(client: OpenAI) -> None:
    with pytest.raises(BadRequestError) as caught:
        client.chat.completions.create(model="llama", messages=[{"role": "user", "content": "word " * 3000}])
    assert caught.value.code == "context_length_exceeded"
    assert "word" not in caught.value.message


@pytest.mark.parametrize("stream", [False, True])
def test_when_the_client_goes_vllm_stops_generating(gateway: GatewayProcess, vllm_url: str, stream: bool) -> None:
    choices, tokens = 100, 900
    before = generated(vllm_url)
    asyncio.run(ask_and_go(gateway, vllm_url, choices, tokens, stream))
    until = time.monotonic() + 10
    while running(vllm_url) and time.monotonic() < until:
        time.sleep(0.1)
    assert running(vllm_url) == 0
    assert 0 < generated(vllm_url) - before < choices * tokens


async def ask_and_go(gateway: GatewayProcess, vllm_url: str, choices: int, tokens: int, stream: bool) -> None:
    """Ask for an answer that takes long, and close the connection when the model is at it."""
    before = generated(vllm_url)
    asking = asyncio.create_task(ask_for_long(gateway, choices, tokens, stream))
    while generated(vllm_url) == before and not asking.done():
        await asyncio.sleep(0.1)
    assert not asking.done()
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking


async def ask_for_long(gateway: GatewayProcess, choices: int, tokens: int, stream: bool) -> None:
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.token, max_retries=0) as client:
        answer: Any = await client.chat.completions.create(
            model="llama",
            messages=[{"role": "user", "content": "Hello"}],
            max_tokens=tokens,
            n=choices,
            stream=stream,
            extra_body={"ignore_eos": True},
        )
        async for _ in answer:
            pass


def test_a_long_conversation_keeps_its_placeholders(client: OpenAI, recorder: Recorder) -> None:
    messages: Any = [{"role": "user", "content": QUESTION}]
    for _ in range(2):
        answer = client.chat.completions.create(model="llama", messages=messages, temperature=0, max_tokens=80)
        messages += [
            {"role": "assistant", "content": answer.choices[0].message.content or ""},
            {"role": "user", "content": "Write it once more, to bob@example.net too."},
        ]
    first, second = (json.loads(seen.request)["messages"] for seen in recorder.seen[-2:])
    assert second[: len(first)] == first
    assert "<EMAIL_ADDRESS_2>" in second[-1]["content"]


def metric(vllm_url: str, name: str) -> float:
    with urllib.request.urlopen(vllm_url.removesuffix("/v1") + "/metrics", timeout=10) as response:
        text = response.read().decode()
    return sum(float(value) for value in re.findall(rf"^{name} ([0-9.e+]+)$", text, re.MULTILINE))


def generated(vllm_url: str) -> float:
    return metric(vllm_url, r"vllm:generation_tokens_total\{[^}]*\}")


def running(vllm_url: str) -> float:
    return metric(vllm_url, r"vllm:num_requests_running\{[^}]*\}")
