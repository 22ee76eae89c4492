"""Embeddings through the real SDK: what is embedded is redacted, and only vectors come back."""

from __future__ import annotations

import base64
import struct
import time
from typing import Any

import httpx
import openai
import pytest
from aiohttp import web
from openai import OpenAI

from tests.sdk.conftest import sdk
from tests.support.gateway import GatewayProcess, mint
from tests.support.upstream import ScriptedUpstream

VECTORS = [[0.5, -1.25, 2.0], [1.0, 0.0, -0.125]]
MAIL = "jane.roe@corp.example"


def vectors(*numbers: Any, **more: Any) -> dict[str, Any]:
    """As vLLM writes them, and more."""
    return {
        "id": "embd-upstream",
        "object": "list",
        "created": 1750000000,
        "model": "upstream-model",
        "data": [
            {"index": index, "object": "embedding", "embedding": each, "text": MAIL}
            for index, each in enumerate(numbers)
        ],
        "usage": {"prompt_tokens": 9, "total_tokens": 9, "completion_tokens": 0, "prompt_tokens_details": None},
        "prompt_token_ids": [1],
        **more,
    }


@pytest.fixture
def embedding(gateway_process: GatewayProcess, upstream: ScriptedUpstream) -> OpenAI:
    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        asked = VECTORS[: len(body["input"]) if isinstance(body["input"], list) else 1]
        if body.get("encoding_format") == "base64":
            return web.json_response(vectors(*(base64.b64encode(struct.pack("<3f", *v)).decode() for v in asked)))
        return web.json_response(vectors(*asked))

    upstream.handler = answer
    client = sdk(gateway_process, token_for(gateway_process))
    for _ in range(100):  # the gateway looks at its tokens file once a second
        try:
            client.models.list()
        except openai.AuthenticationError:
            time.sleep(0.1)
        else:
            break
    return client


def token_for(gateway: GatewayProcess) -> str:
    return mint(gateway.directory / "tokens.yaml", "acme", "--scope", "embeddings")


def test_one_text(embedding: OpenAI, upstream: ScriptedUpstream) -> None:
    made = embedding.embeddings.create(model="llama", input=f"Write to {MAIL}.")
    assert made.data[0].embedding == VECTORS[0]
    assert (made.model, made.usage.total_tokens) == ("llama", 9)
    assert upstream.paths == ["/v1/embeddings"]
    assert MAIL not in str(upstream.bodies)
    assert upstream.bodies[0]["input"].startswith("Write to <EMAIL_ADDRESS_1>")


def test_several_texts_as_numbers(embedding: OpenAI, upstream: ScriptedUpstream) -> None:
    made = embedding.embeddings.create(model="llama", input=["one", MAIL], encoding_format="float", dimensions=3)
    assert [each.embedding for each in made.data] == VECTORS
    assert [each.index for each in made.data] == [0, 1]
    assert (upstream.bodies[0]["dimensions"], upstream.bodies[0]["encoding_format"]) == (3, "float")
    assert MAIL not in str(upstream.bodies)


def test_nothing_but_vectors_comes_back(embedding: OpenAI, gateway_process: GatewayProcess) -> None:
    headers = {"authorization": f"Bearer {embedding.api_key}"}
    with httpx.Client(trust_env=False) as client:
        url = f"{gateway_process.url}/v1/embeddings"
        answer = client.post(url, headers=headers, json={"model": "llama", "input": "one"})
    assert answer.json() == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": VECTORS[0]}],
        "model": "llama",
        "usage": {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9},
    }
    assert answer.headers["x-cache"] == "bypass"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": [1, 2, 3]}, "input"),
        ({"input": [[1, 2], [3]]}, "input"),
        ({"input": ["a", 1]}, "input"),
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": "a", "encoding_format": "bytes"}, "encoding_format"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "stream": True}, "stream"),
        ({"input": "a", "messages": [{"role": "user", "content": "b"}]}, "messages"),
        ({"input": "a", "prompt_embeds": "x"}, None),
        ({"input": "a", "embed_dtype": "float16"}, None),
        ({"input": "a", "cache_salt": "x"}, None),
    ],
)
def test_what_cannot_be_checked_is_refused(
    embedding: OpenAI, upstream: ScriptedUpstream, body: dict[str, Any], param: str | None
) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        embedding.post("/embeddings", body={"model": "llama", **body}, cast_to=httpx.Response)
    assert raised.value.param == param
    assert upstream.bodies == []


@pytest.mark.parametrize(
    "answer",
    [
        vectors(),
        vectors(*VECTORS),
        vectors("jane@corp.example"),
        vectors(["a secret"]),
        vectors([True]),
        vectors([[0.5]]),
        vectors(None),
        vectors([0.0] * 70_000),
        {**vectors([0.5]), "data": [{"index": 7, "embedding": [0.5]}]},
        {**vectors([0.5]), "data": {"0": [0.5]}},
        {"object": "list"},
        {"choices": [{"index": 0, "message": {"content": "a secret"}}]},
    ],
)
def test_an_answer_that_is_no_vector_does_not_leave(
    embedding: OpenAI, upstream: ScriptedUpstream, answer: dict[str, Any]
) -> None:
    upstream.answers(answer)
    with pytest.raises(openai.APIStatusError) as raised:
        embedding.embeddings.create(model="llama", input="one", encoding_format="float")
    assert raised.value.status_code == 502
    assert "secret" not in str(raised.value)


def test_a_text_in_the_place_of_base64_does_not_leave(embedding: OpenAI, upstream: ScriptedUpstream) -> None:
    for text in ("jane roe", "jane@corp.example", "abc", "anespassword", base64.b64encode(b"\0\0\xc0\x7f").decode()):
        upstream.answers(vectors(text))
        with pytest.raises(openai.APIStatusError):
            embedding.embeddings.create(model="llama", input="one", encoding_format="base64")


def test_it_has_a_scope_of_its_own(embedding: OpenAI, client: OpenAI) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        client.embeddings.create(model="llama", input="one")
    with pytest.raises(openai.PermissionDeniedError):
        embedding.chat.completions.create(model="llama", messages=[{"role": "user", "content": "one"}])
