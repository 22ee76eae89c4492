"""What is found in folders, and how it is cut."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gateway.guard.regurgitation.reading import sources
from gateway.guard.regurgitation.reading.kinds import Kind
from gateway.guard.regurgitation.reading.sources import Source, Unusable, found, groups


def names(*paths: Path) -> list[str]:
    return [source.name.rpartition("/")[2] for source in found(paths) if isinstance(source, Source)]


def faults(*paths: Path) -> dict[str, str]:
    return {f.name.rpartition("/")[2]: f.why for f in found(paths) if isinstance(f, Unusable) and f.is_fault}


def test_folders_are_walked_by_name_without_what_is_hidden(tmp_path: Path) -> None:
    for name in ("b.txt", "a/2.md", "a/1.txt", ".git/x.txt", "a/.hidden", "c.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert names(tmp_path) == ["1.txt", "2.md", "b.txt", "c.pdf"]
    assert names(tmp_path / "a" / ".hidden") == [".hidden"]


def test_links_are_not_followed_out_of_the_folder_and_no_file_is_read_twice(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside.txt"
    (inside / "deep").mkdir(parents=True)
    outside.write_text("x")
    (inside / "real.txt").write_text("x")
    (inside / "again.txt").symlink_to(inside / "real.txt")
    (inside / "out.txt").symlink_to(outside)
    (inside / "up").symlink_to(tmp_path)
    (inside / "deep" / "loop").symlink_to(inside)
    (inside / "gone.txt").symlink_to(inside / "nowhere")
    assert names(inside) == ["again.txt"]
    assert "No such file" in faults(inside)["gone.txt"]
    assert names(inside / "out.txt") == ["out.txt"]


def test_what_is_no_ordinary_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "photo.png").write_bytes(b"x")
    assert faults(tmp_path) == {"pipe.txt": "is not an ordinary file"}
    assert names(tmp_path) == []
    assert faults(tmp_path / "none")["none"].startswith("cannot be read")


def test_names_of_any_bytes_become_texts(tmp_path: Path) -> None:
    for name in (b"one\ntwo.txt", b"caf\xe9.txt", "é.txt".encode()):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("x")
    assert sorted(names(tmp_path)) == ["caf\\xe9.txt", "one\ntwo.txt", "é.txt"]


def test_json_lines_are_cut_between_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PIECE_BYTES", 1000)
    monkeypatch.setattr(sources, "_READ_BYTES", 300)
    path = tmp_path / "a.jsonl"
    lines = [json.dumps({"text": "x" * (n * 7 % 500)}) for n in range(100)]
    path.write_text("\n".join(lines))
    pieces = [source for source in found([path]) if isinstance(source, Source)]
    raw = path.read_bytes()
    assert len(pieces) > 10
    assert b"".join(raw[p.start : p.end] for p in pieces) == raw
    for piece in pieces:
        first = raw[piece.start : piece.end].splitlines()[0]
        assert first.decode() == lines[piece.first_line - 1]
    (tmp_path / "empty.jsonl").write_text("")
    assert names(tmp_path / "empty.jsonl") == []


def test_groups_find_their_borders_again_after_a_new_file() -> None:
    many = [Source(f"f{n:05}", Path("x"), Kind.TEXT, 0, 10_000) for n in range(5000)]
    before, after = list(groups(many)), list(groups([Source("e", Path("x"), Kind.TEXT, 0, 5_000_000), *many]))
    assert [source for group in before for source in group] == many
    assert max(sum(source.cost for source in group) for group in before) < 9 * 2**20
    assert len(set(before) & set(after)) > len(before) - 5
