"""Where the time of a request goes: each part by itself, in this process, over prompts that all differ.

Parts by themselves are faster than one after the other, since each then finds its tables in the caches of the core.
So all parts of a prompt are run in a row, and each is timed within that row.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from bench.prompts import PromptCase
from bench.servers import CONTENT
from gateway.build import build_stages
from gateway.edge.answers import AnswerWriter, ChatFormat, Head
from gateway.edge.vocabulary import VOCABULARY
from gateway.pipeline.exchange import Deadline, Exchange
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import Outlets
from gateway.policy.load import load_policy
from gateway.redact.conversation import spread
from gateway.redact.detector import CHECKED, PresidioDetector
from gateway.redact.harmless import harmless
from gateway.redact.stage import RedactStage
from gateway.redact.views.views import Views
from gateway.redact.windows import WindowedDetector
from gateway.seal.keyring import Keyring
from gateway.seal.master import master_key

WARM_UP, MEASURED = 300, 400
_NO_LIMIT_S = 3600
_ANSWER = {
    "id": "x",
    "object": "chat.completion",
    "created": 1750000000,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": CONTENT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 190, "completion_tokens": 24, "total_tokens": 214},
}
Times = dict[str, list[float]]


class _Clock:
    """Notes how long each part takes."""

    def __init__(self) -> None:
        self.times: Times = defaultdict(list)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.times[name].append(time.perf_counter() - began)


def microseconds(policy: Path, keyset: Path, cases: list[PromptCase]) -> dict[str, float]:
    """By part, of half the prompts. Whole stages, and the steps of which the first one, redaction, consists."""
    loaded = load_policy(policy)
    with Keyring.open(keyset, master_key(None, keyset)) as keyring:
        chain = build_stages(loaded, hash_key=bytes(32), keyring=keyring)
        clock = _Clock()
        for number, case in enumerate(cases[: WARM_UP + MEASURED]):
            if number == WARM_UP:
                clock.times.clear()
            _one(chain, case, clock)
    return {name: statistics.median(times) * 1e6 for name, times in clock.times.items()}


def _one(chain: Any, case: PromptCase, clock: _Clock) -> None:
    exchange = Exchange(
        id="bench", tenant="bench", subject="", model="bench", deadline=Deadline.after(time.monotonic, _NO_LIMIT_S)
    )
    body = {key: value for key, value in case.body().items() if key != "model"}
    with clock.part("all stages, a request"):
        prompt = chain.on_request(Prompt.of(body, VOCABULARY), exchange)
    _detection(chain.stages[0], body, exchange.deadline, clock)
    with clock.part("all filters, an answer of 14 words"):
        AnswerWriter(ChatFormat(), Outlets(chain, exchange), Head("x", "bench", is_json=False)).whole(_ANSWER)
    long = {**_ANSWER, "choices": [_said(prompt.segments[0].text)]}
    with clock.part("all filters, an answer of 115 words"):
        AnswerWriter(ChatFormat(), Outlets(chain, exchange), Head("x", "bench", is_json=False)).whole(long)


def _said(text: str) -> dict[str, Any]:
    return {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}


def _detection(stage: RedactStage, body: dict[str, Any], deadline: Deadline, clock: _Clock) -> None:
    """The steps of redact/finder.py and redact/detector.py, one by one."""
    finder, left = stage._finder, deadline.left
    windowed = cast(WindowedDetector, finder._detector)
    presidio = cast(PresidioDetector, windowed._windowed)
    with clock.part("views: encodings, disguises, digits taken apart"):
        views = Views(Prompt.of(body, VOCABULARY).segments)
    text = views.texts[0]
    with clock.part("layout"):
        windowed._whole.detect([text], deadline)
    with clock.part("patterns, with their checks"):
        found = presidio._patterns.find(text, left)
    with clock.part("phone numbers"):
        others = [(one.start, one.end) for one in found if one.finder.entity in CHECKED]
        for phone, _ in presidio._phones:
            phone.places(text, left, others)
    with clock.part("names"):
        for recognizer, _ in presidio._others:
            recognizer.analyze(text, recognizer.supported_entities, None)
    spans = windowed.detect([text], deadline)[0]
    with clock.part("precision: what is nobody's"):
        kept = [span for span in spans if finder._rules.acts_on(text, span, deadline) and not harmless(text, span)]
    with clock.part("spread: the same values elsewhere"):
        spread([text], [kept], deadline)
