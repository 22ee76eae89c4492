"""The stage that hides personal data from the model and gives it back to its owner."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from gateway.errors import GatewayError, InvalidValue, RedactionUnavailable
from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.exchange import DeadlineExceeded, Exchange
from gateway.pipeline.ports import SealerOf
from gateway.pipeline.prompt import Prompt, PromptError
from gateway.pipeline.span import Span, merge, replace
from gateway.pipeline.stage import PassThrough, StreamFilter
from gateway.pipeline.trace import Replaced, Trace
from gateway.policy.schema import Action
from gateway.redact.actions import encrypted, hashed, masked, removed
from gateway.redact.finder import Finder, Found
from gateway.redact.placeholder import LITERAL, Grammar, may_mention
from gateway.redact.restore import RestoreFilter, plainly_restored
from gateway.redact.rules import Rules
from gateway.redact.surrogate.chooser import Surrogates
from gateway.redact.surrogate.lexicon import is_word
from gateway.redact.vault import Vault
from gateway.redact.views.views import Value

Replacement = tuple[Span, str, Value]
"""What is replaced, by what, and the value that stood there."""

Waiting = dict[int, list[tuple[str, Value]]]
"""Values of earlier segments that later ones reveal, by the number of these."""


class RedactStage:
    """Redacts every segment of a prompt; restores placeholders and surrogates in every text of its answer but logprobs.

    The grammar of placeholders is made of all types that the rules name. `key` makes the hashes of the `hash` action
    and chooses surrogates; `sealer_of` seals for `encrypt` (without it such values get placeholders).
    """

    name = "redact"

    def __init__(self, rules: Rules, finder: Finder, key: bytes, sealer_of: SealerOf | None = None) -> None:
        self._rules = rules
        self._finder = finder
        self._key = key
        self._sealer_of = sealer_of
        self._has_surrogates = any(rules.action(name) is Action.SURROGATE for name in (*rules.names, ""))
        self._grammar = Grammar(rules.names)
        self._grammar_of = lru_cache(maxsize=256)(Grammar)

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        """Raises Blocked by policy, RedactionUnavailable when the texts could not all be read and rewritten in time."""
        found = self._found(prompt, exchange)
        vault = Vault(Surrogates(self._key, exchange.tenant) if self._has_surrogates else None)
        # Numbers go by where a value was found first, not by where it stands first: a later turn that reveals a name
        # of an earlier one must not change the other placeholders there.
        replacing = []
        waiting: Waiting = {}
        for index, segment in enumerate(prompt.segments):
            replacing.append(self._numbered(index, segment.text, found[index], vault, waiting))
            for entity, value in waiting.pop(index, ()):
                self._stands_for(entity, value, vault)
        counts: Counter[tuple[str, Action]] = Counter()
        made = []
        for values in replacing:
            _in_time(exchange)
            made.append([(span, self._replacement(span.entity, v, vault, exchange.tenant), v) for span, v in values])
            counts.update((span.entity, self._rules.action(span.entity)) for span, _ in values)
        # Only when all surrogates of the exchange are known it can be told that each text will be given back.
        rewritten = [self._rewrite(s.text, what, vault) for s, what in zip(prompt.segments, made, strict=True)]
        redacted = [text for text, _ in rewritten]
        exchange.keep(vault)
        if (trace := exchange.kept(Trace)) is not None:
            trace.replaced = [
                [Replaced(span, self._rules.action(span.entity).value, new) for span, new, _ in what]
                for _, what in rewritten
            ]
        for (kind, action), count in counts.items():
            exchange.found("redact", kind, action, count)
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

    def restores(self, exchange: Exchange, text: str) -> bool:
        """Whether a value would be put into a text of the exchange's answer."""
        vault = exchange.kept(Vault)
        return vault is not None and plainly_restored(text, vault, self._grammar_of(vault.entities())) != text

    def _found(self, prompt: Prompt, exchange: Exchange) -> Sequence[Found]:
        try:
            # A person's own: from the time that it takes nobody can tell what others have sent.
            owner = f"{exchange.tenant}\0{exchange.subject}"
            return self._finder.find(prompt.segments, exchange.deadline, owner)
        except GatewayError:
            raise
        except Exception as error:
            # Chained with `from None`: a library's message may quote the text it failed on.
            raise RedactionUnavailable(
                "The request could not be checked for personal data, so it was not sent on. "
                f"Try again; if it is long, send less at a time. ({type(error).__name__})"
            ) from None

    def _literals(self, text: str, spans: Sequence[Span], vault: Vault) -> list[Span]:
        """Text of the user that looks like a placeholder or a surrogate already given out. Other placeholders keep
        their number for the user.

        Only what stays of the text counts: each piece between two spans is read by itself, as it will stand.
        """
        literals: list[Span] = []
        if vault.surrogates is None and not may_mention(text):
            return literals
        at = 0
        for end, after in [*((span.start, span.end) for span in spans), (len(text), len(text))]:
            piece = text[at:end]
            for mention in self._grammar.mentions(piece):
                if not vault.reserve(mention.entity, mention.number):
                    literals.append(Span(at + mention.start, at + mention.end, LITERAL, 1.0, "placeholder grammar"))
            for stood in vault.surrogates.lexicon.mentions(piece) if vault.surrogates else ():
                literals.append(Span(at + stood.start, at + stood.end, LITERAL, 1.0, "surrogates"))
            at = after
        return merge(literals)

    def _numbered(
        self, index: int, text: str, found: Found, vault: Vault, waiting: Waiting
    ) -> list[tuple[Span, Value]]:
        """What of a segment is replaced, in order; the values that were found in it have got what stands for them."""
        literals = self._literals(text, found.spans, vault)
        spans = sorted([*found.spans, *literals], key=lambda span: span.start) if literals else found.spans
        values = [(span, found.value(span, text[span.start : span.end])) for span in spans]
        if vault.surrogates is not None:
            vault.surrogates.read(text)
            for _, (value, _) in values:
                vault.surrogates.avoid(value)
        own = sorted(start for start, _ in found.own)
        for span, found_value in values:
            # A value found here counts as found here also where what other texts say has made it wider.
            is_own = span.entity == LITERAL or bisect_left(own, span.start) < bisect_left(own, span.end)
            if self._rules.action(span.entity) not in (Action.PLACEHOLDER, Action.SURROGATE):
                continue
            since = index if is_own else found.since.get((span.start, span.end), index)
            if since <= index:
                self._stands_for(span.entity, found_value, vault)
            else:
                # A spelling that is found nowhere has its number since the text that reveals it.
                waiting.setdefault(since, []).append((span.entity, found_value))
        if vault.surrogates is not None:
            # Values that cannot have their surrogate here get their number now, before those of later texts.
            stands = [(span, vault.surrogates.known(v[0]) or removed(span.entity), v) for span, v in values]
            self._rewrite(text, stands, vault)
        return values

    def _stands_for(self, entity: str, found: Value, vault: Vault) -> str:
        """The surrogate of a value if the rules want one and there is a sensible one, else its placeholder."""
        value, verbatim = found
        if self._rules.action(entity) is Action.SURROGATE and vault.surrogates is not None and not verbatim:
            stand_in = vault.surrogates.stand_in(entity, value)
            if stand_in is not None:
                return stand_in
        return vault.placeholder(entity, value, verbatim=verbatim)

    def _rewrite(self, text: str, made: Sequence[Replacement], vault: Vault) -> tuple[str, Sequence[Replacement]]:
        """A text with its values replaced, and by what. Where a surrogate could not be told from the text around it (it
        touches a word, or makes another one with its neighbours), a placeholder stands instead."""
        stand_in_of = vault.surrogates.known if vault.surrogates is not None else _nothing
        at_risk = [span for span, new, (value, _) in made if stand_in_of(value) == new]
        redacted = replace(text, ((span, new) for span, new, _ in made))
        for giving_up in ([span for span in at_risk if _touches_word(text, span)], at_risk):
            if not at_risk or self._gives_back(redacted, text, made, vault):
                break
            made = [
                (span, vault.placeholder(span.entity, value[0]) if span in giving_up else new, value)
                for span, new, value in made
            ]
            redacted = replace(text, ((span, new) for span, new, _ in made))
        return redacted, made

    def _gives_back(self, redacted: str, text: str, made: Sequence[Replacement], vault: Vault) -> bool:
        """Whether restoring the redacted text gives every value back, and changes nothing else."""
        stand_in_of = vault.surrogates.known if vault.surrogates is not None else _nothing
        back = [
            (span, value if new in (vault.known(value), stand_in_of(value)) else new) for span, new, (value, _) in made
        ]
        return plainly_restored(redacted, vault, self._grammar_of(vault.entities())) == replace(text, back)

    def _replacement(self, entity: str, found: Value, vault: Vault, tenant: str) -> str:
        value, _ = found
        match self._rules.action(entity):
            case Action.MASK:
                return masked(value)
            case Action.REMOVE:
                return removed(entity)
            case Action.HASH:
                return hashed(self._key, tenant, entity, value)
            case Action.ENCRYPT if self._sealer_of is not None:
                return encrypted(self._sealer_of(tenant), entity, value)
            case _:
                return self._stands_for(entity, found, vault)


def _in_time(exchange: Exchange) -> None:
    try:
        exchange.deadline.left()
    except DeadlineExceeded:
        raise RedactionUnavailable(
            "The request could not be redacted in time, so it was not sent on. Send less at a time."
        ) from None


def _nothing(_: str) -> str | None:
    return None


def _touches_word(text: str, span: Span) -> bool:
    """Whether what stands in place of a span would run into a word beside it."""
    return is_word(text[span.start - 1 : span.start]) or is_word(text[span.end : span.end + 1])
