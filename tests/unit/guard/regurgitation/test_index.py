from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from gateway.guard.regurgitation import Document, Index, IndexKey, Watch, part_of, write_index
from gateway.guard.regurgitation.layout import PAGE, SECTIONS
from gateway.seal.keyring import Keyring
from gateway.settings import ConfigurationError
from tests.unit.guard.regurgitation.texts import KEY, Keys, documents, index_of, text

_ROOT = Path(__file__).parents[4]


def found(index: Index, body: str) -> list[str]:
    return [passage.document.id for passage in index.check(" ".join(body.split()[100:140]))]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "corpus.gri"
    index_of(path, documents(12))
    return path


def test_an_index_knows_its_documents(tmp_path: Path) -> None:
    batch = [
        (Document("a"), text(1, 200)),
        (Document("empty"), ""),
        (Document("näme/ü\0\n", public=True), text(2, 200)),
        (Document("c", scopes=("hr", "board")), text(3, 200)),
    ]
    index = index_of(tmp_path / "i", batch)
    index.verify()
    scoped = Document("c", scopes=("board", "hr"))
    assert index.documents() == (*(document for document, _ in batch[:3]), scoped)
    assert [index.document(number).id for number in range(4)] == [document.id for document, _ in batch]
    assert found(index, batch[3][1]) == ["c"]
    assert found(index, batch[2][1]) == []


def test_an_index_of_nothing_finds_nothing(tmp_path: Path) -> None:
    write_index(tmp_path / "i", [], KEY)
    index = Index.open(tmp_path / "i", Keys())
    index.verify()
    assert index.documents() == ()
    assert index.check(text(1, 100)) == []


def test_the_same_documents_give_the_same_bytes(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1) as pool:
        batches = [documents(3, seed=1), documents(4, seed=2)]
        parts = list(pool.map(part_of, [KEY, KEY], batches))
    assert parts == [part_of(KEY, batch) for batch in batches]
    for number, part in enumerate(parts):
        (tmp_path / f"part{number}").write_bytes(part)
    write_index(tmp_path / "one", parts, KEY)
    write_index(tmp_path / "two", (tmp_path / f"part{number}" for number in range(2)), KEY)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    write_index(tmp_path / "other", reversed(parts), KEY)
    assert (tmp_path / "one").read_bytes() != (tmp_path / "other").read_bytes()


def test_nothing_readable_is_in_the_file(path: Path) -> None:
    raw = path.read_bytes()
    assert b"doc-100" not in raw
    assert not any(word.encode() in raw for word in documents(12)[0][1].split() if len(word) > 5)


def test_a_document_comes_once(tmp_path: Path) -> None:
    old, new = text(1, 300), text(2, 300)
    write_index(tmp_path / "i", [part_of(KEY, [(Document("a"), old)]), part_of(KEY, [(Document("a"), new)])], KEY)
    index = Index.open(tmp_path / "i", Keys())
    index.verify()
    assert [document.id for document in index.documents()] == ["a"]
    assert (found(index, old), found(index, new)) == ([], ["a"])


