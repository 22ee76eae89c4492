"""What the processes with the users have to know, handed to them in a file. Only the standard library is needed."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from loadtest.phases import Shape

VARIABLE = "LOADTEST_SCENE"


@dataclass(frozen=True, slots=True)
class Scene:
    """A gateway on loopback, tokens for it, and what to do there."""

    host: str
    port: int
    tokens: list[str]
    seed: int
    users: int
    seconds: float
    shape: Shape
    folder: str
    processes: int
    quoting: bool
    """Whether the model quotes what it saw, as the mock does."""
    vandals: bool

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), "utf-8")


def of_environment() -> Scene:
    return Scene(**json.loads(Path(os.environ[VARIABLE]).read_text("utf-8")))
