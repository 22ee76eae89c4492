"""Real text without personal names: Python's own library and the translated messages of Django."""

import ast
import random
import re
import sysconfig
from functools import cache
from pathlib import Path

import django
from wordfreq import top_n_list

from models.ner import lexicon, pools

CREDIT = re.compile(r"@|author|copyright|\(c\)|written by|contributed|thanks to|©|maintain|licen[cs]e", re.IGNORECASE)
LANGUAGES = "en de fr es it pt pt_BR nl pl da sv nb fi cs tr hu ro".split()


@cache
def named() -> set[str]:
    """Words that name people or places, as they are written with a capital."""
    first = {name for firsts, lasts in pools.people().values() for name in (*firsts, *lasts)}
    return first | set(pools.cities()[0]) | set(pools.countries())


def _suspicious(text: str, allowed: set[str]) -> bool:
    """Two capitalised words in a row of which one may be a name."""
    for pair in re.finditer(r"\b([A-Z][a-zà-ÿ]+) ([A-Z][a-zà-ÿ]+)\b", text):
        if any(word in named() and word not in allowed for word in pair.groups()):
            return True
    return False


@cache
def code() -> list[str]:
    """Pieces of Python's standard library: code, comments and documentation."""
    found = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")) + sorted(
        Path(sysconfig.get_paths()["stdlib"]).glob("*/*.py")
    ):
        if re.search(r"test|idlelib|lib2to3|turtledemo|encodings|site-packages|this\.py", str(path)):
            continue
        lines = path.read_text("utf-8", "ignore").splitlines()
        for at in range(0, len(lines) - 12, 12):
            part = "\n".join(lines[at : at + 12])
            if not CREDIT.search(part) and not _suspicious(part, set()) and len(part) > 60:
                found.append(part[:900])
    return found


def _messages(path: Path) -> list[str]:
    found = []
    for block in path.read_text("utf-8").split("\n\n"):
        match = re.search(r'^msgstr (?:\[0\] )?((?:".*"\n?)+)', block, re.MULTILINE)
        if match and not block.startswith('msgid ""\nmsgstr ""\n"Project'):
            found.append("".join(ast.literal_eval(line) for line in match[1].splitlines() if line.startswith('"')))
    return [text.strip() for text in found if 3 < len(text) < 500 and "Content-Type" not in text and "@" not in text]


@cache
def messages() -> dict[str, list[str]]:
    """Language: sentences and labels of a user interface."""
    root = Path(django.__file__).parent
    found: dict[str, list[str]] = {}
    for language in LANGUAGES:
        paths = sorted(root.glob(f"**/locale/{language}/LC_MESSAGES/django.po"))
        found[language] = [text for path in paths for text in _messages(path) if not _suspicious(text, set())]
    return {language: texts for language, texts in found.items() if texts}


def negative(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.18:
        return heading(rng) + rng.choice(("", "\n" + heading(rng), ": " + heading(rng)))
    if kind < 0.6:
        part = rng.choice(code()).splitlines()
        at = rng.randrange(len(part))
        return "\n".join(part[at : at + rng.randint(1, 9)]) or part[0]
    texts = messages()[rng.choice(sorted(messages()))]
    return rng.choice((" ", " ", "\n", ", ")).join(rng.choice(texts) for _ in range(rng.randint(1, 4)))


@cache
def nouns() -> frozenset[str]:
    """German common nouns in all their cases, without those that are mostly names."""
    return frozenset(lexicon.german()["noun"] - set(pools.countries()))


@cache
def common_nouns() -> list[str]:
    """German nouns that texts use, for templates."""
    first = {name for firsts, lasts in pools.people().values() for name in (*firsts, *lasts)}
    used = {record for record in top_n_list("de", 60000)}
    return sorted(noun for noun in nouns() if noun.lower() in used and noun not in first and noun not in named())


@cache
def common_words(language: str) -> list[str]:
    """Frequent words that are on no list of names, in lower case."""
    known = {name.lower() for name in named()}
    return [word for word in top_n_list(language, 12000) if word.isalpha() and len(word) > 2 and word not in known]


def heading(rng: random.Random) -> str:
    """Common words in the case of titles."""
    language = rng.choice(("en", "en", "en", "de", "fr", "es", "it", "pt", "nl", "pl", "da", "sv"))
    words = [rng.choice(common_words(language)) for _ in range(rng.randint(1, 6))]
    kind = rng.random()
    if kind < 0.6:
        return rng.choice(("", "", "# ", "## ", f"{rng.randint(1, 20)}. ", "- ", "* ")) + " ".join(words).title()
    return " ".join(words).capitalize() if kind < 0.8 else rng.choice((", ", " / ", "; ")).join(words)
