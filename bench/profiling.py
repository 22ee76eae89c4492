"""Where detection and redaction spend their time, in this process."""

from __future__ import annotations

import cProfile
import pstats
import time
from collections.abc import Callable

from bench.processes import BenchError
from bench.prompts import PromptCase, make
from bench.servers import POLICY
from gateway.build import build_redaction
from gateway.edge.vocabulary import VOCABULARY
from gateway.pipeline.exchange import Deadline, Exchange
from gateway.pipeline.prompt import Prompt
from gateway.policy.load import load_policy

PROMPTS = 500
_WARM_UP = 100
_LINES = 25
_NO_LIMIT_S = 3600

Redact = Callable[[PromptCase], Prompt]


def load_redaction() -> Redact:
    """The redaction of the load test's policy, as a function from a prompt to what the model sees."""
    stage = build_redaction(load_policy(POLICY), hash_key=bytes(32))

    def redact(case: PromptCase) -> Prompt:
        deadline = Deadline.after(time.monotonic, _NO_LIMIT_S)
        exchange = Exchange(id="bench", tenant="bench", subject="", model="bench", deadline=deadline)
        body = {key: value for key, value in case.body().items() if key != "model"}
        return stage.on_request(Prompt.of(body, VOCABULARY), exchange)

    return redact


def check_redaction(redact: Redact, cases: list[PromptCase]) -> None:
    """Raises BenchError if the model would see any personal value of a prompt."""
    for case in cases:
        seen = redact(case).segments[0].text
        if any(value in seen for value in case.personal()):
            raise BenchError("a personal value of a prompt was not redacted, so figures would mean nothing")


def profile() -> None:
    """Print what takes the time, over prompts that all differ."""
    redact = load_redaction()
    cases = make(_WARM_UP + 2 * PROMPTS)
    check_redaction(redact, cases[:_WARM_UP])
    began = time.perf_counter()
    for case in cases[_WARM_UP : _WARM_UP + PROMPTS]:
        redact(case)
    spent_s = time.perf_counter() - began
    print(f"detection and redaction: {spent_s / PROMPTS * 1e3:.2f} ms a prompt, without the profiler\n")
    profiler = cProfile.Profile()
    profiler.enable()
    for case in cases[_WARM_UP + PROMPTS :]:
        redact(case)
    profiler.disable()
    pstats.Stats(profiler).strip_dirs().sort_stats(pstats.SortKey.TIME).print_stats(_LINES)
