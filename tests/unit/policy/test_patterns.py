"""What the check of patterns refuses, and that what it passes is read in time."""

from __future__ import annotations

from pathlib import Path

import pytest
import regex

from gateway.policy.backtracking import slowness
from gateway.policy.load import PolicyError, load_policy
from gateway.policy.patterns import FLAGS_KNOWN, NotUnderstood, parse

HEAD = "version: 1\nname: x\nmodels: {a: {id: b}}\n"
SLOW = [
    r"(a+)+$", r"(\w|\d)*x", r"(.*a){20}", r"(a|a)+b", r"(a?){30}a{30}", "a?" * 30 + "a" * 30, r"(a{1,9}){1,9}b",
    r"x(a*)*b", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(?=(a+)+b)c", r"(x+x+)+y", r"(?:[a-z]{1,40}){1,40}x", r"(é|\w)+z",
    r"(a|b|ab)*c", r".*a.*b.*c", r"(\s*\w+\s*)+;", r"(?P<n>a+)(?P=n)*(?:(?P=n)|b)+c", r"(?<=(a|aa)+)b",
]  # fmt: skip
QUICK = [
    r"E-\d{6}", r"\bEMP-[A-Z]{2}\d{4,8}\b", r"(\d{1,3}\.){3}\d{1,3}", r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b",
    r"(?:[A-Z]{2}-)?\d{3}[- ]?\d{3}[- ]?\d{4}", r"(?i)order\s*#?\s*\d+", r"[A-Z]+(?:-[A-Z]+)*\d+", r"https?://\S+",
    r"(?<!\w)(?:Mr|Mrs|Ms)\.? [A-Z][a-z]+", r'"[^"]*"', r"(?:\w+\s)+x", r"\d{4}(?:[ -]?\d{4}){3}", r".*foo.*",
    r"([0-9][ _]?){11}", r"\w{1,20}\w{1,20}", r"(\w+,){3}\w+", r"(a)\1+", r"Müller|Größe", r"\p{Lu}\p{Ll}+-\d+",
]  # fmt: skip


@pytest.mark.parametrize("pattern", SLOW)
def test_patterns_that_some_text_makes_slow_are_refused(pattern: str) -> None:
    problem = slowness(pattern)
    assert problem is not None
    assert "exponential time" in problem


@pytest.mark.parametrize("pattern", QUICK)
def test_patterns_as_people_write_them_pass(pattern: str) -> None:
    assert slowness(pattern) is None


@pytest.mark.parametrize("pattern", QUICK)
def test_what_passes_reads_texts_made_of_its_own_characters(pattern: str) -> None:
    compiled = regex.compile(pattern, FLAGS_KNOWN)
    for unit in ("a", "1", "a1", " ", "a ", "-", "a-", "A.", '"', "1 ", ",a", "é", "http://"):
        # A timeout here, far above what is needed, is the failure: exponential patterns never end.
        list(compiled.finditer(unit * 400 + "!", timeout=60))


def test_the_policy_says_where_a_slow_pattern_stands(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        f"{HEAD}redact:\n  recognizers: [{{entity: X, pattern: '(a+)+b'}}]\n"
        "  allow:\n    - fine\n    - pattern: '(a|a)*c'\n"
    )
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{path}:5:29: the pattern can take exponential time")
    assert second.startswith(f"{path}:8:7: the pattern can take exponential time")


def test_an_allowed_pattern_must_be_one(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(HEAD + "redact:\n  allow: [{pattern: '('}]\n")
    with pytest.raises(PolicyError, match=r":5:12: not a regular expression"):
        load_policy(path)


@pytest.mark.parametrize("pattern", [r"(?R)?a", r"(?:a){e<=1}", r"(?(1)a|b)", r"(?|a|b)", r"a(?s)b", r"\X", r"a{2}{x}"])
def test_syntax_that_is_not_understood_is_refused_and_named(pattern: str) -> None:
    with pytest.raises(NotUnderstood):
        parse(pattern)
    assert "cannot be checked" in (slowness(pattern) or "")


def test_deeply_nested_patterns_are_refused_and_do_not_overflow() -> None:
    assert "nested too deeply" in (slowness("(" * 900 + "a" + ")" * 900) or "")
