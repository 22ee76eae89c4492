"""Texts out of files of each kind, and what is said of those that have none."""

from __future__ import annotations

import gzip
import lzma
import re
import time
import zlib
from dataclasses import replace

import pytest

from gateway.guard.regurgitation.reading.extracted import Unreadable
from gateway.guard.regurgitation.reading.kinds import extract
from gateway.guard.regurgitation.reading.limits import LIMITS
from tests.unit.guard.reading.files import W, docx, paragraph, pdf, run

SMALL = replace(LIMITS, unpacked_bytes=2**20, text_chars=2**20, pages=3)


def text(raw: bytes, name: str) -> str:
    found = extract(raw, name, LIMITS)
    assert found.is_whole
    return found.text


def why(raw: bytes, name: str) -> str:
    with pytest.raises(Unreadable) as raised:
        extract(raw, name, SMALL)
    return raised.value.why


@pytest.mark.parametrize(
    ("raw", "read", "note"),
    [
        ("naïve 😀".encode(), "naïve 😀", ""),
        ("\ufeffnaïve".encode(), "naïve", ""),
        ("\ufeffnaïve 😀".encode("utf-16-le"), "naïve 😀", ""),
        ("\ufeffnaïve".encode("utf-16-be"), "naïve", ""),
        ("\ufeffnaïve".encode("utf-32-le"), "naïve", ""),
        ("plain words".encode("utf-16-le"), "plain words", "read as utf-16-le"),
        ("plain words".encode("utf-16-be"), "plain words", "read as utf-16-be"),
        ("naïve – “so”".encode("cp1252"), "naïve – “so”", "read as Windows-1252"),
        (b"", "", ""),
        (b"one\r\ntwo\ttabs\x1b[0m", "one\r\ntwo\ttabs\x1b[0m", ""),
    ],
)
def test_texts_are_read_by_their_mark_or_as_utf8_or_as_windows_wrote_them(raw: bytes, read: str, note: str) -> None:
    found = extract(raw, "a.txt", LIMITS)
    assert found.text == read
    assert note in found.note
    assert bool(note) == bool(found.note)


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.csv", "a.html", "README"])
@pytest.mark.parametrize("raw", [bytes(range(256)) * 9, b"\x01\x02\x03" * 50, b"text\0text", b"\x7fELF\x02\x01\x01\0"])
def test_bytes_that_are_no_text_are_called_binary(raw: bytes, name: str) -> None:
    assert why(raw, name) == "is binary, not text"


@pytest.mark.parametrize(
    ("raw", "name", "says"),
    [
        (pdf("x"), "a.txt", "is a PDF file"),
        (docx(paragraph("x")), "a.md", "is an archive or office file"),
        (docx(paragraph("x")), "a.pdf", "is an archive or office file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", "a.docx", "without a password"),
        (gzip.compress(b"x", mtime=0), "a.txt", "name it .gz"),
        (b"words", "a.pdf", "is no PDF file"),
        (b"words", "a.docx", "is no Word file"),
        (b"words", "a.txt.gz", "not compressed as its name says"),
        (b"\xff\xfea", "a.txt", "utf-16"),
    ],
    # An archive has the time in it, which would make other names in every process.
    ids=["pdf", "docx as md", "docx as pdf", "old office", "gzip", "no pdf", "no docx", "no gzip", "utf-16"],
)
def test_a_content_that_is_not_what_the_name_says_is_refused(raw: bytes, name: str, says: str) -> None:
    assert says in why(raw, name)


def test_pages_are_read_as_they_are_seen() -> None:
    page = (
        "<!doctype html><title>Top</title><style>a{}</style><p>re<b>gur</b>gi<!-- c -->tate<br>x<script>var a</script>"
        "<table><tr><td>one<td>two</table><div>in</div>out <i>it</i><div>d</div><b>b</b>&amp;&#233;<img alt='Alt'>"
    )
    assert text(page.encode(), "a.html").split() == [
        "Top",
        "regurgitate",
        "x",
        "one",
        "two",
        "in",
        "out",
        "it",
        "d",
        "b&é",
        "Alt",
    ]
    assert "café" in text('<meta charset="iso-8859-1"><p>café'.encode("latin-1"), "a.htm")
    assert "café" in text('<meta charset="no-such"><p>café'.encode(), "a.htm")
    assert "café" in text('<meta charset="zlib"><p>café'.encode(), "a.htm")
    assert text(b"", "a.html") == ""
    assert text(b"<" * 10_000 + b"<div>" * 2_000 + b"in", "a.html").endswith("in")


def test_word_files_are_read_with_all_their_parts() -> None:
    table = f"<w:tbl><w:tr><w:tc>{paragraph('c1')}</w:tc><w:tc>{paragraph('c2')}</w:tc></w:tr></w:tbl>"
    boxes = (
        "<w:p><mc:AlternateContent><mc:Choice>" + run("box") + "</mc:Choice>"
        "<mc:Fallback>" + run("again") + "</mc:Fallback></mc:AlternateContent></w:p>"
    )
    gone = "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
    body = paragraph("re", "gurgi", "tate") + table + boxes + gone
    raw = docx(body, header1=f"<w:hdr {W}>{paragraph('head')}</w:hdr>", footnotes=f"<w:f {W}>{paragraph('foot')}</w:f>")
    assert text(raw, "a.docx").split() == ["regurgitate", "c1", "c2", "box", "foot", "head"]


