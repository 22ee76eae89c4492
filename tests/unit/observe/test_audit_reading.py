"""The end of a log that is being written."""

from __future__ import annotations

from pathlib import Path

from gateway.evaluate.audit_totals import of_tenant
from gateway.observe.audit_reading import last_events

LINES = [b'{"event":"exchange","tenant":"acme","number":%d}\n' % number for number in range(1000)]


def test_only_whole_lines_of_the_end_are_read(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    log.write_bytes(b"".join(LINES) + b'{"event":"exchange","ten')
    numbers = [event["number"] for event in last_events(log, 5000) if event]
    assert numbers == list(range(numbers[0], 1000))
    assert 80 < len(numbers) <= 5000 // len(LINES[0])
    assert [event["number"] for event in last_events(log, 10**6) if event] == list(range(1000))


def test_what_is_broken_is_told_as_nothing(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    log.write_bytes(b'[1]\n{"a":\n' + LINES[0])
    assert list(last_events(log, 10**6)) == [None, None, {"event": "exchange", "tenant": "acme", "number": 0}]


def test_a_tenant_is_told_of_itself_alone() -> None:
    line = {"event": "exchange", "time": "2026-01-31T12:00:00+00:00", "status": 200, "rules": ["canary"]}
    lines = [
        {**line, "tenant": "acme"},
        {**line, "tenant": "globex", "status": 403},
        None,
        {"event": "lost", "count": 3},
    ]
    told = of_tenant("acme", lines)
    assert (told["usage"]["requests"], told["statuses"]) == (1, {"200": 1})
    assert of_tenant("nobody", lines)["usage"]["requests"] == 0
    assert "globex" not in str(told)
