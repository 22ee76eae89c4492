"""The form of the audit log's lines, and how one holds on to the one before.

    {"time":"2026-01-31T12:00:00.000+00:00","event":"exchange","chain":"<32 hex>","seq":7, … ,
     "prev":"<64 hex>","hash":"<64 hex>"}                       on one line
    { … ,"prev":"<64 hex>","hash":"<64 hex>","signature":"<86 base64url>"}

`hash` is SHA-256 over the bytes of the line before `,"hash":`, so over `prev` too, which is the hash of the line before
in its chain (64 zeros for the first). `signature` is Ed25519 over `gateway audit line 1` and the 32 bytes of the hash
(see gateway.seal.signing), by the key that the line names in `key`. Bytes are checked: no canonical form is needed.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from gateway.observe.events import ExchangeEvent
from gateway.seal.signing import Signer, is_signed

FORMAT = 1
OPENED, CONTINUED, CHECKPOINT, CLOSED, LOST = "chain_opened", "chain_continued", "checkpoint", "chain_closed", "lost"
SIGNED = frozenset({OPENED, CONTINUED, CHECKPOINT, CLOSED})
NO_HASH = "0" * 64
_LINE_CONTEXT, _HEAD_CONTEXT = b"gateway audit line 1", b"gateway audit head 1"
_MOST_CHARS, MOST_ITEMS, _MOST_NUMBER, _SHORT_BYTES = 256, 64, 2**63 - 1, 4096
_PSEUDONYM_CHARS = 24
_END = re.compile(
    rb',"prev":"([0-9a-f]{64})"(,"hash":"([0-9a-f]{64})"(?:,"signature":"([A-Za-z0-9_-]{86})")?\})', re.ASCII
)
_LONGEST_END = len(',"prev":""') + 64 + len(',"hash":""') + 64 + len(',"signature":""') + 86 + 1
_START = re.compile(
    rb'\{"time":"([^"\\]{10,40})","event":"([a-z_]{1,32})","chain":"([0-9a-f]{32})","seq":(0|[1-9][0-9]{0,17})(?=,)'
)
_HEAD_END = re.compile(rb'(,"signature":"([A-Za-z0-9_-]{86})"\})$')

Pseudonym = Callable[[str, str], str]
"""Of a tenant's subject."""


@dataclass(frozen=True, slots=True)
class Body:
    """A line that has no place in the chain yet: its time, its event, and the bytes of its other fields."""

    time: str
    event: str
    fields: bytes
    """A JSON object, with its braces."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says of its place; whether it is true is another matter."""

    time: str
    event: str
    chain: str
    seq: int
    prev: str
    hash: str
    signature: str
    is_whole: bool
    """Whether the hash is that of the bytes."""


@dataclass(frozen=True, slots=True)
class HeadMark:
    """How far a chain had come: signed, kept outside the log, so that a tail that was cut off is missed."""

    chain: str
    seq: int
    hash: str
    ended: bool
    time: str = ""


def now() -> str:
    """The time of a line."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def body_of(event: ExchangeEvent, subject: str) -> Body:
    """Of an exchange or an act of an administrator. `subject`: the pseudonym. It raises nothing, whatever is in it."""
    fields = {
        "request_id": event.request_id,
        "endpoint": event.endpoint,
        "status": event.status,
        "code": event.code,
        "token": event.token_id,
        "tenant": event.tenant,
        "subject": subject,
        "model": event.model,
        "policy": event.policy_digest,
        "findings": [{"stage": f.stage, "kind": f.kind, "action": f.action, "count": f.count} for f in event.findings],
        "rules": event.rules if type(event.rules) is list else list(event.rules),
        "usage": event.usage,
        "streamed": event.streamed,
        "cache": event.cache,
        "seconds": round(event.seconds, 6),
        "analysis_seconds": round(event.analysis_seconds, 6),
    }
    if len(event.findings) > MOST_ITEMS:
        fields["findings_left_out"] = len(event.findings) - MOST_ITEMS
    return Body(now(), event.kind, encoded_fields(fields))


def blank_body(event: str, fields: dict[str, Any]) -> Body:
    """Of the log's own events. They have all fields of an exchange too, empty ones: a script that knows of exchanges
    only does not stumble over them."""
    blank = {name: "" for name in ("request_id", "endpoint", "code", "token", "tenant", "model", "policy", "cache")}
    numbers = {"status": 0, "findings": [], "usage": {}, "streamed": False, "seconds": 0.0}
    return Body(now(), event, encoded_fields({**fields, **blank, **numbers}))


def encoded_fields(fields: dict[str, Any]) -> bytes:
    """JSON of at most half a megabyte, by far less in general. What is longer is cut, and what cannot be written in
    UTF-8 is written otherwise."""
    try:
        raw = orjson.dumps(fields)
    except TypeError:
        raw = b""
    if raw and len(raw) <= _SHORT_BYTES:
        return raw
    return orjson.dumps(_shortened(fields))


def _shortened(value: Any, depth: int = 0) -> Any:
    """The same with bounds: texts, lists and numbers that a line can hold."""
    if isinstance(value, str):
        # `str` of a subclass, such as an enum's member, is another text.
        text = str.__str__(value) if type(value) is str else str(value)
        text = text[: _MOST_CHARS + 1].encode("utf-8", "backslashreplace").decode()
        return text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS - 1]}…"
    if isinstance(value, bool | float | None):
        return value
    if isinstance(value, int):
        return max(-_MOST_NUMBER, min(value, _MOST_NUMBER))
    if isinstance(value, dict) and depth < 4:
        items = list(value.items())[:MOST_ITEMS]
        return {_shortened(str(name)): _shortened(inner, depth + 1) for name, inner in items}
    if isinstance(value, list | tuple) and depth < 4:
        return [_shortened(inner, depth + 1) for inner in value[:MOST_ITEMS]]
    return "?"


def linked(body: Body, chain: str, seq: int, prev: str) -> tuple[bytes, str]:
    """The line without a newline, and its hash."""
    start, raw = _open_line(body, chain, seq, prev)
    return b'%b,"hash":"%b"}' % (start, raw.hex().encode()), raw.hex()


def linked_and_signed(body: Body, chain: str, seq: int, prev: str, signer: Signer) -> tuple[bytes, str]:
    """The same, signed. The body must name the signer's key."""
    start, raw = _open_line(body, chain, seq, prev)
    signature = signer.sign(_LINE_CONTEXT, raw)
    return b'%b,"hash":"%b","signature":"%b"}' % (start, raw.hex().encode(), signature.encode()), raw.hex()


