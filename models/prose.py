"""Makes up text with placeholders in it for the training conversations."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence

from models import placeholders, words
from models.lexicon import COMMON, bank

STARTS = bank("b c d f g h j k l m n p r s t v w br ch cl dr fl gr pl pr sh st th tr")
MIDDLES = bank("a e i o u ai ea ee oa ou")


class Prose:
    """Placeholders and the text around them; `level` from 0 to 1 says how long and how mixed it may be."""

    def __init__(self, rng: random.Random, level: float = 1.0) -> None:
        self.rng = rng
        self.level = level
        self.plain_numbers = rng.random() < 0.5
        # Few digits in a conversation make numbers that are easily mixed up, such as 3, 13 and 31.
        self.digits = rng.sample(string.digits, rng.choice((4, 10, 10)))
        self.used: set[str] = set()
        self.counters: dict[str, int] = {}

    # ---- placeholders ----

    def some(self, low: int, high: int) -> int:
        """A number from low to high; early in training it stays small."""
        return self.rng.randint(low, low + round((high - low) * self.level))

    def kind(self) -> str:
        """A type: mostly a known one, sometimes an invented name."""
        if self.rng.random() > 0.04:
            return self.rng.choice(placeholders.KINDS)
        parts = []
        for _ in range(self.rng.choice((1, 1, 2, 2, 3))):
            if self.rng.random() < 0.5:
                parts.append(self.rng.choice((self.rng.choice(words.NOUNS), self.rng.choice(COMMON))).upper())
            else:
                parts.append("".join(self.rng.choices(string.ascii_uppercase, k=self.rng.randint(2, 7))))
        return "_".join(parts)

    def item(self, kind: str) -> str:
        """A new placeholder of this type."""
        for attempt in range(300):
            if attempt == 50:
                self.digits = list(string.digits)
            if self.plain_numbers:
                number = self.counters[kind] = self.counters.get(kind, 0) + 1
            else:
                number = int("".join(self.rng.choices(self.digits, k=self.rng.randint(1, 2))))
            placeholder = f"<{kind}_{number}>"
            if number and number not in placeholders.HELD_OUT_NUMBERS and placeholder not in self.used:
                self.used.add(placeholder)
                return placeholder
        return self.item(self.kind())

    def items(self, count: int) -> list[str]:
        """Placeholders of mixed types, in an order that the evaluation does not use."""
        pool = [self.kind() for _ in range(self.rng.randint(1, max(1, count)))]
        while True:
            kinds = [self.rng.choice(pool) for _ in range(count)]
            if not placeholders.held_out_order([f"<{kind}_1>" for kind in kinds]):
                return [self.item(kind) for kind in kinds]
            pool.append(self.kind())

    # ---- prose ----

    def word(self, bank: Sequence[str]) -> str:
        """A word of the bank, or another one, perhaps made up: new words should do no harm."""
        chance = self.rng.random()
        if chance < 0.01:
            return "".join(self.rng.choices(string.ascii_lowercase, k=self.rng.randint(2, 9)))
        if chance < 0.04:
            return self.invented()
        return self.rng.choice(bank if chance < 0.85 else COMMON)

    def invented(self) -> str:
        """A word made of syllables."""
        syllables = []
        for _ in range(self.rng.choice((1, 2, 2, 3))):
            end = self.rng.choice(("", "", "n", "r", "s", "t", "l", "ck", "ng", "rd", "st"))
            syllables.append(self.rng.choice(STARTS) + self.rng.choice(MIDDLES) + end)
        ending = self.rng.choice(("", "", "ed", "ing", "er", "ly", "s", "tion", "ment", "able", "ness", "y"))
        return "".join(syllables) + ending

    def salad(self) -> str:
        """Words in any order."""
        return " ".join(self.word(COMMON) for _ in range(self.rng.randint(1, 9)))

    def clause(self) -> str:
        """A few words without a placeholder."""
        if self.rng.random() < 0.03:
            return self.salad()
        noun, other = self.word(words.NOUNS), self.word(words.NOUNS)
        adjective, verb = self.word(words.ADJECTIVES), self.word(words.VERBS)
        adverb = self.word(words.ADVERBS)
        return self.rng.choice((
            f"the {adjective} {noun} {verb} the {other}", f"we {verb} the {noun} {adverb}",
            f"the {noun} was {verb}",
            f"the {noun} about the {other}", f"I {verb} a {adjective} {noun}", f"it {verb} {adverb}",
            f"they have {verb} our {noun} and the {adjective} {other}", f"a {noun} for the {other}",
            f"{adverb}",
            f"you will get the {noun}", f"the {noun} and the {other} are {adjective}", f"to {verb} a {noun}",
            f"this {noun} is {adjective}", f"he {verb} {adverb}", f"she {verb} the {other}", f"your {noun}",
            f"there is no {noun}", f"the {noun} must be {verb}", f"if the {noun} is {adjective}",
            f"{noun} {other}",
        ))  # fmt: skip

    def phrase(self, item: str) -> str:
        """A placeholder with the words around it."""
        kind = placeholders.kinds_of([item])[0]
        name = self.rng.choice(words.LABELS.get(kind, ("item", kind.lower().replace("_", " "))))
        if kind in words.PHRASES and self.rng.random() < 0.55:
            return self.rng.choice(words.PHRASES[kind]).format(item)
        return self.rng.choice((
            "{} {}", "{}: {}", "({} {})", "the {} {}", "the {} is {}", "a {} {}", "with the {} {}", "{} = {}",
            "whose {} is {}", "under {} {}", "his {} {}", "her {} {}", "the new {}, {},", "{} no. {}",
        )).format(name, item) if self.rng.random() < 0.8 else item  # fmt: skip

    def sentence(self, items: Sequence[str]) -> str:
        """A sentence that holds these placeholders in this order."""
        chunks = [self.clause()] if not items or self.rng.random() < 0.7 else []
        for item in items:
            if chunks and self.rng.random() < 0.3:
                chunks.append(self.rng.choice((self.clause(), *words.LINKS, "and", "and")))
            chunks.append(self.phrase(item))
        if self.rng.random() < 0.4:
            chunks.append(self.clause())
        text = ""
        for chunk in chunks:
            text += self.rng.choice((" ", " ", " ", ", ", " and ")) + chunk if text else chunk
        return text[:1].upper() + text[1:] + self.rng.choice(".......!?")

    def prose(self, items: Sequence[str], filler: int = 0) -> str:
        """Sentences that hold these placeholders in this order, with further sentences in between."""
        sentences = []
        rest = list(items)
        while rest:
            size = self.rng.randint(1, 3)
            sentences.append(self.sentence(rest[:size]))
            rest = rest[size:]
        for _ in range(filler):
            sentences.insert(self.rng.randint(0, len(sentences)), self.sentence([]))
        if len(items) > 1 and self.rng.random() < 0.1:
            sentences.append(self.sentence([self.rng.choice(items)]))
        return self.rng.choice((" ", " ", " ", "\n")).join(sentences)

    def facts(self, items: Sequence[str]) -> str:
        """A text with these placeholders: prose, a form or a bare list."""
        style = self.rng.random()
        if style < 0.75 or not items:
            return self.prose(items, self.some(0, 3) if self.rng.random() < 0.85 else self.some(1, 8))
        if style < 0.9:
            pairs = [(self.rng.choice(words.LABELS.get(kind, ("item",))), item)
                     for kind, item in zip(placeholders.kinds_of(items), items, strict=True)]  # fmt: skip
            mark = self.rng.choice((": ", " ", " = ", " - "))
            return self.rng.choice(("\n", "; ", ", ", " | ")).join(f"{n.capitalize()}{mark}{i}" for n, i in pairs)
        return self.rng.choice((", ", " ", "\n", "; ", " and ")).join(items)

    def around(self, request: str, text: str) -> str:
        """A request before or after the text it is about."""
        end = "" if request.endswith(("?", ".", "!", ":")) else "."
        if self.rng.random() < 0.4:
            return f"{text}{self.rng.choice((' ', chr(10)))}{request}{end}"
        mark = self.rng.choice((":", ":", ".", ": ", " from this text:", " of this:", " in:"))
        if end == "":
            mark = ""
        return f"{request}{mark}{self.rng.choice((' ', chr(10), chr(10) * 2))}{text}"
