"""Whatever is in an index or a text, the process lives: tried in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gateway.guard.regurgitation.engine import native

_ROOT = Path(__file__).parents[4]
_COMMON = """
import os, random, struct, sys
from gateway.guard.regurgitation.engine import native
from tests.unit.guard.regurgitation.texts import *
chance = random.Random(int(sys.argv[1]))
RULE = (16, 1, 24, 22, 32, 26, chance.randrange(2))
BODY = text(5, 400)

def read(index, value):
    reader = native.Filter(((index, b"\\0"),), RULE, None, None, b"", b"[withheld]", lambda *found: found)
    at = 0
    while at < len(value):
        size = chance.choice([1, 4, 50, 5000])
        reader.push(value[at : at + size]); at += size
    reader.flush(); reader.passages(); reader.carry()
"""
_RANDOM_INDEX = """
sk, ck = bytes(range(16)), bytes(16)
bounds, codes, seeds = native.part(sk, ck, [BODY])
offsets, places, bucket = native.packed(seeds, 4, 0, 0)
offsets += struct.pack("<I", len(places) // 6) * (17 - bucket)
table = struct.pack("<QQHB5x", 0, bounds[0][1], 0, 0)
for n in range(150):
    parts = [bytearray(p) for p in (offsets, places, codes, table)]
    for part in parts:
        kind = chance.randrange(4)
        if kind == 1:
            for _ in range(chance.randrange(1, 40)): part[chance.randrange(len(part))] = chance.randrange(256)
        elif kind == 2: part[:] = os.urandom(len(part))
    if chance.randrange(3) == 0:
        parts[3] = bytearray(os.urandom(24 * chance.randrange(9)))
        parts[2] = parts[2][: 8 * chance.randrange(len(codes) // 8)]
    try:
        index = native.Index(sk, ck, 1, 4, 0xFFFF, *map(bytes, parts))
    except ValueError:
        continue
    index.is_sound()
    try: index.seeds(0, 16)
    except ValueError: pass
    read(index, BODY); read(index, BODY[::-1] + "".join(BODY.split()))
print("alive")
"""
_RANDOM_TEXT = """
sk, ck = bytes(range(16)), bytes(16)
bounds, codes, seeds = native.part(sk, ck, [BODY, "a" * 500, ""])
offsets, places, bucket = native.packed(seeds, 4, 0, 0)
offsets += struct.pack("<I", len(places) // 6) * (17 - bucket)
table = b"".join(struct.pack("<QQHB5x", *b, 0, 0) for b in bounds)
index = native.Index(sk, ck, 1, 4, 0xFFFF, offsets, places, codes, table)
BITS = ["a", "b", " ", "\\n", "\\\\", "\\\\u0061", "\\\\ud835", "&#65;", "&", "%20", "%C3%A9", "%", "<b>", "<",
        "\\u200b", "1.", "2) ", "\\ud800", "=", "+/", "QUJD", "4142", "\\0", "a" * 30, " " * 1100, "ab" * 3000]
for n in range(150):
    pieces = []
    for _ in range(chance.randrange(1, 40)):
        kind = chance.random()
        at = chance.randrange(len(BODY))
        if kind < 0.4: pieces.append(chance.choice(BITS) * chance.choice([1, 1, 2, 30]))
        elif kind < 0.8: pieces.append(BODY[at : at + chance.randrange(5, 400)])
        else: pieces.append("".join(chr(chance.randrange(0x110000)) for _ in range(20)))
    read(index, "".join(pieces))
print("alive")
"""


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("code", [_RANDOM_INDEX, _RANDOM_TEXT], ids=["index", "text"])
def test_nothing_crashes_the_process(code: str, seed: int) -> None:
    command = [sys.executable, "-c", textwrap.dedent(_COMMON + code), str(seed)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr[-2000:]


def test_the_engine_refuses_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        native.SeedSet(b"short")
    for wrong in ((3, 1, 24, 22, 32, 26, 0), (16, 1, 65, 22, 32, 26, 0), (16, 1, 24, 22, 0, 26, 0)):
        with pytest.raises(ValueError, match="words"):
            native.Filter((), wrong, None, None, b"", b"", print)
    with pytest.raises(ValueError, match="fit together"):
        native.Index(bytes(16), bytes(16), 1, 4, 0xFFFF, b"", b"", b"", b"")
    with pytest.raises(ValueError, match="key of 16"):
        native.part(b"", bytes(16), [])