def _open_line(body: Body, chain: str, seq: int, prev: str) -> tuple[bytes, bytes]:
    head = f'{{"time":"{body.time}","event":"{body.event}","chain":"{chain}","seq":{seq}'.encode()
    inner = body.fields[1:-1]
    start = b'%b%b%b,"prev":"%b"' % (head, b"," if inner else b"", inner, prev.encode())
    return start, sha256(start).digest()


def read_line(raw: bytes) -> Line | None:
    """The place of a line without its newline; None if it has not the form of one."""
    start = _START.match(raw)
    end = _END.search(raw, max(0, len(raw) - _LONGEST_END)) if start else None
    if start is None or end is None or end.end() != len(raw) or start.end() > end.start():
        return None
    time, event, chain, seq = start.groups()
    prev, after, claimed, signature = end.groups()
    is_whole = sha256(raw[: -len(after)]).hexdigest().encode() == claimed
    return Line(
        time.decode(errors="replace"),
        event.decode(),
        chain.decode(),
        int(seq),
        prev.decode(),
        claimed.decode(),
        (signature or b"").decode(),
        is_whole,
    )


def begun(raw: bytes) -> tuple[str, int] | None:
    """The chain and the number of a line of which only the beginning is there, if they are in it."""
    start = _START.match(raw)
    return (start[3].decode(), int(start[4])) if start else None


def is_line_signed(line: Line, key: str) -> bool:
    """Whether the signature is that of the key."""
    return is_signed(key, _LINE_CONTEXT, bytes.fromhex(line.hash), line.signature)


def head_text(mark: HeadMark, signer: Signer) -> bytes:
    """A signed line for the file of a head."""
    plain = orjson.dumps(
        {
            "time": mark.time,
            "event": "head",
            "chain": mark.chain,
            "seq": mark.seq,
            "hash": mark.hash,
            "ended": mark.ended,
            "key": signer.public,
        }
    )[:-1]
    return b'%b,"signature":"%b"}\n' % (plain, signer.sign(_HEAD_CONTEXT, plain).encode())


def read_head(raw: bytes) -> tuple[HeadMark, str] | None:
    """A head and the key that it is truly signed with; None if it is none, or the signature is wrong."""
    raw = raw.strip()
    end = _HEAD_END.search(raw)
    if end is None:
        return None
    try:
        fields = orjson.loads(raw)
        mark = mark_of(fields)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    key = str(fields.get("key"))
    return (mark, key) if is_signed(key, _HEAD_CONTEXT, raw[: -len(end[1])], end[2].decode()) else None


def mark_of(fields: dict[str, Any]) -> HeadMark:
    """Raises KeyError, TypeError or ValueError if it is none."""
    chain, seq, hash_, ended = fields["chain"], fields["seq"], fields["hash"], fields["ended"]
    if not re.fullmatch("[0-9a-f]{32}", chain) or not re.fullmatch("[0-9a-f]{64}", hash_):
        raise ValueError("head")
    if type(seq) is not int or seq < 0 or type(ended) is not bool:
        raise ValueError("head")
    return HeadMark(chain, seq, hash_, ended, str(fields.get("time", "")))


def pseudonyms(key: bytes) -> Pseudonym:
    """Names for subjects that only whoever has the key can make: HMAC-SHA256, cut to 96 bits. No subject has none."""

    @lru_cache(maxsize=4096)
    def pseudonym(tenant: str, subject: str) -> str:
        if not subject:
            return ""
        place, name = (text.encode("utf-8", "surrogatepass") for text in (tenant, subject))
        told = len(place).to_bytes(4, "big") + place + name
        return hmac.digest(key, told, "sha256").hex()[:_PSEUDONYM_CHARS]

    return pseudonym
