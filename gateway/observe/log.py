"""Log lines as JSON on standard error. A line says what happened and where, never what was in it.

Messages of exceptions from libraries may quote the text they failed on, so only their type and place are written.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

_FIELDS = (
    *("request_id", "status", "code", "error", "at", "setting", "part", "kind", "times"),
    *("stage", "action", "tenant", "token", "model", "policy", "problem", "exchange"),
)
_REQUEST: ContextVar[tuple[str, str]] = ContextVar("gateway_request", default=("", ""))
# These write what they handle when they are told to write much.
_TALKATIVE = ("aiohttp", "asyncio", "uvicorn", "urllib3", "spacy", "transformers", "filelock")


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message and the known extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            # asyncio puts what an exception says into lines behind the first.
            "message": record.getMessage() if record.name.startswith("gateway") else _first_line(str(record.msg)),
        }
        request_id, trace_id = _REQUEST.get()
        if request_id:
            line["request_id"] = request_id
        if trace_id:
            line["trace_id"] = trace_id
        line.update({name: record.__dict__[name] for name in _FIELDS if name in record.__dict__})
        if record.exc_info and record.exc_info[1] is not None:
            line.update(describe(record.exc_info[1]))
        return json.dumps(line, ensure_ascii=False)


def _first_line(message: str) -> str:
    return message.partition("\n")[0]


def within_request(request_id: str, trace_id: str = "") -> None:
    """From here on what runs for a request, also in other tasks and threads, has its ids in each line."""
    _REQUEST.set((request_id, trace_id))


def describe(error: BaseException) -> dict[str, str]:
    """An exception's type and the places it passed, without its message."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    at = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames))
    return {"error": type(error).__name__, "at": at}


def configure_logging(level: str) -> None:
    """Everything through one handler; libraries at warning or above whatever the level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("gateway").setLevel(level.upper())
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
