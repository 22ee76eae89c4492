"""A policy in, the list of stages out. This list is the order in which a prompt is treated; answers go backwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from gateway.access.limits import NO_LIMITS, LimitRules, Limits
from gateway.guard.canaries import Canaries
from gateway.guard.invisible import InvisibleStage
from gateway.guard.links import LinksStage
from gateway.guard.memorised import MemorisedStage
from gateway.guard.personal import AnswerRules, PersonalStage
from gateway.guard.planted import CanaryStage
from gateway.guard.regurgitation import Index, Rule, Watch
from gateway.guard.secrets import SECRET
from gateway.guard.system_prompt import SystemPromptStage
from gateway.guard.turns import Turns
from gateway.pipeline.ports import Clock
from gateway.pipeline.stage import Chain, Stage
from gateway.policy.load import PolicyError, PolicyFile, parse_policy
from gateway.policy.positions import HINTS, nearest, told
from gateway.policy.schema import Action, EntityRule, Measure, Nlp, Policy, Rates, Redact, Regurgitation
from gateway.redact.detector import build_detector
from gateway.redact.finder import Finder, memos
from gateway.redact.precise import PreciseDetector
from gateway.redact.recognizers import passwords
from gateway.redact.rules import Rules
from gateway.redact.stage import RedactStage
from gateway.redact.structure.detector import SOURCE, StructureDetector
from gateway.redact.views.encodings import ENCODED
from gateway.redact.windows import WindowedDetector
from gateway.seal.keyring import Keyring
from gateway.settings import ConfigurationError

_INLINE_CHARS = 2000
_OWN_ENGINES = ("builtin", "patterns")
_WORDY = frozenset({"PERSON", "LOCATION", "ORGANIZATION", "NRP"})
"""Types that patterns and the layout find as plain words; all others have digits or signs."""


def build_stages(
    loaded: PolicyFile, *, hash_key: bytes, keyring: Keyring | None = None, clock: Clock = time.monotonic
) -> Chain:
    """The stages of a policy. `keyring`: of a keyset; without one there is none of keys that end with the server.

    Raises ConfigurationError if one of the stages cannot do what the policy asks.
    """
    if keyring is None and (problems := list(_without_keys(loaded))):
        raise PolicyError("\n".join(problems))
    redact = build_redaction(loaded, hash_key=hash_key, keyring=keyring, clock=clock)
    return Chain([redact, *answer_stages(loaded, redact, keyring, clock)])


def build_redaction(
    loaded: PolicyFile, *, hash_key: bytes, keyring: Keyring | None = None, clock: Clock = time.monotonic
) -> RedactStage:
    """The stage that hides what is in prompts."""
    rules, finder = build_finder(loaded, clock)
    return RedactStage(rules, finder, hash_key, None if keyring is None else keyring.texts)


def answer_stages(
    loaded: PolicyFile, redact: RedactStage, keyring: Keyring | None, clock: Clock = time.monotonic
) -> Iterator[Stage]:
    """What reads answers. They meet these in reverse: what is invisible goes first, for it disguises all else; links
    are judged last before values are put back, since what another filter makes of a text may be one."""
    answers = loaded.policy.answers
    if answers.links.action != "allow":
        yield LinksStage(answers.links.hosts, answers.links.action, redact.restores)
    if (personal := _personal(loaded, clock)) is not None:
        yield personal
    if answers.system_prompt != "allow":
        yield SystemPromptStage(answers.system_prompt)
    if answers.regurgitation is not None and keyring is not None:
        yield _memorised(loaded, answers.regurgitation, keyring, clock)
    if answers.canaries is not None and keyring is not None:
        with _naming(loaded, ("answers", "canaries")):
            canaries = Canaries.load(beside(loaded, answers.canaries.file), keyring)
        yield CanaryStage(canaries, answers.canaries.action)
    yield InvisibleStage()


def problems_of(text: str) -> list[str]:
    """What is wrong with a policy that somebody sent, as `policy.yaml:line:column: what`.

    Nothing that it names is looked for or loaded: neither files, nor code, nor models. So where it names plugins or an
    engine other than ours, it is not known whether something finds the entity types that it has.
    """
    try:
        loaded = parse_policy(text, Path("policy.yaml"))
        if is_ours(loaded.policy.redact):
            checked_detector(loaded)
    except ConfigurationError as error:
        return str(error).splitlines()
    return []


def is_ours(redact: Redact) -> bool:
    """Whether a policy's detector is made of what the gateway ships, and loads nothing else."""
    return not redact.plugins and redact.nlp.engine in _OWN_ENGINES