def test_pdf_files_are_read_page_by_page() -> None:
    assert text(pdf("first page", "second"), "a.pdf") == "first page\fsecond"
    assert text(pdf("packed page", packed=True), "a.pdf") == "packed page"
    assert "character recognition" in why(pdf(""), "a.pdf")
    assert "over 3 pages" in why(pdf(*"abcd"), "a.pdf")


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.7])
def test_a_pdf_file_that_is_cut_is_damaged_or_read_as_far_as_it_goes(part: float) -> None:
    whole = pdf(*(f"page {n}" for n in range(3)))
    cut = whole[: int(len(whole) * part)]
    try:
        said = extract(cut, "a.pdf", SMALL).text
    except Unreadable as error:
        said = error.why
    assert said.startswith(("is damaged", "has no text", "page"))


def _with_stream(content: bytes, filters: bytes) -> bytes:
    stream = b"<</Length %d/Filter%s>>\nstream\n%s\nendstream" % (len(content), filters, content)
    return re.sub(rb"<</Length \d+>>\nstream\n.*?\nendstream", lambda _: stream, pdf("x"), flags=re.DOTALL)


_PAGE = pdf("hello page")
_BOMB = zlib.compress(zlib.compress(b"BT (a) Tj ET " * 7_000_000, 9), 9)


@pytest.mark.parametrize(
    "raw",
    [
        _PAGE.replace(b"/Kids[4 0 R]", b"/Kids[2 0 R]"),
        pdf("a", "b").replace(b"/Type/Page/Parent 2 0 R", b"/Type/Pages/Kids[2 0 R]"),
        _PAGE.replace(b"/Count 1", b"/Count 999999999"),
        _PAGE.replace(b"/Root 1 0 R", b"/Root 1 0 R/Prev %d" % _PAGE.rindex(b"xref\n0")),
        _PAGE.replace(b"/Contents 5 0 R", b"/Contents 4 0 R"),
        _PAGE.replace(b"/Kids[4 0 R]", b"/Kids[" + b"4 0 R " * 9999 + b"]"),
        _PAGE.replace(b"/MediaBox[0 0 612 792]", b"/MediaBox" + b"[" * 50_000 + b"]" * 50_000),
        _with_stream(_BOMB, b"[/FlateDecode/FlateDecode]"),
        _PAGE[: len(_PAGE) // 2] + bytes(range(256)) * 40,
    ],
    ids=["loop", "two in a loop", "count", "tables in a loop", "contents", "many pages", "nested", "bomb", "rubbish"],
)
def test_a_pdf_file_that_leads_back_or_grows_is_over_soon(raw: bytes) -> None:
    began = time.monotonic()
    try:
        said = extract(raw, "a.pdf", SMALL).text
    except Unreadable as error:
        said = error.why
    assert said.startswith(("is damaged", "has ", "hello page"))
    assert time.monotonic() - began < 20


def test_an_encrypted_pdf_file_says_so() -> None:
    encrypted = b"/Encrypt<</Filter/Standard/V 1/R 2/O<" + b"41" * 32 + b">/U<" + b"42" * 32 + b">/P -1>>"
    more = encrypted + b"/ID[<4142><4142>]"
    assert "is encrypted" in why(pdf("secret", more=more), "a.pdf")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<a>" + b" " * 2**21 + b"</a>", "is over 1 MiB"),
        (f'<!DOCTYPE a [<!ENTITY b "bb">]><a {W}>&b;</a>'.encode(), "has XML entities"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "has XML entities"),
        (b"<a><b>", "is damaged"),
    ],
)
def test_a_word_file_that_is_a_bomb_is_stopped(body: bytes, says: str) -> None:
    assert says in why(docx(body), "a.docx")


def test_a_word_file_may_be_nested_deep() -> None:
    deep = f"<w:document {W}>".encode() + b"<w:p>" * 5_000 + run("x").encode() + b"</w:p>" * 5_000 + b"</w:document>"
    assert text(docx(deep), "a.docx").strip() == "x"


def test_packed_texts_are_unpacked_once_and_within_limits() -> None:
    assert text(gzip.compress(b"one"), "a.txt.gz") == "one"
    assert text(lzma.compress(b"one ") + lzma.compress(b"two"), "a.md.xz") == "one two"
    assert "more than once" in why(gzip.compress(gzip.compress(b"x")), "a.txt.gz")
    for pack, name in ((gzip.compress, "a.txt.gz"), (lzma.compress, "a.txt.xz")):
        assert "is over 1 MiB" in why(pack(b" " * 2**21), name)
        assert "is damaged" in why(pack(b"words" * 99)[:-8], name)
    assert "its text is over 1 MiB" in why(b"a" * (2**20 + 1), "a.txt")
