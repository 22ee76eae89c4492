"""`gateway detect` as scripts and people use it."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.detect import printable
from tests.support.gateway import Done, gateway

pytestmark = pytest.mark.slow

MAIL = "jane.doe@example.org"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(
        "version: 1\nname: x\nmodels: {a: {id: b}}\n"
        "redact:\n  nlp: {engine: patterns}\n  entities: {URL: allow, IBAN_CODE: block}\n"
        "  allow: [support@example.com]\n"
    )
    return path


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


def lines(done: Done) -> list[Any]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_json_lines_come_back_in_order_with_offsets_in_code_points(tmp_path: Path, policy: Path) -> None:
    path = tmp_path / "texts.jsonl"
    texts = ["nothing", f"😀 mail {MAIL}", "", f"{MAIL} and {MAIL}"]
    path.write_text("".join(json.dumps({"id": f"d{i}", "text": t}) + "\n" for i, t in enumerate(texts)))
    done = gateway("detect", str(path), "--policy", str(policy), "--jsonl")
    assert done.returncode == 0
    assert done.stderr == ""
    assert [line["id"] for line in lines(done)] == ["d0", "d1", "d2", "d3"]
    for line, text in zip(lines(done), texts, strict=True):
        assert line.keys() == {"id", "spans"}
        assert all(span.keys() == {"start", "end", "label", "score"} for span in line["spans"])
        assert [text[span["start"] : span["end"]] for span in line["spans"]] == [MAIL] * text.count(MAIL)
    assert lines(done)[1]["spans"][0] == {"start": 7, "end": 27, "label": "EMAIL_ADDRESS", "score": 1.0}


def test_json_lines_are_read_from_standard_input(policy: Path, stdin: Any) -> None:
    for arguments in ([], ["-"]):
        stdin(b'\xef\xbb\xbf{"text":"x"}\n\n{"id":7,"text":"a@example.org"}\n')
        done = gateway("detect", *arguments, "--policy", str(policy), "--jsonl")
        assert done.returncode == 0
        assert [line["id"] for line in lines(done)] == [1, 7], "a line without an id has its number"


def test_half_a_surrogate_pair_is_a_text_like_others(policy: Path, stdin: Any) -> None:
    stdin(b'{"id":"\\ud800","text":"\\udc00 a@example.org \\ud800"}\n')
    done = gateway("detect", "--policy", str(policy), "--jsonl")
    assert lines(done) == [{"id": "\ud800", "spans": [{"start": 2, "end": 15, "label": "EMAIL_ADDRESS", "score": 1.0}]}]


def test_broken_lines_are_named_and_the_others_are_read(policy: Path, stdin: Any) -> None:
    broken = [b"nonsense", b"[1]", b'{"id":1}', b'{"text":1}', b"\xff", b"[" * 100_000]
    stdin(b"\n".join([b'{"text":"x"}', *broken, b'{"text":"y"}']))
    done = gateway("detect", "--policy", str(policy), "--jsonl")
    assert done.returncode == 3
    assert [line["id"] for line in lines(done)] == [1, 8]
    assert [line.split(" ")[0] for line in done.stderr.splitlines()] == [f"-:{number}:" for number in range(2, 8)]


def test_input_without_a_single_whole_line_is_wrong_usage(policy: Path, stdin: Any) -> None:
    stdin(b"nonsense")
    assert gateway("detect", "--policy", str(policy), "--jsonl").returncode == 2


def test_findings_as_json_have_lines_and_columns(tmp_path: Path, policy: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(f"Hello,\r\nwrite to {MAIL}\r\n".encode())
    done = gateway("detect", str(path), "--policy", str(policy), "--json")
    assert done.returncode == 0
    [finding] = lines(done)
    assert finding.pop("source")
    place = {"file": str(path), "line": 2, "column": 10, "start": 17, "end": 37}
    assert finding == {**place, "label": "EMAIL_ADDRESS", "score": 1.0}


def test_what_a_policy_allows_is_not_reported_and_what_it_blocks_is(tmp_path: Path, policy: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("support@example.com https://example.com/x DE89370400440532013000")
    labels = {line["label"] for line in lines(gateway("detect", str(path), "--policy", str(policy), "--json"))}
    assert labels == {"IBAN_CODE"}


def test_a_table_shows_values_unless_they_are_to_be_hidden(tmp_path: Path, policy: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("mail j@example.org")
    assert "j@example.org" in gateway("detect", str(path), "--policy", str(policy)).stdout
    hidden = gateway("detect", str(path), "--policy", str(policy), "--hide-values")
    assert "EMAIL_ADDRESS" in hidden.stdout
    assert "j@example.org" not in hidden.stdout + hidden.stderr


def test_folders_are_read_to_their_depth_and_what_is_no_text_is_named(tmp_path: Path, policy: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text(MAIL)
    (folder / "inner" / "a.txt").write_text(MAIL)
    (folder / "b.txt").write_bytes(MAIL.encode("utf-16"))
    (folder / "link").symlink_to(folder)
    done = gateway("detect", str(folder), "--policy", str(policy), "--json")
    assert done.returncode == 0
    assert [Path(line["file"]).name for line in lines(done)] == ["b.txt", "a.txt"]
    (folder / "binary").write_bytes(b"\0\1")
    (folder / "latin").write_bytes("Zoë".encode("latin-1"))
    done = gateway("detect", str(folder), "--policy", str(policy), "--json")
    assert done.returncode == 3
    assert len(lines(done)) == 2
    assert "binary: skipped" in done.stderr
    assert "latin: skipped" in done.stderr


def test_check_says_by_its_exit_code_whether_something_was_found(tmp_path: Path, policy: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(MAIL)
    assert gateway("detect", str(path), "--policy", str(policy), "--check").returncode == 1
    path.write_text("nothing")
    assert gateway("detect", str(path), "--policy", str(policy), "--check").returncode == 0


@pytest.mark.parametrize(
    "arguments", [["missing.txt"], ["--jsonl", "--json"], ["--jobs", "0"], ["--policy", "no.yaml"]]
)
def test_wrong_usage(policy: Path, arguments: list[str]) -> None:
    done = gateway("detect", "--policy", str(policy), *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_several_processes_say_the_same_in_the_same_order(tmp_path: Path, policy: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(f'{{"id":{i},"text":"n{i}@example.org"}}\n' for i in range(100)))
    arguments = ["detect", "--policy", str(policy), "--jsonl"]
    command = [sys.executable, "-m", "gateway", *arguments, "--jobs", "2"]
    with path.open("rb") as pipe:
        together = subprocess.run(command, stdin=pipe, capture_output=True, text=True, timeout=300, check=True)
    assert together.stdout == gateway(*arguments, str(path)).stdout


def test_a_progress_bar_on_a_terminal_leaves_standard_output_alone(tmp_path: Path, policy: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(MAIL)
    command = [sys.executable, "-m", "gateway", "detect", str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    command += ["--policy", str(policy), "--json"]
    terminal, errors = pty.openpty()
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, timeout=300, check=True)
    finally:
        os.close(errors)
        os.close(terminal)
    assert len(done.stdout.splitlines()) == 2


def test_what_a_text_holds_does_not_steer_a_terminal() -> None:
    assert printable("a\x1b[31m\r\n\u202e\ud800b") == r"a\x1b[31m\r\n\u202e\ud800b"
    assert len(printable("x" * 1000)) == 200
