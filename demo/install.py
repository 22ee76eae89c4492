"""`python -m demo.install`: installs vLLM's environment and nothing else."""

from __future__ import annotations

import sys

from demo import vllm

if __name__ == "__main__":
    try:
        vllm.install()
    except vllm.VllmError as error:
        sys.exit(str(error))
