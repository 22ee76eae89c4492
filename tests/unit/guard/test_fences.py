"""Where a text is code for everybody who shows it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gateway.guard.fences import Fences


def is_code(text: str, *, size: int = 1000) -> bool:
    """Whether `X` stands within code."""
    fences = Fences()
    before = text[: text.index("X")]
    for at in range(0, len(before), size):
        fences.see(before[at : at + size])
    return fences.is_inside


def is_fenced(text: str) -> bool:
    """The same as CommonMark has it."""
    return any(token.type == "fence" and "X" in token.content for token in MarkdownIt("commonmark").parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "```\nX\n```",
        "Text.\n```python\nX",
        "```js title=x {1,3}\nX",
        "~~~\nX\n~~~",
        "~~~ `a`\nX",
        "````md\n```html\nX\n```\n````",
        "````md\n```\n````\ntext\n\n```\nX",
        "  ```\nX",
        "   ```\n   a\n   ```\ntext\n```\nX",
        "```\na\n```   \ntext\n~~~~\nX",
        "- a\n  ```\n  X\n  ```",
        "1. a\n\n   ```js\n   b\n\n   X\n   ```",
        "10. a\n    ```\n    X",
        "- a\n  - b\n\n    ```\n    X",
        "1. a\n   - b\n     ```\n     X",
        "- ```\n  X",
        "1. a\n2. b\n   ```\n   c\n   ```\n3. d\n   ```\n   X",
        "Text <br> more.\n\n```\nX",
        "List<String> of <b>these</b>.\n\n```\nX",
        "Dear <PERSON_1>,\n```\nX",
        "It costs $5.\n```\necho $$ \\[a\\] X",
        "a\n---\n```\nX",
        "```\n<div>\n</div>\n```\n\n```\nX",
    ],
)
def test_ordinary_fences_hold_code(text: str) -> None:
    for size in (1, 3, 1000):
        assert is_code(text, size=size)
    assert is_fenced(text)


@pytest.mark.parametrize(
    "text",
    [
        "X",
        "```X",
        "```\na\n```\nX",
        "```\n~~~\nX",
        "```\n$$\nX",
        "```\n:::\nX",
        "```\n  \\[\nX",
        "```\n    ```\nX",
        "```\n```js\nX",
        "```\n``` X",
        "~~~\n```\nX",
        "``` a`b\nX",
        "a ``` b\nX",
        "    ```\nX",
        "\t```\nX",
        "> ```\nX",
        "> ```\n> X",
        "> ```\n\n```\nX",
        "- a\n  ```\nX",
        "- a\n  ```\n X",
        "1. a\n   ```\n  b\n   X",
        "a\n2. b\n\n       ```\n       X",
        "- - -\n    ```\n    X",
        "```\na\rX",
        "a\r```\rX",
        "```\na\u2028X",
        "$$\n```\nX",
        "a $$ b\n\n```\nX",
        "a \\[ b\n\n```\nX",
        ":::note\n```\nX",
        "---\n```\nX",
        "---\ntitle: a\n---\n```\nX",
        "```" + "a" * 300 + "\nX",
    ],
)
def test_what_somebody_may_take_for_something_else_is_no_code(text: str) -> None:
    for size in (1, 3, 1000):
        assert not is_code(text, size=size)


@pytest.mark.parametrize(
    "doubtful", ["```\n~~~\n```\n", "```\n$$\n```\n", "> ```\n> ```\n\n", "a\r\nb\r\n\r\n", "\\[x\\]\n\n"]
)
def test_trust_does_not_come_back(doubtful: str) -> None:
    assert not is_code(f"{doubtful}text\n\n```\nX")


def test_a_tag_is_read_as_html_up_to_an_empty_line_or_for_good() -> None:
    for is_block, left in ((False, "\n\n```\n"), (True, "")):
        fences = Fences()
        fences.see_tag(is_block=is_block)
        fences.see(" a\n\n```\n")
        assert fences.is_inside is bool(left)
    fences = Fences()
    fences.see_tag(is_block=False)
    fences.see("a\n```\n")
    assert not fences.is_inside


_LINES = st.sampled_from(
    [
        "```",
        "````",
        "~~~",
        "```js",
        "``` a b",
        "a",
        "",
        " ",
        "- a",
        "  - b",
        "1. a",
        "10. b",
        "2) c",
        "* * *",
        "-",
        "+ ```",
    ]
)
_INDENTED = st.builds(lambda indent, line: " " * indent + line, st.integers(0, 7), _LINES)


@pytest.mark.parametrize("size", [1, 7, 300, 1000])
def test_how_a_long_line_ends_counts_wherever_it_is_cut(size: int) -> None:
    assert not is_code("a" * 299 + "$$\n```\nX", size=size)
    assert not is_code("```\n```" + " " * 290 + "x\n\n```\nX", size=size)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(_LINES, _INDENTED), max_size=9), st.integers(0, 7))
def test_what_counts_as_code_is_code_in_commonmark(lines: list[str], indent: int) -> None:
    text = "\n".join([*lines, " " * indent + "X"])
    if is_code(text):
        assert is_fenced(text)
