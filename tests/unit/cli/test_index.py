"""`gateway index` as people use it."""

from __future__ import annotations

import io
import json
import os
import pty
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import index as command
from gateway.guard.regurgitation.reading.parts import parts_folder
from tests.support.gateway import Done, gateway
from tests.unit.guard.reading.command import run
from tests.unit.guard.reading.files import docx, paragraph, pdf

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, "-c", "from gateway.cli.index import app; app()"]
_WORDS = (
    "the of and contract supplier shall within days notice party price deliver goods term law court fee tax".split()
)


def prose(seed: int, count: int = 60) -> str:
    """Words that stand nowhere else in this order."""
    chance = random.Random(seed)
    made = ["".join(chance.choices("bcdfglmnprst", k=1) + chance.choices("aeiou", k=1)) * 2 for _ in range(count)]
    return " ".join(word for pair in zip(chance.choices(_WORDS, k=count), made, strict=True) for word in pair)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    assert gateway("key", "init", str(path)).returncode == 0
    return path


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text(prose(1))
    (folder / "b.html").write_text(f"<p>{prose(2)}")
    (folder / "c.docx").write_bytes(docx(paragraph(prose(3))))
    (folder / "d.pdf").write_bytes(pdf(prose(4)))
    (folder / "e.jsonl").write_text(json.dumps({"id": "row", "text": prose(5), "public": True, "scopes": ["docs:hr"]}))
    return folder


def index(keys: Path, *arguments: object) -> Done:
    return run(command.app, *map(str, arguments), "--keyset", str(keys))


def built(keys: Path, tmp_path: Path, *paths: object) -> Path:
    file = tmp_path / "corpus.gri"
    done = index(keys, "build", *paths, "-o", file, "--jobs", 1)
    assert done.returncode == 0, done.stderr
    return file


def facts(keys: Path, file: Path) -> dict[str, Any]:
    done = index(keys, "inspect", file, "--json", "--ids")
    assert done.returncode == 0
    return dict(json.loads(done.stdout))


def ids(keys: Path, file: Path) -> list[str]:
    return [document["id"].rpartition("/")[2] for document in facts(keys, file)["ids"]]


def test_documents_of_all_kinds_are_built_inspected_and_found(tmp_path: Path, keys: Path, docs: Path) -> None:
    file = built(keys, tmp_path, docs)
    assert not parts_folder(file).exists()
    shown = facts(keys, file)
    assert (shown["version"], shown["key"], shown["documents"], shown["public"]) == (1, "k1", 5, 1)
    assert shown["scopes"] == {"docs:hr": 1}
    assert ids(keys, file) == ["a.txt", "b.html", "c.docx", "d.pdf", "row"]
    assert shown["words"] > 300
    assert "row" not in index(keys, "inspect", file).stdout
    for seed, id_ in ((1, "a.txt"), (2, "b.html"), (3, "c.docx"), (4, "d.pdf")):
        text = f"As it says: {prose(seed)[50:400]} and so on."
        found = index(keys, "check", file, "--text", text, "--json", "--show")
        assert found.returncode == 1
        passage = json.loads(found.stdout)
        assert passage["document"].endswith(id_)
        assert passage["text"] == text[passage["start"] : passage["end"]]
        assert prose(seed)[60:380] in passage["text"]
    assert index(keys, "check", file, "--text", prose(99)).returncode == 0


def test_a_text_is_checked_without_being_shown_unless_asked(
    tmp_path: Path, keys: Path, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = built(keys, tmp_path, docs / "a.txt")
    quiet = index(keys, "check", file, "--text", prose(1))
    assert quiet.returncode == 1
    assert prose(1)[20:40] not in quiet.stdout
    assert "a.txt" in quiet.stdout
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(prose(1).encode("utf-16"))))
    piped = index(keys, "check", file, "--text", "-", "--show")
    assert prose(1)[20:40] in piped.stdout
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\0\1\2")))
    assert index(keys, "check", file, "--text", "-").returncode == 2