def files_of(loaded: PolicyFile) -> list[Path]:
    """The files that a policy names."""
    answers = loaded.policy.answers
    names = [*answers.regurgitation.index, *answers.regurgitation.allow] if answers.regurgitation else []
    names += [answers.canaries.file] if answers.canaries else []
    for at in loaded.policy.upstreams.values():
        names += [name for name in (at.key_file, at.ca_file) if name is not None]
    return [beside(loaded, name) for name in names]


def limit_rules(policy: Policy) -> Callable[[str, str], LimitRules | None]:
    """From a tenant and a model to the limits of their requests; None if there are none."""
    asked = policy.limits
    whole = {name: limits_of(rates).instead_of(limits_of(asked.tenant)) for name, rates in asked.tenants.items()}
    models = {name: limits_of(rates) for name, rates in asked.model.items()}
    token, subject, tenant = limits_of(asked.token), limits_of(asked.subject), limits_of(asked.tenant)

    @lru_cache(maxsize=1024)
    def rules(name: str, model: str) -> LimitRules | None:
        made = LimitRules(token, subject, whole.get(name, tenant), models.get(model, NO_LIMITS))
        return made if made != LimitRules() else None

    return rules


def limits_of(rates: Rates) -> Limits:
    """As the limiter takes them."""
    return Limits(**rates.model_dump())


def _personal(loaded: PolicyFile, clock: Clock) -> PersonalStage | None:
    """Personal data and secrets, found by patterns: a model for names would find every author of a book."""
    answers, limits = loaded.policy.answers, loaded.policy.limits
    asked = _looked_for_in_answers(loaded.policy)
    if asked.default is Action.ALLOW and all(rule.action is Action.ALLOW for rule in asked.entities.values()):
        return None
    detector = _detector(asked)
    own = {one.entity for one in asked.recognizers} | {one.entity for one in asked.deny}
    measures = AnswerRules(
        default=answers.pii.default,
        entities=answers.pii.entities,
        secrets=answers.secrets.formats,
        guessed=answers.secrets.guessed,
        guessed_sources=frozenset(row.name for row in passwords.rows()) | {SOURCE},
        threshold=0.0,
        wordy=detector.entities if asked.plugins else _WORDY | own,
    )
    return PersonalStage(PreciseDetector(detector, Rules(asked, detector.entities)), measures, clock, limits.analysis)


def _looked_for_in_answers(policy: Policy) -> Redact:
    """The policy of prompts, as a detector of answers is to read it: only whether a type matters, and from which score
    on, counts."""
    answers = policy.answers

    def rule(name: str, measure: Measure) -> EntityRule:
        action = Action.ALLOW if measure == "allow" else Action.REMOVE
        return EntityRule(action=action, threshold=policy.redact.rule(name).threshold)

    measures: dict[str, Measure] = {name: answers.pii.default for name in policy.redact.entities}
    measures |= answers.pii.entities
    secrets = {answers.secrets.formats, answers.secrets.guessed}
    measures[SECRET] = "allow" if secrets == {"allow"} else "report"
    changes = {
        "nlp": Nlp(engine="patterns"),
        "default": rule("", answers.pii.default).action,
        "entities": {name: rule(name, measure) for name, measure in measures.items()},
    }
    return policy.redact.model_copy(update=changes)


