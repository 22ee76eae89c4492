"""Texts in, what a policy acts on out, for the commands that read texts outside an exchange, in one process or several.

What is reported is what the gateway would hide: the finder of its stage is asked, with time for texts of any length.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

from gateway.build import build_finder
from gateway.pipeline.exchange import Deadline
from gateway.pipeline.prompt import Segment
from gateway.pipeline.span import Span
from gateway.policy.load import PolicyFile, load_policy
from gateway.policy.schema import Action, Policy

_SECONDS_PER_CHAR = 600 / 2**20
_LEAST_SECONDS = 60.0
_WAITING_PER_JOB = 16
"""How many texts wait for a process: enough that none is idle, few enough that an endless input is not kept."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A text that could not be read to its end. `why` never quotes it."""

    why: str


Outcome = list[Span] | Unread
SpansOf = Callable[[str], list[Span]]


def spans_of(loaded: PolicyFile) -> SpansOf:
    """What finds in a text all that a policy acts on: disjoint spans in order.

    Raises ConfigurationError if the policy cannot be carried out; the function itself raises what stops a request.
    """
    _, finder = build_finder(replace(loaded, policy=_showing(loaded.policy)))

    def find(text: str) -> list[Span]:
        deadline = Deadline.after(time.monotonic, max(_LEAST_SECONDS, len(text) * _SECONDS_PER_CHAR))
        found = finder.find([Segment(("text",), text)], deadline, "")
        return list(found[0].spans)

    return find


def outcomes(loaded: PolicyFile, texts: Iterable[str], jobs: int = 1) -> Iterator[Outcome]:
    """For each text in order its spans, or why they are not known.

    Raises ConfigurationError before the first text is taken if the policy cannot be carried out.
    """
    find = spans_of(loaded)
    if jobs == 1:
        return (_outcome(find, text) for text in texts)
    return _parallel(loaded.path, texts, jobs)


def _parallel(policy: Path, texts: Iterable[str], jobs: int) -> Iterator[Outcome]:
    # Started afresh, since a fork would inherit the locks of threads that do not exist in it.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as processes:
        waiting: deque[Future[Outcome]] = deque()
        for text in texts:
            waiting.append(processes.submit(_elsewhere, policy, text))
            if len(waiting) >= jobs * _WAITING_PER_JOB:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _elsewhere(policy: Path, text: str) -> Outcome:
    return _outcome(_of_this_process(policy), text)


@lru_cache(maxsize=1)
def _of_this_process(policy: Path) -> SpansOf:
    return spans_of(load_policy(policy))


def _outcome(find: SpansOf, text: str) -> Outcome:
    try:
        return find(text)
    except Exception as error:  # whatever stops a request stops this text only
        return Unread(type(error).__name__)


def _showing(policy: Policy) -> Policy:
    """The policy with what it blocks removed instead: a finding that stops a request is to be shown, not to stop."""
    redact = policy.redact
    entities = {name: rule.model_copy(update={"action": _shown(rule.action)}) for name, rule in redact.entities.items()}
    changes = {"entities": entities, "default": _shown(redact.default), "encoded": "redact"}
    return policy.model_copy(update={"redact": redact.model_copy(update=changes)})


def _shown(action: Action) -> Action:
    return Action.REMOVE if action is Action.BLOCK else action
