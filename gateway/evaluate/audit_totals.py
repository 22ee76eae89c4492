"""What an audit log comes to: counts by tenant, kind, status and time, with bounds however long the log is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.evaluate.results import Table

OTHERS = "(others)"
_MOST_NAMES = 1000
_MOST_SPANS = 120
_SPANS_S = (60, 300, 900, 3600, 4 * 3600, 86400, 7 * 86400, 28 * 86400, 364 * 86400, 36_400 * 86400)
_EVENTS = ("exchange", "admin")
_UNKNOWN = "-"


@dataclass(slots=True)
class Usage:
    """Of a tenant."""

    requests: int = 0
    failed: int = 0
    stopped: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    findings: int = 0


@dataclass(slots=True)
class Totals:
    """Counts so far; `add` one line after the other."""

    lines: int = 0
    unread: int = 0
    lost: int = 0
    first: str = ""
    last: str = ""
    tenants: dict[str, Usage] = field(default_factory=dict)
    kinds: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By stage, kind and action."""
    statuses: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    admin: Counter[str] = field(default_factory=Counter)
    span_s: int = _SPANS_S[0]
    requests: Counter[int] = field(default_factory=Counter)
    """By the beginning of a span of time, in seconds since the epoch."""
    found: dict[int, Counter[str]] = field(default_factory=dict)
    """The same for findings, by kind."""

    def add(self, line: Mapping[str, Any] | None) -> None:
        """What a line says; None for one that could not be read."""
        self.lines += 1
        event = line.get("event") if line is not None else None
        if line is None or not isinstance(event, str):
            self.unread += 1
        elif event in _EVENTS:
            self._exchange(line, event)
        elif event == "lost":
            self.lost += _number(line.get("count"))

    def _exchange(self, line: Mapping[str, Any], event: str) -> None:
        time = str(line.get("time"))
        self.first = min(self.first, time) if self.first else time
        self.last = max(self.last, time)
        status, code = _number(line.get("status")), str(line.get("code") or "")
        self.statuses[_bounded(self.statuses, f"{status} {code}".strip())] += 1
        if event == "admin":
            act = f"{line.get('endpoint')} {status}"
            self.admin[_bounded(self.admin, act)] += 1
        findings = [found for found in _list(line.get("findings")) if isinstance(found, Mapping)]
        self._use(line, status, sum(_number(found.get("count")) for found in findings))
        for rule in _list(line.get("rules")):
            self.rules[_bounded(self.rules, str(rule))] += 1
        for found in findings:
            name = (str(found.get("stage")), str(found.get("kind")), str(found.get("action")))
            known = name in self.kinds or len(self.kinds) < _MOST_NAMES
            self.kinds[name if known else (OTHERS, OTHERS, OTHERS)] += _number(found.get("count"))
        self._time(time, findings)

    def _use(self, line: Mapping[str, Any], status: int, findings: int) -> None:
        tenant = _bounded(self.tenants, str(line.get("tenant") or _UNKNOWN))
        usage = self.tenants.setdefault(tenant, Usage())
        tokens = line.get("usage")
        tokens = tokens if isinstance(tokens, Mapping) else {}
        usage.requests += 1
        usage.failed += status >= 400
        usage.stopped += bool(line.get("rules")) or line.get("code") == "content_filter"
        usage.cached += line.get("cache") == "hit"
        usage.prompt_tokens += _number(tokens.get("prompt_tokens"))
        usage.completion_tokens += _number(tokens.get("completion_tokens"))
        seconds = line.get("seconds")
        usage.seconds += seconds if isinstance(seconds, int | float) else 0.0
        usage.findings += findings

    def _time(self, time: str, findings: Sequence[Mapping[str, Any]]) -> None:
        try:
            at_s = int(datetime.fromisoformat(time).timestamp())
        except (ValueError, OverflowError, OSError):
            return
        if at_s < 0:
            return
        span = at_s - at_s % self.span_s
        self.requests[span] += 1
        for found in findings:
            kinds = self.found.setdefault(span, Counter())
            kinds[_bounded(kinds, str(found.get("kind")))] += _number(found.get("count"))
        while len(self.requests) > _MOST_SPANS and self.span_s < _SPANS_S[-1]:
            self._coarsen()

    def _coarsen(self) -> None:
        """Longer spans of time, when there are too many."""
        self.span_s = next(span for span in _SPANS_S if span > self.span_s)
        requests: Counter[int] = Counter()
        found: dict[int, Counter[str]] = {}
        for at, count in self.requests.items():
            requests[at - at % self.span_s] += count
        for at, kinds in self.found.items():
            found.setdefault(at - at % self.span_s, Counter()).update(kinds)
        self.requests, self.found = requests, found

    def spans(self) -> list[int]:
        """From the first to the last, those in which nothing happened too, unless there are very many."""
        if not self.requests:
            return []
        first, last = min(self.requests), max(self.requests)
        if (last - first) // self.span_s > 4 * _MOST_SPANS:
            return sorted(self.requests)
        return list(range(first, last + 1, self.span_s))

    def kinds_by_count(self) -> list[tuple[str, int]]:
        """Kinds of findings, the most frequent first."""
        summed: Counter[str] = Counter()
        for (_, kind, _), count in self.kinds.items():
            summed[kind] += count
        return summed.most_common()

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "lines": self.lines,
            "unread": self.unread,
            "lost": self.lost,
            "first": self.first,
            "last": self.last,
            "tenants": {name: _usage_document(usage) for name, usage in sorted(self.tenants.items())},
            "findings": [
                {"stage": stage, "kind": kind, "action": action, "count": count}
                for (stage, kind, action), count in self.kinds.most_common()
            ],
            "statuses": dict(self.statuses.most_common()),
            "rules": dict(self.rules.most_common()),
            "admin": dict(self.admin.most_common()),
            "seconds_per_span": self.span_s,
            "spans": [
                {"time": moment(at), "requests": self.requests[at], "findings": dict(self.found.get(at, {}))}
                for at in self.spans()
            ],
        }

    def tables(self) -> list[tuple[str, Table]]:
        """All that there is something to show of."""
        tenants = sorted(self.tenants.items(), key=lambda item: (-item[1].requests, item[0]))
        made = [("Usage by tenant", Table(_USAGE_HEADS, tuple(_usage_row(name, use) for name, use in tenants)))]
        kinds = self.kinds.most_common()
        made.append(
            (
                "Findings",
                Table(("kind", "stage", "action", "count"), tuple((k, s, a, f"{n:,}") for (s, k, a), n in kinds), 3),
            )
        )
        made.append(("Statuses", _counted("status", self.statuses.most_common())))
        made.append(("Rules that stopped something", _counted("rule", self.rules.most_common())))
        made.append(("Administrative acts", _counted("act and status", self.admin.most_common())))
        return [(title, table) for title, table in made if table.rows]


