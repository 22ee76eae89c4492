"""Audit logs for tests: written by the real thing, then harmed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from gateway.observe.audit import AuditLog
from gateway.observe.audit_heads import directory_of, heads_in, is_live
from gateway.observe.audit_lines import Body, encoded_fields, linked, now
from gateway.observe.audit_verdict import Level, Verdict
from gateway.observe.audit_verify import Verifier
from gateway.observe.events import ExchangeEvent
from gateway.pipeline.exchange import Finding
from gateway.seal.signing import Signers, publics

SEED, OTHER_SEED = b"s" * 32, b"o" * 32
(KEY,) = publics([SEED])


def signers(seed: bytes = SEED) -> Signers:
    return Signers(lambda: ("k1", seed))


def event(at: int = 0, **fields: Any) -> ExchangeEvent:
    given: dict[str, Any] = {
        "request_id": f"{at:032x}",
        "endpoint": "/v1/chat/completions",
        "status": 200,
        "tenant": "acme",
        "model": "llama",
        "findings": (Finding("redact", "PERSON", "placeholder", 1),),
        **fields,
    }
    return ExchangeEvent(**given)


@contextmanager
def written(path: Path, lines: int, seed: bytes = SEED, **options: Any) -> Iterator[AuditLog]:
    """A log with so many events that is still open in the block, and ended after it."""
    log = AuditLog(str(path), signer=signers(seed), **options)
    log.start()
    try:
        for at in range(lines):
            log.exchange_done(event(at))
        yield log
    finally:
        log.close()


def write(path: Path, lines: int = 10, seed: bytes = SEED, **options: Any) -> str:
    """An ended log. The chain's id."""
    with written(path, lines, seed, **options) as log:
        return log.chain


def copied(path: Path, to: Path) -> Path:
    """A log with its heads as they are now, as after a crash of the machine: nobody writes to the copy."""
    to.mkdir()
    for file in path.parent.iterdir():
        if file.is_file():
            shutil.copy(file, to / file.name)
    shutil.copytree(directory_of(path), to / directory_of(path).name)
    return to / path.name


def verified(
    *paths: Path, trusted: tuple[str, ...] | None = (KEY,), heads: Path | None = None, part: bool = False
) -> Verdict:
    """As the command does it. `heads`: of which log; of the first unless said."""
    place = directory_of(heads or paths[0])
    live = [head.stem for head in place.glob("*.json") if is_live(head)]
    verifier = Verifier(trusted, live=live, is_part=part)
    if place.is_dir():
        verifier.add_heads(*heads_in(place), place.name)
    for path in paths:
        verifier.read(path)
    return verifier.verdict()


def texts(verdict: Verdict, level: Level = Level.FOUND) -> list[str]:
    return [str(remark) for remark in verdict.remarks if remark.level is level]


def lines_of(path: Path) -> list[dict[str, Any]]:
    """What is written. Whoever reads while somebody writes may see half of the last one, which is left out."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def exchanges_of(path: Path) -> list[dict[str, Any]]:
    return [line for line in lines_of(path) if line["event"] == "exchange"]


def edit(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def rechained(lines: list[bytes], start: int) -> list[bytes]:
    """What somebody without the key can do: from `start` on all hashes made anew, signatures left as they are."""
    made = lines[:start]
    prev = orjson.loads(lines[start - 1])["hash"] if start else "0" * 64
    for raw in lines[start:]:
        fields = orjson.loads(raw)
        chain, seq = fields.pop("chain"), fields.pop("seq")
        time, kind = fields.pop("time"), fields.pop("event")
        signature = fields.pop("signature", None)
        fields.pop("prev"), fields.pop("hash")
        line, prev = linked(Body(time, kind, encoded_fields(fields)), chain, seq, prev)
        if signature:
            line = line[:-1] + b',"signature":"' + signature.encode() + b'"}'
        made.append(line + b"\n")
    return made


def forged(chain: str, seq: int, prev: str) -> bytes:
    line, _ = linked(Body(now(), "exchange", encoded_fields({"status": 200})), chain, seq, prev)
    return line + b"\n"
