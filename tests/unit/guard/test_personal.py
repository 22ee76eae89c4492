"""Personal data and secrets in answers, with the detector that a policy gets."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import pytest

from gateway.errors import Blocked
from gateway.guard.personal import AnswerRules, PersonalStage
from gateway.guard.windowed import WINDOW_CHARS, WITHHELD, WindowedEditor
from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.exchange import Deadline, DeadlineExceeded
from gateway.pipeline.span import Span
from gateway.policy.schema import Redact
from gateway.redact.detector import PresidioDetector, build_detector
from gateway.redact.placeholder import Grammar
from gateway.redact.recognizers import passwords
from tests.laws.strategies import exchange, prompt, run

CONTENT = Channel(0, Field.CONTENT)
JSON = Channel(0, Field.TOOL_ARGUMENTS, 0, is_json=True)
RULES = AnswerRules(
    entities={"PERSON": "report", "URL": "allow", "DATE_TIME": "allow"},
    secrets="mask",
    guessed_sources=frozenset(row.name for row in passwords.rows()),
    thresholds={"PHONE_NUMBER": 0.4},
)
IBAN = "DE89 3704 0044 0532 0130 00"
GITHUB = "ghp_" + "a1B2" * 9
KEY_LINES = [f"MIIEpAIBAAKCAQEA{'abcdefgh' * 5}{number:02}xyzXYZ" for number in range(24)]
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join(KEY_LINES) + "\n-----END RSA PRIVATE KEY-----"


@pytest.fixture(scope="module")
def detector() -> PresidioDetector:
    return build_detector(Redact.model_validate({"nlp": {"engine": "patterns"}}))


def answered(
    detector: PresidioDetector,
    text: str,
    rules: AnswerRules = RULES,
    channel: Channel = CONTENT,
    asked: Sequence[str] = (),
    size: int = 4,
) -> tuple[str, list[tuple[str, str, str]]]:
    stage, current = PersonalStage(detector, rules, time.monotonic, 5.0), exchange()
    stage.on_request(prompt(*asked), current)
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    output, _ = run(stage.open(current, channel), parts)
    return output, [(found.stage, found.kind, found.action) for found in current.findings]


def test_values_are_withheld_and_counted(detector: PresidioDetector) -> None:
    text = f"Mail jane@corp.example or pay to {IBAN}. Her key is {GITHUB}, she said."
    output, found = answered(detector, text)
    assert output == f"Mail {WITHHELD} or pay to {WITHHELD}. Her key is {WITHHELD}, she said."
    assert found == [
        ("pii", "EMAIL_ADDRESS", "mask"),
        ("pii", "IBAN_CODE", "mask"),
        ("secrets", "SECRET", "mask"),
    ]


@pytest.mark.parametrize("value", [IBAN, "4111 1111 1111 1111", "jane.doe@corp.example", "+49 40 42834-1234", GITHUB])
def test_a_value_is_found_whole_at_every_place_of_a_window(detector: PresidioDetector, value: str) -> None:
    for filler in ("word ", "one. Two ", "a\n"):
        for before in range(WINDOW_CHARS - 60, 2 * WINDOW_CHARS, 3):
            text = (filler * before)[:before] + f" tel {value} and more text after it, so that it goes on."
            output, _ = answered(detector, text, size=7)
            assert output.count(WITHHELD) == 1
            assert len(output) == len(text) - len(value) + len(WITHHELD)


def test_rules_block_by_their_names(detector: PresidioDetector) -> None:
    rules = AnswerRules(entities={"IBAN_CODE": "block"})
    for text, rule in ((f"to {IBAN}.", "answers.pii.IBAN_CODE"), (f"key {GITHUB}", "answers.secrets")):
        with pytest.raises(Blocked) as blocked:
            answered(detector, text, rules)
        assert blocked.value.rule == rule


def test_what_is_allowed_or_reported_stays(detector: PresidioDetector) -> None:
    text = f"Mail jane@corp.example, pay to {IBAN}."
    rules = AnswerRules("allow", {"IBAN_CODE": "report"}, "allow", "allow")
    assert answered(detector, text, rules) == (text, [("pii", "IBAN_CODE", "report")])


def test_what_the_prompt_says_is_nothing_new(detector: PresidioDetector) -> None:
    asked = ["Our support is Support@Corp.example", "call +49 (40) 42834 1234"]
    text = "Write to support@corp.example or call 0049... no, +49 40 42834-1234."
    assert answered(detector, text, asked=asked)[0] == text
    # The whole value counts, not a piece of it.
    assert answered(detector, "Write to port@corp.example.", asked=asked)[0] == f"Write to {WITHHELD}."


def test_placeholders_pass_whole_and_marks_are_none(detector: PresidioDetector) -> None:
    text = "Dear <PERSON_1>, we wrote to <EMAIL_ADDRESS_1>. [withheld] <SECRET> <PERSON#9f86d081884c7d65>."
    asked = ["I am <PERSON_1>, <EMAIL_ADDRESS_1>, <SECRET>, <PERSON#9f86d081884c7d65>"]
    for size in (1, 3, 1000):
        assert answered(detector, text, asked=asked, size=size)[0] == text


def test_what_stands_for_a_value_is_no_placeholder() -> None:
    for before in ("", "<", "PERSON_", "<PERSON_", "\\u003c"):
        for after in ("", "1>", "_1", "1"):
            mentions = Grammar(["PERSON", "WITHHELD"]).mentions(before + WITHHELD + after)
            assert list(mentions) == []


def test_json_is_read_through_its_escapes_and_stays_json(detector: PresidioDetector) -> None:
    value = {
        "mail": "jane@corp.example",
        "lines": f"pay to\n{IBAN}\nnow",
        "card": 4111111111111111,
        "kept": "a\tb\u00e9",
    }
    for text in (json.dumps(value), json.dumps(value).replace("@", "\\u0040").replace("/", "\\/")):
        for size in (1, 2, 5, 1000):
            output, _ = answered(detector, text, channel=JSON, size=size)
            assert json.loads(output) == {
                "mail": WITHHELD,
                "lines": f"pay to\n{WITHHELD}\nnow",
                "card": 9999999999999999,
                "kept": "a\tb\u00e9",
            }
    assert answered(detector, '{"a": "\\u0041\\ud83d\\ude00"}', channel=JSON)[0] == '{"a": "\\u0041\\ud83d\\ude00"}'


@pytest.mark.parametrize("before", ["", "Sure! Here is your key: ", "x" * 190 + " ", "word " * 37])
def test_no_line_of_a_private_key_leaves(detector: PresidioDetector, before: str) -> None:
    for size in (1, 4, 64, 5000):
        output, found = answered(detector, f"{before}{PEM}\nThat is all.", size=size)
        assert output == f"{before}{WITHHELD}\nThat is all."
        assert ("secrets", "SECRET", "mask") in found
    cut, _ = answered(detector, before + PEM[:300])
    assert cut == before + WITHHELD
    with pytest.raises(Blocked):
        answered(detector, before + PEM[:100], AnswerRules())


def test_a_private_key_in_json_is_withheld(detector: PresidioDetector) -> None:
    output, _ = answered(detector, json.dumps({"key": PEM, "next": "kept"}), channel=JSON)
    assert json.loads(output)["key"] == WITHHELD
    assert "MIIE" not in output


def test_a_token_longer_than_a_window_is_withheld_whole(detector: PresidioDetector) -> None:
    header = "eyJhbGciOiJSUzI1NiIs" + "x5Y2V0b2tlbg" * 30
    for token in (
        f"{header}.{'abcDEF123' * 60}.{'sig_' * 40}",
        "eyJhbGciOiJIUzI1NiJ9." + "abcDEF123" * 90 + ".c2ln" * 3,
    ):
        for size in (1, 9, 5000):
            output, _ = answered(detector, f"The token is {token} indeed.", size=size)
            assert output == f"The token is {WITHHELD} indeed."


def test_documentation_of_keys_and_examples_of_passwords_are_no_secrets(detector: PresidioDetector) -> None:
    text = (
        "A key starts with -----BEGIN OPENSSH PRIVATE KEY----- and ends with -----END OPENSSH PRIVATE KEY-----.\n\n"
        "```yaml\nuser: admin\npassword: changeme123\n```\n"
        "```\n-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----\n```\n"
    )
    for size in (1, 5, 1000):
        output, found = answered(detector, text, AnswerRules(guessed_sources=RULES.guessed_sources), size=size)
        assert output == text
        assert found == [("secrets", "GUESSED_SECRET", "report")]


def test_tokens_of_log_probabilities_have_no_text_where_texts_are_withheld(detector: PresidioDetector) -> None:
    channel = Channel(0, Field.LOGPROBS)
    assert answered(detector, "jane@corp.example", channel=channel)[0] == ""
    reporting = AnswerRules("report", {}, "report", "allow")
    assert answered(detector, "jane@corp.example", reporting, channel)[0] == "jane@corp.example"


def test_every_text_of_an_answer_is_read(detector: PresidioDetector) -> None:
    for field in (Field.CONTENT, Field.REASONING, Field.REFUSAL, Field.TOOL_NAME):
        assert answered(detector, f"pay_{IBAN}", channel=Channel(0, field))[0] == f"pay_{WITHHELD}"


class Failing:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        raise self._error


@pytest.mark.parametrize("error", [ValueError("x"), DeadlineExceeded()])
def test_what_a_detector_raises_stops_the_answer(error: Exception) -> None:
    stage, current = PersonalStage(Failing(error), RULES, time.monotonic, 5.0), exchange()
    stage.on_request(prompt("hello"), current)
    with pytest.raises(type(error)):
        run(stage.open(current, CONTENT), ["some text"])


def test_each_window_has_the_time_of_an_analysis() -> None:
    given: list[float] = []

    class Timed:
        def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
            given.append(deadline.left())
            return [[] for _ in texts]

    stage, current = PersonalStage(Timed(), RULES, lambda: 7.0, 2.5), exchange()
    run(
        stage.open(current, CONTENT),
        ["A sentence of many words that is long enough to be a window, " + "a" * 50 + ". "] * 4,
    )
    assert given == [2.5] * 4


def test_a_line_feed_at_a_time_costs_no_more_than_any_text() -> None:
    """What has been searched for the end of a sentence is not searched again."""
    editor = WindowedEditor(lambda _: [], lambda _: None)
    for text in ("\n" * 150, 'x."' + " \n" * 90):
        for character in text:
            editor.push(character)
            assert len(editor._text) - editor._searched <= len(text) - len(text.rstrip()) + 4


def test_windows_end_where_they_do_however_a_text_is_cut() -> None:
    text = ('Sentence one is here."  \n\n Two! _3. 4_ 。5.  6 ... ' + "a" * 70 + ".) B\n \n* c" + "d" * 30) * 4
    read: list[list[str]] = []
    for size in (1, 2, 5, 7, 5000):
        seen: list[str] = []
        editor = WindowedEditor(lambda one, seen=seen: seen.append(one) or [], lambda _: None)  # type: ignore[misc]
        for at in range(0, len(text), size):
            editor.push(text[at : at + size])
        editor.flush()
        read.append(seen)
    assert all(seen == read[0] for seen in read)
    assert len(read[0]) > 5
