"""The stage that hides personal data from the model and gives it back to its owner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from gateway.errors import GatewayError, InvalidValue, RedactionUnavailable
from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.exchange import Exchange, Finding
from gateway.pipeline.prompt import Prompt, PromptError
from gateway.pipeline.span import Span, replace
from gateway.pipeline.stage import PassThrough, StreamFilter
from gateway.policy.schema import Action
from gateway.redact.actions import hashed, masked, removed
from gateway.redact.finder import Finder, Found
from gateway.redact.placeholder import LITERAL, Grammar
from gateway.redact.restore import RestoreFilter
from gateway.redact.rules import Rules
from gateway.redact.vault import Vault
from gateway.redact.views import Value, Views


class RedactStage:
    """Redacts every segment of a prompt; restores placeholders in every text of its answer but logprobs.

    The grammar of placeholders is made of all types that the rules name. `key` makes the hashes of the `hash` action.
    """

    def __init__(self, rules: Rules, finder: Finder, key: bytes) -> None:
        self._rules = rules
        self._finder = finder
        self._key = key
        self._grammar = Grammar(rules.names)
        self._grammar_of = lru_cache(maxsize=256)(Grammar)

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        """Raises Blocked by policy, RedactionUnavailable when the texts could not all be read in time."""
        views, found = self._found(prompt, exchange)
        vault = Vault()
        # Numbers go by where a value was found first, not by where it stands first: a later turn that reveals a name
        # of an earlier one must not change the other placeholders there.
        replacing = [self._numbered(i, s.text, found[i], views, vault) for i, s in enumerate(prompt.segments)]
        counts: Counter[tuple[str, Action]] = Counter()
        redacted = []
        for segment, values in zip(prompt.segments, replacing, strict=True):
            redacted.append(self._rewrite(segment.text, values, vault, exchange.tenant))
            counts.update((span.entity, self._rules.action(span.entity)) for span, _ in values)
        exchange.keep(vault)
        exchange.findings += [Finding("redact", kind, action, n) for (kind, action), n in counts.items()]
        try:
            return prompt.with_texts(redacted)
        except PromptError as error:
            raise InvalidValue(f"{error}; rename one of them") from None

    def open(self, exchange: Exchange, channel: Channel) -> StreamFilter:
        vault = exchange.kept(Vault)
        # The tokens of log probabilities are pieces of placeholders; the model never had more than these.
        if not vault or channel.field is Field.LOGPROBS:
            return PassThrough()
        return RestoreFilter(vault, self._grammar_of(vault.entities()), channel)

    def _found(self, prompt: Prompt, exchange: Exchange) -> tuple[Views, list[Found]]:
        try:
            return self._finder.find(prompt.segments, exchange.deadline, exchange.tenant)
        except GatewayError:
            raise
        except Exception as error:
            # Chained with `from None`: a library's message may quote the text it failed on.
            raise RedactionUnavailable(
                "The request could not be checked for personal data, so it was not sent on. "
                f"Try again; if it is long, send less at a time. ({type(error).__name__})"
            ) from None

    def _literals(self, text: str, spans: Sequence[Span], vault: Vault) -> list[Span]:
        """Text of the user that looks like a placeholder already given out. Others keep their number for the user.

        Only what stays of the text counts: each piece between two spans is read by itself, as it will stand.
        """
        literals = []
        at = 0
        for end, after in [*((span.start, span.end) for span in spans), (len(text), len(text))]:
            for mention in self._grammar.mentions(text[at:end]):
                if not vault.reserve(mention.entity, mention.number):
                    literals.append(Span(at + mention.start, at + mention.end, LITERAL, 1.0, "placeholder grammar"))
            at = after
        return literals

    def _numbered(self, index: int, text: str, found: Found, views: Views, vault: Vault) -> list[tuple[Span, Value]]:
        """What of a segment is replaced, in order; the values that were found in it have got their placeholders."""
        literals = self._literals(text, found.spans, vault)
        spans = sorted([*found.spans, *literals], key=lambda span: span.start)
        values = [(span, views.value(index, span, text[span.start : span.end])) for span in spans]
        for span, (value, verbatim) in values:
            is_own = span.entity == LITERAL or (span.start, span.end) in found.own
            if is_own and self._rules.action(span.entity) is Action.PLACEHOLDER:
                vault.placeholder(span.entity, value, verbatim=verbatim)
        return values

    def _rewrite(self, text: str, values: Sequence[tuple[Span, Value]], vault: Vault, tenant: str) -> str:
        made = [(span, self._replacement(span.entity, value, vault, tenant)) for span, value in values]
        return replace(text, made)

    def _replacement(self, entity: str, found: Value, vault: Vault, tenant: str) -> str:
        value, verbatim = found
        match self._rules.action(entity):
            case Action.MASK:
                return masked(value)
            case Action.REMOVE:
                return removed(entity)
            case Action.HASH:
                return hashed(self._key, tenant, entity, value)
            case _:
                return vault.placeholder(entity, value, verbatim=verbatim)
