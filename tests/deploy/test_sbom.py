"""`make sbom`: the parts of the image, by its lock file, the same bytes each time."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

from tests.conftest import ROOT
from tests.deploy.test_compose import program


def made(folder: Path) -> bytes:
    """What the command of the Makefile writes."""
    told = subprocess.run(["make", "-n", "sbom"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    words = shlex.split(next(line for line in told.replace("\\\n", " ").splitlines() if "cyclonedx-py" in line))
    words[0], words[-1] = program("cyclonedx-py"), str(folder / "sbom.json")
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    return (folder / "sbom.json").read_bytes()


def test_it_lists_what_is_locked_and_is_the_same_each_time(tmp_path: Path) -> None:
    first = made(tmp_path)
    assert made(tmp_path) == first
    document = json.loads(first)
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "privacy-gateway"
    locked = re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / "requirements" / "runtime.txt").read_text(), re.MULTILINE)
    assert {(part["name"], part["version"]) for part in document["components"]} == set(locked)
