"""`python -m bench.pass_through serve …` is `gateway serve …` without stages: nothing is detected, nothing restored.

It measures what the gateway costs around its stages. It is no way to serve anybody, so there is no switch for it.
The exchange below is done on import since each worker process imports this module again before it makes its app.
"""

from __future__ import annotations

import gateway.activate
from gateway.cli.main import run
from gateway.pipeline.stage import Chain
from gateway.policy.load import PolicyFile


def no_stages(loaded: PolicyFile, *, hash_key: bytes, keyring: object = None) -> Chain:
    """Takes the place of gateway.build.build_stages."""
    return Chain([])


_PLACE = vars(gateway.activate)
if "build_stages" not in _PLACE:
    raise ImportError("stages are made elsewhere now: nothing would be left out")
_PLACE["build_stages"] = no_stages

if __name__ == "__main__":
    run()
