"""The laws of the core, as properties. Whoever adds a stage adds it to `chains` here."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.span import Span, merge, replace
from gateway.pipeline.stage import Chain, Outlets, StreamFilter
from gateway.redact.vault import Vault
from tests.laws.strategies import CUTS, SPECIAL, TEXTS, exchange, pieces, prompt, redact_chain, run, texts_of

CONTENT = Channel(0, Field.CONTENT)
CHANNELS = st.sampled_from(
    [
        CONTENT,
        Channel(0, Field.TOOL_ARGUMENTS, 0, is_json=True),
        Channel(1, Field.REASONING),
        Channel(0, Field.LOGPROBS),
    ]
)


def opened(asked: Sequence[str], channel: Channel) -> tuple[Chain, Exchange, StreamFilter]:
    chain, current = redact_chain(), exchange()
    chain.on_request(prompt(*asked), current)
    return chain, current, chain.open(current, channel)


@settings(max_examples=600)
@given(asked=st.lists(TEXTS, max_size=3), answer=TEXTS, cuts=CUTS, channel=CHANNELS)
def test_cutting_does_not_matter(asked: list[str], answer: str, cuts: list[int], channel: Channel) -> None:
    chain, current, whole = opened(asked, channel)
    expected, _ = run(whole, [answer])
    assert run(chain.open(current, channel), pieces(answer, cuts))[0] == expected
    assert run(chain.open(current, channel), list(answer))[0] == expected


@settings(max_examples=300)
@given(asked=st.lists(TEXTS, max_size=3), answer=TEXTS, cuts=CUTS, channel=CHANNELS)
def test_what_has_left_is_a_prefix_of_the_final_output(
    asked: list[str], answer: str, cuts: list[int], channel: Channel
) -> None:
    _, _, opened_filter = opened(asked, channel)
    final, states = run(opened_filter, pieces(answer, cuts))
    assert all(final.startswith(state) for state in states)


@settings(max_examples=300)
@given(asked=st.lists(TEXTS, max_size=3), answer=TEXTS)
def test_hold_back_stays_within_its_stated_bound(asked: list[str], answer: str) -> None:
    chain, current, held = opened(asked, CONTENT)
    vault = current.kept(Vault)
    assert vault is not None
    # Once as much has followed as may be held, nothing of the answer is held any more.
    padding = "." * held.hold_chars
    left = "".join(held.push(character) for character in answer + padding)
    assert left.endswith(padding) or not padding
    assert left == run(chain.open(current, CONTENT), [answer + padding])[0]
    # At any moment the longest placeholder bounds what is kept waiting.
    longest = max((len(name) for name in vault.entities()), default=0)
    assert held.hold_chars <= 2 * longest + 32


@settings(max_examples=1000)
@given(asked=st.lists(TEXTS, min_size=1, max_size=4), cuts=CUTS)
def test_restoring_what_was_redacted_gives_the_text_back(asked: list[str], cuts: list[int]) -> None:
    # In an answer that is JSON this value is escaped, on purpose: tests/unit/redact/test_restore.py.
    assume(not any(SPECIAL in text for text in asked))
    chain, current = redact_chain(), exchange()
    redacted = texts_of(chain.on_request(prompt(*asked), current))
    for text, seen in zip(asked, redacted, strict=True):
        assert run(chain.open(current, CONTENT), pieces(seen, cuts))[0] == text


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8))
def test_redaction_changes_nothing_outside_the_spans_it_reports(text: str, places: list[tuple[int, int]]) -> None:
    spans = merge(Span(min(a, b), min(max(a, b), len(text)), "X", 0.5) for a, b in places if min(a, b) < len(text))
    changed = replace(text, [(span, "#") for span in spans])
    rest, at = [], 0
    for span in spans:
        rest.append(text[at : span.start])
        at = span.end
    rest.append(text[at:])
    assert changed == "#".join(rest)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from("AB"), st.floats(0, 1)), max_size=8),
    st.randoms(),
)
def test_merging_hides_every_character_of_every_span_in_any_order(
    raw: list[tuple[int, int, str, float]], shuffle: st.DataObject
) -> None:
    spans = [Span(min(a, b), max(a, b), entity, score) for a, b, entity, score in raw]
    merged = merge(spans)
    hidden = {i for span in spans for i in range(span.start, span.end)}
    assert {i for span in merged for i in range(span.start, span.end)} == hidden
    assert all(a.end <= b.start for a, b in pairwise(merged))
    again = list(spans)
    shuffle.shuffle(again)  # type: ignore[attr-defined]
    assert [(s.start, s.end) for s in merge(again)] == [(s.start, s.end) for s in merged]


@settings(max_examples=400)
@given(turns=st.lists(TEXTS, min_size=1, max_size=4), more=TEXTS)
def test_a_longer_conversation_keeps_the_placeholders_of_its_earlier_turns(turns: list[str], more: str) -> None:
    chain = redact_chain()
    before = texts_of(chain.on_request(prompt(*turns), exchange()))
    after = texts_of(chain.on_request(prompt(*turns, more), exchange()))
    # The fake detector finds a value in every text in which it stands, so no later turn reveals anything about these.
    assert after[: len(turns)] == before


@given(asked=st.lists(TEXTS, min_size=1, max_size=3), answer=TEXTS)
def test_no_value_survives_its_exchange(asked: list[str], answer: str) -> None:
    marked = [f"{text} a@b.cc" for text in asked]
    chain, current = redact_chain(), exchange()
    chain.on_request(prompt(*marked), current)
    outlets = Outlets(chain, current)
    outlets.push(CONTENT, answer)
    outlets.flush(CONTENT)
    vault = current.kept(Vault)
    assert vault is not None
    assert len(vault) > 0
    current.close()
    assert current.kept(Vault) is None
    del outlets, vault
    assert not [found for found in gc.get_referrers(Vault) if isinstance(found, Vault)]


def test_a_vault_does_not_show_or_pickle_its_values() -> None:
    vault = Vault()
    vault.placeholder("PERSON", "Grace Hopper")
    assert "Grace" not in repr(vault)
    assert "Grace" not in str(vault)
    with pytest.raises(TypeError):
        vault.__reduce__()
