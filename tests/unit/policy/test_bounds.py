"""Whatever a policy, a tokens file or a settings file says: it is read in bounded time and memory, or refused with its
place. What these tests read took minutes or gigabytes, or raised what nobody catches, before there were bounds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.token_file import load_tokens
from gateway.build import problems_of
from gateway.policy.automaton import Automaton
from gateway.policy.backtracking import Work, is_too_large, slowness
from gateway.policy.load import load_policy, parse_policy
from gateway.policy.patterns import parse
from gateway.settings import ConfigurationError, read_yaml

HEAD = "version: 1\nname: x\nmodels: {a: {id: b}}\n"
READERS = [load_policy, load_tokens, read_yaml]
TOO_MUCH = "policy.yaml:1:1: aliases make more of it than is read; write out what it means"


def nested(first: str, following: str, often: int, deep: int) -> str:
    """A value that is referred to many times by a value that is referred to many times…"""
    lines = [f"a0: &a0 {first}"]
    for number in range(1, deep):
        aliases = ", ".join([f"*a{number - 1}"] * often)
        lines.append(f"a{number}: &a{number} {following.replace('%s', aliases)}")
    return "\n".join(lines)


def recognizers(*patterns: str) -> str:
    return HEAD + "redact:\n  recognizers:\n" + "".join(f"    - {{entity: X, pattern: '{one}'}}\n" for one in patterns)


def test_a_key_that_stands_twice_is_not_gone_into_again() -> None:
    lines = ["a0: &a0 {y: 1}"]
    lines += [f"a{i}: &a{i} {{{', '.join([f'x: *a{i - 1}'] * 10)}}}" for i in range(1, 9)]
    told = problems_of("\n".join(lines))
    assert told[0] == "policy.yaml:2:18: the key x stands twice; keep one"
    assert len(told) == 101
    assert told[-1].startswith("and ")


def test_no_more_is_told_of_keys_that_stand_twice_than_of_other_problems() -> None:
    told = problems_of(HEAD + "x: 1\n" * 5000)
    assert (len(told), told[-1]) == (101, "and 4899 more")


@pytest.mark.parametrize(
    "text",
    [
        nested("{y: 1}", "[%s]", 10, 8),
        nested("[y]", "[%s]", 10, 8) + "\n? *a7\n: 1\n",
        nested("{" + ", ".join(f"k{i}: 1" for i in range(50)) + "}", "{<<: [%s]}", 10, 8),
        f"a: &a '{'x' * 20_000}'\nb: [{'*a, ' * 9000}]",
    ],
    ids=["lists", "a key", "merged mappings", "long texts"],
)
def test_aliases_that_make_much_of_little_are_not_read(text: str) -> None:
    assert problems_of(text) == [TOO_MUCH]


def test_what_holds_itself_is_not_read() -> None:
    for text in ("a: &a [*a]", "a: &a {<<: *a}", "&a {b: *a}"):
        assert problems_of(text) == ["policy.yaml:1:1: not valid YAML here: nested too deeply"]


@pytest.mark.parametrize(
    ("pattern", "refused"),
    [
        ("q(?:" + "|".join("a" for _ in range(59)) + ")+", "in two ways"),
        ("[a-z]{2,480}x", ""),
        ("a*" * 480 + "b", "more than two repeats"),
        ("a?" * 480 + "b", "too many optional parts"),
        ("".join(f"[{chr(97 + i % 26)}{i % 10}]?" for i in range(300)) + "b", "too many optional parts"),
        ("(?=(?:a|b|c|d|e)+x)" * 100 + "y", ""),
    ],
    ids=["alternatives", "one repeat", "repeats", "options", "sets", "what is looked at"],
)
def test_a_pattern_is_looked_at_in_few_steps(pattern: str, refused: str) -> None:
    work = Work()
    assert refused in (slowness(pattern, work) or "")
    assert Work().left - work.left < 1_000_000


def test_a_pattern_that_takes_more_steps_than_are_left_is_refused() -> None:
    work = Work(left=1000)
    assert "the patterns of this policy take too long to be checked" in (slowness("[a-z]{2,480}x", work) or "")
    assert "the patterns of this policy take too long to be checked" in (slowness("b", work) or "")


@pytest.mark.parametrize("part", ["|", "\\b", "(?=a)"])
def test_a_pattern_that_refers_to_its_parts_without_end_is_too_large(part: str) -> None:
    doubled = "".join(f"(?P<a{i + 1}>\\g<a{i}>\\g<a{i}>)" for i in range(60))
    assert is_too_large(f"(?P<a0>{part}){doubled}x")


@pytest.mark.parametrize("pattern", [r"(?:(?:a?|c?)b)+x", r"(?:(?!x)|(?!y))" * 40 + r"(?:\b|c)", r"(?:(?:|\Z)b){30}x"])
def test_options_that_may_all_be_empty_are_ways_to_read_a_text_too(pattern: str) -> None:
    assert "options that may be empty" in (slowness(pattern) or "")
    assert slowness(r"(?:a|b?)c(?:\b|$)") is None


def test_patterns_that_are_nested_too_deeply_are_told_with_their_place() -> None:
    told = problems_of(recognizers("a" + "{1}" * 600, "a" + "*" * 1900, "(" * 900 + "a" + ")" * 900))
    assert [line.split(" ", 1)[0] for line in told] == [f"policy.yaml:{line}:19:" for line in (6, 7, 8)]


def test_all_patterns_of_a_policy_together_are_looked_at_in_few_steps() -> None:
    # To find out what a character matches takes longest.
    told = problems_of(recognizers(*("".join(chr(0x4E00 + 50 * row + i) for i in range(50)) for row in range(60))))
    assert len(told) > 30
    assert all("the patterns of this policy take too long to be checked" in line for line in told)


def test_there_may_be_so_many_allowed_patterns_and_any_number_of_texts() -> None:
    text = HEAD + "redact:\n  allow:\n" + "    - some text\n" * 500 + "    - pattern: abc\n" * 200
    assert len(parse_policy(text, Path("p.yaml")).policy.redact.allow) == 700
    assert problems_of(text + "    - pattern: abc\n") == [
        "policy.yaml:5:3: redact.allow: expected at most 200 patterns; write some of them as one, or exact values"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nname: x\nmodels:\n"
        + "".join(f"  m{i}: {{id: b, upstream: namee{i}}}\n" for i in range(800))
        + "upstreams:\n"
        + "".join(f"  name{i}: http://a\n" for i in range(800)),
        HEAD
        + "redact:\n  entities:\n"
        + "".join(f"    PERSN_{a}{b}{c}: mask\n" for a in "ABCDEFGH" for b in "ABCDEFGHIJ" for c in "ABCDEFGHIJ"),
        HEAD + "".join(f"limts{i}: 1\n" for i in range(800)),
        HEAD + f"requests: {{unsafe_fields: [{'chat_templat, ' * 800}]}}\n",
    ],
    ids=["upstreams", "entities", "keys", "words"],
)
def test_what_would_be_right_is_looked_for_for_the_first_problems_only(text: str) -> None:
    told = problems_of(text)
    assert (len(told), told[-1]) == (101, "and 700 more")
    assert [index for index, line in enumerate(told) if "did you mean" in line] == list(range(10))


def test_what_was_meant_by_a_long_name_is_not_looked_for() -> None:
    long = "abcdefghij" * 2000
    text = f"version: 1\nname: x\nmodels: {{a: {{id: b, upstream: {long}}}}}\nupstreams: {{{long[::-1]}: http://a}}\n"
    (line,) = problems_of(text)
    assert "did you mean" not in line
    assert len(line) <= 4000


@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_plain_file_is_not_waited_for(reader: Callable[[Path], object], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    for name in ("pipe.yaml", "zero.yaml", "."):
        with pytest.raises(ConfigurationError, match=r"cannot be read"):
            reader(tmp_path / name)


@pytest.mark.parametrize("reader", READERS)
def test_of_a_large_file_no_more_is_read_than_there_may_be(reader: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(3 * 2**30)
    with pytest.raises(ConfigurationError, match=r"large\.yaml.*: larger than \d+ MiB"):
        reader(path)


def test_a_name_that_no_file_can_have_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no file can be called that"):
        load_policy(tmp_path / "a\0b")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("expires: 2026-02-30", "1:10"),
        ("a: 1\nexpires: 2026-99-99", "2:10"),
        ("x: " + "9" * 5000, "1:4"),
        ("x: 1" + ":1" * 30_000, "1:4"),
        ("x: !!timestamp 'abc'", "1:4"),
        ("x: !!bool x", "1:4"),
        ("x: !!int ''", "1:4"),
        ("x: !!float x", "1:4"),
        ("x: [!!binary é]", "1:5"),
        ("x: !!python/object:os.system {}", "1:4"),
        ("[" * 500 + "]" * 500, "1:"),
        ("- " * 20_000, "1:"),
        ("{a: " * 500, "1:"),
        ("%TAG !x! tag:long\n---\n[!x!a b]", "1:1"),
        ("x: \0", "1:1"),
        ("a: [", "2:1"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(
    reader: Callable[[Path], object], text: str, place: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        reader(path)
    assert str(caught.value).startswith(f"{path}:{place}")


def test_a_policy_that_is_sent_may_hold_what_no_file_can() -> None:
    assert problems_of(HEAD + "x: \ud800") == ["policy.yaml:1:1: not valid YAML (UnicodeEncodeError)"]


def patterns() -> st.SearchStrategy[str]:
    chars = st.sampled_from(["a", "b", "[ab]", "[bc]", r"\w", "-", "1"])
    return st.recursive(
        chars,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=4).map("".join),
            st.lists(inner, min_size=2, max_size=3).map(lambda each: f"(?:{'|'.join(each)})"),
            inner.map(lambda one: f"(?:{one})+"),
            inner.map(lambda one: f"(?:{one})?"),
        ),
        max_leaves=12,
    )


def parts_and_meets(automaton: Automaton, loop: set[int]) -> bool:
    """The same by the definition: of all pairs of states, those that lie on a way from a state twice to one twice."""
    steps = {
        (one, other): {
            (a, b)
            for a in loop.intersection(automaton.next[one])
            for b in loop.intersection(automaton.next[other])
            if automaton.chars[a] & automaton.chars[b]
        }
        for one in loop
        for other in loop
    }
    back = {pair: {before for before, after in steps.items() if pair in after} for pair in steps}

    def closure(edges: dict[tuple[int, int], set[tuple[int, int]]]) -> set[tuple[int, int]]:
        seen = {(state, state) for state in loop}
        waiting = list(seen)
        while waiting:
            fresh = edges[waiting.pop()] - seen
            seen |= fresh
            waiting += fresh
        return seen

    return any(one != other for one, other in closure(steps) & closure(back))


@given(patterns())
def test_two_ways_through_a_loop_are_found_as_by_their_definition(pattern: str) -> None:
    automaton = Automaton(True, 10**9)
    automaton.build(parse(pattern))
    loops = [set(loop) for loop in automaton.loops()]
    for state in range(len(automaton.next)):
        # The loops are what can reach itself.
        assert (state in automaton.reachable(state, -1)) == any(state in loop for loop in loops)
    expected = any(
        parts_and_meets(automaton, loop) or any(a in loop and b in loop for a, b in automaton.twice) for loop in loops
    )
    problem = slowness(pattern) or ""
    assert ("in two ways" in problem) == (expected and "may be empty;" not in problem)
