"""A policy tried on a text, outside an exchange: what a model would see of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.build import build_redaction
from gateway.pipeline.exchange import Deadline, Exchange
from gateway.pipeline.prompt import Prompt, Vocabulary
from gateway.pipeline.stage import Chain
from gateway.policy.load import PolicyFile
from gateway.policy.schema import Policy
from gateway.seal.keyring import Keyring

_NOTHING = frozenset[str]()
_PLAIN = Vocabulary(keys=frozenset({"text"}), values=_NOTHING, numbers=_NOTHING, first=())


@contextmanager
def trial(loaded: PolicyFile) -> Iterator[Chain]:
    """The stages of a policy with keys that nobody keeps."""
    with Keyring.ephemeral() as keyring:
        yield Chain([build_redaction(loaded, hash_key=keyring.secret("hash"), keyring=keyring)])


def sees(chain: Chain, policy: Policy, text: str) -> str:
    """What a model would see of a text under a policy. Raises Blocked."""
    exchange = Exchange(
        id="",
        tenant="",
        subject="",
        model="",
        deadline=Deadline.after(time.monotonic, policy.limits.analysis),
    )
    prompt = chain.on_request(Prompt.of({"text": text}, _PLAIN), exchange)
    exchange.close()
    return str(prompt.body["text"])
