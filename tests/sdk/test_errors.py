"""Every class of errors of the SDK is raised where its users expect it, with the gateway's code in it."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from aiohttp import web
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.sdk.conftest import sdk
from tests.sdk.private import PERSON, assert_hidden
from tests.support.gateway import GatewayProcess
from tests.support.upstream import ScriptedUpstream

ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": f"I am {PERSON}"}]
VLLM_ERROR = {"error": {"message": f"you said: {PERSON}", "type": "BadRequestError", "param": None, "code": 400}}


def _assert_told(error: openai.APIStatusError, status: int, type: str, code: str) -> None:
    assert (error.status_code, error.type, error.code) == (status, type, code)
    assert error.request_id
    assert PERSON not in str(error)


@pytest.mark.parametrize("token", ["nonsense", "pgw_AAAAAAAA_" + "B" * 43 + "CCCCCC"], ids=["garbled", "unknown"])
def test_a_wrong_token_is_an_authentication_error(gateway_process: GatewayProcess, token: str) -> None:
    with sdk(gateway_process, token) as client, pytest.raises(openai.AuthenticationError) as raised:
        client.chat.completions.create(model="llama", messages=ASK)
    _assert_told(raised.value, 401, "authentication_error", "invalid_api_key")


async def test_the_async_sdk_raises_the_same(gateway_process: GatewayProcess) -> None:
    url = f"{gateway_process.url}/v1"
    async with AsyncOpenAI(base_url=url, api_key="nonsense", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as raised:
            await client.chat.completions.create(model="llama", messages=ASK)
    _assert_told(raised.value, 401, "authentication_error", "invalid_api_key")


@pytest.mark.usefixtures("upstream")
def test_a_model_that_the_token_may_not_use_is_a_permission_error(
    gateway_process: GatewayProcess, narrow_token: str
) -> None:
    with sdk(gateway_process, narrow_token) as client:
        with pytest.raises(openai.PermissionDeniedError) as raised:
            client.chat.completions.create(model="llama", messages=ASK)
        client.chat.completions.create(model="other", messages=ASK)
    _assert_told(raised.value, 403, "permission_error", "model_not_allowed")


def test_an_unknown_model_is_a_not_found_error(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model=f"model of {PERSON}", messages=ASK)
    _assert_told(raised.value, 404, "invalid_request_error", "model_not_found")


def test_an_endpoint_that_is_not_there_is_a_not_found_error(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        client.moderations.create(model="llama", input=PERSON)
    assert (raised.value.status_code, raised.value.type) == (404, "invalid_request_error")
    assert raised.value.request_id


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"temperature": 3}, "temperature"),
        ({"n": 0}, "n"),
        ({"extra_body": {"echo": True}}, "echo"),
        ({"extra_body": {"prompt_logprobs": 0}}, "prompt_logprobs"),
        ({"logprobs": True, "top_logprobs": 6}, "top_logprobs"),
    ],
)
def test_a_wrong_field_is_a_bad_request_that_names_it(
    client: OpenAI, upstream: ScriptedUpstream, wrong: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="llama", messages=ASK, **wrong)
    _assert_told(raised.value, 400, "invalid_request_error", "invalid_value")
    assert raised.value.param == param
    assert not upstream.bodies


def test_an_image_is_a_bad_request_that_names_its_part(client: OpenAI, upstream: ScriptedUpstream) -> None:
    image: ChatCompletionMessageParam = {
        "role": "user",
        "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:,"}}],
    }
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="llama", messages=[image])
    _assert_told(raised.value, 400, "invalid_request_error", "invalid_value")
    assert raised.value.param == "messages[0].content[1].type"
    assert not upstream.bodies


def test_what_the_policy_blocks_is_a_bad_request(client: OpenAI, upstream: ScriptedUpstream) -> None:
    wallet: ChatCompletionMessageParam = {"role": "user", "content": "pay to 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"}
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="llama", messages=[wallet])
    _assert_told(raised.value, 400, "invalid_request_error", "content_filter")
    assert "1BvBM" not in str(raised.value)
    assert not upstream.bodies


def test_too_large_a_request_is_an_api_status_error(client: OpenAI, upstream: ScriptedUpstream) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(model="llama", messages=[{"role": "user", "content": "x" * 5 * 2**20}])
    _assert_told(raised.value, 413, "invalid_request_error", "request_too_large")
    assert not upstream.bodies


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("answered", "status", "type", "code"),
    [
        (500, 502, "upstream_error", "upstream_failed"),
        (503, 503, "service_unavailable", "overloaded"),
        (429, 503, "service_unavailable", "overloaded"),
    ],
)
def test_what_the_upstream_cannot_do_is_an_internal_server_error(
    client: OpenAI, upstream: ScriptedUpstream, answered: int, status: int, type: str, code: str, stream: bool
) -> None:
    upstream.answers(VLLM_ERROR, status=answered)
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model="llama", messages=ASK, stream=stream)
    _assert_told(raised.value, status, type, code)
    assert_hidden(upstream)


def test_an_upstream_that_is_too_slow_is_an_internal_server_error(client: OpenAI, upstream: ScriptedUpstream) -> None:
    async def never(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        while True:
            await asyncio.sleep(60)

    upstream.handler = never
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model="llama", messages=ASK)
    _assert_told(raised.value, 504, "upstream_error", "upstream_timeout")


def test_a_request_that_the_upstream_does_not_accept_is_a_bad_request(
    client: OpenAI, upstream: ScriptedUpstream
) -> None:
    upstream.answers(VLLM_ERROR, status=400)
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="llama", messages=ASK)
    _assert_told(raised.value, 400, "invalid_request_error", "invalid_value")


def test_too_long_a_prompt_has_the_code_that_clients_look_for(client: OpenAI, upstream: ScriptedUpstream) -> None:
    message = "This model's maximum context length is 1024 tokens. However, you requested 2000 tokens."
    upstream.answers({"error": {"message": message, "type": "BadRequestError", "param": None, "code": 400}}, status=400)
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="llama", messages=ASK)
    _assert_told(raised.value, 400, "invalid_request_error", "context_length_exceeded")
