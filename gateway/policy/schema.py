"""What a policy may say. Every key is named here; an unknown key is an error, never ignored.

What weakens privacy is spelled `unsafe_…`, so that a reader of a policy cannot miss it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gateway.policy.quantity import Duration, Size

EntityName = Annotated[str, Field(max_length=64, pattern=r"^[A-Z][A-Z0-9]*(_[A-Z][A-Z0-9]*)*$")]
Measure = Literal["allow", "report", "mask", "block"]
_MOST_ALLOWED = 200
Score = Annotated[float, Field(ge=0.0, le=1.0)]


class Action(StrEnum):
    """What happens to a value of an entity type before the model sees the text."""

    PLACEHOLDER = "placeholder"
    MASK = "mask"
    REMOVE = "remove"
    HASH = "hash"
    SURROGATE = "surrogate"
    ENCRYPT = "encrypt"
    BLOCK = "block"
    ALLOW = "allow"


class UnsafeField(StrEnum):
    """Request fields that open a hole and are refused unless the policy names them."""

    CHAT_TEMPLATE = "chat_template"
    DOCUMENTS = "documents"
    ECHO = "echo"
    PRIORITY = "priority"
    VLLM_XARGS = "vllm_xargs"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ModelRoute(_Part):
    upstream: str = "default"
    """A name under `upstreams`, or `default` for the server's --upstream."""
    id: str = Field(min_length=1)
    """The model's name at the upstream."""
    max_context: int | None = Field(default=None, ge=1)
    """Tokens of context, shown to clients in /v1/models."""


Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]


class UpstreamAt(_Part):
    """A model server."""

    url: Url
    key_file: str | None = None
    """A file beside the policy with the key that it wants as a bearer token; that of --upstream is not sent to it."""
    ca_file: str | None = None
    """A file beside the policy with who signs its certificate (https://…); without it the authorities of the system."""

    @model_validator(mode="after")
    def _is_for_tls(self) -> Self:
        if self.ca_file is not None and not self.url.startswith("https://"):
            raise ValueError("ca_file is for upstreams at https://")
        return self


