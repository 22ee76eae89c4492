"""How much may be used: what can be limited, what a request will use of it, and what a client hears about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from gateway.errors import Header
from gateway.store.port import LARGEST_LIMIT

CHARS_PER_TOKEN = 4
DEFAULT_COMPLETION = 512
"""How many tokens an answer is taken to have if the request does not say how many it may have at most."""

# For whoever reads these from a file with pydantic: an unknown key is an error.
_STRICT: Mapping[str, str] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one token, person, tenant or model may use; None is no limit. Days and months are those of UTC."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = _STRICT

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None
    tokens_per_day: int | None = None
    tokens_per_month: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not (type(value) is int and 0 < value <= LARGEST_LIMIT):
                raise ValueError(f"{field.name}: write a whole number from 1 to {LARGEST_LIMIT}, or leave it out")

    @property
    def any(self) -> bool:
        """Whether anything is limited."""
        return self is not NO_LIMITS and self != NO_LIMITS

    def instead_of(self, other: Limits) -> Limits:
        """These, and the others where these say nothing."""
        said = {name: value for name in _NAMES if (value := getattr(self, name)) is not None}
        return replace(other, **said)


_NAMES = tuple(field.name for field in fields(Limits))
NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class LimitRules:
    """The limits of each token, each person, the whole tenant, and of a model over all tenants. All of them hold."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = _STRICT

    token: Limits = NO_LIMITS
    subject: Limits = NO_LIMITS
    tenant: Limits = NO_LIMITS
    model: Limits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class Gauge:
    """One limit as a client sees it."""

    limit: int
    remaining: int
    reset_ms: int


def limit_headers(kind: str, gauges: Sequence[Gauge]) -> list[Header]:
    """`x-ratelimit-…-requests` or `-tokens` of the limit of which least is left; none if there is no limit."""
    if not gauges:
        return []
    tightest = min(gauges, key=lambda gauge: (gauge.remaining, -gauge.reset_ms))
    return [
        (f"x-ratelimit-limit-{kind}".encode(), b"%d" % tightest.limit),
        (f"x-ratelimit-remaining-{kind}".encode(), b"%d" % tightest.remaining),
        (f"x-ratelimit-reset-{kind}".encode(), duration(tightest.reset_ms).encode()),
    ]


def duration(milliseconds: int) -> str:
    """`120ms`, `1s`, `8.64s`, `6m0s`, `24h0m0s`: durations as Go writes them, as in OpenAI's headers."""
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 1000}.{rest % 1000:03}".rstrip("0").rstrip(".") + "s"
    return f"{hours}h{minutes}m{seconds}" if hours else f"{minutes}m{seconds}" if minutes else seconds


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens that a request will use, roughly and rather too many."""

    prompt: int
    answers: int

    @property
    def all(self) -> int:
        """Of the prompt and of the answers."""
        return self.prompt + self.answers


def estimate(body: Mapping[str, Any], default_completion: int = DEFAULT_COMPLETION) -> Estimate:
    """How many tokens a request will use: that is put right when its answer is there.

    A prompt has a token for four characters of all that the model reads (OpenAI's rule of thumb for English; what is
    given as token ids is counted exactly), and each of `n` answers has as many as it may have at most: the larger of
    `max_completion_tokens` and `max_tokens`, since servers differ in which they go by, or `default_completion`. A body
    that is malformed has some estimate too.
    """
    chars = ids = 0
    for key in ("messages", "prompt", "input", "tools", "functions", "response_format", "suffix"):
        more_chars, more_ids = _size(body.get(key))
        chars, ids = chars + more_chars, ids + more_ids
    said = [_whole(body.get(name)) for name in ("max_completion_tokens", "max_tokens")]
    most = max((number for number in said if number is not None), default=default_completion)
    answers = max(1, _whole(body.get("n")) or 1, _whole(body.get("best_of")) or 1)
    prompts = body.get("prompt")
    if isinstance(prompts, list) and prompts and not isinstance(prompts[0], int):
        answers *= len(prompts)
    return Estimate(tokens_of(chars) + ids, most * answers)


def tokens_of(chars: int) -> int:
    """About how many tokens so many characters are."""
    return -(-chars // CHARS_PER_TOKEN)


def _size(value: Any) -> tuple[int, int]:
    """Characters of texts (and of the names beside them), and how many numbers there are."""
    chars = numbers = 0
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            chars += len(one)
        elif isinstance(one, Mapping):
            chars += sum(map(len, one))
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, int | float):
            numbers += 1
    return chars, numbers


def _whole(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= LARGEST_LIMIT else None
