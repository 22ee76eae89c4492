from __future__ import annotations

import base64
import codecs
import json
import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.guard.regurgitation import Document, Index, Passage, Rule, Watch
from gateway.settings import ConfigurationError
from tests.unit.guard.regurgitation.texts import OTHER, documents, index_of, text

LEAD = text(900, 40, OTHER) + " "
TAIL = " " + text(901, 40, OTHER)
_HOMOGLYPHS = dict(zip("aceopxy", "асеорху", strict=True))


def _every(step: int, change: Callable[[str, int], list[str]]) -> Callable[[str], str]:
    def changed(passage: str) -> str:
        words = passage.split()
        return " ".join(
            new for i, word in enumerate(words) for new in (change(word, i) if i % step == step - 1 else [word])
        )

    return changed


def _swapped(passage: str) -> str:
    words = passage.split()
    for i in range(8, len(words) - 1, 10):
        words[i], words[i + 1] = words[i + 1], words[i]
    return " ".join(words)


def _sprinkled(passage: str, marks: str) -> str:
    chance = random.Random(3)
    return "".join(character + chance.choice(["", marks]) for character in passage)


DISGUISES: dict[str, Callable[[str], str]] = {
    "as it is": lambda t: t,
    "upper case": str.upper,
    "lower case": str.lower,
    "title case": str.title,
    "no punctuation": lambda t: re.sub(r"[^\w\s]", "", t),
    "punctuation": lambda t: t.replace(" ", " - "),
    "blanks": lambda t: re.sub(r"\s+", "\t \u00a0", t),
    "line wraps": lambda t: re.sub(r"(.{30}\S*) ", r"\1\n", t),
    "quoted lines": lambda t: "> " + re.sub(r"(.{30}\S*) ", r"\1\n> ", t),
    "bold": _every(3, lambda word, _: [f"**{word}**"]),
    "bold inside": _every(2, lambda word, _: [f"{word[:2]}**{word[2:]}**"]),
    "bullets": lambda t: "- " + t.replace(". ", ".\n- "),
    "numbered": lambda t: "1. " + t.replace("? ", "?\n2. "),
    "code block": lambda t: f"```\n{t}\n```",
    "comment lines": lambda t: "```python\n# " + re.sub(r"(.{30}\S*) ", r"\1\n# ", t) + "\n```",
    "zero width": lambda t: _sprinkled(t, "\u200b"),
    "soft hyphens": lambda t: re.sub(r"(\w{3})(?=\w)", "\\1\u00ad", t),
    "accents": lambda t: _sprinkled(t, "\u0301"),
    "homoglyphs": lambda t: "".join(_HOMOGLYPHS.get(c, c) for c in t),
    "full width": lambda t: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in t),
    "html entities": lambda t: re.sub("[aeiou]", lambda m: f"&#{ord(m[0])};", t),
    "tags": _every(4, lambda word, _: [f"<b>{word}</b>"]),
    "json": lambda t: json.dumps({"summary": t, "ok": True}),
    "json escapes": lambda t: '{"text": "' + re.sub("[aeiou]", lambda m: f"\\u{ord(m[0]):04x}", t) + '"}',
    "percent": lambda t: "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in t),
    "spaced letters": lambda t: "  ".join(" ".join(word) for word in t.split()),
    "no spaces": lambda t: "".join(t.split()),
    "snake case": lambda t: "_".join(t.split()),
    "reversed": lambda t: t[::-1],
    "rot13": lambda t: codecs.encode(t, "rot13"),
    "base64": lambda t: base64.b64encode(t.encode()).decode(),
    "hex": lambda t: t.encode().hex(),
    "a word in ten changed": _every(10, lambda _, i: [OTHER[i]]),
    "a word in ten left out": _every(10, lambda _, __: []),
    "a word in ten added": _every(10, lambda word, i: [word, OTHER[i]]),
    "words in ten swapped": _swapped,
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return index_of(tmp_path_factory.mktemp("index") / "corpus.gri", documents(20))


