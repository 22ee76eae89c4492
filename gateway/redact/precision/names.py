"""Words that only look like names: identifiers, products, months, eponyms of mathematics, headings."""

from __future__ import annotations

import re

from gateway.redact.precision.surroundings import Surroundings
from gateway.redact.precision.vocabulary import (
    CALENDAR,
    GENERIC,
    MONTHS_AND_NAMES,
    PRODUCTS,
    PRODUCTS_AND_NAMES,
    PRONOUNS,
)

_SNAKE = re.compile(r"[A-Za-z0-9]_[A-Za-z0-9]")
_LOWER_CAMEL = re.compile(r"\b[a-z]{2,}[A-Z]")
_UPPER_CAMEL = re.compile(
    r"\b(?!Mc|Mac|De|Di|Da|Del|La|Le|Lo|Van|Von|Fitz|San|St|Du|Al|El|O['’]"
    r"|(?:Jo|Mary|Anna?|Lee|Ruth|Jean|Sue|Kelly|Dee|Billie)[A-Z])[A-Z][a-z]+[A-Z]"
)
_CODE_BEFORE = re.compile(
    r"(?:[`.<\[({$@\\]|::|->|=>|--?|</|\b(?:class|new|import|from|extends|implements|struct|type|interface|def|function|"
    r"func|fn|enum|trait|impl|return|await|const|let|var|namespace|using|package|module|raise|throw|catch|except)\s)$"
)
_CODE_AFTER = re.compile(r"[`<(\[{]|::|->|\.[a-z]\w*|\s*[=!]=|\s*=\s|;\s*$|_|>")
_CALL = re.compile(r"\(\)|\([^()]*\)?\s*[;{:.]|\((?:[a-z_]\w*[,)=.(]|[\"'&*\d])")
_DEFINED = re.compile(r"(?:\bdef|\bfunction|\bfunc|\bfn|\bnew|=|\breturn|\bawait|\bnot)\s+$")
_SOURCE_FILE = (
    "(?:py|pyi|js|jsx|ts|tsx|rs|go|c|h|cc|cpp|hpp|java|kt|rb|php|sh|sql|css|scss|html|vue|ya?ml|toml|json|lock|swift|cs|"
    "ipynb|lua|exe|dll|so|jar|ini|cfg|conf|mk|tf|proto)"
)
_ENDS_AS_SOURCE = re.compile(rf"\w\.{_SOURCE_FILE}$")
_GOES_ON_AS_SOURCE = re.compile(rf"\.{_SOURCE_FILE}\b(?!\.\w)")
_FLAG = re.compile(r"(?:^|[\s\"'`\[(])--?$")
_VARIABLE = re.compile(r"--$|\$\{?$|\{\{\s?$")
_IMPORTED = re.compile(r"(?:^|\n)\s*from $")
_DOTTED = re.compile(r"\w{2,}(?:\.\w{2,})+")
_NUMBERED = re.compile(
    r"(?:ports?|lines?|pages?|chapter|section|steps?|version|figure|table|part|level|phase|rows?|columns?|items?|tasks?|"
    r"issue|error|exit code|kapitel|seite|zeile|schritt|tabelle|page|étape|página|paso|pagina|strona) #?\d{1,6}",
    re.I,
)
_WORDS = re.compile(r"[^\W\d_]+")
_LETTER = re.compile(r"[^\W\d_]")

