"""Sizes and durations as people write them in YAML: `4MiB`, `300s`, `10m`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_SIZE = re.compile(r"(\d{1,12})\s*(B|KiB|MiB|GiB|kB|MB|GB)?")
_SIZE_UNITS = {None: 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*(ms|s|m|h|d)")
_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_size(value: object) -> int:
    """`4MiB` -> 4194304 bytes; a plain number is bytes. Raises ValueError."""
    match = _SIZE.fullmatch(str(value).strip()) if isinstance(value, int | str) else None
    if match is None or isinstance(value, bool):
        raise ValueError("expected a size such as 4MiB, 500kB or a number of bytes")
    return int(match[1]) * _SIZE_UNITS[match[2]]


def parse_duration(value: object) -> float:
    """`300s` -> 300.0 seconds. A unit is required, so that nobody has to guess. Raises ValueError."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a duration with its unit, such as 500ms, 5s, 10m, 24h or 30d")
    return float(match[1]) * _DURATION_UNITS[match[2]]


Size = Annotated[
    int, BeforeValidator(parse_size), WithJsonSchema({"type": ["string", "integer"], "pattern": _SIZE.pattern})
]
Duration = Annotated[
    float, BeforeValidator(parse_duration), WithJsonSchema({"type": "string", "pattern": _DURATION.pattern})
]