def _upstream_at(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


class EntityRule(_Part):
    action: Action = Action.PLACEHOLDER
    threshold: Score | None = None
    """Overrides `redact.threshold` for this entity type."""


def _entity_rule(value: object) -> object:
    return {"action": value} if isinstance(value, str) else value


class Nlp(_Part):
    engine: str = Field(default="builtin", pattern=r"^(builtin|patterns|spacy:.+|transformers:.+|gliner:.+)$")
    """What finds names: builtin | patterns (nothing does) | spacy:NAME | transformers:NAME | gliner:NAME."""


class Recognizer(_Part):
    entity: EntityName
    pattern: str = Field(min_length=1, max_length=2000)
    """A regular expression, matched without regard to case."""
    score: Score = 0.5
    context: tuple[str, ...] = ()
    """Words that raise the score when they stand before the match."""


class Allowed(_Part):
    pattern: str = Field(min_length=1, max_length=2000)
    """A regular expression. A finding that it matches from end to end is left alone."""


def _few_patterns(values: tuple[str | Allowed, ...]) -> tuple[str | Allowed, ...]:
    # Each is looked at for a while before any text is read, and with each whatever was found.
    if sum(isinstance(value, Allowed) for value in values) > _MOST_ALLOWED:
        raise ValueError(f"expected at most {_MOST_ALLOWED} patterns; write some of them as one, or exact values")
    return values


class Denied(_Part):
    entity: EntityName
    text: tuple[Annotated[str, Field(min_length=1)], ...]
    """Exact words that are always personal data here."""


class Memo(_Part):
    """What was read once is not read again: offsets and types under a keyed hash, never a text."""

    size: Size = 8 * 2**20
    """Bytes in each worker; 0 turns it off."""
    ttl: Duration = 600.0
    """How long findings are remembered."""


class Redact(_Part):
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{2}$")], ...] = Field(default=("en",), min_length=1)
    nlp: Nlp = Nlp()
    threshold: Score = 0.5
    """Findings with a lower score are ignored."""
    default: Action = Action.PLACEHOLDER
    """The action for entity types not named under `entities`."""
    entities: dict[
        EntityName, Annotated[EntityRule, BeforeValidator(_entity_rule, json_schema_input_type=Action | EntityRule)]
    ] = {}
    recognizers: tuple[Recognizer, ...] = Field(default=(), max_length=100)
    plugins: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")], ...] = ()
    """Classes of Presidio recognizers that are installed beside the gateway, as `package.module:Class`."""
    allow: Annotated[tuple[str | Allowed, ...], AfterValidator(_few_patterns)] = ()
    """Values that are never redacted: exact ones, or patterns."""
    deny: tuple[Denied, ...] = ()
    encoded: Literal["redact", "block"] = "redact"
    """What stands encoded in a text (base64, hex, percent, …) and holds personal data: hide it whole, or stop."""
    memo: Memo = Memo()
    unknown_fields: Literal["scan", "refuse"] = "scan"
    """Request fields that the gateway does not know: scanned like the rest, or refused."""

    def rule(self, entity: str) -> EntityRule:
        """The rule for an entity type, its threshold filled in."""
        rule = self.entities.get(entity, EntityRule(action=self.default))
        return rule if rule.threshold is not None else rule.model_copy(update={"threshold": self.threshold})


class Regurgitation(_Part):
    index: tuple[str, ...] = Field(min_length=1, max_length=8)
    """Files of protected documents, made by `gateway index build`; beside the policy unless they say where."""
    words: int = Field(default=16, ge=4, le=32)
    """So many words in a row are a passage."""
    near: bool = True
    """Also passages with some words changed, added or left out."""
    action: Literal["block", "redact", "regenerate", "report"] = "block"
    """End the answer before a passage, put a mark in its place, ask the model once more, or count it only."""
    allow: tuple[str, ...] = ()
    """Files of texts that may be quoted all the same: licences, well-known quotes."""


class Canaries(_Part):
    file: str = "canaries.yaml"
    """Made by `gateway canary make`."""
    action: Literal["block", "report"] = "block"


def _canaries(value: object) -> object:
    return {"action": value} if isinstance(value, str) else value


_MEASURES: dict[str, Measure] = {
    # Mostly public knowledge: who wrote a book, where a river runs, the addresses of examples.
    "PERSON": "report",
    "LOCATION": "report",
    "ORGANIZATION": "allow",
    "NRP": "allow",
    "DATE_TIME": "allow",
    "AGE": "allow",
    "URL": "allow",
    "UUID": "allow",
    "IP_ADDRESS": "report",
}


def _measures(entities: dict[str, Measure]) -> dict[str, Measure]:
    if "SECRET" in entities:
        raise ValueError("what is done with keys and tokens is said under answers.secrets")
    return {**_MEASURES, **entities}


class AnswerPii(_Part):
    default: Measure = "mask"
    """What is done with personal data in an answer that the prompt did not contain."""
    entities: Annotated[dict[EntityName, Measure], AfterValidator(_measures)] = Field(default={}, validate_default=True)
    """By entity type. Unless named here names and places are reported only, and dates, URLs and the like allowed."""


class AnswerSecrets(_Part):
    formats: Measure = "block"
    """Keys and tokens in the formats of their issuers."""
    guessed: Measure = "report"
    """What only the words before it call a password or a key."""


def _secrets(value: object) -> object:
    return {"formats": value} if isinstance(value, str) else value


class Links(_Part):
    hosts: tuple[Annotated[str, Field(pattern=r"^(\*\.)?[^\s/*:@]+$", max_length=253)], ...] | None = None
    """Hosts that links may lead to, `*.example.com` with those below it. Without the list any; nothing is fetched."""
    action: Literal["allow", "report", "neutralise", "block"] = "neutralise"


class Answers(_Part):
    """What must not leave in an answer."""

    regurgitation: Regurgitation | None = None
    canaries: Annotated[
        Canaries | None, BeforeValidator(_canaries, json_schema_input_type=Literal["block", "report"] | Canaries | None)
    ] = None
    system_prompt: Literal["block", "redact", "report", "allow"] = "block"
    pii: AnswerPii = AnswerPii()
    secrets: Annotated[AnswerSecrets, BeforeValidator(_secrets, json_schema_input_type=Measure | AnswerSecrets)] = (
        AnswerSecrets()
    )
    links: Links = Links()


class Requests(_Part):
    logprobs: int = Field(default=5, ge=0, le=20)
    """How many log probabilities per token a client may ask for; 0 refuses them."""
    unsafe_fields: tuple[UnsafeField, ...] = ()
    """Fields that open a hole and are let through all the same (scanned)."""


def _at_most_a_day(seconds: float) -> float:
    if not 0 < seconds <= 86400:
        raise ValueError("expected more than 0s and at most 24h; `when: never` turns the cache off")
    return seconds


class Cache(_Part):
    """Redacted answers are kept, sealed, for a while, and given to who asks the same again."""

    when: Literal["deterministic", "always", "never"] = "deterministic"
    """Which requests: those with temperature 0 or a seed, all, or none."""
    scope: Literal["subject", "tenant"] = "subject"
    """Who shares: nobody but the same person, or everybody of a tenant (who can then tell what others asked)."""
    ttl: Annotated[Duration, AfterValidator(_at_most_a_day)] = 600.0
    """How long an answer is kept, at most 24h."""
    tool_calls: bool = False
    """Whether answers that call tools are kept too."""


Most = Annotated[int, Field(ge=1, le=10**10)]


class Rates(_Part):
    """How much may be used. Days and months are those of UTC."""

    requests_per_minute: Most | None = None
    tokens_per_minute: Most | None = None
    concurrent: Most | None = None
    tokens_per_day: Most | None = None
    tokens_per_month: Most | None = None


class Limits(_Part):
    body: Size = 4 * 2**20
    """Bytes of a request body."""
    prompt_chars: int = Field(default=400_000, ge=1)
    """Characters of all texts of a request together."""
    analysis: Duration = 5.0
    """Time for finding personal data in one request."""
    upstream: Duration = 300.0
    """Time for the upstream's whole answer."""
    token: Rates = Rates()
    """What each token may use."""
    subject: Rates = Rates()
    """What each person of a tenant may use, with whatever tokens."""
    tenant: Rates = Rates()
    """What a tenant may use in all."""
    tenants: dict[str, Rates] = {}
    """The same for single tenants; what is not said here is as for all."""
    model: dict[str, Rates] = {}
    """What all tenants together may use of a model, by its public name."""
    completion_tokens: Most = 512
    """How long an answer is taken to be if a request does not say how long it may be at most."""
    when_store_fails: Literal["closed", "local"] = "closed"
    """Refuse requests that are limited, or let each worker count for itself."""


class Case(_Part):
    """One test of the policy itself: what the model sees of a text."""

    text: str
    sees: str | None = None
    blocked: bool = False


class Policy(_Part):
    version: Literal[1]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    models: dict[str, ModelRoute] = Field(min_length=1)
    """The public names of models and where they are served."""
    upstreams: dict[
        str, Annotated[UpstreamAt, BeforeValidator(_upstream_at, json_schema_input_type=Url | UpstreamAt)]
    ] = {}
    """More upstreams beside the server's --upstream, which is called `default`."""
    redact: Redact = Redact()
    requests: Requests = Requests()
    answers: Answers = Answers()
    cache: Cache = Cache()
    limits: Limits = Limits()
    tests: tuple[Case, ...] = ()
    """What `gateway policy test` tries."""

    def weakenings(self) -> list[str]:
        """The settings of this policy that weaken privacy, for the log at start."""
        return [f"requests.unsafe_fields: {field}" for field in self.requests.unsafe_fields]