def test_what_cannot_be_read_is_told_and_left_out(tmp_path: Path, keys: Path, docs: Path) -> None:
    (docs / "bad.pdf").write_bytes(pdf("x")[:40])
    (docs / "two\nlines.docx").write_bytes(b"no")
    (docs / "old.txt").write_bytes("naïve words".encode("cp1252"))
    done = index(keys, "build", docs, "-o", tmp_path / "x.gri", "--jobs", 2)
    assert done.returncode == 3
    assert f"{docs}/bad.pdf: is damaged, or no PDF file\n" in done.stderr
    assert f"{docs}/two\\nlines.docx: is no Word file" in done.stderr
    assert f"{docs}/old.txt: is not UTF-8; read as Windows-1252" in done.stderr
    assert len(ids(keys, tmp_path / "x.gri")) == 6


def test_nothing_readable_leaves_the_old_index(tmp_path: Path, keys: Path, docs: Path) -> None:
    file = built(keys, tmp_path, docs)
    before = file.read_bytes()
    (bad := tmp_path / "bad.pdf").write_bytes(b"no")
    done = index(keys, "build", bad, "-o", file)
    assert done.returncode == 2
    assert "nothing could be read" in done.stderr
    assert file.read_bytes() == before
    assert not parts_folder(file).exists()
    assert index(keys, "build", tmp_path / "none", "-o", file).returncode == 2
    assert index(keys, "build", "-", docs, "-o", file).returncode == 2
    assert index(keys, "build", docs, "-o", tmp_path).returncode == 2


