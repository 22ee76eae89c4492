"""A policy tried on a text, outside an exchange: what a model would see of it.

As a command, `python -m gateway.trial`: for each line `{"policy", "text"}` of standard input, sent when the one before
has been answered, it writes a line
`{"problems", "inspection"}`, or `null` if that took too much. It is asked about what strangers sent, so each answer has
bounded time and memory, and nothing is loaded that a policy names.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gateway.build import build_redaction, is_ours
from gateway.errors import GatewayError
from gateway.pipeline.exchange import Deadline, Exchange
from gateway.pipeline.prompt import Prompt, Vocabulary
from gateway.pipeline.stage import Chain
from gateway.pipeline.trace import inspected
from gateway.policy.load import PolicyFile, parse_policy
from gateway.policy.schema import Policy
from gateway.redact.compiled import keep_compiled
from gateway.seal.keyring import Keyring
from gateway.settings import ConfigurationError

_SENT_BYTES, _SENT_CPU_S = 3 * 2**29, 30
_NICE = 5
_DONE, _FAILED, _END = range(3)
_MOST_PATTERNS = 10_000
_ANY_POLICY = """\
version: 1
name: any
models: {any: {id: any}}
redact: {languages: [en, de, fr, es, it, pt, nl, pl]}
"""
_NOTHING = frozenset[str]()
_PLAIN = Vocabulary(keys=frozenset({"text"}), values=_NOTHING, numbers=_NOTHING, first=())


@contextmanager
def trial(loaded: PolicyFile) -> Iterator[Chain]:
    """The stages of a policy with keys that nobody keeps."""
    with Keyring.ephemeral() as keyring:
        yield Chain([build_redaction(loaded, hash_key=keyring.secret("hash"), keyring=keyring)])


def sees(chain: Chain, policy: Policy, text: str) -> str:
    """What a model would see of a text under a policy. Raises Blocked."""
    exchange = _exchange(policy)
    prompt = chain.on_request(Prompt.of({"text": text}, _PLAIN), exchange)
    exchange.close()
    return str(prompt.body["text"])


def _exchange(policy: Policy) -> Exchange:
    return Exchange(
        id="",
        tenant="",
        subject="",
        model="",
        deadline=Deadline.after(time.monotonic, policy.limits.analysis),
    )


def bound_this_process() -> None:
    """What a stranger sent may take no more than this, whatever it is."""
    resource.setrlimit(resource.RLIMIT_AS, (_SENT_BYTES, _SENT_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_SENT_CPU_S, _SENT_CPU_S))


def tried(policy: str, text: str) -> dict[str, Any]:
    """What is wrong with a policy that somebody sent, as `policy.yaml:line:column: what`, or else what it makes of a
    text. Values are hashed and sealed with keys that nobody keeps, so these look other than in the gateway."""
    try:
        loaded = parse_policy(policy, Path("policy.yaml"))
        if not is_ours(loaded.policy.redact):
            place = ("redact", "plugins" if loaded.policy.redact.plugins else "nlp")
            return _told(
                [loaded.problem(place, "only the engines builtin and patterns, without plugins, are tried here")]
            )
        with trial(loaded) as chain:
            return _told([], inspected(chain, Prompt.of({"text": text}, _PLAIN), _exchange(loaded.policy)))
    except ConfigurationError as error:
        return _told(str(error).splitlines())
    except GatewayError as error:
        return _told([f"policy.yaml:1:1: {error.message}"])


def _told(problems: list[str], inspection: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"problems": problems, "inspection": inspection}


def _main() -> None:
    os.nice(_NICE)
    # Where memory runs out, this goes before those that serve.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    keep_compiled(_MOST_PATTERNS)
    # So that all that every policy has is there already.
    tried(_ANY_POLICY, "Write to jane@example.org.")
    while _answered():
        pass


def _answered() -> bool:
    """Answer one line in a process of its own, so that its bounds are of this question, and nothing of it is left for
    the next: this process never reads any. False at the end of the lines."""
    child = os.fork()
    if child == 0:
        os._exit(_answer())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (_DONE, _END):
        sys.stdout.write("null\n")
        sys.stdout.flush()
    return code != _END


def _answer() -> int:
    with suppress(Exception):
        bound_this_process()
        line = sys.stdin.readline()
        if not line:
            return _END
        asked = json.loads(line)
        sys.stdout.write(json.dumps(tried(asked["policy"], asked["text"])) + "\n")
        sys.stdout.flush()
        return _DONE
    return _FAILED


if __name__ == "__main__":
    _main()