def test_documents_are_removed_for_good(path: Path, tmp_path: Path) -> None:
    index = Index.open(path, Keys())
    assert index.removed(["doc-100-3", "doc-100-7"], tmp_path / "less") == 2
    less = Index.open(tmp_path / "less", Keys())
    less.verify()
    assert len(less.documents()) == 10
    for number, (document, body) in enumerate(documents(12)):
        assert found(less, body) == ([] if number in (3, 7) else [document.id])
    assert less.letters < index.letters
    with pytest.raises(ConfigurationError, match="no document 'nobody'"):
        index.removed(["nobody"], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_documents_are_added_and_replaced(path: Path, tmp_path: Path) -> None:
    index = Index.open(path, Keys())
    changed = text(555, 400)
    index.added([part_of(KEY, [*documents(2, seed=300), (Document("doc-100-5"), changed)])], tmp_path / "more")
    more = Index.open(tmp_path / "more", Keys())
    more.verify()
    assert len(more.documents()) == 14
    assert found(more, changed) == ["doc-100-5"]
    assert found(more, documents(12)[5][1]) == []
    assert found(more, documents(12)[4][1]) == ["doc-100-4"]
    assert found(more, documents(2, seed=300)[1][1]) == ["doc-300-1"]


def test_an_index_may_be_replaced_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "i"
    index = index_of(path, documents(3))
    index.added([part_of(KEY, documents(2, seed=300))], path)
    assert found(index, documents(3)[1][1]) == ["doc-100-1"]
    assert len(index.documents()) == 3
    assert len(Index.open(path, Keys()).documents()) == 5


def test_indexes_are_merged(path: Path, tmp_path: Path) -> None:
    others = [index_of(tmp_path / str(seed), documents(8, seed=seed)) for seed in (400, 500)]
    Index.merged([Index.open(path, Keys()), *others], tmp_path / "all")
    merged = Index.open(tmp_path / "all", Keys())
    merged.verify()
    assert len(merged.documents()) == 28
    for document, body in [*documents(12), *documents(8, seed=400), *documents(8, seed=500)]:
        assert found(merged, body) == [document.id]


def test_indexes_of_different_keys_are_not_merged(path: Path, tmp_path: Path) -> None:
    other = index_of(tmp_path / "i", documents(1), IndexKey("k2", bytes(32)))
    with pytest.raises(ConfigurationError, match="made with the key k2"):
        Index.merged([Index.open(path, Keys()), other], tmp_path / "all")


def test_an_index_much_smaller_than_the_others_is_refused(tmp_path: Path) -> None:
    tiny = index_of(tmp_path / "tiny", [(Document("t"), text(1, 4))])
    large = index_of(tmp_path / "large", documents(40, words=3000, seed=700))
    with pytest.raises(ConfigurationError, match="by their texts"):
        Index.merged([tiny, large], tmp_path / "all")
    large.added([part_of(KEY, [(Document("t"), text(1, 200))])], tmp_path / "all")
    assert found(Index.open(tmp_path / "all", Keys()), text(1, 200)) == ["t"]


# ------------------------------------------------------------------ bad files


def test_a_file_that_is_cut_off_is_refused(path: Path, tmp_path: Path) -> None:
    raw = path.read_bytes()
    chance = random.Random(1)
    for length in [
        0,
        1,
        8,
        11,
        12,
        100,
        PAGE - 1,
        PAGE,
        *(chance.randrange(len(raw)) for _ in range(60)),
        len(raw) - 1,
    ]:
        (tmp_path / "cut").write_bytes(raw[:length])
        with pytest.raises(ConfigurationError):
            Index.open(tmp_path / "cut", Keys())
    (tmp_path / "cut").write_bytes(raw + b"\0")
    with pytest.raises(ConfigurationError, match="bytes long and should be"):
        Index.open(tmp_path / "cut", Keys())


def test_a_changed_header_is_refused_at_once(path: Path, tmp_path: Path) -> None:
    raw = path.read_bytes()
    for at in range(0, PAGE, 7):
        (tmp_path / "bad").write_bytes(raw[:at] + bytes([raw[at] ^ 1 << at % 8]) + raw[at + 1 :])
        with pytest.raises(ConfigurationError):
            Index.open(tmp_path / "bad", Keys())


def test_a_changed_section_is_found_by_verify(path: Path, tmp_path: Path) -> None:
    raw = path.read_bytes()
    chance = random.Random(2)
    for at in [PAGE, len(raw) - 1, *(chance.randrange(PAGE, len(raw)) for _ in range(60))]:
        (tmp_path / "bad").write_bytes(raw[:at] + bytes([raw[at] ^ 1 << chance.randrange(8)]) + raw[at + 1 :])
        with pytest.raises(ConfigurationError, match="damaged"):
            Index.open(tmp_path / "bad", Keys()).verify()


def test_errors_teach(path: Path, tmp_path: Path) -> None:
    raw = path.read_bytes()
    (tmp_path / "text").write_text("hello" * 2000)
    with pytest.raises(ConfigurationError, match="is not an index; `gateway index build`"):
        Index.open(tmp_path / "text", Keys())
    (tmp_path / "new").write_bytes(raw[:8] + b"\x02" + raw[9:])
    with pytest.raises(ConfigurationError, match="of version 2, which this gateway does not know"):
        Index.open(tmp_path / "new", Keys())
    with pytest.raises(ConfigurationError, match="was made with the key k1: the keyset has no key"):
        Index.open(path, Keys(IndexKey("k9", KEY.secret)))
    with pytest.raises(ConfigurationError, match="a key of another keyset, which is also called k1"):
        Index.open(path, Keys(IndexKey("k1", bytes(32))))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Index.open(tmp_path / "none", Keys())
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_index(tmp_path / "no" / "folder", [], KEY)


def test_a_header_that_was_made_anew_without_the_key_is_refused(path: Path, tmp_path: Path) -> None:
    class Forger(IndexKey):
        def check_value(self, salt: bytes) -> bytes:
            return KEY.check_value(salt)

    forger = Forger("k1", bytes(32))
    write_index(tmp_path / "forged", [part_of(forger, documents(1))], forger)
    with pytest.raises(ConfigurationError, match="somebody without the key"):
        Index.open(tmp_path / "forged", Keys())


@pytest.mark.parametrize(
    "damage", [lambda p: p[:-5], lambda p: p[:60] + b"\xff" + p[61:], lambda p: b"", lambda p: b"GRP1"]
)
def test_damaged_parts_are_refused(damage: object, tmp_path: Path) -> None:
    part = part_of(KEY, documents(1))
    with pytest.raises(ConfigurationError, match="a part of the index is damaged"):
        write_index(tmp_path / "i", [damage(part)], KEY)  # type: ignore[operator]
    with pytest.raises(ConfigurationError, match="made with another key"):
        write_index(tmp_path / "i", [part], IndexKey("k2", bytes(32)))
    assert list(tmp_path.iterdir()) == []


def test_killed_at_any_moment_the_old_index_stays(tmp_path: Path) -> None:
    path = tmp_path / "i"
    old = index_of(path, documents(2))
    code = """
        import sys; from pathlib import Path
        from tests.unit.guard.regurgitation.texts import *
        parts = [part_of(KEY, documents(20, seed=n)) for n in range(4)]
        print("ready", flush=True)
        while True: write_index(Path(sys.argv[1]), parts, KEY)
    """
    for pause in (0.0, 0.004, 0.011, 0.02, 0.03):
        command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
        with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(pause)
            writer.send_signal(signal.SIGKILL)
        index = Index.open(path, Keys())
        index.verify()
        assert len(index.documents()) in (2, 80)
    assert found(old, documents(2)[0][1]) == ["doc-100-0"]


# ------------------------------------------------------------------ keys


@pytest.fixture
def keyring() -> Iterator[Keyring]:
    with Keyring.ephemeral() as keyring:
        yield keyring


def test_a_keyring_gives_the_key_and_its_name(keyring: Keyring, tmp_path: Path) -> None:
    key = IndexKey.of(keyring)
    assert key.id == "k1"
    assert repr(key) == "<IndexKey k1>"
    assert keyring.key_for("regurgitation index", "k1") == (key.id, key.secret)
    assert keyring.key_for("another") != (key.id, key.secret)
    with pytest.raises(ConfigurationError, match="no key k7"):
        keyring.key_for("regurgitation index", "k7")
    write_index(tmp_path / "i", [part_of(key, documents(1))], key)
    assert len(Index.open(tmp_path / "i", keyring).documents()) == 1


def test_opening_does_not_read_the_index(path: Path) -> None:
    start = time.perf_counter()
    for _ in range(20):
        Index.open(path, Keys())
    assert (time.perf_counter() - start) / 20 < 0.05


def test_all_sections_begin_at_a_page(path: Path) -> None:
    header = Index.open(path, Keys()).header
    assert set(header.sections) == set(SECTIONS)
    assert all(section.offset % PAGE == 0 for section in header.sections.values())
    assert path.stat().st_size == header.size == os.stat(path).st_size
    assert Watch([Index.open(path, Keys())]).passages("nothing") == []