def test_the_number_of_processes_changes_no_byte(tmp_path: Path, keys: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(60):
        (folder / f"{n}.txt").write_text(prose(n, 5_000))
    files = [tmp_path / "1.gri", tmp_path / "2.gri"]
    for jobs, file in enumerate(files, 1):
        assert index(keys, "build", folder, "-o", file, "--jobs", jobs).returncode == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_ids_are_paths_or_names_and_one_that_is_there_twice_is_told(tmp_path: Path, keys: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text(prose(len(folder)))
    file = tmp_path / "x.gri"
    paths = [tmp_path / "a", tmp_path / "b"]
    assert index(keys, "build", *paths, "-o", file).returncode == 0
    assert [d["id"] for d in facts(keys, file)["ids"]] == [f"{path}/x.txt" for path in paths]
    twice = index(keys, "build", *paths, "-o", file, "--id-from", "name")
    assert twice.returncode == 3
    assert "1 documents have the id of a later one" in twice.stderr
    assert ids(keys, file) == ["x.txt"]


def test_documents_are_added_replaced_removed_and_merged(tmp_path: Path, keys: Path, docs: Path) -> None:
    file = built(keys, tmp_path, docs / "a.txt", docs / "b.html")
    gateway("key", "rotate", "--keyset", str(keys))
    (docs / "a.txt").write_text(prose(11))
    added = index(keys, "add", file, docs / "a.txt", docs / "d.pdf", "--public")
    assert (added.returncode, added.stdout) == (0, f"{file}: 2 documents before, 3 now\n")
    assert index(keys, "check", file, "--text", prose(11)).returncode == 0
    assert index(keys, "check", file, "--text", prose(1)).returncode == 0
    assert index(keys, "check", file, "--text", prose(2)).returncode == 1
    assert facts(keys, file)["public"] == 2
    assert index(keys, "remove", file, docs / "b.html").returncode == 0
    assert index(keys, "check", file, "--text", prose(2)).returncode == 0
    assert index(keys, "remove", file, "nobody").returncode == 2
    other = tmp_path / "other.gri"
    assert index(keys, "build", docs / "c.docx", "-o", other).returncode == 0
    refused = index(keys, "merge", file, other, "-o", tmp_path / "all.gri")
    assert refused.returncode == 2
    assert "made with the key" in refused.stderr
    assert index(keys, "build", docs / "a.txt", docs / "d.pdf", "-o", file).returncode == 0
    merged = index(keys, "merge", file, other, "-o", tmp_path / "all.gri")
    assert merged.returncode == 0
    assert ids(keys, tmp_path / "all.gri") == ["a.txt", "d.pdf", "c.docx"]


def test_damage_is_seen(tmp_path: Path, keys: Path, docs: Path) -> None:
    file = built(keys, tmp_path, docs)
    assert index(keys, "verify", file).returncode == 0
    whole = file.read_bytes()
    for place in (20, 4096, len(whole) // 2, len(whole) - 4096):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert index(keys, "verify", file).returncode == 1, place
    file.write_bytes(whole[:-1])
    assert index(keys, "verify", file).returncode == 1
    assert index(keys, "inspect", file).returncode == 2
    assert index(keys, "verify", tmp_path / "none.gri").returncode == 2


def test_another_keyset_opens_nothing(tmp_path: Path, keys: Path, docs: Path) -> None:
    file = built(keys, tmp_path, docs)
    other = tmp_path / "other.json"
    gateway("key", "init", str(other))
    for arguments in (["inspect", file], ["check", file, "--text", "x"], ["remove", file, "x"], ["add", file, docs]):
        done = index(other, *arguments)
        assert done.returncode == 2
        assert "another keyset" in done.stderr


def test_json_lines_come_over_standard_input(tmp_path: Path, keys: Path) -> None:
    lines = "".join(json.dumps({"id": f"d{n}", "text": prose(n)}) + "\n" for n in range(3))
    file = tmp_path / "x.gri"
    done = subprocess.run(
        [*PROGRAM, "build", "-", "-o", file, "--keyset", keys], input=lines.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert ids(keys, file) == ["d0", "d1", "d2"]


def processes_of(group: int) -> list[str]:
    listed = subprocess.run(["ps", "-o", "pid=,stat=", "-g", str(group)], capture_output=True, text=True, check=False)
    return [line for line in listed.stdout.splitlines() if " Z" not in line]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_killed_leaves_the_old_index_and_goes_on(tmp_path: Path, keys: Path, how: int) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(60):
        (folder / f"{n:02}.txt").write_text(prose(n, 20_000))
    file, fresh = tmp_path / "x.gri", tmp_path / "fresh.gri"
    file.write_bytes(b"the old index")
    parts = parts_folder(file)
    words = [*PROGRAM, "build", str(folder), "-o", str(file), "--keyset", str(keys), "--jobs", "1"]
    # Who runs the tests in the background of a shell has SIGINT ignored, which processes inherit.
    words = ["env", "--default-signal=INT", *words]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, start_new_session=True)
    until = time.monotonic() + 60
    while len(list(parts.glob("*.json"))) < 1 and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(how)
    _, told = process.communicate(timeout=30)
    assert (b"--resume" in told) == (how == signal.SIGINT)
    done = len(list(parts.glob("*.json")))
    assert done
    assert file.read_bytes() == b"the old index"
    while processes_of(process.pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert processes_of(process.pid) == []
    (parts / "half.part").write_bytes(b"half")
    again = index(keys, "build", folder, "-o", file, "--resume")
    assert again.returncode == 0, again.stderr
    assert not parts.exists()
    assert index(keys, "build", folder, "-o", fresh).returncode == 0
    assert file.read_bytes() == fresh.read_bytes()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_work_that_is_left_is_done_anew_unless_asked(tmp_path: Path, keys: Path, docs: Path) -> None:
    parts = parts_folder(tmp_path / "x.gri")
    parts.mkdir()
    (parts / "a.json").write_text("{}")
    done = index(keys, "build", docs, "-o", tmp_path / "x.gri")
    assert done.returncode == 0
    assert "--resume goes on with it" in done.stderr


def test_a_terminal_sees_a_bar_and_a_log_sees_lines(
    tmp_path: Path, keys: Path, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_LINE_EVERY_S", 0)
    plain = index(keys, "build", docs, "-o", tmp_path / "x.gri")
    assert "of 0 MB, 5 documents" in plain.stderr
    assert "s left" in plain.stderr
    leader, follower = pty.openpty()
    words = [*PROGRAM, "build", str(docs), "-o", str(tmp_path / "y.gri"), "--keyset", str(keys)]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "160"}
    with subprocess.Popen(words, stderr=follower, stdout=subprocess.PIPE, env=environment) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                shown += (more := os.read(leader, 65536))
            except OSError:
                break
            if not more:
                break
        assert process.wait(60) == 0
    os.close(leader)
    assert b"reading" in shown
    assert b"documents" in shown
