"""Measures the regurgitation guard on texts that it makes itself; `python -m bench.answers` runs it.

The texts are made of a seeded vocabulary, so that the figures can be had again. The protected ones and the others of
"the same genre" share the vocabulary and many short phrases; unrelated prose shares neither. Real documents differ:
what is measured here is speed, size and that nothing breaks, not how often your texts quote each other.
"""

from __future__ import annotations

import base64
import codecs
import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.guard.regurgitation import Document, Index, IndexKey, Rule, Watch, part_of, write_index
from gateway.pipeline.stage import StreamFilter

_KEY = IndexKey("k1", bytes(range(32)))
_HEADS = "b c d f g h l m n p r s t v br cl dr fl gr pl st tr sh ch".split()
_CORES = "a e i o u ai ea ou oa ee".split()
_TAILS = ["", "", "n", "r", "s", "t", "l", "m", "nd", "st", "ck", "ng"]
_PIECE = 15_000
Rows = Iterator[tuple[str, str]]
"""What was measured, and the figure."""
_DISGUISES: dict[str, Callable[[str], str]] = {
    "as it is": lambda t: t,
    "upper case": str.upper,
    "line wraps": lambda t: t.replace(" ", "\n"),
    "spaced letters": lambda t: "  ".join(" ".join(word) for word in t.split()),
    "no spaces": lambda t: "".join(t.split()),
    "reversed": lambda t: t[::-1],
    "rot13": lambda t: codecs.encode(t, "rot13"),
    "base64": lambda t: base64.b64encode(t.encode()).decode(),
    "hex": lambda t: t.encode().hex(),
    "a word in ten changed": lambda t: " ".join("else" if i % 10 == 9 else w for i, w in enumerate(t.split())),
    "a word in six changed": lambda t: " ".join("else" if i % 6 == 5 else w for i, w in enumerate(t.split())),
    "a word in ten left out": lambda t: " ".join(w for i, w in enumerate(t.split()) if i % 10 != 9),
}


class _Keys:
    def key_for(self, purpose: str, key_id: str | None = None) -> tuple[str, bytes]:
        return _KEY.id, _KEY.secret


