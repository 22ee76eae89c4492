from __future__ import annotations

import json
import logging
import sys

from gateway.observe.log import JsonFormatter, describe


def line(message: str, *args: object, name: str = "gateway.x", **extra: object) -> dict[str, str]:
    record = logging.LogRecord(name, logging.ERROR, "f.py", 1, message, args, None)
    record.__dict__.update(extra)
    parsed: dict[str, str] = json.loads(JsonFormatter().format(record))
    return parsed


def test_a_line_is_one_json_object_with_known_fields_only() -> None:
    parsed = line("failed", request_id="r1", prompt="Ann")
    assert parsed["request_id"] == "r1"
    assert "Ann" not in json.dumps(parsed)


def test_arguments_of_other_loggers_are_not_written() -> None:
    assert "Ann" not in json.dumps(line("could not read %s", "Ann", name="aiohttp.client"))


def test_an_exception_is_described_by_type_and_place() -> None:
    try:
        raise ValueError("Ann Lee")
    except ValueError as error:
        described = describe(error)
        record = logging.LogRecord("gateway.x", logging.ERROR, "f.py", 1, "failed", (), sys.exc_info())
    assert described["error"] == "ValueError"
    assert "test_log.py" in described["at"]
    assert "Ann" not in JsonFormatter().format(record)
