"""`python -m tests.server.activated 7 serve …` is `gateway serve …` as systemd starts it, with this open socket."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    os.dup2(int(sys.argv.pop(1)), 3)
    environment = {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
    os.execve(sys.executable, [sys.executable, "-m", "gateway", *sys.argv[1:]], environment)