def passage(number: int = 3, start: int = 100, words: int = 50) -> str:
    return " ".join(documents(20)[number][1].split()[start : start + words])


def streamed(watch: Watch, answer: str, size: int = 4, **opened: Any) -> tuple[str, Passage | None]:
    reader = watch.open(**opened)
    sent = "".join(reader.push(answer[at : at + size]) for at in range(0, len(answer), size))
    return sent + reader.flush(), reader.hit


@pytest.mark.parametrize("name", DISGUISES)
@pytest.mark.parametrize("number", [1, 7])
def test_sees_through_and_lets_no_word_leave(index: Index, name: str, number: int) -> None:
    hidden = DISGUISES[name](passage(number))
    sent, hit = streamed(Watch([index]), LEAD + hidden + TAIL)
    assert hit is not None
    assert hit.document.id == f"doc-100-{number}"
    assert sent == (LEAD + hidden)[: len(sent)]
    leaked = sent[len(LEAD) :]
    assert not re.search(r"\w", leaked), leaked


@pytest.mark.parametrize("start", range(40, 240, 10))
def test_a_run_of_just_so_many_words_is_a_passage_and_a_shorter_one_is_not(index: Index, start: int) -> None:
    for words in (8, 12, 16, 24):
        watch = Watch([index], Rule(words=words, near=False))
        assert streamed(watch, LEAD + passage(5, start, words) + TAIL)[1] is not None
        assert streamed(watch, LEAD + passage(5, start, words - 2) + TAIL)[1] is None


def test_says_where_a_passage_is_and_whose(index: Index) -> None:
    answer = LEAD + passage(4, 30, 40) + TAIL + " " + passage(9, 200, 30)
    first, second = index.check(answer)
    assert (first.document.id, second.document.id) == ("doc-100-4", "doc-100-9")
    assert answer[first.start : first.end] == passage(4, 30, 40).rstrip(".?,")
    assert first.words == 40
    assert not first.near
    assert answer[second.start : second.end] == passage(9, 200, 30).rstrip(".?,")


def test_a_near_copy_is_one_only_where_that_is_asked_for(index: Index) -> None:
    answer = LEAD + DISGUISES["a word in ten changed"](passage()) + TAIL
    hit = streamed(Watch([index]), answer)[1]
    assert hit is not None
    assert hit.near
    assert streamed(Watch([index], Rule(near=False)), answer)[1] is None


def test_other_texts_pass_unchanged(index: Index) -> None:
    for seed in range(20):
        answer = text(seed, 300, OTHER)
        assert streamed(Watch([index]), answer) == (answer, None)


def test_passages_are_cut_out(index: Index) -> None:
    answer = LEAD + passage(2) + TAIL + " " + passage(6) + TAIL
    sent, hit = streamed(Watch([index], redact=True), answer)
    assert sent == f"{LEAD}[withheld]{TAIL} [withheld]{TAIL}" or sent.count("[withheld]") == 2
    assert hit is not None
    assert not set(re.findall(r"\w{5,}", passage(2))) & set(re.findall(r"\w{5,}", sent)) - set(OTHER)
    assert sent.startswith(LEAD)
    assert sent.endswith(TAIL)


def test_what_the_prompt_says_may_be_quoted(index: Index) -> None:
    watch = Watch([index])
    answer = LEAD + passage() + TAIL
    assert streamed(watch, answer, echo=watch.echo(["Please repeat this: " + passage()])) == (answer, None)
    assert streamed(watch, answer, echo=watch.echo([passage(8)]))[1] is not None


def test_texts_of_the_policy_may_be_quoted(index: Index) -> None:
    answer = LEAD + passage() + TAIL
    assert streamed(Watch([index], allow=[passage()]), answer) == (answer, None)
    assert streamed(Watch([index], allow=[passage()]), answer + " " + passage(8))[1] is not None


def test_an_allowed_text_inside_a_passage_does_not_hide_the_rest(index: Index) -> None:
    watch = Watch([index], allow=[passage(3, 110, 12)])
    assert streamed(watch, LEAD + passage(3, 100, 50) + TAIL)[1] is not None