_USAGE_HEADS = (
    *("tenant", "requests", "failed", "stopped", "from the cache"),
    *("tokens in", "tokens out", "findings", "mean seconds"),
)


def totals_of(lines: Iterable[Mapping[str, Any] | None]) -> Totals:
    """Of all lines."""
    totals = Totals()
    for line in lines:
        totals.add(line)
    return totals


def of_tenant(tenant: str, lines: Iterable[Mapping[str, Any] | None]) -> dict[str, Any]:
    """For JSON: what lines say of one tenant, and nothing of what they say of others."""
    totals = totals_of(line for line in lines if line is not None and line.get("tenant") == tenant)
    document = totals.document()
    usage = totals.tenants.get(tenant, Usage())
    return {"first": totals.first, "last": totals.last, "usage": _usage_document(usage)} | {
        name: document[name] for name in ("findings", "statuses", "rules", "admin", "seconds_per_span", "spans")
    }


def moment(at_s: int) -> str:
    """Seconds since the epoch for people and programs."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%MZ")


def _usage_row(name: str, usage: Usage) -> tuple[str, ...]:
    counts = (usage.requests, usage.failed, usage.stopped, usage.cached, usage.prompt_tokens, usage.completion_tokens)
    mean = usage.seconds / usage.requests if usage.requests else 0.0
    return (name, *(f"{count:,}" for count in (*counts, usage.findings)), f"{mean:.3f}")


def _usage_document(usage: Usage) -> dict[str, Any]:
    return {name: getattr(usage, name) for name in Usage.__dataclass_fields__}


def _counted(head: str, counts: Sequence[tuple[str, int]]) -> Table:
    return Table((head, "count"), tuple((name, f"{count:,}") for name, count in counts))


def _bounded(known: Mapping[str, Any], name: str) -> str:
    """So that nobody fills the memory with names."""
    return name if name in known or len(known) < _MOST_NAMES else OTHERS


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
