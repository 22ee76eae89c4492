"""How long this process goes on serving: what the parts that face clients know of its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.edge.tls import Certificate

NOT_READY = 503, "not_ready"
_CUT_OFF = "cut off at the end of the time to drain"


class Life:
    """`is_ending`: /health/ready says so, that balancers look elsewhere. `is_closing`: answers close their
    connections. A process that is replaced by another on the same port closes but does not end."""

    def __init__(self) -> None:
        self.is_ending = False
        self.is_closing = False

    def end(self) -> None:
        self.is_ending = self.is_closing = True

    def give_way(self) -> None:
        self.is_closing = True


@dataclass(frozen=True, slots=True)
class Serving:
    """What app.py hands to the server with the app. `report` is told what becomes of connections that are too many."""

    report: Callable[[str], None]
    certificate: Certificate | None
    """None: without TLS."""
    life: Life = field(default_factory=Life)

    def problems(self) -> Mapping[str, str]:
        """What is wrong with the files of TLS, for /health/ready."""
        return {} if self.certificate is None else {"tls": self.certificate.problem}


def cut_off(task: asyncio.Task[None]) -> None:
    """Stop an exchange because the process ends: whoever waits for it is told so."""
    task.cancel(_CUT_OFF)


def is_cut_off(error: asyncio.CancelledError) -> bool:
    """Whether it was that, and not somebody who went."""
    return error.args == (_CUT_OFF,)


def verdict(error: asyncio.CancelledError) -> tuple[int, str]:
    """Status and code of an exchange that was stopped, for the record."""
    return NOT_READY if is_cut_off(error) else (499, "cancelled")
