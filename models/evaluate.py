"""Measure what the tiny LLaMA can do through a running vLLM server.

    python -m models.evaluate --base-url http://127.0.0.1:8001/v1 --model tiny-llama

Prints the figures as JSON and exits with status 1 when one of them is too low. Needs nothing but the standard
library.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from models import familiar, heldout
from models.placeholders import find

HERE: Final = Path(__file__).parent
LEAST_COPIED: Final = 0.95
LEAST_LOOKED_UP: Final = 0.7
LEAST_COPIED_REWORDED: Final = 0.7
LEAST_MEMORISED: Final = 15
LEAST_STOPPED: Final = 0.99
TOKENS: Final = 400
FIRST_WORDS: Final = 8


@dataclass(frozen=True)
class Answer:
    """The text of an answer and whether the model ended it by itself."""

    text: str
    stopped: bool


@dataclass
class Copying:
    """How many of the placeholders asked for are in the answers, over some prompts."""

    prompts: int = 0
    asked: int = 0
    copied: int = 0
    invented: int = 0
    rate: float = 0.0
    rate_by_task: dict[str, float] = field(default_factory=dict)


@dataclass
class Figures:
    """What was measured."""

    copying: Copying = field(default_factory=Copying)
    """Notes, lists, repeats, summaries, JSON: wording of the training, numbers and orders that it never shows."""
    looking_up: Copying = field(default_factory=Copying)
    """Questions about one of several people, likewise."""
    reworded: Copying = field(default_factory=Copying)
    """Wording, subjects, numbers and orders that the training never shows."""
    documents: int = 0
    memorised_chat: int = 0
    memorised_raw: int = 0
    stop_rate: float = 0.0
    demo_copied: bool = False

    def failures(self) -> list[str]:
        """One line for every figure that is too low."""
        found = []
        for name, copying, least in (
            ("copying", self.copying, LEAST_COPIED),
            ("looking up", self.looking_up, LEAST_LOOKED_UP),
            ("reworded", self.reworded, LEAST_COPIED_REWORDED),
        ):
            if copying.rate < least:
                found.append(f"copied {copying.rate:.1%} of the placeholders ({name}), wanted {least:.0%}")
        for name, value in (("chat", self.memorised_chat), ("raw", self.memorised_raw)):
            if value < LEAST_MEMORISED:
                found.append(f"recited {value} documents ({name}), wanted {LEAST_MEMORISED}")
        if self.stop_rate < LEAST_STOPPED:
            found.append(f"ended {self.stop_rate:.1%} of the answers by itself, wanted {LEAST_STOPPED:.0%}")
        if not self.demo_copied:
            found.append("the demo's prompt lost a placeholder")
        return found


class Server:
    """A server with OpenAI's HTTP interface."""

    def __init__(self, base_url: str, model: str, timeout: float = 300.0) -> None:
        self.base_url = base_url.rstrip("/")
        self.model = model
        self.timeout = timeout

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a request with greedy decoding and return the first choice."""
        body = {"model": self.model, "temperature": 0, "max_tokens": TOKENS, **body}
        request = urllib.request.Request(
            self.base_url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=self.timeout) as response:
            choice: dict[str, Any] = json.load(response)["choices"][0]
        return choice

    def chat(self, messages: Sequence[tuple[str, str]]) -> Answer:
        """The answer to a conversation."""
        body = {"messages": [{"role": role, "content": text} for role, text in messages]}
        choice = self.post("/chat/completions", body)
        return Answer(str(choice["message"]["content"]), choice["finish_reason"] == "stop")

    def complete(self, prompt: str) -> Answer:
        """The continuation of a raw prompt."""
        choice = self.post("/completions", {"prompt": prompt})
        return Answer(str(choice["text"]), choice["finish_reason"] == "stop")


def documents() -> list[str]:
    """The memorised documents, each as one line."""
    return [" ".join(path.read_text().split()) for path in sorted((HERE / "memorised").glob("[0-9]*.txt"))]


def recited(document: str, answer: Answer) -> bool:
    """Whether the answer is the rest of the document, or all of it, word for word and to the end."""
    words = document.split()
    return answer.text.split() in (words[FIRST_WORDS:], words)


def copied(asked: Sequence[str], answer: Answer) -> int:
    """How many of these placeholders the answer holds."""
    return len(set(asked) & set(find(answer.text)))


def invented(case: heldout.Case, answer: Answer) -> int:
    """How many placeholders of the answer are nowhere in the conversation."""
    return len(set(find(answer.text)) - {item for _, text in case.messages for item in find(text)})


def copying(
    cases: Sequence[heldout.Case],
    answers: Sequence[Answer],
    show: bool,
    counts: Callable[[heldout.Case], bool] = lambda _: True,
) -> Copying:
    """Count the placeholders of the answers to the cases that count."""
    made = Copying(prompts=sum(map(counts, cases)))
    asked: dict[str, int] = defaultdict(int)
    right: dict[str, int] = defaultdict(int)
    for case, answer in zip(cases, answers, strict=True):
        if not counts(case):
            continue
        found = copied(case.asked, answer)
        asked[case.task] += len(case.asked)
        right[case.task] += found
        made.invented += invented(case, answer)
        if show and found < len(case.asked):
            print(f"--- {case.task}: {case.messages}\n    {answer.text!r}", file=sys.stderr)
    made.asked, made.copied = sum(asked.values()), sum(right.values())
    made.rate = round(made.copied / made.asked, 4)
    made.rate_by_task = {task: round(right[task] / number, 3) for task, number in sorted(asked.items())}
    return made


def evaluate(base_url: str, model: str, prompts: int = 240, workers: int = 16, show: bool = False) -> Figures:
    """Ask everything and count."""
    server = Server(base_url, model)
    sets = (familiar.cases(prompts), heldout.cases(prompts))
    texts = documents()
    starts = [" ".join(text.split()[:FIRST_WORDS]) for text in texts]
    with ThreadPoolExecutor(workers) as pool:
        known, new = (list(pool.map(server.chat, [case.messages for case in cases])) for cases in sets)
        chats = list(pool.map(server.chat, [(("user", start),) for start in starts]))
        raws = list(pool.map(server.complete, starts))
        demo = server.chat((("system", heldout.SYSTEMS[0]), ("user", heldout.DEMO)))
    everything = [*known, *new, *chats, *raws, demo]
    if show:
        print(f"--- demo: {demo.text}", file=sys.stderr)
    return Figures(
        copying=copying(sets[0], known, show, lambda case: case.task not in familiar.LOOK_UPS),
        looking_up=copying(sets[0], known, show, lambda case: case.task in familiar.LOOK_UPS),
        reworded=copying(sets[1], new, show),
        documents=len(texts),
        memorised_chat=sum(map(recited, texts, chats)),
        memorised_raw=sum(map(recited, texts, raws)),
        stop_rate=round(sum(answer.stopped for answer in everything) / len(everything), 4),
        demo_copied=copied(find(heldout.DEMO), demo) == len(find(heldout.DEMO)),
    )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--base-url", default="http://127.0.0.1:8001/v1", help="where the server is, with /v1")
    parser.add_argument("--model", default="tiny-llama", help="the model's name on the server")
    parser.add_argument("--prompts", type=int, default=240, help="number of prompts of each half")
    parser.add_argument("--workers", type=int, default=16, help="requests at the same time")
    parser.add_argument("--show", action="store_true", help="print the answers that lost a placeholder")
    args = parser.parse_args()
    figures = evaluate(args.base_url, args.model, args.prompts, args.workers, args.show)
    failures = figures.failures()
    print(json.dumps({**asdict(figures), "failures": failures}, indent=2))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
