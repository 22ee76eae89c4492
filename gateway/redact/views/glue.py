"""Underscores and scripts written without spaces hide where a word begins from expressions that ask for its bounds."""

from __future__ import annotations

import re

from gateway.redact.views.view import View

_GLUE = re.compile(r"_+|[\u2e80-\ud7ff](?=[0-9A-Za-z+])|(?<=[0-9A-Za-z])[\u2e80-\ud7ff]")


def loosened(view: View) -> View | None:
    """A text with spaces for its glue; None if it has none."""
    text = view.text
    if "_" not in text and (text.isascii() or not _GLUE.search(text)):
        return None
    return View(view).show(_GLUE.sub(lambda match: " " * len(match[0]), text), 0, len(text))
