"""`python -m tests.deploy.stand_in ADDRESS PORT`: something that speaks like vLLM, and says what it is told."""

from __future__ import annotations

import sys

from aiohttp import web

from tests.support.upstream import ScriptedUpstream

if __name__ == "__main__":
    web.run_app(ScriptedUpstream().app(), host=sys.argv[1], port=int(sys.argv[2]), print=None)
