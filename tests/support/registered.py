"""Which metrics a gateway has, with their labels: read from the registry of one with everything on."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache

_CODE = """
import json, sys, tempfile
from pathlib import Path
from prometheus_client import CollectorRegistry
from gateway.app import create_app, keyring_of
from gateway.settings import Settings
directory = Path(tempfile.mkdtemp())
(directory / "tokens.yaml").write_text("version: 1\\ntokens: []\\n")
settings = Settings(
    policy=Path("tests/support/policy.yaml"), tokens=directory / "tokens.yaml", places=1, traces="http://127.0.0.1:9/",
    audit=str(directory / "audit.jsonl"), access_log=True,
)
registry = CollectorRegistry()
with keyring_of(settings) as keyring:
    create_app(settings, keyring, registry)
found = {}
for collector, names in registry._collector_to_names.items():
    for name in names:
        found[name] = sorted(getattr(collector, "_labelnames", ()))
json.dump(found, sys.stdout)
"""


@lru_cache(maxsize=1)
def registered() -> dict[str, set[str]]:
    """Names as Prometheus has them, those of buckets and sums too."""
    done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return {name: set(labels) | ({"le"} if name.endswith("_bucket") else set()) for name, labels in found.items()}