_EPONYM_AFTER = re.compile(
    r"(?:['’]s?)?[ \u2013-](?:last |first |second |third |little |shortest[ -]path |fast )?"
    r"(?:algorithms?|algorithmus|algoritm[eo]?|transforms?|transformations?|theorems?|théorème|teorema|"
    r"distributions?|verteilung|equations?|gleichung(?:en)?|inequality|ungleichung|lemma|conjecture|vermutung|"
    r"constant|konstante|matrix|cipher|chiffre|integrals?|polynom\w*|paradox\w*|classifier|estimator|sort|kurve|satz)\b"
    r"|(?:['’]s?[ ]|[\u2013-])(?:laws?|principle|prinzip)\b",
    re.I,
)
# What anybody may have: it takes a namesake who is known for it.
_THING_AFTER = re.compile(
    r"(?:['’]s?)?[ \u2013-](?:numbers?|zahlen|series|sequence|machines?|maschine|razor|triangle|cat|effect|effekt|"
    r"hypothesis|experiment|notation|reihe)\b",
    re.I,
)
_NAMESAKES = frozenset(
    """fibonacci bernoulli mersenne fermat catalan reynolds mach avogadro euler stirling schrödinger schrodinger
    schroedinger occam ockham hanlon pascal turing boltzmann fourier taylor maclaurin laurent milgram doppler hall
    compton zeeman riemann hamming lucas bell liouville ramanujan carmichael prandtl rayleigh froude hawthorne
    dunning-kruger mpemba coriolis faraday joule hubble cauchy pavlov landau church""".split()
)
_DISEASE = re.compile(r"(?:['’]s?)?[ -](?:disease|syndrome?|krankheit|reflex|lymphoma)\b", re.I)
_PHYSICIANS = frozenset(
    """parkinson parkinsons alzheimer alzheimers crohn huntington hodgkin down asperger tourette lyme graves hashimoto
    cushing addison turner marfan pavlov babinski""".split()
)
_EPONYM_BEFORE = re.compile(
    r"\b(?:theorem|théorème|teorema|algoritmo|algorithme|algorithmus|algorithm|algorytm|satz|transformation|"
    r"transformée|transformada|trasformata|transformata|distribution|verteilung|gesetz|loi|ley|law|lei|legge|lemma|"
    r"conjecture|inequality|equation|equazione|ecuación|équation|paradox|prawo|stelling|wet|maladie|syndrome)\s"
    r"(?:of|de|di|von|des|du|van|d['’])?\s?$",
    re.I,
)
_EPONYM_HEADS = frozenset(
    """alg tra the thé teo dis ver equ gle ine ung lem con law pri sor kur kon num zah ser rei mat tri cip chi int pol
    seq mac par cla est not raz hyp sat exp cat eff syn kra ref lym ges loi ley lei leg équ ecu pra ste wet mal
    las fir sec thi lit sho fas""".split()
)
_MONTH_BEFORE = re.compile(
    r"(?:\b(?:in|since|until|till|by|last|next|early|late|mid|of|this|every|from|im|ab|bis|seit|en|de|em|di|w|od|do)"
    r"|\d{1,2}(?:st|nd|rd|th|\.)?)[\s-]$",
    re.I,
)
_PERSON_BEFORE = re.compile(
    r"\b(?:ask(?:ed)?|tell|told|thank(?:s|ed)?|hi|hey|hello|dear|met|meet|cc|ping(?:ed)?|call(?:ed)?|email(?:ed)?|"
    r"assigned to|reported by|written by|frag|fragt|danke|hallo|liebe[r]?|bonjour|hola|ciao|car[ao])[ ,:]{1,2}$",
    re.I,
)
_PERSON_AFTER = re.compile(
    r"\s+(?:wrote|said|says|told|fixed|thinks|thought|asked|asks|called|left|joined|wants|wanted|knows|works|worked|"
    r"broke|deployed|reviewed|merged|sent|sends|replied|and I|from (?:the|our|my)|hat|sagt|fragt|meint|schrieb)\b"
)
_TECHNICAL = re.compile(
    r"\b(?:code|codebase|scripts?|servers?|clusters?|install\w*|versions?|pipelines?|librar(?:y|ies)|framework\w*|"
    r"languages?|compil\w+|databases?|quer(?:y|ies)|api|class(?:es)?|functions?|builds?|deploy\w*|topics?|brokers?|docs?|"
    r"programming|unit tests?|plugins?|modules?|packages?|repo\w*|software|migrat\w+|logs?|config\w*|cli|sdk|orm|gem|"
    r"python|java|docker|linux|sql|http|rails|kubernetes|npm|pip|programm\w*|bibliothek|"
    r"element|planet\w*|orbit\w*|thermometer|poisoning|solar|periodic|moons?)\b",
    re.I,
)


