"""Runs the test cases that a policy carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.errors import Blocked
from gateway.policy.schema import Policy

Sees = Callable[[str], str]
"""What the model sees of a text. Raises Blocked."""


def failures(policy: Policy, sees: Sees) -> Iterator[tuple[int, str]]:
    """The index of each case that does not hold, and what happened instead."""
    for index, case in enumerate(policy.tests):
        try:
            seen = sees(case.text)
        except Blocked as blocked:
            if not case.blocked:
                yield index, f"was blocked by {blocked.rule}"
            continue
        if case.blocked:
            yield index, f"was not blocked; the model sees: {seen}"
        elif case.sees is not None and seen != case.sees:
            yield index, f"the model sees: {seen}"
