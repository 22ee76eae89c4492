"""vLLM's prefix cache is shared within a tenant and not beyond it; the gateway's cache spares vLLM the work."""

from __future__ import annotations

import re
import urllib.request
from typing import Any

import pytest
from openai import OpenAI

from demo.recorder import Recorder
from tests.e2e.test_chat import EMAIL, QUESTION
from tests.support.gateway import GatewayProcess

LONG = "The river runs from the hills to the sea, past mills and meadows, and nobody hurries it. " * 8


def client(gateway: GatewayProcess, token: str, **headers: str) -> OpenAI:
    return OpenAI(
        base_url=f"{gateway.url}/v1", api_key=token, max_retries=0, timeout=120, default_headers=headers or None
    )


def prefix_hits(vllm_url: str) -> float:
    """Tokens that vLLM took from its prefix cache so far."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(vllm_url.removesuffix("/v1") + "/metrics", timeout=20) as response:
        text = response.read().decode()
    return sum(float(n) for n in re.findall(r"^vllm:prefix_cache_hits_total\{[^}]*\} ([0-9.e+]+)$", text, re.MULTILINE))


def ask(to: OpenAI, text: str, **more: Any) -> str:
    answer = to.chat.completions.create(
        model="llama", messages=[{"role": "user", "content": text}], temperature=0, max_tokens=8, **more
    )
    return answer.choices[0].message.content or ""


def test_prefixes_are_shared_within_a_tenant_and_not_across(
    gateway: GatewayProcess, recorder: Recorder, vllm_url: str
) -> None:
    uncached = {"cache-control": "no-store"}
    mine = client(gateway, gateway.token, **uncached)
    theirs = client(gateway, gateway.other_token, **uncached)
    steps = []
    for asker in (mine, mine, theirs, theirs, mine):
        before = prefix_hits(vllm_url)
        ask(asker, LONG)
        steps.append(prefix_hits(vllm_url) - before)
    assert steps[0] == 0
    assert steps[1] > 50
    assert steps[2] == 0
    assert steps[3] == steps[4] == steps[1]


def test_salts_are_secret_and_one_for_each_tenant_and_model(gateway: GatewayProcess, recorder: Recorder) -> None:
    salts = []
    for token in (gateway.token, gateway.token, gateway.other_token):
        ask(client(gateway, token, **{"cache-control": "no-store"}), "Salted?")
        salts.append(re.findall(r'"cache_salt":"([0-9a-f]{64})"', recorder.seen[-1].request.decode()))
    assert salts[0] == salts[1] != salts[2]
    assert all(len(salt) == 1 for salt in salts)


@pytest.mark.parametrize("stream", [False, True])
def test_a_repeated_question_does_not_reach_the_model(
    gateway: GatewayProcess, recorder: Recorder, stream: bool
) -> None:
    asker: Any = client(gateway, gateway.token)
    # As many tokens make another question, so that the two tests do not meet in the cache.
    asked: Any = {"model": "llama", "temperature": 0, "max_tokens": 120 + stream}
    before = len(recorder.seen)
    answers: list[str] = []
    for email in ("jane.doe@example.org", "joe.bloggs@example.com"):
        messages = [{"role": "user", "content": QUESTION.replace(EMAIL, email)}]
        if stream and answers:
            events = asker.chat.completions.create(messages=messages, stream=True, **asked)
            answers.append("".join(choice.delta.content or "" for event in events for choice in event.choices))
        else:
            answers.append(asker.chat.completions.create(messages=messages, **asked).choices[0].message.content)
    assert "jane.doe@example.org" in answers[0]
    assert answers[1] == answers[0].replace("jane.doe@example.org", "joe.bloggs@example.com")
    assert len(recorder.seen) == before + 1