def is_harmless_name(here: Surroundings, entity: str) -> bool:
    """For persons, places and organisations."""
    value = here.value
    if entity == "PERSON" and not _LETTER.search(value):
        return True
    if (" " not in value and _is_code(here)) or _NUMBERED.fullmatch(value):
        return True
    if " " not in value and here.before.endswith(("--", "$", "{", "{ ")) and _VARIABLE.search(here.before):
        return not (here.before.endswith("-") and value[:1].isupper())
    return _is_vocabulary(here, entity) or _is_eponym(here)


def _is_code(here: Surroundings) -> bool:
    """Whether a single word is an identifier, a file of source code, a flag, a tag or a call."""
    return _is_written_as_code(here) or _stands_in_code(here) or _is_dotted_code(here)


def _is_written_as_code(here: Surroundings) -> bool:
    """By its own spelling, or by that of the word of which it is a part."""
    value, before, after = here
    if _SNAKE.search(value) or _LOWER_CAMEL.search(value) or _ENDS_AS_SOURCE.search(value):
        return True
    if _UPPER_CAMEL.search(value) and (_CODE_BEFORE.search(before) or _CODE_AFTER.match(after)):
        return True
    return (before[-1:] == "_" or after[:1] == "_") and (value.islower() or value.isupper())


def _stands_in_code(here: Surroundings) -> bool:
    """As a flag, in a tag, as the stem of a file's name, or as what is called."""
    value, before, after = here
    if before.endswith("-") and value[0].islower() and _FLAG.search(before):
        # Who signs with a dash before the name has a capital.
        return True
    if before.endswith(("<", "</")) and "@" not in after[:20] and not after.startswith(">:"):
        return True
    if _GOES_ON_AS_SOURCE.match(after):
        return True
    return bool(_CALL.match(after) and (value[0].islower() or _DEFINED.search(before) or after.startswith("()")))


def _is_dotted_code(here: Surroundings) -> bool:
    if _DOTTED.fullmatch(here.value) is None:
        return False
    if here.before.endswith("from "):
        return bool(_IMPORTED.search(here.before)) and here.after.startswith(" import")
    return here.after.startswith("(") or bool(_CODE_BEFORE.search(here.before))


def _is_vocabulary(here: Surroundings, entity: str) -> bool:
    """Whether all words of a value are known ones that name nobody, as far as their surroundings allow that."""
    words = [word.casefold() for word in _WORDS.findall(here.value[:120])]
    if not words:
        return False
    if all(word in GENERIC for word in words):
        return True
    if len(words) > 1:
        return all(word in PRODUCTS or word in GENERIC for word in words)
    return _is_known(words[0], here, entity)


def _is_known(word: str, here: Surroundings, entity: str) -> bool:
    if word in CALENDAR or word in PRONOUNS or (word in PRODUCTS and entity != "ORGANIZATION"):
        return True
    if word in MONTHS_AND_NAMES:
        return bool(_MONTH_BEFORE.search(here.before)) or here.after[:2].strip().isdigit()
    if word in PRODUCTS_AND_NAMES:
        if _PERSON_BEFORE.search(here.before) or _PERSON_AFTER.match(here.after):
            return False
        return bool(_TECHNICAL.search(here.before) or _TECHNICAL.search(here.after))
    return False


def _is_eponym(here: Surroundings) -> bool:
    """`Dijkstra's algorithm`, `Fourier transform`, `Satz von Bayes`: the thing is known, its namesake is not meant."""
    if here.value.count(" ") > 1:
        return False
    if not here.heads_after().isdisjoint(_EPONYM_HEADS):
        if _EPONYM_AFTER.match(here.after):
            return True
        if _THING_AFTER.match(here.after) and not _NAMESAKES.isdisjoint(here.value.casefold().split()[-1:]):
            return True
        if here.value.casefold() in _PHYSICIANS and _DISEASE.match(here.after):
            return True
    return not here.heads_before().isdisjoint(_EPONYM_HEADS) and bool(_EPONYM_BEFORE.search(here.before))
