"""Where values could have come to rest: all of Redis, the logs, the audit log, the metrics, what the model got."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis

from loadtest import mock
from loadtest.search import Found, found, in_file
from loadtest.servers import Servers

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_MOST_KEPT = 200


@dataclass(slots=True)
class Search:
    """What was searched (bytes by place; for the model, bodies), and what was found. Places that were searched without
    anything in them prove nothing, so their sizes are kept."""

    sizes: Counter[str] = field(default_factory=Counter)
    leaks: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def look(self, place: str, raw: bytes) -> None:
        self.note(place, len(raw), found(raw))

    def note(self, place: str, size: int, seen: list[Found]) -> None:
        self.sizes[place] += size
        self.leaks[place] += len(seen)
        self.examples += [f"{place}: {one.kind} {one.value}" for one in seen][: max(0, _MOST_KEPT - len(self.examples))]

    def redis(self, url: str) -> None:
        """All names and all values, as DUMP gives them."""
        self.sizes["Redis"] += 0
        with Redis.from_url(url) as client:
            for key in client.scan_iter(count=1_000):
                self.look("Redis", bytes(key) + b" " + bytes(client.dump(key) or b""))

    def files(self, servers: Servers) -> None:
        """Logs, audit log, tokens file, keyset. Redis and the mock print nothing of interest, and are searched too."""
        for path in servers.logs():
            if path.name == mock.LEAKS or path.name.startswith(("tally-", "scene")):
                continue
            place = "audit log" if path == servers.audit else "gateway log" if "gateway" in path.name else "other files"
            self.note(place, path.stat().st_size, in_file(path))

    def metrics(self, port: int) -> None:
        with _DIRECT.open(f"http://127.0.0.1:{port}/metrics", timeout=20) as response:
            self.look("metrics", response.read())

    def upstream(self, folder: Path) -> None:
        """What the mock has found in the bodies that it got."""
        lines = [json.loads(line) for line in (folder / mock.LEAKS).read_bytes().splitlines()]
        bodies = (folder / mock.BODIES).stat().st_size
        self.note("bodies at the model", bodies, [Found(line["kind"], line["value"]) for line in lines])
