from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from gateway.evaluate.documents import Document, Mark
from gateway.evaluate.report import html, markdown
from gateway.evaluate.results import Circumstances, Evaluation, Reading
from gateway.evaluate.score import Judged

NASTY = "</p><script>alert('x')</script> &amp; \"Ann\" <b>\n  two"
MADE = Circumstances("gateway evaluate <x>", "2026-01-02", "a machine", "a policy", {"gateway": "1.0"})


def reading(data: str, system: str, *findings: Mark) -> Reading:
    at = NASTY.index("Ann")
    marked = Judged(Document("<id>", NASTY, (Mark(at, at + 3, "PER|SON"),)), findings)
    clean = Judged(Document("clean", "nothing here"), ())
    return Reading.of(data, system, [clean, marked])


@pytest.fixture
def evaluation() -> Evaluation:
    alarm = Mark(0, 12, "X", 0.5, '<i>"rule"</i>')
    return Evaluation(MADE, (reading("one", "gateway", alarm), reading("one", "other"), reading("two", "gateway")))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_is_whole_and_escapes_everything(evaluation: Evaluation) -> None:
    page = _Page()
    page.feed(html(evaluation))
    assert page.open == []
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "b", "i", "id", "x"}
    assert NASTY in "".join(page.texts), "white space and all"
    titles = [attributes.get("title") for tag, attributes in page.tags if tag == "mark"]
    assert 'found X 0.50 by <i>"rule"</i>' in titles


def test_the_page_needs_no_network(evaluation: Evaluation) -> None:
    page = html(evaluation)
    assert not re.search(r"(?:src|href)\s*=|url\(|@import|https?://", page)
    assert "prefers-color-scheme: dark" in page


def test_the_worst_texts_come_first_and_those_without_fault_are_folded_away(evaluation: Evaluation) -> None:
    page = html(evaluation)
    first = page.index("<section>")
    assert page.index("&lt;id&gt;", first) < page.index("1 texts without fault", first) < page.index("clean", first)
    assert "3 characters leaked" in page
    assert "1 false alarms" in page


def test_markdown_has_figures_and_no_texts(evaluation: Evaluation) -> None:
    text = markdown(evaluation)
    assert "    gateway evaluate <x>" in text
    assert "| one | gateway | 2 | 0.000 |" in text
    assert "| one | other | 2 | 0.000 |" in text
    assert "| all | gateway | 4 |" in text
    assert "PER\\|SON" in text
    assert "Ann" not in text
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}
        assert len(widths) == 1


def test_one_set_alone_has_no_row_for_all() -> None:
    text = markdown(Evaluation(MADE, (reading("one", "gateway"),)))
    assert "| all |" not in text
    assert "## Types: one" in text
