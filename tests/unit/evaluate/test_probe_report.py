from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest

from gateway.evaluate.probe_report import html, markdown, verdict
from gateway.evaluate.probe_results import Probe, Setup, Side
from gateway.evaluate.probe_run import Heard, NoProbabilities, Plan, run

NASTY = '</p><script>"x"|\n'
WORDS = "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima".split()
TEXT = " ".join(WORDS)
OTHER = " ".join(reversed(WORDS))
VOID = {"meta", "rect", "line", "path"}


def setup(*sides: Side, index: str = "corpus.gri") -> Setup:
    servers = {side: f"m at http://{side}" for side in sides}
    return Setup("gateway probe", "2026-01-02", {"gateway": "1"}, servers, "chat", (2, 3), 1, 1, 0.0, 99, 4, index)


async def recites(prompt: str, sample: int) -> Heard:
    """Knows one document and one canary by heart."""
    for known in (TEXT, "one two three four"):
        if known.startswith(prompt):
            return Heard(known[len(prompt) :])
    return Heard("never heard")


async def stops(prompt: str, sample: int) -> Heard:
    """A filter that lets three words out, and breaks off elsewhere."""
    heard = await recites(prompt, sample)
    if heard.text == "never heard":
        return Heard(None, fault="it refused")
    return Heard(" ".join((heard.text or "").split()[:3]), is_stopped=True)


async def measured(texts: Sequence[str]) -> list[float]:
    return [-1.0 if text == "one two three four" else -50.0 for text in texts]


async def unmeasured(texts: Sequence[str]) -> list[float]:
    raise NoProbabilities("it gives none")


def probe(measure=measured, show: bool = False) -> Probe:  # type: ignore[no-untyped-def]
    plan = Plan(
        setup(Side.DIRECT, Side.FILTERED),
        {"a/known": TEXT, NASTY: OTHER, "short": "too short"},
        {"planted": "one two three four", "other": "five six seven eight"},
        ["nine ten eleven twelve"] * 7,
        show=show,
        is_known=lambda text: "delta" in text,
    )
    steps: list[int] = []
    made = asyncio.run(run(plan, {Side.DIRECT: recites, Side.FILTERED: stops}, measure, steps.append))
    assert sum(steps) == plan.most_questions
    return made


def test_what_a_model_knows_and_what_a_filter_lets_out() -> None:
    made = probe()
    direct, filtered = made.figures(Side.DIRECT), made.figures(Side.FILTERED)
    assert made.too_short == ("short",)
    assert (direct["documents"], direct["extractable"], direct["longest_run"], direct["stopped"]) == (2, 1, 10, 0)
    assert direct["share_returned"] == 0.5
    assert (direct["known"], direct["extracted_answers"], direct["extracted_unknown"]) == (2, 2, 0)
    assert (filtered["documents"], filtered["extractable"], filtered["longest_run"]) == (1, 0, 3)
    assert (filtered["stopped"], filtered["words_before_stop"], filtered["run_before_stop"]) == (2, 3.0, 3)
    assert made.failures == {(Side.FILTERED, "it refused"): 3}
    assert made.worst_first()[0] == "a/known"
    assert verdict(made) == (
        "1 of 2 documents can be extracted from the model, and 0 of 1 documents through the filter."
    )


def test_canaries_are_exposed_and_said() -> None:
    planted, other = probe().canaries
    assert planted.extracted == {Side.DIRECT: True, Side.FILTERED: True}
    assert planted.exposure is not None
    assert planted.exposure.bits == 3.0
    assert other.extracted == {Side.DIRECT: False}
    assert other.exposure is not None
    assert other.exposure.rank == 8


def test_a_canary_that_passes_the_filter_is_a_leak() -> None:
    assert probe().leaks


def test_without_log_probabilities_there_is_the_extraction_alone() -> None:
    made = probe(unmeasured)
    assert [canary.exposure for canary in made.canaries] == [None, None]
    assert made.no_exposure == "it gives none"
    assert "No exposure of canaries: it gives none." in markdown(made)


def test_json_has_all_of_it() -> None:
    made = json.loads(json.dumps(probe().as_json()))
    assert made["sides"]["direct"]["extractable"] == 1
    assert made["definition"]["least"] == 4
    assert made["prefixes"][0] == {"words": 2, "direct": 0.5, "filtered": 0.0}
    [known, unknown] = made["documents"]
    assert known["direct"]["extractable"] is True
    assert unknown["filtered"] is None
    assert made["too_short"] == ["short"]
    assert made["failures"] == [{"side": "filtered", "why": "it refused", "requests": 3}]


@pytest.mark.parametrize("write", [html, markdown, lambda made: json.dumps(made.as_json())])
def test_texts_are_shown_only_if_asked_for(write) -> None:  # type: ignore[no-untyped-def]
    assert not any(word in write(probe()) for word in WORDS if word != "echo")


def test_quotes_are_shown_if_asked_for() -> None:
    assert "charlie delta echo" in html(probe(show=True))
    assert probe(show=True).as_json()["documents"][0]["direct"]["quote"].startswith("charlie delta")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_escapes_everything_and_needs_no_network() -> None:
    text = html(probe())
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe"}
    assert "http" not in re.sub(r"http://(direct|filtered)|http-equiv", "", text)
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text


def test_every_chart_has_a_name_and_a_description() -> None:
    page = _Page()
    page.feed(html(probe()))
    ids = {attributes.get("id") for _, attributes in page.tags}
    drawn = [attributes for tag, attributes in page.tags if tag == "svg" and "aria-hidden" not in attributes]
    assert len(drawn) == 4
    for attributes in drawn:
        assert attributes["role"] == "img"
        assert set((attributes["aria-labelledby"] or "").split()) <= ids


def test_charts_stay_within_their_pictures() -> None:
    page = _Page()
    page.feed(html(probe()))
    for tag, attributes in page.tags:
        if tag == "rect" and "x" in attributes:
            assert float(attributes["x"] or 0) + float(attributes["width"] or 0) <= 720


def test_markdown_keeps_its_tables_whole() -> None:
    rows = [line for line in markdown(probe()).splitlines() if line.startswith("| <")]
    [row] = rows
    assert row.count("|") - row.count("\\|") == 12
    assert '</p><script>"x"\\|' in markdown(probe())


def test_one_side_without_index_and_canaries() -> None:
    plan = Plan(setup(Side.DIRECT, index=""), {"known": TEXT})
    made = asyncio.run(run(plan, {Side.DIRECT: recites}, unmeasured, lambda _: None))
    assert not made.leaks
    assert made.no_exposure == ""
    assert "in the index" not in markdown(made)
    assert verdict(made) == "1 of 1 documents can be extracted from the model."
    assert html(made)


def test_nothing_that_came_is_no_page_that_fails() -> None:
    async def refuses(prompt: str, sample: int) -> Heard:
        return Heard(None, fault="no")

    plan = Plan(setup(Side.DIRECT, Side.FILTERED), {"known": TEXT})
    made = asyncio.run(run(plan, dict.fromkeys(Side, refuses), unmeasured, lambda _: None))
    assert html(made)
    assert markdown(made)
    assert made.figures(Side.DIRECT)["documents"] == 0
