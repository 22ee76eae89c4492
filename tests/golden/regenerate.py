"""Writes the expected files of all golden cases anew, from what the gateway does now:

    python -m tests.golden.regenerate            all cases
    python -m tests.golden.regenerate NAME …     only these

`request.json` and `upstream_answer.*` of a case are written by hand and stay; `upstream_request.json` and
`answer.*` are overwritten. Read the diff before you commit it: each changed line is a change that a client or
vLLM would see. A new case starts as a folder with the first two files.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.conftest import POLICY
from tests.golden.wire import CASES, answer_file, names, play
from tests.support.gateway import start_gateway
from tests.support.upstream import Background, ScriptedUpstream


def regenerate(chosen: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory, Background(ScriptedUpstream()) as upstream:
        gateway = start_gateway(Path(directory), upstream.url, POLICY)
        try:
            for name in chosen:
                wire = play(name, gateway, upstream)
                (CASES / name / "upstream_request.json").write_text(wire.upstream_request, "utf-8")
                answer_file(name).write_text(wire.answer, "utf-8")
                print(name)
        finally:
            gateway.stop()


if __name__ == "__main__":
    regenerate(sys.argv[1:] or names())
