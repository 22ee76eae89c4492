"""What an index knows of a document, and what is said of a passage that was found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """A text that must not leave in answers.

    `public`: its passages may leave, also where they stand in other documents too. `scopes`: a principal with any of
    them may be given its passages. `id`: what reports name it by; sealed in the index.
    """

    id: str
    public: bool = False
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a checked text that is a document's.

    `start` and `end` are offsets in code points of the checked text, `words` how many of its words are the document's,
    `near`: not word for word.
    """

    document: Document
    start: int
    end: int
    words: int
    near: bool
