"""`python -m tests.server.limited 400 serve …` is `gateway serve …` with so many file descriptors at most."""

from __future__ import annotations

import resource
import sys

from gateway.cli.main import run

if __name__ == "__main__":
    most = int(sys.argv.pop(1))
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 64), most))
    sys.exit(run(sys.argv[1:]))
