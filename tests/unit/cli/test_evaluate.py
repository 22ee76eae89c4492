"""`gateway evaluate` as scripts use it."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path

import pytest

from tests.support.gateway import gateway

pytestmark = pytest.mark.slow

MAIL = "jane.doe@example.org"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text("version: 1\nname: x\nmodels: {a: {id: b}}\nredact: {nlp: {engine: patterns}}\n")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "marked.jsonl"
    mail = {"start": 9, "end": 9 + len(MAIL), "label": "EMAIL_ADDRESS"}
    texts = [
        {"id": "found", "text": f"write to {MAIL}", "spans": [mail]},
        {"id": "leaked", "text": "I met \ud800 Zoë\x1b", "spans": [{"start": 8, "end": 11, "label": "PERSON"}]},
        {"id": "clean", "text": "nothing", "spans": []},
    ]
    path.write_text("".join(json.dumps(text) + "\n" for text in texts))
    return path


def test_figures_as_json(policy: Path, data: Path) -> None:
    done = gateway("evaluate", str(data), "--policy", str(policy), "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    made = json.loads(done.stdout)
    assert made["command"] == f"gateway evaluate {data} --policy {policy}"
    [result] = made["results"]
    assert (result["set"], result["system"], result["documents"]) == ("marked", "gateway", 3)
    assert (result["span_recall"], result["precision"], result["zero_leak"]) == (0.5, 1.0, 0.5)
    assert result["char_recall"] == pytest.approx(20 / 23)
    assert result["labels"]["PERSON"]["recall"] == 0.0


def test_compressed_sets_count_as_the_same(policy: Path, data: Path) -> None:
    zipped, packed = data.with_name("z.jsonl.gz"), data.with_name("x.jsonl.xz")
    zipped.write_bytes(gzip.compress(data.read_bytes()))
    packed.write_bytes(lzma.compress(data.read_bytes()))
    done = gateway("evaluate", str(data), str(zipped), str(packed), "--policy", str(policy), "--json")
    plain, *others, together = json.loads(done.stdout)["results"]
    assert [other.pop("set") for other in others] == ["z", "x"]
    assert together["set"] == "all"
    assert together["documents"] == 9
    plain.pop("set")
    assert others == [plain, plain]


def test_reports_and_the_worst_texts(policy: Path, data: Path, tmp_path: Path) -> None:
    page, text = tmp_path / "report.html", tmp_path / "EVALUATION.md"
    options = ["--worst", "1", "--html", str(page), "--markdown", str(text), "--beside", "stock"]
    done = gateway("evaluate", str(data), "--policy", str(policy), *options)
    assert done.returncode == 0
    assert "[leaked]" in done.stdout
    assert "\x1b" not in done.stdout
    assert "leaked: 'Zoë'" in done.stdout
    assert '<mark class="leaked"' in page.read_text("utf-8")
    for system in ("gateway", "stock Presidio"):
        assert f"| marked | {system} | 3 | 0.870 |" in text.read_text("utf-8")


def test_stock_presidio_follows_the_policys_thresholds_and_what_it_allows(policy: Path, tmp_path: Path) -> None:
    data = tmp_path / "numbers.jsonl"
    data.write_text(json.dumps({"text": "it says 212-555-0187", "spans": []}) + "\n")

    def touched(redact: str) -> float:
        policy.write_text(f"version: 1\nname: x\nmodels: {{a: {{id: b}}}}\nredact: {redact}\n")
        done = gateway("evaluate", str(data), "--policy", str(policy), "--beside", "stock", "--json")
        figures = {result["system"]: result for result in json.loads(done.stdout)["results"]}
        return float(figures["stock Presidio"]["negatives_touched"])

    assert touched("{nlp: {engine: patterns}, threshold: 0.4}") == 1.0
    assert touched("{nlp: {engine: patterns}, threshold: 0.5}") == 0.0
    assert touched("{nlp: {engine: patterns}, threshold: 0.4, entities: {PHONE_NUMBER: allow}}") == 0.0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text":"x"}\nnonsense\n', "a.jsonl:2: not valid JSON"),
        ("a.jsonl", b'{"text":"x","spans":[{"start":0,"end":9,"label":"X"}]}', "a.jsonl:1: spans: expected"),
        ("a.jsonl.gz", b"nonsense", "a.jsonl.gz: cannot be read"),
        ("a.jsonl.xz", b"nonsense", "a.jsonl.xz: is damaged"),
        ("a.jsonl.gz", gzip.compress(b'{"text":"x"}\n' * 99, mtime=0)[:-12], "a.jsonl.gz: is damaged"),
    ],
)
def test_a_set_that_cannot_be_read_is_an_error(
    policy: Path, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    done = gateway("evaluate", str(path), "--policy", str(policy))
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_a_set_that_is_not_there_is_an_error(policy: Path) -> None:
    done = gateway("evaluate", "missing.jsonl", "--policy", str(policy))
    assert done.returncode == 2
    assert "missing.jsonl: cannot be read" in done.stderr
