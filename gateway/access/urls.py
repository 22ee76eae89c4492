"""Tokens in URLs, where they have no business: URLs are in the logs of every proxy, in histories and in bookmarks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from gateway.errors import MissingKey

_UNQUOTINGS = 3
# What is left of a token when somebody cut it off is a secret too.
_OURS = re.compile(rb"pgw_[0-9A-Za-z]{8}_[0-9A-Za-z]")
_JWT = re.compile(rb"eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}\.")


def has_token(scope: Mapping[str, Any]) -> bool:
    """Whether the path or the query of an ASGI scope has an access token in it, of ours or a JWT, encoded or not."""
    path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "replace")
    query: bytes = scope["query_string"]
    url = path + b"?" + query if query else path
    return (b"%" in url or b"pgw_" in url or b"eyJ" in url) and _has(url)


def token_in_url() -> MissingKey:
    """What whoever sent one is told."""
    return MissingKey(
        "The URL has a token in it. Send it in the header `Authorization: Bearer …` only, and have this one rotated "
        "now: URLs are written to logs."
    )


def _has(url: bytes) -> bool:
    """Percent-encoded once or again, too."""
    for _ in range(_UNQUOTINGS + 1):
        if _OURS.search(url) or _JWT.search(url):
            return True
        if b"%" not in url:
            return False
        url = unquote_to_bytes(url)
    return False
