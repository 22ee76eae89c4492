"""Values that are no names: dates, numbers, identifiers, words, code; to stand beside names in generated texts."""

import random
import re
from functools import cache

from wordfreq import top_n_list

from models.ner import pools
from models.ner.pools import listed

MONTHS, OTHER_MONTHS = listed("months"), listed("other_months")
DAYS, OTHER_DAYS = listed("days"), listed("other_days")
BRANDS, FILES, DOMAINS = listed("brands"), listed("files"), listed("domains")
PHONES = "+{}{} {}{}{} {}{}{}|({}{}{}) {}{}{}-{}{}|0{}{} {}{} {}{} {}{}|+{}{} ({}) {}{}{}{}{}{}|{}{}{}-{}{}{}-{}{}{}{}"
MONEY = "${}|{} EUR|€{}|{} €|£{}|{} USD|{}.50|{} zł|{} kr"
ENDINGS = "com org net de fr it es nl pl se dk br"


@cache
def words() -> list[str]:
    """Common English words that are no names."""
    named = {name.lower() for first, last in pools.people().values() for name in (*first, *last)}
    named |= {name.lower() for name in pools.cities()[0]}
    return [w for w in top_n_list("en", 6000) if w.isascii() and w.isalpha() and 3 <= len(w) <= 10 and w not in named]


class Values:
    """One method for each kind of value; all chance comes from `rng`."""

    def __init__(self, rng: random.Random, nouns: list[str]) -> None:
        self.rng, self.nouns = rng, nouns
        self.english = True

    def value(self, name: str) -> str:
        """A value for the slot of this name."""
        made: str = getattr(self, f"_value_{name}")()
        return made

    def _digits(self, count: int) -> str:
        return "".join(self.rng.choice("0123456789") for _ in range(count))

    def _word(self) -> str:
        return self.rng.choice(words())

    def address_of(self, first: str, last: str) -> str:
        """An e-mail address made of a name."""
        rng = self.rng
        first, last = (re.sub(r"\W", "", pools.plain(part).lower()) for part in (first, last))
        users = [f"{first}.{last}", f"{first[:1]}{last}", f"{first}.{last[:1]}", first, f"{first}{rng.randint(1, 99)}"]
        users += [f"{last}_{first}", "info", "office"]
        domain = rng.choice(DOMAINS) if rng.random() < 0.6 else f"{self._word()}.{rng.choice(ENDINGS.split())}"
        return f"{rng.choice(users)}@{domain}"

    def _value_n(self) -> str:
        rng = self.rng
        return str(rng.choice((rng.randint(1, 12), rng.randint(10, 99), rng.randint(100, 2030))))

    def _value_phone(self) -> str:
        return self.rng.choice(PHONES.split("|")).format(*(self.rng.randint(1, 9) for _ in range(12)))

    def _value_date(self) -> str:
        rng = self.rng
        day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1940, 2030)
        name = MONTHS[month - 1]
        dates = [f"{year}-{month:02}-{day:02}", f"{day:02}.{month:02}.{year}", f"{month}/{day}/{year}"]
        dates += [f"{day} {name} {year}", f"{name} {day}, {year}", f"{day} {name[:3]}"]
        return rng.choice([*dates, f"{day}. {rng.choice(OTHER_MONTHS)} {year}"])

    def _value_time(self) -> str:
        rng = self.rng
        hour, minute = rng.randint(0, 23), rng.randint(0, 59)
        return rng.choice(
            (f"{hour}:{minute:02}", f"{hour % 12 + 1}pm", f"{hour:02}:{minute:02}:{rng.randint(0, 59):02}")
        )

    def _value_id(self) -> str:
        signs = "0123456789" * 3 + "ABCDEFGHKLMNPRSTXZ-"
        return "".join(self.rng.choice(signs) for _ in range(self.rng.randint(5, 14))).strip("-")

    def _value_hash(self) -> str:
        return f"{self.rng.getrandbits(160):040x}"[: self.rng.choice((7, 8, 12, 40))]

    def _value_uuid(self) -> str:
        digits = f"{self.rng.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _value_iban(self) -> str:
        return self.rng.choice("DE FR ES IT NL AT PL".split()) + self._digits(20)

    def _value_card(self) -> str:
        return " ".join(self._digits(4) for _ in range(4))

    def _value_money(self) -> str:
        return self.rng.choice(MONEY.split("|")).format(self.rng.randint(1, 9999))

    def _value_ver(self) -> str:
        return ".".join(str(self.rng.randint(0, 20)) for _ in range(self.rng.choice((1, 2, 3))))

    def _value_ip(self) -> str:
        return ".".join(str(self.rng.randint(0, 255)) for _ in range(4))

    def _value_month(self) -> str:
        return self.rng.choice(MONTHS if self.rng.random() < 0.7 else OTHER_MONTHS)

    def _value_day(self) -> str:
        return self.rng.choice(DAYS if self.english or self.rng.random() < 0.3 else OTHER_DAYS)

    def _value_word(self) -> str:
        return self._word()

    def _value_Word(self) -> str:
        return self._word().title() + (self._word().title() if self.rng.random() < 0.6 else "")

    def _value_WORD(self) -> str:
        return f"{self._word()}_{self._word()}".upper()

    def _value_Nomen(self) -> str:
        return self.rng.choice(self.nouns)

    def _value_file(self) -> str:
        if self.rng.random() < 0.6:
            return self.rng.choice(FILES)
        return f"{self._word()}/{self._word()}.{self.rng.choice('py js ts go rs java c md txt'.split())}"

    def _value_url(self) -> str:
        return f"https://{self._word()}.{self.rng.choice(('com', 'org', 'io', 'net'))}/{self._word()}"

    def _value_user(self) -> str:
        return self._word() + self.rng.choice(("", "_")) + self.rng.choice((*words()[:500], *"0123456789"))

    def _value_brand(self) -> str:
        return self.rng.choice(BRANDS)
