"""What the page shows of a prompt and of an answer is what happens to them, and looking changes nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import Blocked
from gateway.guard.invisible import InvisibleStage
from gateway.guard.links import LinksStage
from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import Chain, Outlets
from gateway.pipeline.trace import Tap, inspected
from tests.laws.strategies import CUTS, TEXTS, exchange, pieces, prompt, redact_chain, texts_of

CONTENT = Channel(0, Field.CONTENT)


def chain() -> Chain:
    return Chain([*redact_chain().stages, LinksStage(), InvisibleStage()])


@settings(max_examples=300)
@given(asked=st.lists(TEXTS, min_size=1, max_size=3))
def test_the_pieces_are_the_text_and_what_the_model_sees(asked: list[str]) -> None:
    told = inspected(redact_chain(), prompt(*asked), exchange())
    seen = texts_of(redact_chain().on_request(prompt(*asked), exchange()))
    assert "".join(piece["text"] for piece in told["pieces"]) == "".join(asked)
    assert "".join(piece.get("becomes", piece["text"]) for piece in told["pieces"]) == "".join(seen)
    assert told["blocked"] == ""


@settings(max_examples=300)
@given(asked=st.lists(TEXTS, max_size=3), answer=TEXTS, cuts=CUTS)
def test_who_listens_changes_nothing_and_hears_what_is_then_restored(
    asked: list[str], answer: str, cuts: list[int]
) -> None:
    stages, current = chain(), exchange()
    stages.on_request(prompt(*asked), current)
    tap, plain = Tap(), Outlets(stages, current)
    tapped = plain.tapped(tap)
    left = "".join(plain.push(CONTENT, piece) for piece in pieces(answer, cuts)) + plain.flush(CONTENT)
    assert "".join(tapped.push(CONTENT, piece) for piece in pieces(answer, cuts)) + tapped.flush(CONTENT) == left
    restoring = stages.stages[0].open(current, CONTENT)
    assert restoring.push("".join(tap.heard.get(CONTENT, []))) + restoring.flush() == left


class _Blocking:
    """Refuses every prompt."""

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        raise Blocked("a.rule")

    def open(self, exchange: Exchange, channel: Channel) -> object:
        raise NotImplementedError


def test_a_refused_prompt_is_told_whole_with_its_rule() -> None:
    told = inspected(Chain([_Blocking()]), prompt("a", "b"), exchange())  # type: ignore[list-item]
    assert told == {"pieces": [{"text": "a"}, {"text": "b"}], "blocked": "a.rule"}


def test_an_exchange_that_was_looked_at_keeps_nothing() -> None:
    current = exchange()
    inspected(redact_chain(), prompt("Ada"), current)
    assert current._states == {}
