"""Texts in which somebody has marked the personal data: one JSON object per line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


class DocumentError(ValueError):
    """A line is no marked text. The message says what is wrong and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Code points [start, end) of a text are a value of type `label`; a prediction also has a score and a source."""

    start: int
    end: int
    label: str
    score: float = 1.0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A text with the marks that must be found, and those (`optional`) that may be."""

    id: str
    text: str
    marks: tuple[Mark, ...] = ()
    optional: tuple[Mark, ...] = ()


def parse(line: str | bytes, number: int) -> Document:
    """One line `{"id", "text", "spans": [{"start", "end", "label"}], "optional": […]}`; without an id, its number.

    Raises DocumentError.
    """
    found = parse_text(line, number)
    text = str(found["text"])
    return Document(str(found["id"]), text, _marks(found, "spans", text), _marks(found, "optional", text))


def parse_text(line: str | bytes, number: int) -> dict[str, Any]:
    """One line `{"id", "text"}` and what else it holds; without an id, the number of the line. Raises DocumentError."""
    try:
        found = json.loads(line)
    except UnicodeDecodeError:
        raise DocumentError("not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise DocumentError(f"not valid JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"not valid JSON ({type(error).__name__})") from None
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        raise DocumentError('expected an object such as {"id": "1", "text": "…"}')
    return {"id": number, **found}


def _marks(found: dict[str, Any], name: str, text: str) -> tuple[Mark, ...]:
    marks = found.get(name, [])
    if not isinstance(marks, list) or not all(_is_mark(mark, len(text)) for mark in marks):
        raise DocumentError(f'{name}: expected [{{"start", "end", "label"}}] with 0 <= start < end <= length of text')
    return tuple(Mark(mark["start"], mark["end"], mark["label"]) for mark in marks)


def _is_mark(mark: Any, length: int) -> bool:
    if not isinstance(mark, dict) or not isinstance(mark.get("label"), str):
        return False
    start, end = mark.get("start"), mark.get("end")
    if type(start) is not int or type(end) is not int:
        return False
    return 0 <= start < end <= length
