"""What finding personal data costs, stage by stage: `python -m bench.detection`.

Processor time of this thread, the least of many runs, so that what else the machine does counts little.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.prompts import make
from gateway.pipeline.exchange import Deadline
from gateway.policy.load import load_policy
from gateway.policy.schema import Nlp, Redact
from gateway.redact.detector import PresidioDetector, build_detector
from gateway.redact.phone import WindowedPhoneRecognizer
from gateway.redact.prefilter.alphabet import alphabet
from gateway.redact.prefilter.recognizers import PatternFinders

POLICY = Path(__file__).parent.parent / "policies" / "default.yaml"
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl")
PROMPTS = 100
_TEN_KB, _ONE_MB = 10_000, 1_000_000
_NO_LIMIT_S = 3600
_PIECE = 16_384
# Texts made of one thing, on which a pattern that is read again from each character takes quadratic time.
UNITS = ("a", "1", "<", "😀", "\u0301", " ", "-", "+", "(", "a-", "1 ", "1.", "a@b.cd ", "x:", "212-555-0187, ")

Stage = Callable[[str], object]


def policy() -> Redact:
    """The default policy in all languages, without a model for names."""
    redact = load_policy(POLICY).policy.redact
    return redact.model_copy(update={"languages": LANGUAGES, "nlp": Nlp(engine="patterns")})


def stages(detector: PresidioDetector, deadline: Deadline) -> dict[str, Stage]:
    finders: PatternFinders = detector._patterns
    phone = WindowedPhoneRecognizer("en")
    return {
        "one pass of Hyperscan": lambda text: [g.prefilter.scan(alphabet().encode(text)) for g in finders._groups],
        "patterns and their checks": lambda text: finders.find(text, deadline.left),
        "phone numbers": lambda text: phone.places(text, deadline.left),
        "all": lambda text: detector.detect([text], deadline),
    }


def least_us(stage: Stage, texts: Sequence[str], repeats: int) -> float:
    """Microseconds a text."""
    took = []
    for _ in range(repeats):
        began = time.thread_time()
        for text in texts:
            stage(text)
        took.append((time.thread_time() - began) / len(texts))
    return min(took) * 1e6


def pieces(text: str) -> list[str]:
    """As the gateway cuts long texts, without the overlap."""
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]


def main() -> None:
    deadline = Deadline.after(time.monotonic, _NO_LIMIT_S)
    began = time.perf_counter()
    detector = build_detector(policy())
    print(f"start: {time.perf_counter() - began:.1f} s\n")
    prompts = [case.content for case in make(PROMPTS)]
    ten_kb = " ".join(prompts)[:_TEN_KB]
    one_mb = (" ".join(prompts) * (_ONE_MB // 60_000 + 1))[:_ONE_MB]
    print(f"{'':28}{'115 words':>12}{'10 kB':>12}{'1 MB':>12}")
    for name, stage in stages(detector, deadline).items():
        long_us = sum(least_us(stage, [piece], 2) for piece in pieces(one_mb))
        print(f"{name:28}{least_us(stage, prompts, 20):9.0f} µs{least_us(stage, [ten_kb], 20) / 1e3:9.2f} ms", end="")
        print(f"{long_us / 1e3:9.0f} ms")
    print(f"\n{'texts of one thing':28}{'100 kB':>12}{'200 kB':>12}{'ratio':>12}")
    for unit in UNITS:
        half, full = (
            least_us(lambda text: detector.detect([text], deadline), [(unit * size)[:size]], 2) / 1e3
            for size in (100_000, 200_000)
        )
        print(f"{unit!r:28}{half:9.0f} ms{full:9.0f} ms{full / half:12.2f}")


if __name__ == "__main__":
    main()
