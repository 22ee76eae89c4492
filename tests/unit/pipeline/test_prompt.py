from __future__ import annotations

from typing import Any

import pytest

from gateway.pipeline.prompt import Kind, Prompt, PromptError, Vocabulary, dotted

WORDS = Vocabulary(
    keys=frozenset({"messages", "role", "content", "model", "seed", "tools", "metadata"}),
    values=frozenset({"user"}),
    numbers=frozenset({"seed"}),
    first=("tools", "messages"),
)


def test_every_text_is_a_segment_and_words_of_the_wire_are_not() -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "extra": {"deep": [["x"]]}}
    prompt = Prompt.of(body, WORDS)
    assert [(s.path, s.text, s.kind) for s in prompt.segments] == [
        (("messages", 0, "content"), "hi", Kind.VALUE),
        (("extra",), "extra", Kind.KEY),
        (("extra", "deep"), "deep", Kind.KEY),
        (("extra", "deep", 0, 0), "x", Kind.VALUE),
    ]


def test_a_model_reads_tools_before_messages_and_the_rest_last() -> None:
    body = {"metadata": {"content": "c"}, "messages": [{"content": "b"}], "tools": [{"content": "a"}]}
    assert [s.text for s in Prompt.of(body, WORDS).segments] == ["a", "b", "c"]


def test_long_numbers_are_segments_but_parameters_are_not() -> None:
    body = {"seed": 4111111111111111, "metadata": {"content": 4111111111111111, "role": 12, "model": True}}
    segments = Prompt.of(body, WORDS).segments
    assert [(s.text, s.kind) for s in segments] == [("4111111111111111", Kind.NUMBER)]


def test_exchanging_texts_leaves_the_original_and_everything_else_alone() -> None:
    body: dict[str, Any] = {
        "messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
        "x": {"k": 1},
    }
    prompt = Prompt.of(body, WORDS)
    texts = [{"a": "A", "k": "K"}.get(s.text, s.text) for s in prompt.segments]
    changed = prompt.with_texts(texts)
    assert changed.body == {
        "messages": [{"role": "user", "content": "A"}, {"role": "user", "content": "b"}],
        "x": {"K": 1},
    }
    assert body["messages"][0]["content"] == "a"
    assert [s.text for s in changed.segments] == texts
    assert changed.segments[-1].path == ("x", "K")


def test_nested_keys_and_their_values_can_all_be_exchanged() -> None:
    prompt = Prompt.of({"k1": {"k2": {"k3": "v"}}}, WORDS)
    assert prompt.with_texts([s.text.upper() for s in prompt.segments]).body == {"K1": {"K2": {"K3": "V"}}}


def test_two_keys_that_become_one_are_refused() -> None:
    prompt = Prompt.of({"metadata": {"a": 1, "b": 2}}, WORDS)
    with pytest.raises(PromptError):
        prompt.with_texts(["*", "*"])


def test_a_number_that_is_exchanged_becomes_a_text() -> None:
    prompt = Prompt.of({"metadata": {"content": 4111111111111111}}, WORDS)
    assert prompt.with_texts(["<CARD>"]).body == {"metadata": {"content": "<CARD>"}}


def test_unchanged_texts_give_the_same_prompt() -> None:
    prompt = Prompt.of({"messages": [{"content": "a"}]}, WORDS)
    assert prompt.with_texts(["a"]) is prompt


def test_paths_are_written_as_clients_read_them() -> None:
    assert dotted(("messages", 0, "content", 1, "text")) == "messages[0].content[1].text"