class Author:
    """Writes texts of one vocabulary, with phrases that come again."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._words = ["".join(self._syllables()) for _ in range(20_000)]
        self._phrases = [" ".join(self._drawn(self._chance.randint(2, 4))) for _ in range(3_000)]

    def text(self, words: int, seed: int) -> str:
        """So many words, the same for the same seed."""
        self._chance = random.Random(seed)
        made: list[str] = []
        while len(made) < words:
            made += self._phrase() if self._chance.random() < 0.2 else self._drawn(6)
            if self._chance.random() < 0.2:
                made[-1] += "."
        return " ".join(made[:words])

    def _phrase(self) -> list[str]:
        return self._chance.choice(self._phrases).split()

    def _drawn(self, count: int) -> list[str]:
        # A word's chance falls with its rank, as in languages (Zipf).
        return [self._words[int(len(self._words) ** self._chance.random()) - 1] for _ in range(count)]

    def _syllables(self) -> Iterator[str]:
        for _ in range(self._chance.choice([1, 1, 2, 2, 3])):
            yield self._chance.choice(_HEADS) + self._chance.choice(_CORES) + self._chance.choice(_TAILS)


@dataclass(frozen=True)
class Texts:
    """What is measured on."""

    protected: list[tuple[Document, str]]
    genre: str
    prose: str

    @property
    def words(self) -> int:
        return sum(len(text.split()) for _, text in self.protected)

    @property
    def characters(self) -> int:
        return sum(len(text) for _, text in self.protected)


def made(words: int) -> Texts:
    """`words` protected words in documents of 2,000, and a million characters or so of each other kind."""
    house, other = Author(1), Author(2)
    protected = [(Document(f"d{n}"), house.text(2_000, 1_000 + n)) for n in range(max(1, words // 2_000))]
    return Texts(protected, house.text(200_000, 7), other.text(200_000, 8))


def build(texts: Texts, path: Path) -> Rows:
    """Build the index: how fast, and how large."""
    start = time.process_time()
    write_index(path, (part_of(_KEY, batch) for batch in batched_documents(texts)), _KEY)
    seconds = time.process_time() - start
    yield "building, one core", f"{texts.characters / seconds / 1e6:.1f} MB/s"
    yield "size", f"{path.stat().st_size / texts.words:.2f} bytes per word"
    start = time.perf_counter()
    Index.open(path, _Keys())
    yield "opening", f"{(time.perf_counter() - start) * 1e3:.2f} ms"


def watch_of(path: Path) -> Watch:
    """The watch of an index that `build` made."""
    return Watch([Index.open(path, _Keys())], Rule())


def batched_documents(texts: Texts) -> Iterator[list[tuple[Document, str]]]:
    """Batches of 100 documents."""
    for first in range(0, len(texts.protected), 100):
        yield texts.protected[first : first + 100]


def speed(watch: Watch, name: str, text: str) -> Rows:
    """How fast a text is read in pieces of four characters, and what one piece and one answer take."""
    total = 0.0
    for at in range(0, len(text), _PIECE):
        piece = text[at : at + _PIECE]
        chunks = [piece[i : i + 4] for i in range(0, len(piece), 4)]
        push = watch.open().push
        start = time.process_time()
        for chunk in chunks:
            push(chunk)
        total += time.process_time() - start
    yield f"{name}: pieces of 4 characters", f"{len(text) / total / 1e6:.1f} MB/s"
    pushes = sorted(push_times(watch.open, text))
    yield f"{name}: a piece", f"{pushes[int(len(pushes) * 0.99)] * 1e6:.1f} µs (99 %)"
    answers = sorted(answer_times(watch.open, text))
    yield (
        f"{name}: an answer of 115 words",
        f"{statistics.median(answers) * 1e3:.3f} ms, {answers[-5] * 1e3:.3f} (99 %)",
    )


def push_times(opened: Callable[[], StreamFilter], text: str, chars: int = 300_000) -> Iterator[float]:
    """Seconds for each piece of four characters, in answers of 1,500."""
    for at in range(0, chars, 1_500):
        push = opened().push
        for i in range(at, at + 1_500, 4):
            chunk = text[i : i + 4]
            start = time.perf_counter()
            push(chunk)
            yield time.perf_counter() - start


def answer_times(opened: Callable[[], StreamFilter], text: str) -> Iterator[float]:
    """Seconds for whole answers of 115 words."""
    words = text.split()
    for at in range(0, min(len(words) - 115, 115 * 400), 115):
        answer = " ".join(words[at : at + 115])
        start = time.perf_counter()
        reader = opened()
        reader.push(answer)
        reader.flush()
        yield time.perf_counter() - start


def alarms(watch: Watch, name: str, text: str) -> Rows:
    """Blocked answers of 300 words that are nobody's, and what is held of them."""
    words, blocked, held = text.split(), 0, []
    for at in range(0, len(words), 300):
        answer, sent = " ".join(words[at : at + 300]), 0
        reader = watch.open()
        for i in range(0, len(answer), 4):
            sent += len(reader.push(answer[i : i + 4]))
            held.append(min(len(answer), i + 4) - sent)
        blocked += reader.blocked
    held.sort()
    yield f"{name}: false alarms", f"{blocked} in {len(words):,} words"
    mean, most = statistics.mean(held), held[int(len(held) * 0.99)]
    yield f"{name}: held back", f"{mean:.0f} characters on average, {most} (99 %)"


def detection(watch: Watch, texts: Texts, count: int = 100) -> Rows:
    """Passages of 50 words, disguised: how many are found, and how many let a word out."""
    chance, lead = random.Random(5), texts.prose[:300] + " "
    for name, disguise in _DISGUISES.items():
        found = leaked = 0
        for _ in range(count):
            words = chance.choice(texts.protected)[1].split()
            start = chance.randrange(len(words) - 50)
            answer = lead + disguise(" ".join(words[start : start + 50])) + " " + texts.prose[300:500]
            reader, sent = watch.open(), ""
            for i in range(0, len(answer), 5):
                sent += reader.push(answer[i : i + 5])
            found += reader.blocked
            leaked += reader.blocked and any(c.isalnum() for c in sent[len(lead) :])
        yield f"50 words, {name}", f"{found} of {count} found, {leaked} let a word out"
