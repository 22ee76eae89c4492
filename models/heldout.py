"""Prompts for the evaluation: wording, numbers, orders and mixtures of types that training does not use."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.placeholders import HELD_OUT_NUMBERS, KINDS, held_out_order

INTRODUCTIONS: Final[dict[str, tuple[str, ...]]] = {
    "PERSON": ("Madam {}", "our guest {}", "{} from the third floor", "cousin {}", "{}"),
    "EMAIL_ADDRESS": ("the inbox {}", "a mailbox ({})", "{}"),
    "PHONE_NUMBER": ("the hotline {}", "a line under {}", "{}"),
    "CREDIT_CARD": ("a card ending in {}", "plastic money {}"),
    "IBAN_CODE": ("her savings at {}", "the giro account {}"),
    "IP_ADDRESS": ("a router at {}", "the host behind {}"),
    "URL": ("the blog {}", "a download under {}"),
    "LOCATION": ("a cottage in {}", "the harbour of {}"),
    "ORGANIZATION": ("the charity {}", "a branch of {}"),
    "DATE_TIME": ("the evening of {}", "a slot at {}"),
    "AGE": ("somebody aged {}", "an age of {}"),
}
UNSEEN_KINDS: Final = (
    "VAT_NUMBER",
    "LICENCE_PLATE",
    "BADGE",
    "MAC_ADDRESS",
    "BLOOD_GROUP",
    "TAX_OFFICE_REF",
    "VESSEL",
)
SYSTEMS: Final = (
    "You are a helpful assistant.",
    "Act as the secretary of a rowing club and stay courteous.",
    "Behave like a librarian. Write British English and keep it plain.",
    "Tokens such as <COUNTRY_3> hide secrets; carry them over unaltered.",
    "You support the front desk of a small museum. Never guess, and always finish your sentences.",
)
FILLERS: Final = (
    "The heating in the attic rattled for hours, which annoyed everybody on the floor above.",
    "Somebody had placed a bucket beneath the gutter, yet the carpet got soaked anyway.",
    "During the summer fair the brass band played under the chestnut trees until dusk.",
    "I had hoped to sort this out earlier, but my knee kept me at home.",
    "As you may recall, the previous arrangement fell through owing to a strike.",
    "Nobody objected when the chairwoman put the matter to a vote.",
    "The ferry ran aground, so half of the audience arrived after the interval.",
    "We would be most grateful if everything could be settled within the fortnight.",
    "Frankly, the brochure looks splendid and the printer deserves some praise.",
    "There were crumbs all over the sofa and a puddle beside the fridge.",
)
COMPOSE: Final = (
    "Would you jot down a few lines for {}?",
    "Our receptionist owes an answer to {}. Draft it, will you?",
    "Kindly pen a courteous note regarding {}.",
    "I have to let people know about {}. Write the mail for me.",
    "A brief letter is needed that touches on {}.",
    "Put together a cheerful message in which {} come up.",
    "Write to whoever is in charge, and bring up {}.",
    "Please prepare a heartfelt thank-you letter which names {}.",
    "Draft a complaint. The subject is {}.",
    "It is time to reply. Write a response covering {}.",
    "Compose an invitation to our jubilee with {} in it.",
    "Write something nice concerning {}, ideally a note.",
)
LISTS: Final[tuple[tuple[str, str], ...]] = (
    ("EMAIL_ADDRESS", "List the e-mail addresses that occur here:"),
    ("EMAIL_ADDRESS", "Which email addresses can you spot below?"),
    ("PHONE_NUMBER", "Please list each of the phone numbers you come across:"),
    ("PERSON", "List the names of everybody in this passage:"),
    ("PERSON", "Kindly list the people who appear in it:"),
    ("LOCATION", "Could you list the places it speaks of?"),
    ("URL", "List any links I pasted:"),
    ("IBAN_CODE", "I only want the IBANs. List them:"),
    ("ORGANIZATION", "List the companies that play a role:"),
    ("DATE_TIME", "List the dates, nothing else:"),
    ("", "List all placeholders that are hidden in this passage:"),
    ("", "List all details, please, one beneath the other:"),
)
LOOKUPS: Final[tuple[tuple[str, str], ...]] = (
    ("PHONE_NUMBER", "What is the phone number of {}, please?"),
    ("PHONE_NUMBER", "Could you tell me the telephone number of {}?"),
    ("EMAIL_ADDRESS", "I forgot the e-mail address of {}. What is it?"),
    ("EMAIL_ADDRESS", "What's the email of {}?"),
    ("CREDIT_CARD", "Which credit card does {} hold?"),
    ("LOCATION", "Can you look up the address of {} for me?"),
    ("IBAN_CODE", "What is the IBAN of {} again?"),
    ("DATE_TIME", "What date was arranged with {}? Give me the date of {}."),
    ("US_PASSPORT", "Customs wants the passport number of {}."),
    ("EMPLOYEE_ID", "And what is the employee ID of {} then?"),
)
FIELDS: Final = {
    "PHONE_NUMBER": "phone", "EMAIL_ADDRESS": "e-mail", "CREDIT_CARD": "credit card", "LOCATION": "address",
    "IBAN_CODE": "IBAN", "DATE_TIME": "date", "US_PASSPORT": "passport", "EMPLOYEE_ID": "employee ID",
}  # fmt: skip
REPEATS: Final = (
    "Repeat: {}",
    "Repeat this line, please: {}",
    "Would you kindly repeat: {}",
    "Repeat back to me: {}",
)
SUMMARIES: Final = (
    "Summarise: {}",
    "Summarise what follows for a busy reader: {}",
    "Could you summarise my notes? {}",
    "{}\n\nPlease summarise it.",
)
JSONS: Final = (
    "{} Give it as JSON.",
    "Give it as JSON, will you: {}",
    "I would like this as JSON: {}",
    "{}\nPlease turn that into JSON.",
)
GREETINGS: Final = (
    "Hello, my name is {}, pleased to meet you.",
    "Good morning! I am {}, the new caretaker.",
    "Hi there, {} speaking.",
    "Hello from {}!",
)
DEMO: Final = (
    "Please write a short reply to the customer <EMAIL_ADDRESS_1> (phone <PHONE_NUMBER_1>). "
    "The refund for card <CREDIT_CARD_1> goes to the account <IBAN_CODE_1>."
)


@dataclass(frozen=True)
class Case:
    """A prompt, its kind, and the placeholders that a good answer holds."""

    task: str
    messages: tuple[tuple[str, str], ...]
    asked: tuple[str, ...]


class Maker:
    """Makes cases from a seeded generator."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.used: set[str] = set()

    def placeholder(self, kind: str) -> str:
        """A placeholder new to this conversation; three in five have a number unknown to training."""
        while True:
            number = self.rng.choice(HELD_OUT_NUMBERS) if self.rng.random() < 0.6 else self.rng.randint(1, 9)
            placeholder = f"<{kind}_{number}>"
            if placeholder not in self.used:
                self.used.add(placeholder)
                return placeholder

    def mixture(self, count: int, needed: str = "") -> list[str]:
        """Placeholders in an order of types that training leaves out."""
        while True:
            kinds = [self.rng.choice(KINDS) for _ in range(count)]
            if self.rng.random() < 0.15:
                kinds[self.rng.randrange(count)] = self.rng.choice(UNSEEN_KINDS)
            if needed:
                for place in self.rng.sample(range(count), max(1, count // 2)):
                    kinds[place] = needed
            if count < 2 or held_out_order([f"<{kind}_1>" for kind in kinds]):
                return [self.placeholder(kind) for kind in kinds]

    def introduce(self, placeholder: str) -> str:
        """A placeholder with a few words before or after it."""
        kind = placeholder[1:-1].rsplit("_", 1)[0]
        return self.rng.choice(INTRODUCTIONS.get(kind, ("{}", "something like {}", "an entry {}"))).format(placeholder)

    def together(self, items: Sequence[str]) -> str:
        """`a card ..., the blog ... and ...`."""
        parts = [self.introduce(item) for item in items]
        return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)

    def passage(self, items: Sequence[str], filler: int) -> str:
        """Sentences that hold the placeholders, with others in between."""
        frames = ("Yesterday {} turned up.", "The folder also shows {}.", "Then there is {}, as agreed.",
                  "Somehow {} got involved.", "Apart from that, {} matters.")  # fmt: skip
        sentences = []
        rest = list(items)
        while rest:
            size = self.rng.randint(1, 2)
            sentences.append(self.rng.choice(frames).format(self.together(rest[:size])))
            rest = rest[size:]
        for text in self.rng.sample(FILLERS, filler):
            sentences.insert(self.rng.randint(0, len(sentences)), text)
        return " ".join(sentences)

    def people(self, kind: str) -> tuple[str, list[tuple[str, str]]]:
        """A text about several people with one value each, and the pairs."""
        frame = self.rng.choice((
            "{p} ({k} {v}) came first.", "Then {p}, {k} {v}.", "{p} has the {k} {v}, by the way.",
            "For {p} the {k} {v} is on file.", "{p}: {k} {v};",
        ))  # fmt: skip
        count = self.rng.randint(2, 4)
        pairs = [(self.placeholder("PERSON"), self.placeholder(kind)) for _ in range(count)]
        return " ".join(frame.format(p=p, k=FIELDS[kind], v=v) for p, v in pairs), pairs

    # ---- one method for each kind of prompt: the user's text and what the answer should hold ----

    def compose(self, filler: int = 0) -> tuple[str, list[str]]:
        """Notes, letters, replies."""
        items = self.mixture(self.rng.randint(1, 5))
        request = self.rng.choice(COMPOSE)
        if filler == 0 and self.rng.random() < 0.7:
            return request.format(self.together(items)), items
        early = items[:1]
        text = f"{request.format(self.introduce(early[0]))} {self.passage(items[1:], max(filler, 1))}"
        return text, items

    def long(self) -> tuple[str, list[str]]:
        """A long request of a hundred words or more."""
        return self.compose(filler=self.rng.randint(5, 7))

    def listing(self) -> tuple[str, list[str]]:
        """List the placeholders of a type."""
        kind, request = self.rng.choice(LISTS)
        items = self.mixture(self.rng.randint(2, 6), needed=kind)
        wanted = [item for item in items if not kind or item.startswith(f"<{kind}_")]
        return f"{request} {self.passage(items, self.rng.randint(0, 2))}", wanted

    def lookup(self) -> tuple[str, list[str]]:
        """A value of one person among several."""
        kind, question = self.rng.choice(LOOKUPS)
        text, pairs = self.people(kind)
        person, value = self.rng.choice(pairs)
        asked = question.replace("{}", person)
        return (f"{text} {asked}" if self.rng.random() < 0.5 else f"{asked} {text}"), [value]

    def lives(self) -> tuple[str, list[str]]:
        """Who lives where."""
        pairs = [(self.placeholder("PERSON"), self.placeholder("LOCATION")) for _ in range(self.rng.randint(2, 4))]
        frames = (
            "{} lives in {}.",
            "As for {}, home is {}.",
            "{} moved to {}.",
            "Meanwhile {} lives in {} now.",
        )
        text = " ".join(self.rng.choice(frames).format(*pair) for pair in pairs)
        question = self.rng.choice(("Who lives where?", "So who lives where, please?", "Tell me who lives where."))
        items = [item for pair in pairs for item in pair]
        return (f"{text} {question}" if self.rng.random() < 0.5 else f"{question} {text}"), items

    def repeat(self) -> tuple[str, list[str]]:
        """Repeat a passage."""
        items = self.mixture(self.rng.randint(1, 4))
        return self.rng.choice(REPEATS).format(self.passage(items, self.rng.randint(0, 1))), items

    def summary(self) -> tuple[str, list[str]]:
        """Summarise a passage."""
        items = self.mixture(self.rng.randint(1, 5))
        return self.rng.choice(SUMMARIES).format(self.passage(items, self.rng.randint(0, 4))), items

    def as_json(self) -> tuple[str, list[str]]:
        """Give a passage as JSON."""
        items = self.mixture(self.rng.randint(1, 4))
        return self.rng.choice(JSONS).format(self.passage(items, 0)), items

    def greeting(self) -> tuple[str, list[str]]:
        """A user who says their name."""
        person = self.placeholder("PERSON")
        return self.rng.choice(GREETINGS).format(person), [person]

    def follow_up(self) -> tuple[list[tuple[str, str]], list[str]]:
        """Facts in the first turn, a question about them in a later one."""
        kind, question = self.rng.choice(LOOKUPS)
        text, pairs = self.people(kind)
        person, value = self.rng.choice(pairs)
        turns = [("user", f"Here is what we know. {text}"), ("assistant", "Thank you, I have got that.")]
        if self.rng.random() < 0.4:
            turns += [("user", "Good."), ("assistant", "Is there anything else?")]
        return [*turns, ("user", question.replace("{}", person))], [value]

    def later(self) -> tuple[list[tuple[str, str]], list[str]]:
        """A request of its own after two other turns."""
        first, _ = self.greeting()
        text, items = self.compose()
        turns = [("user", first), ("assistant", "Hello! What can I do for you?")]
        if self.rng.random() < 0.4:
            turns += [("user", "Give me a second."), ("assistant", "Of course.")]
        return [*turns, ("user", text)], items


def cases(count: int = 240, seed: int = 20260) -> list[Case]:
    """The evaluation's prompts; the kinds of prompt take turns."""
    made = []
    for index in range(count):
        maker = Maker(random.Random(seed + index))
        single = (maker.compose, maker.listing, maker.lookup, maker.compose, maker.repeat, maker.summary,
                  maker.as_json, maker.lives, maker.long, maker.greeting)  # fmt: skip
        several = (maker.follow_up, maker.later)
        place = index % (len(single) + len(several))
        if place < len(single):
            task = single[place].__name__
            text, asked = single[place]()
            messages = [("user", text)]
        else:
            task = several[place - len(single)].__name__
            messages, asked = several[place - len(single)]()
        if maker.rng.random() < 0.5:
            messages.insert(0, ("system", maker.rng.choice(SYSTEMS)))
        made.append(Case(task, tuple(messages), tuple(asked)))
    return made
