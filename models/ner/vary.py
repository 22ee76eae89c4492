"""Changes labelled texts the way people write: other names, lower case, lost accents, slips, lost punctuation."""

import random
import re

from models.ner import plain_texts, pools
from models.ner.compose import Filler
from models.ner.corpus import Pieces

TYPO_RATE = 0.03


def exchange(text: Pieces, filler: Filler, rng: random.Random) -> Pieces:
    """Replaces names by other names of the same kind and, mostly, the same number of words."""
    changed = []
    for string, label in text:
        new = string
        if label and rng.random() < 0.7 and re.fullmatch(r"[^\W\d_][^\d@#\n]*", string):
            if label == "P":
                new = filler.full() if " " in string else rng.choice((filler.first, filler.last))()
            elif label == "L":
                new = rng.choice((filler.city(), filler.city(), rng.choice(filler.mentions["L"])))
            else:
                new = rng.choice(filler.mentions["O"])
            if string.isupper() and len(string) > 3:
                new = new.upper()
        changed.append((new, label))
    return changed


def other_nouns(text: Pieces, rng: random.Random) -> Pieces:
    """Replaces German nouns by others: that they have a capital has to be learnt of all of them, not by heart."""
    known, others, share = plain_texts.nouns(), plain_texts.common_nouns(), rng.choice((0.0, 0.3, 0.7))
    changed = []
    for string, label in text:
        words = [string] if label else string.split(" ")
        new = [rng.choice(others) if not label and w in known and rng.random() < share else w for w in words]
        changed.append((" ".join(new), label))
    return changed


def _slip(string: str, rng: random.Random) -> str:
    letters = list(string)
    for at in range(len(letters) - 1):
        if letters[at].isalpha() and rng.random() < TYPO_RATE:
            kind = rng.randrange(3)
            if kind == 0:
                letters[at], letters[at + 1] = letters[at + 1], letters[at]
            elif kind == 1:
                letters[at] = rng.choice("abcdefghijklmnopqrstuvwxyz")
            else:
                letters[at] = ""
    return "".join(letters)


def vary(text: Pieces, rng: random.Random, lower: float) -> Pieces:
    """One text as another writer might have typed it; spans keep their labels."""
    kind = rng.random()
    if kind < lower:
        text = [(string.lower(), label) for string, label in text]
    elif kind < lower + 0.03:
        text = [(string.upper(), label) for string, label in text]
    elif kind < lower + 0.06:
        text = [(string.lower() if label else string, label) for string, label in text]
    elif kind < lower + 0.08:
        text = [(string.title() if not label else string, label) for string, label in text]
    if rng.random() < 0.15:
        text = [(pools.plain(string), label) for string, label in text]
    if rng.random() < 0.05:
        text = [(_slip(string, rng), label) for string, label in text]
    if rng.random() < 0.08:
        text = [(string if label else re.sub(r"(?<=\w)[.,;:!?]+(?= |$)", "", string), label) for string, label in text]
    return [(string, label) for string, label in text if string]


def quote(text: Pieces, rng: random.Random) -> Pieces:
    """Every line begins with the mark of a quotation, as in an answered mail; it belongs to no name."""
    mark = rng.choice((">", "> ", ">> ", "| "))
    quoted: Pieces = [(mark, "")]
    for string, label in text:
        first, *lines = string.split("\n")
        quoted.append((first, label))
        for line in lines:
            quoted += [("\n" + mark, ""), (line, label)]
    return [(string, label) for string, label in quoted if string]


def join(texts: list[Pieces], rng: random.Random) -> Pieces:
    """Several texts as one."""
    joined: Pieces = []
    for text in texts:
        if joined:
            joined.append((rng.choice((" ", " ", "\n", "\n\n", ". ", " - ", "; ")), ""))
        joined.extend(text)
    return joined
