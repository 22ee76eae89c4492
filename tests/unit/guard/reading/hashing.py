"""Parts as plain JSON, so that tests can look into them; and texts that break the process which reads them."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from gateway.guard.regurgitation.reading.core import Document, IndexKey

KEY = IndexKey("k1", b"k" * 32)
CRASHES, HANGS, EATS = "crash-now", "hang-now", "eat-now"


def part_of(key: IndexKey, batch: Sequence[tuple[Document, str]]) -> bytes:
    for _, text in batch:
        if CRASHES in text:
            os.kill(os.getpid(), signal.SIGSEGV)
        if HANGS in text:
            time.sleep(1000)
        if EATS in text:
            bytearray(2**40)
    return json.dumps([[d.id, d.public, list(d.scopes), text] for d, text in batch]).encode()


def texts(parts: Sequence[Path]) -> dict[str, str]:
    """Texts by id, in order."""
    return {id_: text for part in parts for id_, _, _, text in json.loads(part.read_bytes())}
