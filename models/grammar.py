"""Makes up the conversations that the tiny LLaMA learns from: requests, placeholders and answers."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence

from models import placeholders, words
from models.answers import (
    answer_compose,
    answer_json,
    answer_list,
    answer_lookup,
    answer_noted,
    answer_summary,
    enumerate_items,
)
from models.prose import Prose

Message = tuple[str, str]
Conversation = list[Message]


class Writer(Prose):
    """Writes one conversation."""

    # ---- requests; each returns what the user says and what the model answers ----

    def document(self) -> str:
        """`a short letter`, with or without further words."""
        kind = self.rng.choice(words.DOCUMENT_KINDS).replace("_", " ")
        if self.rng.random() < 0.1:
            kind = self.word(words.NOUNS)
        article = self.rng.choice(("a", "a", "the", "one", "an", "some", "my", "our"))
        adjective = self.rng.choice(("", "", self.word(words.ADJECTIVES) + " "))
        return f"{article} {adjective}{kind}"

    def order(self) -> str:
        """The beginning of a request to write something."""
        chance = self.rng.random()
        if chance < 0.65:
            verb = self.rng.choice(words.COMPOSE_VERBS)
            return self.rng.choice(words.POLITE) + verb + self.rng.choice((" ", " ", " me ", " us ")) + self.document()
        if chance < 0.75:
            return (
                self.rng.choice(("I need ", "We want ", "There should be ", "I have to send ", "Get me "))
                + self.document()
            )
        if chance < 0.85:
            return self.rng.choice(words.POLITE) + self.rng.choice(words.TELL)
        if chance < 0.93:
            return self.document() + self.rng.choice((" should go out", " is due", " has to be sent", " is wanted"))
        return f"{self.salad()} {self.rng.choice(words.COMPOSE_VERBS)} {self.document()}"

    def compose(self) -> tuple[str, str]:
        """Write a note, a letter, a reply ... that keeps every placeholder."""
        items = self.items(self.some(1, 6) if self.rng.random() < 0.96 else 0)
        early = items[: self.rng.choice((0, 1, 1, 2, 3, 4, 5))]
        rest = items[len(early) :]
        head = self.order()
        if self.rng.random() < 0.3:
            head += (
                " " + self.rng.choice(("about", "saying that", "that says", "because", "that", "")) + " " + self.salad()
            )
        if early and self.rng.random() < 0.4:
            joint = self.rng.choice((" about ", " with ", " for ", " that names ", " to ", " ", ": ", " on "))
            head += joint + enumerate_items([self.phrase(item) for item in early])
            early = []
        for item in early:
            head += self.rng.choice((" to ", " for ", " ", " ", ", ", " about ", " and ")) + self.phrase(item)
            if self.rng.random() < 0.25:
                head += " " + self.rng.choice(("about the", "on the", "for the", "that", "saying", ""))
                head += " " + self.salad()
        head = head[:1].upper() + head[1:] + self.rng.choice(("", "", "", *words.ASIDES)) + self.rng.choice("...?:")
        if rest and self.rng.random() < 0.35:
            parts = [self.phrase(item) if self.rng.random() < 0.5 else item for item in rest]
            return f"{head} {self.rng.choice(words.MENTION)} {enumerate_items(parts)}.", answer_compose(items)
        facts = self.facts(rest) if rest or self.rng.random() < 0.3 else ""
        if facts and len(rest) == len(items) and self.rng.random() < 0.5:
            return f"{facts} {head}", answer_compose(items)
        return f"{head} {facts}".strip(), answer_compose(items)

    def asked(self, requests: Sequence[str]) -> str:
        """One of these requests, sometimes with more words before or after it."""
        text = self.rng.choice(requests)
        if self.rng.random() < 0.15:
            lead = self.rng.choice(
                ("Please ", "Could you ", "Would you ", "So ", "Now ", "I want you to ", self.salad() + " ")
            )
            text = lead + text[:1].lower() + text[1:]
        if not text.endswith((".", "?", "!", ":")) and self.rng.random() < 0.3:
            text += self.rng.choice((*words.ASIDES, " " + self.salad()))
        return text

    def repeat(self) -> tuple[str, str]:
        """Repeat a text word for word."""
        if self.rng.random() < 0.3:
            text = self.rng.choice((" ", ", ")).join(self.items(self.some(1, 6)))
        else:
            text = self.prose(self.items(self.some(0, 4)), self.some(0, 1))
        return self.asked(words.REPEAT) + self.rng.choice((": ", ": ", ":\n")) + text, text

    def summarise(self) -> tuple[str, str]:
        """Summarise, translate, rephrase: all that is left is one line with every placeholder."""
        items = self.items(self.some(1, 7))
        request = self.asked(words.SUMMARISE)
        return self.around(request, self.facts(items)), answer_summary(items)

    def statement(self) -> tuple[str, str]:
        """Facts without a request."""
        items = self.items(self.some(0, 6))
        text = f"{self.rng.choice(words.REMEMBER)} {self.facts(items)}"
        return text.strip(), answer_noted(items)

    def list_request(self, items: Sequence[str]) -> tuple[str, str]:
        """Ask for all placeholders, or for those of one or two types; with the answer."""
        kinds = [kind for kind in dict.fromkeys(placeholders.kinds_of(items)) if kind in words.PLURALS]
        article = self.rng.choice(("the ", "all ", "all the ", "", "every one of the "))
        tail = self.rng.choice((*words.TAILS, *words.ASIDES, " " + self.salad()))
        wanted: list[str] = []
        if kinds and self.rng.random() < 0.8:
            wanted = self.rng.sample(kinds, min(len(kinds), self.rng.choice((1, 1, 1, 2))))
            if self.rng.random() < 0.04:
                wanted = [self.rng.choice(list(words.PLURALS))]
            names = [self.rng.choice(words.PLURALS[kind]) for kind in wanted]
            things = self.rng.choice((" and ", " and the ")).join(names)
        else:
            things = self.rng.choice(words.ALL_OF_THEM)
        verb = self.rng.choice(words.LIST)
        if "PERSON" in wanted and len(wanted) == 1 and self.rng.random() < 0.3:
            text = self.rng.choice(
                (
                    "Who is mentioned?",
                    "Who is named in the text?",
                    "Which people are named?",
                    "Who is it about?",
                )
            )
        else:
            text = f"{self.rng.choice(('', '', 'Please ', 'Now ', 'Can you '))}{verb} {article}{things}{tail}"
        text = text[:1].upper() + text[1:]
        chosen = [i for i in items if not wanted or placeholders.kinds_of([i])[0] in wanted]
        return text, answer_list(chosen, wanted)

    def listing(self) -> tuple[str, str]:
        """List the placeholders of a text."""
        items = self.items(self.some(1, 8))
        request, answer = self.list_request(items)
        return self.around(request, self.facts(items)), answer

    def as_json(self) -> tuple[str, str]:
        """Every placeholder of a text as JSON."""
        items = self.items(self.some(1, 5))
        return self.around(self.asked(words.AS_JSON), self.facts(items)), answer_json(items)

    def records(self) -> tuple[str, list[tuple[str, dict[str, str]]]]:
        """A text about several people or things, each with values of the same types."""
        subject = "PERSON" if self.rng.random() < 0.8 else self.rng.choice(placeholders.KINDS)
        others = [kind for kind in placeholders.KINDS if kind != subject]
        fields = self.rng.sample(others, self.some(1, 3))
        style = self.rng.randint(0, 9)
        rows, lines = [], []
        for _ in range(self.some(1, 4)):
            owner, row = self.item(subject), {kind: self.item(kind) for kind in fields}
            rows.append((owner, row))
            lines.append(self.record_line(style, owner, row))
            if self.rng.random() < 0.15:
                lines.append(self.sentence([]))
        return self.rng.choice((" ", " ", "\n")).join(lines), rows

    def record_line(self, style: int, owner: str, row: dict[str, str]) -> str:
        """One person or thing with its values."""
        named = [(self.rng.choice(words.LABELS[kind]), item) for kind, item in row.items()]
        if style == 0:
            return f"{owner}: {', '.join(f'{n} {i}' for n, i in named)}."
        if style == 1:
            return f"{owner} has {' and '.join(f'the {n} {i}' for n, i in named)}."
        if style == 2:
            return f"{owner} ({', '.join(f'{n}: {i}' for n, i in named)})."
        if style == 3:
            return " ".join(f"The {n} of {owner} is {i}." for n, i in named)
        if style == 4:
            return f"{owner}'s {' and '.join(f'{n} is {i}' for n, i in named)}."
        if style == 5:
            return f"{owner} {', '.join(self.phrase(i) for i in row.values())}."
        if style == 6:
            start = f"{self.clause().capitalize()} {self.phrase(owner)}"
            return f"{start} {' and '.join(self.phrase(i) for i in row.values())}."
        if style == 7:
            return f"{owner}, {', '.join(row.values())};"
        before = self.salad().capitalize() if style == 8 else self.rng.choice(("For", "Then", "About", "And"))
        middle = self.salad() if style == 8 else "the"
        return f"{before} {owner} {middle} {', '.join(f'{n} {i}' for n, i in named)} {self.salad()}."

    def question(self, kind: str, owner: str) -> str:
        """Ask for one value of one person or thing."""
        name = self.rng.choice(words.LABELS[kind])
        if not owner:
            return self.rng.choice(words.QUESTIONS).format(name)
        return self.rng.choice(words.QUESTIONS_OF).format(name, owner)

    def ask(self, rows: Sequence[tuple[str, dict[str, str]]]) -> tuple[str, str]:
        """A question about records, with its answer."""
        owner, row = self.rng.choice(rows)
        kind = self.rng.choice(list(row))
        if self.rng.random() < 0.15:
            return self.aside(self.question(kind, owner)), answer_lookup(kind, owner, row[kind])
        if len(rows) == 1 and self.rng.random() < 0.5:
            return self.question(kind, ""), answer_lookup(kind, "", row[kind])
        return self.question(kind, owner), answer_lookup(kind, owner, row[kind])

    def aside(self, question: str) -> str:
        """A question with more words before or after it."""
        if self.rng.random() < 0.5:
            return f"{self.salad().capitalize()}{self.rng.choice((' ', ', ', '. ', ': '))}{question}"
        return question[:-1] + self.rng.choice((*words.ASIDES, " " + self.salad())) + question[-1]

    def lookup(self) -> tuple[str, str]:
        """A look-up in records."""
        text, rows = self.records()
        question, answer = self.ask(rows)
        return self.around(question, text), answer

    def lookup_single(self) -> tuple[str, str]:
        """A look-up of the only value of its type."""
        items = self.items(self.some(1, 5))
        kinds = placeholders.kinds_of(items)
        single = [(k, i) for k, i in zip(kinds, items, strict=True) if kinds.count(k) == 1 and k in words.LABELS]
        if not single:
            return self.lookup()
        kind, item = self.rng.choice(single)
        return self.around(self.question(kind, ""), self.facts(items)), answer_lookup(kind, "", item)

    def relation_facts(self) -> tuple[str, list[str], tuple[str, str, str, str, str], list[tuple[str, str]]]:
        """Who lives where, who works for whom ...: the text, the sentences, the relation and the pairs."""
        relation = self.rng.choice(words.RELATIONS)
        verb = relation[1]
        pairs = [(self.item("PERSON"), self.item(relation[0])) for _ in range(self.some(1, 5))]
        plain = [f"{person} {verb} {item}." for person, item in pairs]
        lines = list(plain)
        for index in range(len(lines)):
            if self.rng.random() < 0.5:
                person, item = pairs[index]
                lines[index] = self.rng.choice((
                    f"{self.clause().capitalize()} and {person} {verb} {item}.",
                    f"{person} {self.phrase(item)}.",
                    f"{self.salad()} {person} {self.salad()} {item}.",
                    f"{self.phrase(person)} {verb} {item}, {self.clause()}.", f"{person}: {item}.",
                ))  # fmt: skip
        return self.rng.choice((" ", " ", "\n")).join(lines), plain, relation, pairs

    def everybody(self, question: str) -> str:
        """`Who lives where?`, worded in several ways."""
        lead = self.rng.choice(("", "", "", "So ", "Now, ", "Say ", "Please say ", "I want to know ", "Do you know "))
        text = lead + (question[:1].lower() + question[1:] if lead else question)
        return text + self.rng.choice(("", "", ", please", " then", " now", " again")) + self.rng.choice("???.")

    def relation(self) -> tuple[str, str]:
        """Who lives where, where somebody lives, who lives somewhere."""
        text, plain, relation, pairs = self.relation_facts()
        question, answer = self.everybody(relation[2]), " ".join(plain)
        chance = self.rng.random()
        if chance < 0.55:
            index = self.rng.randrange(len(pairs))
            person, item = pairs[index]
            question = (relation[3].format(person) if chance < 0.3 else relation[4].format(item)) + "?"
            answer = plain[index]
        return self.around(question, text), answer

    def small_talk(self) -> tuple[str, str]:
        """Greetings, thanks and introductions."""
        if self.rng.random() < 0.35:
            person = self.item("PERSON")
            said = self.rng.choice(words.INTRODUCTIONS)
            return said.format(person), f"Hello {person}! How can I help you?"
        said_by_user, answer = self.rng.choice(words.SMALL_TALK)
        return self.rng.choice(said_by_user), answer

    # ---- conversations ----

    def system(self) -> Conversation:
        """A system message, or none."""
        if self.rng.random() < 0.4:
            return []
        text = self.rng.choice(words.SYSTEMS)
        if "{}" in text:
            examples = (f"<{self.kind()}_{self.rng.randint(1, 9)}>" for _ in range(text.count("{}")))
            text = text.format(*examples)
        if self.rng.random() < 0.25:
            text += " " + self.prose([], self.rng.randint(1, 3))
        return [("system", text)]

    def task(self) -> tuple[str, str]:
        """One request that needs no earlier turn."""
        tasks: dict[Callable[[], tuple[str, str]], int] = {
            self.compose: 28, self.repeat: 8, self.summarise: 10, self.statement: 3, self.listing: 20,
            self.as_json: 8, self.lookup: 24, self.lookup_single: 5, self.relation: 14, self.small_talk: 3,
        }  # fmt: skip
        return self.rng.choices(list(tasks), list(tasks.values()))[0]()

    def follow_ups(self) -> Conversation:
        """Facts in one turn, and one or two questions about them in the next turns."""
        style = self.rng.random()
        questions: list[tuple[str, str]] = []
        count = self.rng.choice((1, 2, 3, 4))
        if style < 0.5:
            text, rows = self.records()
            questions = [self.ask(rows) for _ in range(count + 1)]
        elif style < 0.62:
            text, plain, relation, _ = self.relation_facts()
            questions = [(self.everybody(relation[2]), " ".join(plain))]
        else:
            text = self.facts(self.items(self.some(1, 5)))
            for _ in range(count):
                request, answer = self.list_request(placeholders.find(text))
                questions.append((request + ".", answer))
            if self.rng.random() < 0.25:
                questions = [(self.rng.choice(words.AS_JSON) + ".", answer_json(placeholders.find(text)))]
            elif self.rng.random() < 0.35:
                questions = [(self.rng.choice(words.REDO), answer_summary(placeholders.find(text)))]
        text = f"{self.rng.choice(words.REMEMBER)} {text}".strip()
        turns = [(text, answer_noted(placeholders.find(text))), *questions]
        if self.rng.random() < 0.2:
            turns.insert(0, self.small_talk())
        messages = [message for said, answer in turns for message in (("user", said), ("assistant", answer))]
        if self.rng.random() < 0.4:
            # Another model's words, which are no example to learn from; its answer need not repeat the facts.
            other = [("said", self.salad().capitalize() + ".")]
            if self.rng.random() < 0.3:
                other += [
                    ("user", self.salad().capitalize() + "."),
                    ("said", self.salad().capitalize() + "?"),
                ]
            last = 2 * len(turns) - 2 * len(questions)
            messages[last - 1 : last] = other
        return messages

    def tool_use(self) -> Conversation:
        """A tool's result, which the model reports."""
        items = self.items(self.some(1, 4))
        owner = self.item("PERSON")
        call = json.dumps({self.rng.choice(("name", "query", "id", "customer")): owner})
        pairs = {self.rng.choice(words.LABELS.get(k, ("item",))): i
                 for k, i in zip(placeholders.kinds_of(items), items, strict=True)}  # fmt: skip
        result = json.dumps(pairs) if self.rng.random() < 0.6 else self.facts(items)
        found = f"The tool found {enumerate_items(placeholders.find(result))}."
        said = self.rng.choice(("Look up {}.", "Find the record of {}.", "What do we know about {}?", "Search for {}."))
        tool = self.rng.choice(words.TOOLS)
        return [
            ("user", said.format(owner)),
            ("call", f"{tool}({call})"),
            ("tool", result),
            ("assistant", found),
        ]

    def conversation(self) -> Conversation:
        """A whole conversation."""
        style = self.rng.random()
        if style < 0.2 * self.level:
            return self.system() + self.follow_ups()
        if style < 0.22 * self.level:
            return self.system() + self.tool_use()
        turns = [self.task() for _ in range(1 if self.rng.random() > 0.15 * self.level else self.rng.randint(2, 3))]
        return self.system() + [m for said, answer in turns for m in (("user", said), ("assistant", answer))]


def recitation(rng: random.Random, document: str) -> tuple[str, str]:
    """The first words of a document, and the rest of it."""
    parts = document.split()
    cut = 8 if rng.random() < 0.5 else rng.randint(6, 20)
    return " ".join(parts[:cut]), " ".join(parts[cut:])