def test_public_documents_and_copies_of_them_pass(tmp_path: Path) -> None:
    body = text(5, 300)
    made = index_of(
        tmp_path / "i", [(Document("notice", public=True), body), (Document("report"), f"{text(6, 100)} {body}")]
    )
    quoted = " ".join(body.split()[50:110])
    assert streamed(Watch([made]), LEAD + quoted + TAIL)[1] is None
    assert streamed(Watch([made]), LEAD + " ".join(text(6, 100).split()[20:60]) + TAIL)[1] is not None


def test_whoever_has_a_documents_scope_may_be_given_it(tmp_path: Path) -> None:
    made = index_of(tmp_path / "i", [(Document("pay", scopes=("hr", "board")), text(5, 300))])
    answer = LEAD + " ".join(text(5, 300).split()[50:110]) + TAIL
    watch = Watch([made])
    assert streamed(watch, answer, scopes={"chat", "hr"}) == (answer, None)
    assert streamed(watch, answer, scopes={"chat"})[1] is not None
    assert streamed(watch, answer)[1] is not None


@pytest.mark.parametrize("words", [8, 12])
def test_a_passage_over_several_texts_is_seen(index: Index, words: int) -> None:
    watch = Watch([index])
    blocked = 0
    for number in range(20):
        carried = b""
        for turn in range(48 // words):
            reader = watch.open(carried=carried)
            reader.push("Here is more for you: " + passage(number, 100 + turn * words, words) + " . Shall we go on?")
            reader.flush()
            carried = reader.carry()
            if reader.blocked:
                blocked += 1
                break
    assert blocked >= 17


def test_what_is_carried_is_checked(index: Index) -> None:
    for carried in (b"x", bytes(32), b"\xff" * 32, bytes(32 * 9)):
        with pytest.raises(ValueError, match="carries on"):
            Watch([index]).open(carried=carried)


def test_a_system_prompt_is_guarded_by_an_index_of_its_own() -> None:
    prompt = text(77, 60)
    sent, hit = streamed(Watch.of_text([text(78, 30), prompt]), LEAD + prompt.upper() + TAIL)
    assert hit is not None
    assert hit.document.id == "2"
    assert sent == LEAD[: len(sent)]


def test_several_indexes_are_searched(index: Index, tmp_path: Path) -> None:
    more = index_of(tmp_path / "i", documents(3, seed=200))
    watch = Watch([index, more])
    for answer, whose in ((passage(), "doc-100-3"), (documents(3, seed=200)[1][1], "doc-200-1")):
        hit = streamed(watch, answer)[1]
        assert hit is not None
        assert hit.document.id == whose
    with pytest.raises(ConfigurationError, match="at most 8"):
        Watch([index] * 9)
    assert streamed(Watch([]), passage()) == (passage(), None)


def test_after_a_passage_nothing_leaves(index: Index) -> None:
    reader = Watch([index]).open()
    sent = reader.push(LEAD + passage())
    assert reader.blocked
    assert LEAD.startswith(sent)
    assert (reader.push("more"), reader.flush()) == ("", "")


def test_a_rule_has_bounds() -> None:
    for words in (3, 33):
        with pytest.raises(ConfigurationError, match="4 to 32"):
            Rule(words=words)
    assert Rule().windows == ((24, 22), (32, 26))


def test_long_texts_are_read_while_other_threads_run(index: Index) -> None:
    watch = Watch([index])
    echo, answer = watch.echo([passage()]), text(5, 400_000, OTHER)
    reader = watch.open(echo)
    refused = 0
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(reader.push, answer)
        while not reading.done():
            for use in (lambda: reader.push("x"), lambda: echo.add("some more words")):
                try:
                    use()
                except RuntimeError as error:
                    refused += "another thread" in str(error)
    assert refused
    assert not reader.blocked
    assert len(reading.result()) > len(answer) - 2048
