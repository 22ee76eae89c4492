"""What comes out of reading one document: its text, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of one document. `note`: what its owner should know of how it was read; `is_whole` is false if a part of
    it could not be read, which the note then tells."""

    text: str
    note: str = ""
    is_whole: bool = True


class Unreadable(Exception):
    """A document without a text that could be had. `why` says what to do and never quotes the document."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def too_long(what: str, limit: int) -> Unreadable:
    """For a document over a limit of bytes or characters."""
    return Unreadable(f"{what} is over {limit // 2**20} MiB; split it")
