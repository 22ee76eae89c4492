"""How many users there are at which time: up in steps, steady, a spike to twice as many, steady, and down."""

from __future__ import annotations

from typing import Literal

Shape = Literal["all", "ramp", "steady", "spike", "soak"]
SHAPES: tuple[Shape, ...] = ("all", "ramp", "steady", "spike", "soak")
_STEPS = 5
# Parts of the whole time from which on there is so much of the users.
_PHASES: dict[Shape, tuple[tuple[float, float], ...]] = {
    "all": (
        *((0.25 * step / _STEPS, (step + 1) / _STEPS) for step in range(_STEPS)),
        (0.5, 2.0),
        (0.65, 1.0),
        (0.9, 0.5),
    ),
    "ramp": tuple((step / 10, (step + 1) / 10) for step in range(10)),
    "steady": ((0.0, 1.0),),
    "spike": ((0.0, 0.5), (0.3, 2.0), (0.5, 0.5), (0.7, 2.0), (0.9, 0.5)),
    "soak": tuple((0.05 * step / _STEPS, (step + 1) / _STEPS) for step in range(_STEPS)),
}


def users_at(shape: Shape, elapsed_s: float, seconds: float, users: int) -> int | None:
    """How many users there should be now; None when the time is over."""
    if elapsed_s >= seconds:
        return None
    share = [part for since, part in _PHASES[shape] if since * seconds <= elapsed_s][-1]
    return max(1, round(users * share))
