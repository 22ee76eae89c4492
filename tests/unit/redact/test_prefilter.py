"""The prefilter against the `regex` library: what is found on its windows is what is found on the text."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path
from typing import Any

import pytest
import regex
from presidio_analyzer import PatternRecognizer

from gateway.policy.patterns import FLAGS_KNOWN, Chars, Choice, Concat, Look, Node, Repeat, children, parse
from gateway.policy.schema import Redact
from gateway.redact.prefilter.alphabet import alphabet, bytes_of
from gateway.redact.prefilter.database import is_available
from gateway.redact.prefilter.scan import Prefilter
from gateway.redact.prefilter.translations import Pattern, translations
from gateway.redact.recognizers.registry import build_registry
from gateway.redact.words import WordsNlpEngine
from tests.unit.redact.texts import mixed_texts, random_texts, sizes

pytestmark = [
    pytest.mark.skipif(not is_available(), reason="there is no Hyperscan for this platform"),
    pytest.mark.slow,
]
# Each takes another path: places at the edges and within, references, what never gives back, sets of all kinds.
OWN = (
    r"\b\d{3}\b", r"(?<![A-Z0-9])[A-Z]{2}\d+(?![A-Z0-9])", r"a(?=b)b+", r"(?<=x)y+", r"\Bk\B", r"^\w+$", r"\A.|.\Z",
    r"([ab])\1c", r"(?P<q>['\"]).*?(?P=q)", r"(?>a+)b", r"a++b", r"[^\W\d]{2,}\d", r"(?-i:ABC)\d", r"(?i)straße", r"ı",
    r"key\s*=\s*\K\S+", r"s+k*i", r"[^a-z]{3}", r".{3}x", r"\p{Lu}\p{Ll}+", r"(?:\d[ -]?){7,}", r"Müller|Größe", r"é\b",
    r"[[:alpha:]]{3}1", r"\d+(?!\d|\.\d)", r"(?:^|(?<=\W))(?:one|two\s+three)(?:(?=\W)|$)", r"x{3,300}y", r"\S+@\S+",
)  # fmt: skip
LIMIT = 60.0
WHAT = ("hyperscan", "patterns")


@pytest.fixture(scope="module")
def sources() -> list[str]:
    recognizers = build_registry(Redact(), WordsNlpEngine(["en"])).recognizers
    having: list[Any] = [r for r in recognizers if isinstance(r, PatternRecognizer)]
    shipped = [pattern.regex for recognizer in having for pattern in recognizer.patterns]
    return list(dict.fromkeys([*OWN, *shipped]))


@pytest.fixture(scope="module")
def prefilter(sources: list[str]) -> Prefilter:
    return Prefilter([Pattern(source, FLAGS_KNOWN) for source in sources])


def differences(prefilter: Prefilter, compiled: list[regex.Pattern[str]], text: str) -> list[str]:
    hits = prefilter.scan(alphabet().encode(text))
    possible = set(hits.numbers())
    wrong = []
    for number, pattern in enumerate(compiled):
        expected = [match.span() for match in pattern.finditer(text, timeout=LIMIT)]
        got = []
        if number in possible:
            got = [match.span() for match in prefilter.matches(number, pattern, text, hits, lambda: LIMIT)]
        if expected != got:
            wrong.append(pattern.pattern)
    return wrong


def sample(node: Node, chance: random.Random) -> str:
    """A text that the pattern matches, nearly always, if nothing around it forbids that."""
    match node:
        case Chars(source):
            characters = alphabet().shown[chance.choice(sorted(bytes_of(source, FLAGS_KNOWN)))]
            return characters[0] if chance.random() < 0.9 else chance.choice(characters)
        case Choice(options):
            return sample(chance.choice(options), chance)
        case Repeat(body, least, most):
            count = chance.randint(least, least + 4 if most is None else min(most, least + 4))
            return "".join(sample(body, chance) for _ in range(count))
        case Concat(parts):
            return "".join(sample(part, chance) for part in parts)
        case Look():
            return ""
        case _:
            return "".join(sample(child, chance) for child in children(node))


def damaged(text: str, chance: random.Random) -> str:
    if not text or chance.random() < 0.5:
        return text
    at = chance.randrange(len(text))
    instead = chance.choice(["", "0", "a", " ", "ſ", "K", "٣", "é", "-", "\n", "\ud800", "😀"])
    return text[:at] + instead + text[at + 1 :]


@pytest.mark.parametrize("seed", range(3))
def test_windows_show_what_the_text_shows(prefilter: Prefilter, sources: list[str], seed: int) -> None:
    chance = random.Random(seed)
    compiled = [regex.compile(source, FLAGS_KNOWN) for source in sources]
    trees = [parse(source) for source in sources]
    for text in [*mixed_texts(60, seed), *random_texts(20, seed)]:
        assert not differences(prefilter, compiled, text), repr(text)
    for _ in range(150):
        pieces = [damaged(sample(chance.choice(trees), chance), chance) for _ in range(chance.randint(1, 6))]
        text = "".join(piece + chance.choice(["", " ", "\n", ", ", "_", "a", "7", "é"]) for piece in pieces)
        assert not differences(prefilter, compiled, text), repr(text)


def test_long_texts_of_one_kind_are_read_alike(prefilter: Prefilter, sources: list[str]) -> None:
    compiled = [regex.compile(source, FLAGS_KNOWN) for source in sources]
    for unit in ("a", "1", "1-", "a.b@", "é", "<", "(+", "12:", "x@y.zz ", "\u0301"):
        for text in sizes(unit, [700]):
            assert not differences(prefilter, compiled, text), unit


def test_a_pattern_that_is_not_understood_is_always_run() -> None:
    prefilter = Prefilter([Pattern(source, FLAGS_KNOWN) for source in (r"(?:foo){e<=1}", "a*", "b")])
    assert prefilter.always == {0, 1}
    assert prefilter.scan(b"xyz").numbers() == [0, 1]


def test_every_character_has_the_byte_of_what_it_is() -> None:
    shown = alphabet().encode("aſKİı٣é\u3000😀\ud800")
    assert shown[:5].lower() == b"askii"
    assert list(shown[5:]) == [128, 129, 130, 131, 131]


def test_the_windows_grow_with_the_text_and_not_faster(prefilter: Prefilter) -> None:
    def covered(text: str) -> int:
        hits = prefilter.scan(alphabet().encode(text))
        windows = [window for number in hits.numbers() for window in hits.windows(number) or [(0, len(text))]]
        return sum(last - start for start, last in windows)

    for unit in ("a", "1", "<", "😀", "\u0301", " ", "-", "+", "(", "1 ", "a@b.cd ", "1.", "x:"):
        half, full = (covered(text) for text in sizes(unit, [20_000, 40_000]))
        assert full <= 2.2 * half + 5_000, unit


def test_threads_scan_at_the_same_time(prefilter: Prefilter) -> None:
    texts = [alphabet().encode(text * 20) for text in mixed_texts(20, 3)]
    expected = [prefilter.scan(text).numbers() for text in texts]
    failures: list[int] = []

    def scan() -> None:
        for _ in range(20):
            failures.extend(i for i, text in enumerate(texts) if prefilter.scan(text).numbers() != expected[i])

    threads = [threading.Thread(target=scan) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def kept(folder: Path, what: str) -> list[Path]:
    return sorted(folder.glob(f"*.{what}"))


def finds(folder: Path) -> list[int]:
    return Prefilter([Pattern(r"a\d", FLAGS_KNOWN)], folder).scan(b"xa7").numbers()


@pytest.mark.parametrize("what", WHAT)
def test_databases_and_translations_are_kept_for_this_user_alone(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "kept" / "here"
    assert finds(folder) == [0]
    (file,) = kept(folder, what)
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    before = file.stat().st_mtime_ns
    assert finds(folder) == [0]
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("damage", ["cut", "other", "empty", "shared", "folder"])
def test_what_is_kept_with_anything_wrong_is_made_anew(tmp_path: Path, damage: str, what: str) -> None:
    folder = tmp_path / "kept"
    finds(folder)
    (file,) = kept(folder, what)
    whole = file.read_bytes()
    match damage:
        case "cut":
            file.write_bytes(whole[:-10])
        case "other":
            file.write_bytes(whole[:40] + bytes(len(whole) - 40))
        case "empty":
            file.write_bytes(b"")
        case "shared":
            file.chmod(0o666)
        case "folder":
            folder.chmod(0o777)
    assert finds(folder) == [0]
    if damage != "folder":
        assert file.read_bytes() == whole
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert finds(blocked / "kept") == [0]


@pytest.mark.parametrize("what", WHAT)
def test_a_link_in_its_place_is_not_followed(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "kept"
    finds(folder)
    (file,) = kept(folder, what)
    elsewhere = tmp_path / "elsewhere"
    os.replace(file, elsewhere)
    file.symlink_to(elsewhere)
    assert finds(folder) == [0]
    assert not file.is_symlink()


def test_kept_translations_are_those_that_were_made(sources: list[str], tmp_path: Path) -> None:
    asked = [Pattern(source, flags) for source in sources for flags in (0, FLAGS_KNOWN)]
    made = translations(asked, tmp_path)
    assert len(kept(tmp_path, "patterns")) == 1
    assert translations(asked, tmp_path) == made
    assert None in made
    assert translations(asked[:5], tmp_path) == made[:5]
