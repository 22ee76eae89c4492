"""A build over many files: in several processes, interrupted, and with files that break what reads them."""

from __future__ import annotations

import gzip
import io
import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.guard.regurgitation.reading.build import Reading, Watcher, of_stream, read_into_parts
from gateway.guard.regurgitation.reading.documents import Fault, Labels
from gateway.guard.regurgitation.reading.limits import LIMITS, Limits
from gateway.guard.regurgitation.reading.parts import Record, parts_folder
from gateway.guard.regurgitation.reading.sources import Found, found
from gateway.guard.regurgitation.reading.workers import Task
from gateway.settings import ConfigurationError
from tests.unit.guard.reading.files import docx, paragraph, pdf
from tests.unit.guard.reading.hashing import CRASHES, EATS, HANGS, KEY, part_of, texts

pytestmark = pytest.mark.slow


class Seen(Watcher):
    """What a build tells."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.old = 0
        self.is_anew = False
        self.size_bytes = 0

    def read(self, size_bytes: int, record: Record) -> None:
        self.size_bytes += size_bytes
        self.old += record.is_old

    def starts_over(self) -> None:
        self.is_anew = True

    def fault(self, fault: Fault) -> None:
        self.faults.append(fault)

    def why(self) -> dict[str, str]:
        return {fault.where.rpartition("/")[2]: fault.why for fault in self.faults}


class Stopped(Exception):
    pass


def read(
    index: Path,
    sources: Sequence[Found],
    jobs: int = 1,
    labels: Labels = Labels(),  # noqa: B008  # it is frozen
    limits: Limits = LIMITS,
    stop: bool = False,
    resume: bool = True,
) -> tuple[Reading, dict[str, str], Seen, list[bytes]]:
    seen = Seen()

    def task(folder: Path) -> Task:
        return Task(folder, KEY, part_of, labels, limits)

    with read_into_parts(index, task, sources, jobs, seen, resume) as reading:
        found_texts = texts(reading.parts)
        raw = [part.read_bytes() for part in reading.parts]
        if stop:
            raise Stopped
    return reading, found_texts, seen, raw


def folder_of(root: Path, count: int) -> Path:
    for n in range(count):
        path = root / f"d{n % 7}" / f"{n:04}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text {n} " * 3000)
    return root


def test_files_of_all_kinds_become_documents(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.txt").write_text("a text")
    (docs / "b.html").write_text("<p>a page")
    (docs / "c.pdf").write_bytes(pdf("a pdf file"))
    (docs / "d.docx").write_bytes(docx(paragraph("a word file")))
    (docs / "e.csv").write_text("name,city\nAda,London\n")
    (docs / "f.jsonl").write_text('{"id":"x1","text":"a line"}\n\n{"a":"some","b":["strings",1],"id":7}\n')
    (docs / "g.jsonl.gz").write_bytes(gzip.compress(b'{"text":"packed \\ud800 line"}\n'))
    reading, seen_texts, seen, _ = read(tmp_path / "x.gri", list(found([docs])), labels=Labels(by_name=True))
    assert seen.faults == []
    assert {id_: text.strip() for id_, text in seen_texts.items()} == {
        "a.txt": "a text",
        "b.html": "a page",
        "c.pdf": "a pdf file",
        "d.docx": "a word file",
        "e.csv": "name,city\nAda,London",
        "x1": "a line",
        "7": "some\nstrings",
        "g.jsonl.gz:1": "packed \ufffd line",
    }
    assert (reading.documents, reading.losses) == (8, 0)
    assert not parts_folder(tmp_path / "x.gri").exists()


def test_labels_of_lines_go_over_those_of_the_build(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text":"a"}\n{"text":"b","public":false,"scopes":["docs:hr"]}\n{"text":"c","public":1}\n[]\n{"\n')
    _, _, seen, raw = read(tmp_path / "x", list(found([path])), labels=Labels(True, ("docs:all",)))
    assert [part[1:3] for part in json.loads(raw[0])] == [[True, ["docs:all"]], [False, ["docs:hr"]]]
    assert seen.why() == {
        "a.jsonl:3": "`public` is true or false",
        "a.jsonl:4": 'expected an object such as {"id": "7", "text": "…"}',
        "a.jsonl:5": "is not JSON",
    }


@pytest.mark.parametrize("depth", [50, 700, 930, 960, 990, 100_000])
def test_a_line_may_be_nested_as_deep_as_it_likes(tmp_path: Path, depth: int) -> None:
    (tmp_path / "a.jsonl").write_text('{"a":' + "[" * depth + '"in"' + "]" * depth + '}\n{"text":"next"}\n')
    _, seen_texts, seen, _ = read(tmp_path / "x", list(found([tmp_path / "a.jsonl"])))
    assert list(seen_texts.values())[-1] == "next"
    assert len(seen_texts) == 2 or seen.why() == {"a.jsonl:1": "is nested too deep"}


def test_a_file_without_text_is_told_and_is_no_loss(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<script>document.write('text')</script>")
    reading, _, seen, _ = read(tmp_path / "x", list(found([tmp_path / "a.html"])))
    assert seen.why() == {"a.html": "has no text"}
    assert (reading.documents, reading.losses) == (1, 0)


def test_the_number_of_processes_changes_nothing(tmp_path: Path) -> None:
    docs = list(found([folder_of(tmp_path / "docs", 300)]))
    one, two = read(tmp_path / "x", docs, 1), read(tmp_path / "x", docs, 2)
    assert len(one[3]) > 1
    assert one[3] == two[3]
    assert list(one[1]) == [source.name for source in docs]


def test_an_interrupted_build_goes_on_and_reads_again_what_has_changed(tmp_path: Path) -> None:
    root, index = folder_of(tmp_path / "docs", 300), tmp_path / "x"
    (root / "bad.pdf").write_bytes(b"no")
    with pytest.raises(Stopped):
        read(index, list(found([root])), stop=True)
    folder = parts_folder(index)
    assert folder.stat().st_mode & 0o77 == 0
    kept = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.part")}
    (root / "d3" / "0003.txt").write_text("other words")
    (victim := sorted(folder.glob("*.part"))[0]).write_bytes(victim.read_bytes()[:100])
    reading, again, seen, raw = read(index, list(found([root])))
    assert again[next(id_ for id_ in again if id_.endswith("0003.txt"))] == "other words"
    assert len(kept) - 3 <= seen.old < len(kept)
    assert seen.why() == {"bad.pdf": "is no PDF file, by its first bytes; give it the name of what it is"}
    fresh = read(index, list(found([root])))
    assert fresh[3] == raw
    assert fresh[2].old == 0
    assert reading.losses == fresh[0].losses == 1


def test_starting_over_forgets_what_was_done(tmp_path: Path) -> None:
    docs = list(found([folder_of(tmp_path / "docs", 3)]))
    with pytest.raises(Stopped):
        read(tmp_path / "x", docs, stop=True)
    again = read(tmp_path / "x", docs, resume=False)[2]
    assert (again.old, again.is_anew) == (0, True)
    assert not read(tmp_path / "x", docs, resume=False)[2].is_anew


def test_a_document_that_breaks_its_process_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    docs = folder_of(tmp_path / "docs", 5)
    for name in (CRASHES, HANGS, EATS):
        (docs / f"{name}.txt").write_text(name)
    limits = replace(LIMITS, seconds=1)
    _, seen_texts, seen, _ = read(tmp_path / "x", list(found([docs])), jobs=2, limits=limits)
    assert len(seen_texts) == 5
    assert seen.why() == {
        f"{CRASHES}.txt": "broke the process that read it",
        f"{HANGS}.txt": "took more than 1 s to read",
        f"{EATS}.txt": "broke the process that read it",
    }


def test_processes_that_cannot_run_are_said_so(tmp_path: Path) -> None:
    docs = list(found([folder_of(tmp_path / "docs", 1)]))
    with pytest.raises(ConfigurationError, match="lack of memory"):
        read(tmp_path / "x", docs, limits=replace(LIMITS, worker_bytes=2**20))


def test_a_file_that_takes_too_long_is_left_by_its_process(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<div>" * 60_000)
    (tmp_path / "b.txt").write_text("fine")
    began = time.monotonic()
    limits = replace(LIMITS, seconds=0.2)
    _, seen_texts, seen, _ = read(tmp_path / "x", list(found([tmp_path])), limits=limits)
    assert list(seen_texts.values()) == ["fine"]
    assert seen.why() == {"a.html": "took more than 0.2 s to read"}
    assert time.monotonic() - began < 30


def test_a_line_of_many_megabytes_is_one_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("word " * 2_000_000)
    (tmp_path / "b.jsonl").write_text(json.dumps({"id": "b", "text": "word " * 2_000_000}) + '\n{"id":"c","text":"d"}')
    _, seen_texts, seen, _ = read(tmp_path / "x", list(found([tmp_path])))
    assert [len(text) for text in seen_texts.values()] == [10_000_000, 10_000_000, 1]
    assert seen.faults == []


def test_two_builds_of_an_index_at_a_time_are_refused(tmp_path: Path) -> None:
    docs = list(found([folder_of(tmp_path / "docs", 1)]))
    parts = parts_folder(tmp_path / "x")
    with read_into_parts(tmp_path / "x", lambda f: Task(f, KEY, part_of, Labels(), LIMITS), docs, 1, Watcher()):
        with pytest.raises(ConfigurationError, match="another build"):
            read(tmp_path / "x", docs)
        assert parts.exists()


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        read(tmp_path / "file" / "x", [])


@pytest.mark.parametrize(
    ("raw", "ids"),
    [
        (b"a text", ["stdin"]),
        (b"", []),
        (b' \n{"id":"a","text":"b"}\n{"text":"c"}', ["a", "stdin:3"]),
        (b"x" * 2000, []),
    ],
)
def test_a_stream_is_a_text_or_json_lines(tmp_path: Path, raw: bytes, ids: list[str]) -> None:
    sources = list(of_stream(io.BytesIO(raw), 1000))
    if not ids:
        with pytest.raises(ConfigurationError, match="nothing could be read"):
            read(tmp_path / "x", sources)
        assert not parts_folder(tmp_path / "x").exists()
        return
    _, seen_texts, seen, _ = read(tmp_path / "x", sources)
    assert list(seen_texts) == ids
    assert seen.faults == []


def test_a_long_stream_is_read_in_pieces(tmp_path: Path) -> None:
    line = json.dumps({"text": "word " * 1000}).encode() + b"\n"
    count = 20 * 2**20 // len(line)
    pieces = list(of_stream(io.BytesIO(line * count), LIMITS.text_chars))
    assert len(pieces) == 3
    reading, seen_texts, _, _ = read(tmp_path / "x", pieces, jobs=os.cpu_count() or 1)
    assert reading.documents == count
    assert list(seen_texts) == [f"stdin:{n}" for n in range(1, count + 1)]