def _memorised(loaded: PolicyFile, asked: Regurgitation, keyring: Keyring, clock: Clock) -> MemorisedStage:
    with _naming(loaded, ("answers", "regurgitation", "index")):
        indexes = [Index.open(beside(loaded, name), keyring) for name in asked.index]
    with _naming(loaded, ("answers", "regurgitation", "allow")):
        allow = [_text_of(beside(loaded, name)) for name in asked.allow]
    rule = Rule(asked.words, asked.near)
    stopping, cutting = Watch(indexes, rule, allow=allow), Watch(indexes, rule, allow=allow, redact=True)
    return MemorisedStage(stopping, cutting, asked.action, Turns(clock))


@contextmanager
def _naming(loaded: PolicyFile, place: tuple[str, ...]) -> Iterator[None]:
    """What is wrong with a file is told with the line of the policy that names it."""
    try:
        yield
    except ConfigurationError as error:
        raise PolicyError(loaded.problem(place, str(error))) from None


def beside(loaded: PolicyFile, name: str) -> Path:
    """A file that a policy names, from the folder of the policy."""
    return loaded.path.parent / name


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"{path}: cannot be read as UTF-8 text") from None


def build_finder(loaded: PolicyFile, clock: Clock = time.monotonic) -> tuple[Rules, Finder]:
    """What finds all that a policy acts on, and its rules."""
    detector = checked_detector(loaded)
    redact = loaded.policy.redact
    rules = Rules(redact, detector.entities)
    return rules, Finder(detector, rules, memos(clock, redact.memo), block_encoded=redact.encoded == "block")


def inline_chars(policy: Policy) -> int:
    """Characters that the stages read in a few milliseconds, so that a thread would cost more than it saves."""
    return _INLINE_CHARS if policy.redact.nlp.engine in _OWN_ENGINES else 0


def checked_detector(loaded: PolicyFile, *, whole: bool = False) -> WindowedDetector:
    """The detector of a policy; PolicyError names entity types that nothing finds, with their place.

    `whole`: one that also looks for what the policy allows.
    """
    detector, policy = _detector(loaded.policy.redact, whole=whole), loaded.policy
    problems = list(_unknown_entities(loaded, policy.redact.entities, detector.entities, ("redact",)))
    problems += _unknown_entities(loaded, policy.answers.pii.entities, detector.entities, ("answers", "pii"))
    if problems:
        raise PolicyError(told(problems))
    return detector


def _detector(redact: Redact, *, whole: bool = False) -> WindowedDetector:
    presidio, structure = build_detector(redact, whole=whole), StructureDetector()
    return WindowedDetector(presidio, structure, presidio.entities | structure.entities | {ENCODED})


def _without_keys(loaded: PolicyFile) -> Iterator[str]:
    """The lines of a policy that ask for a keyset where there is none."""
    needed = "needs a keyset: `gateway key init keys.json`, then `gateway serve --keyset keys.json`"
    what = f"encrypt {needed}"
    redact, answers = loaded.policy.redact, loaded.policy.answers
    if answers.regurgitation is not None:
        yield loaded.problem(("answers", "regurgitation"), f"an index {needed}")
    if answers.canaries is not None:
        yield loaded.problem(("answers", "canaries"), f"what finds canaries {needed}")
    if redact.default is Action.ENCRYPT:
        yield loaded.problem(("redact", "default"), what)
    for name, rule in redact.entities.items():
        if rule.action is Action.ENCRYPT:
            yield loaded.problem(("redact", "entities", name), what)


def _unknown_entities(
    loaded: PolicyFile, named: Iterable[str], known: frozenset[str], place: tuple[str, ...]
) -> Iterator[str]:
    for index, name in enumerate(each for each in named if each not in known):
        hint = ""
        if index < HINTS:
            close = nearest(name, sorted(known))
            hint = f"; did you mean {close}?" if close else f"; known are: {', '.join(sorted(known))}"
        yield loaded.problem((*place, "entities", name), f"no recognizer finds {name}{hint}")
