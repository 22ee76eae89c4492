"""What a log comes to: the right sums, in bounded memory, on a page that runs nothing."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from gateway.evaluate.audit_report import html, notes, summary
from gateway.evaluate.audit_totals import OTHERS, Totals, totals_of


def line(at: datetime = datetime(2026, 1, 31, 12, tzinfo=UTC), **fields: Any) -> dict[str, Any]:
    return {
        "time": at.isoformat(timespec="milliseconds"),
        "event": "exchange",
        "status": 200,
        "code": "",
        "tenant": "acme",
        "findings": [{"stage": "redact", "kind": "PERSON", "action": "placeholder", "count": 2}],
        "rules": [],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
        "cache": "miss",
        "seconds": 0.5,
        **fields,
    }


def test_sums_are_right() -> None:
    totals = totals_of(
        [
            {"event": "chain_opened"},
            line(),
            line(cache="hit", seconds=0.1),
            line(tenant="other", status=400, code="content_filter", rules=["secrets"], usage={}, findings=[]),
            line(event="admin", endpoint="DELETE /admin/cache", usage={}, findings=[]),
            {"event": "lost", "count": 7},
            None,
        ]
    )
    document = totals.document()
    assert document["tenants"]["acme"] == {
        "requests": 3,
        "failed": 0,
        "stopped": 0,
        "cached": 1,
        "prompt_tokens": 20,
        "completion_tokens": 10,
        "seconds": 1.1,
        "findings": 4,
    }
    assert document["tenants"]["other"]["stopped"] == document["tenants"]["other"]["failed"] == 1
    assert document["findings"] == [{"stage": "redact", "kind": "PERSON", "action": "placeholder", "count": 4}]
    assert document["statuses"] == {"200": 3, "400 content_filter": 1}
    assert document["rules"] == {"secrets": 1}
    assert document["admin"] == {"DELETE /admin/cache 200": 1}
    assert (document["lines"], document["lost"], document["unread"]) == (7, 7, 1)
    assert len(notes(totals)) == 2


def test_time_is_cut_into_spans_that_grow() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    totals = Totals()
    for hour in range(24 * 365):
        totals.add(line(start + timedelta(hours=hour)))
    assert len(totals.requests) <= 120
    assert sum(totals.requests.values()) == 24 * 365
    assert sum(sum(kinds.values()) for kinds in totals.found.values()) == 2 * 24 * 365
    assert totals.span_s == 7 * 86400


def test_memory_is_bounded_whatever_the_lines_say() -> None:
    totals = Totals()
    for at in range(5000):
        name = f"name {at}"
        found = [{"stage": name, "kind": name, "action": name, "count": 1}]
        when = datetime(1970 + at, 1, 1, tzinfo=UTC)
        totals.add(line(when, tenant=name, code=name, rules=[name], findings=found, event="admin", endpoint=name))
    for counted in (totals.tenants, totals.statuses, totals.rules, totals.admin, totals.kinds):
        assert len(counted) <= 1001
    assert totals.tenants[OTHERS].requests >= 3999
    assert html(totals, ["a"], "now")
    assert sys.getsizeof(totals.document()) < 10_000


STRANGE: list[Any] = [
    {},
    {"event": 7},
    {"event": "exchange"},
    line(findings=None, rules=None, usage=None, seconds=None, status=None, tenant=None, code=None),
    line(findings=[1, {"count": "x"}, {}], rules="abc", usage=[], seconds="x", status="200"),
    line(time="yesterday"),
    line(time="0001-01-01T00:00:00+00:00"),
    line(time="9999-12-31T23:59:59+00:00"),
]


@pytest.mark.parametrize("strange", STRANGE, ids=range(len(STRANGE)))
def test_strange_lines_are_no_reason_to_fail(strange: Any) -> None:
    totals = totals_of([strange, line()])
    assert totals.document()["lines"] == 2
    assert html(totals, [], "now")
    assert totals.tables()


class Tags(HTMLParser):
    """The names of tags and of attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.attributes += attrs


def test_the_page_has_charts_and_runs_nothing() -> None:
    evil = "<script>alert(1)</script>\"' onload=x"
    start = datetime(2026, 1, 1, tzinfo=UTC)
    lines = [line(start + timedelta(minutes=at), tenant=evil, code=evil, rules=[evil]) for at in range(90)]
    for at in range(8):
        found = [{"stage": "s", "kind": f"KIND_{at}", "action": "a", "count": 10 + at}]
        lines.append(line(start, findings=found, event="admin", endpoint=evil))
    page = html(totals_of(lines), [evil], "now")
    tags = Tags()
    tags.feed(page)
    assert tags.found.count("svg") > 5
    assert not {"script", "img", "link", "iframe", "object"} & set(tags.found)
    assert not [name for name, _ in tags.attributes if name.startswith("on") or name in ("src", "href")]
    assert "default-src 'none'" in page
    assert "KIND_7" in page
    assert "prefers-color-scheme: dark" in page


def test_a_log_without_exchanges_has_a_page_too() -> None:
    totals = Totals()
    assert summary(totals) == "There are no exchanges in these files."
    assert "<svg" not in html(totals, [], "now")
