from __future__ import annotations

import json

import pytest

from gateway.evaluate.documents import Document, DocumentError, Mark, parse
from gateway.evaluate.highlight import Kind, pieces
from gateway.evaluate.score import Judged, score, worst_first

TEXT = "Ann Lee lives in Rome since May."
ANN, ROME, MAY = Mark(0, 7, "PERSON"), Mark(17, 21, "LOCATION"), Mark(28, 31, "DATE_TIME")


def judged(*findings: Mark, text: str = TEXT, marks: tuple[Mark, ...] = (ANN, ROME)) -> Judged:
    return Judged(Document("1", text, marks, (MAY,) if text == TEXT else ()), findings)


def test_everything_found_is_perfect() -> None:
    figures = score([judged(ANN, ROME)]).as_json()
    assert figures["leaked_chars"] == 0
    assert {
        name: figures[name] for name in ("char_recall", "span_recall", "typed_recall", "precision", "f1", "f2")
    } == (dict.fromkeys(("char_recall", "span_recall", "typed_recall", "precision", "f1", "f2"), 1.0))
    assert figures["zero_leak"] == 1.0


def test_a_name_found_in_part_leaks_and_is_typed() -> None:
    scores = score([judged(Mark(0, 3, "PERSON"), ROME)])
    assert scores.leaked_chars == 3
    assert scores.char_recall == pytest.approx(7 / 10), "the space between the names does not count"
    assert scores.span_recall == 0.5
    assert scores.typed_recall == 1.0
    assert scores.precision == 1.0
    assert scores.zero_leak == 0.0
    assert scores.f1 == pytest.approx(2 / 3)
    assert scores.f2 == pytest.approx(5 * 0.5 / (4 + 0.5))


def test_only_letters_and_digits_of_a_value_must_be_hidden_for_it_to_be_found() -> None:
    text, phone = "(030) 123", Mark(0, 9, "PHONE_NUMBER")
    scores = score([judged(Mark(1, 4, "X"), Mark(6, 9, "X"), text=text, marks=(phone,))])
    assert scores.span_recall == 1.0
    assert scores.typed_recall == 0.0
    assert scores.leaked_chars == 2


def test_what_is_optional_is_neither_missed_nor_a_false_alarm() -> None:
    assert score([judged(ANN, ROME, MAY)]).precision == 1.0
    assert score([judged(ANN, ROME, Mark(8, 13, "PERSON"))]).precision == pytest.approx(2 / 3)


def test_texts_without_marks_count_as_touched_by_false_alarms_only() -> None:
    nothing = judged(text="no name here", marks=())
    touched = judged(Mark(3, 7, "PERSON"), text="no name here", marks=())
    optional = Judged(Document("1", TEXT, (), (MAY,)), (MAY,))
    scores = score([nothing, touched, optional])
    assert scores.negatives_touched == pytest.approx(1 / 3)
    assert (scores.with_marks, scores.zero_leak) == (0, 1.0)
    assert score([judged(ANN)]).negatives_touched == 0.0


def test_labels_are_counted_by_themselves() -> None:
    labels = score([judged(Mark(0, 7, "LOCATION"), Mark(8, 13, "URL"))]).as_json()["labels"]
    assert labels["PERSON"] == {"n": 1, "recall": 1.0, "typed": 0.0, "precision": None}
    assert labels["LOCATION"] == {"n": 1, "recall": 0.0, "typed": 0.0, "precision": 1.0}
    assert labels["URL"] == {"n": 0, "recall": None, "typed": None, "precision": 0.0}


def test_the_worst_come_first() -> None:
    good, leaks, alarms = judged(ANN, ROME), judged(ANN), judged(ANN, ROME, Mark(8, 13, "X"))
    assert worst_first([good, leaks, alarms]) == [alarms, leaks, good]
    assert leaks.leaked_text == "Rome"


def test_false_alarms_alone_are_worth_nothing() -> None:
    scores = score([judged(Mark(8, 13, "X"))])
    assert (scores.precision, scores.span_recall, scores.f1, scores.f2) == (0.0, 0.0, 0.0, 0.0)


def test_no_texts_give_no_error() -> None:
    assert score([]).as_json()["documents"] == 0


def test_pieces_are_the_text_and_say_what_became_of_it() -> None:
    shown = pieces(judged(Mark(0, 9, "PERSON", 0.9, "names"), Mark(10, 13, "X"), MAY))
    assert "".join(piece.text for piece in shown) == TEXT
    kinds = [(piece.text, piece.kind) for piece in shown if piece.kind is not Kind.PLAIN]
    assert kinds == [
        ("Ann Lee", Kind.FOUND), (" l", Kind.MORE), ("ves", Kind.ALARM), ("Rome", Kind.LEAKED), ("May", Kind.OPTIONAL),
    ]  # fmt: skip
    assert shown[0].title == "marked PERSON, found PERSON 0.90 by names"


def test_a_line_is_read_with_its_marks() -> None:
    line = json.dumps({"id": 5, "text": TEXT, "spans": [{"start": 0, "end": 7, "label": "PERSON"}], "source": "x"})
    assert parse(line, 1) == Document("5", TEXT, (ANN,))
    assert parse('{"text": ""}', 3) == Document("3", "")


@pytest.mark.parametrize(
    "spans",
    [
        "x",
        ["x"],
        [{"start": 0, "end": 3}],
        [{"start": -1, "end": 3, "label": "X"}],
        [{"start": 3, "end": 3, "label": "X"}],
        [{"start": 0, "end": 99, "label": "X"}],
        [{"start": 0.0, "end": 3, "label": "X"}],
        [{"start": True, "end": 3, "label": "X"}],
    ],
)
def test_marks_that_cannot_be_are_refused_without_quoting_the_text(spans: object) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(json.dumps({"text": TEXT, "spans": spans}), 1)
    assert "Ann" not in str(caught.value)
